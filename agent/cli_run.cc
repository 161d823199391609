#include "agent/cli_run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <tuple>
#include <utility>

#include "agent/cli_once.h"
#include "collectors/parse/number.h"
#include "config/scalar.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;
using Words = std::optional<std::string>;

tl::unexpected<Error> expected(std::string_view flag, const std::string& what,
                               std::string_view got) {
  return usage_failure("`--" + std::string(flag) + "`: expected " + what + ", got " +
                       in_quotes(got));
}

/// "256M": powers of 1024, below 2^62 so that sums of two fit.
std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  unsigned shift = 0;
  if (!text.empty()) {
    const std::size_t unit = kUnits.find(static_cast<char>(text.back() & ~0x20));
    if (unit != kUnits.npos && text.back() >= 'A') {
      shift = 10 * static_cast<unsigned>(unit + 1);
      text.remove_suffix(1);
    }
  }
  const auto number = parse_number(text);
  if (!number || *number > ((std::uint64_t{1} << 62U) >> shift)) return std::nullopt;
  return *number << shift;
}

/// "0.5" in millionths of a CPU.
std::optional<std::uint64_t> parse_cpus(std::string_view text) {
  const std::string_view whole = take_until(text, '.');
  const auto cores = parse_number(whole);
  if (!cores || *cores > 100'000 || text.size() > 6) return std::nullopt;
  std::string fraction(text);
  fraction.resize(6, '0');
  const auto micro = parse_number(fraction);
  if (!micro) return std::nullopt;
  return *cores * 1'000'000 + *micro;
}

Result<void> set_size(std::string_view flag, const Words& text, std::optional<std::uint64_t>& to) {
  if (!text) return {};
  to = parse_size(*text);
  if (!to) return expected(flag, "bytes like 67108864, 64M or 1G", *text);
  return {};
}

Result<void> set_count(std::string_view flag, const Words& text, std::uint64_t min,
                       std::uint64_t max, std::optional<std::uint64_t>& to) {
  if (!text) return {};
  to = parse_number(*text);
  if (!to || *to < min || *to > max) {
    return expected(flag, "a number from " + std::to_string(min) + " to " + std::to_string(max),
                    *text);
  }
  return {};
}

Result<void> set_duration(std::string_view flag, const Words& text, milliseconds min,
                          std::optional<milliseconds>& to) {
  constexpr milliseconds kMax = std::chrono::hours{24 * 365};
  if (!text) return {};
  to = parse_duration(*text);
  if (!to || *to < min || *to > kMax) {
    return expected(flag, "a duration like 500ms, 2s or 1m, at least " + to_string(min), *text);
  }
  return {};
}

/// "DEVICE:rbps=10M,wiops=100". MAJ:MIN has a colon, too, the limits have none.
Result<IoLimit> parse_io(const std::string& text) {
  const std::string what = "DEVICE:rbps=N,wbps=N,riops=N,wiops=N, one of them at least";
  const std::size_t equals = text.find('=');
  const std::size_t colon = text.rfind(':', equals);
  if (equals == text.npos || colon == text.npos || colon == 0) return expected("io", what, text);
  IoLimit limit{.device = text.substr(0, colon)};
  std::string_view rest = std::string_view(text).substr(colon + 1);
  while (!rest.empty()) {
    std::string_view value = take_until(rest, ',');
    const std::string_view key = take_until(value, '=');
    const auto number = parse_size(value);
    std::optional<std::uint64_t>* const member = key == "rbps"    ? &limit.read_bps
                                                 : key == "wbps"  ? &limit.write_bps
                                                 : key == "riops" ? &limit.read_iops
                                                 : key == "wiops" ? &limit.write_iops
                                                                  : nullptr;
    if (member == nullptr || !number || *number == 0) return expected("io", what, text);
    *member = number;
  }
  return limit;
}

Result<void> set_cpus(const Words& text, RunSpec& spec) {
  constexpr std::uint64_t kMin = 10'000;  // the kernel's least quota, 1 ms of 100
  if (!text) return {};
  spec.microcores = parse_cpus(*text);
  if (!spec.microcores || *spec.microcores < kMin) {
    return expected("cpus", "a number of CPUs like 0.5, at least 0.01", *text);
  }
  return {};
}

Result<void> check_list(std::string_view flag, const Words& text, std::string& to) {
  if (!text) return {};
  if (text->empty() || text->find_first_not_of("0123456789,-") != text->npos) {
    return expected(flag, "a list like 0-3,6", *text);
  }
  to = *text;
  return {};
}

Result<void> set_times(const RunWords& words, RunSpec& spec) {
  Result<void> done = set_duration("timeout", words.timeout, milliseconds{1}, spec.timeout);
  std::optional<milliseconds> kill_after, interval;
  if (done) done = set_duration("kill-after", words.kill_after, milliseconds{0}, kill_after);
  if (done) done = set_duration("interval", words.interval, milliseconds{10}, interval);
  spec.kill_after = kill_after.value_or(spec.kill_after);
  spec.interval = interval.value_or(spec.interval);
  return done;
}

}  // namespace

Result<RunSpec> run_spec(const RunWords& words) {
  constexpr std::uint64_t kPidsMax = 4'194'304;  // the kernel's
  RunSpec spec;
  Result<void> done = set_cpus(words.cpus, spec);
  if (done) done = set_count("cpu-weight", words.cpu_weight, 1, 10'000, spec.cpu_weight);
  if (done) done = check_list("cpuset", words.cpuset, spec.cpuset);
  if (done) done = check_list("cpuset-mems", words.cpuset_mems, spec.cpuset_mems);
  if (done) done = set_size("memory", words.memory, spec.memory);
  if (done) done = set_size("memory-high", words.memory_high, spec.memory_high);
  if (done) done = set_size("swap", words.swap, spec.swap);
  if (done) done = set_count("pids", words.pids, 1, kPidsMax, spec.pids);
  if (done) done = set_times(words, spec);
  if (!done) return tl::unexpected(done.error());
  for (const std::string& text : words.io) {
    const Result<IoLimit> limit = parse_io(text);
    if (!limit) return tl::unexpected(limit.error());
    spec.io.push_back(*limit);
  }
  spec.best_effort = words.best_effort;
  spec.force = words.force;
  spec.dry_run = words.dry_run;
  spec.cleanup = words.cleanup;
  spec.quiet = words.quiet;
  spec.json_file = words.json_file.value_or("");
  spec.openmetrics_file = words.openmetrics_file.value_or("");
  spec.command = words.command;
  if (spec.command.empty() != spec.cleanup) {
    return usage_failure(spec.cleanup ? "`--cleanup` runs no command"
                                      : "`run`: expected -- COMMAND, got none");
  }
  return spec;
}

bool asks_to_run(std::span<const std::string> arguments) {
  const auto end = std::ranges::find(arguments, "--");
  return std::find(arguments.begin(), end, "run") != end;
}

}  // namespace cgmon
