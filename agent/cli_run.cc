#include "agent/cli_run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "agent/cli_flags.h"
#include "agent/cli_isolation.h"
#include "agent/cli_once.h"
#include "collectors/base/nearest.h"
#include "collectors/parse/number.h"
#include "config/scalar.h"
#include "config/yaml_tree.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;

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

/// The one value of a flag; null if it was not given.
const std::string* value_of(const RunWords& words, std::string_view flag) {
  const auto found = words.find(flag);
  return found == words.end() || found->second.empty() ? nullptr : &found->second.front();
}

bool has(const RunWords& words, std::string_view flag) { return value_of(words, flag) != nullptr; }

Result<void> set_size(const RunWords& words, std::string_view flag,
                      std::optional<std::uint64_t>& to) {
  const std::string* const text = value_of(words, flag);
  if (text == nullptr) return {};
  to = parse_size(*text);
  if (!to) return expected(flag, "bytes like 67108864, 64M or 1G", *text);
  return {};
}

Result<void> set_count(const RunWords& words, std::string_view flag, std::uint64_t min,
                       std::uint64_t max, std::optional<std::uint64_t>& to) {
  const std::string* const text = value_of(words, flag);
  if (text == nullptr) return {};
  to = parse_number(*text);
  if (!to || *to < min || *to > max) {
    return expected(flag, "a number from " + std::to_string(min) + " to " + std::to_string(max),
                    *text);
  }
  return {};
}

Result<void> set_duration(const RunWords& words, std::string_view flag, milliseconds min,
                          std::optional<milliseconds>& to) {
  constexpr milliseconds kMax = std::chrono::hours{24 * 365};
  const std::string* const text = value_of(words, flag);
  if (text == nullptr) return {};
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

/// "2M:64M".
Result<HugetlbLimit> parse_hugetlb(const std::string& text) {
  std::string_view rest = text;
  const auto page = parse_size(take_until(rest, ':')), bytes = parse_size(rest);
  if (!page || *page < 1024 || (*page & (*page - 1)) != 0 || !bytes) {
    return expected("hugetlb", "SIZE:BYTES like 2M:64M", text);
  }
  return HugetlbLimit{*page, *bytes};
}

/// "NAME:N" or "NAME:KEY=N,KEY=N"; the kernel takes blanks in place of commas.
Result<NamedResource> parse_resource(std::string_view flag, const std::string& text) {
  const bool is_keyed = flag == "rdma";
  const std::string what =
      is_keyed ? "DEVICE:hca_handle=N,hca_object=N, one of them at least" : "NAME:N like sev:5";
  std::string_view rest = text;
  NamedResource resource{.flag = std::string(flag), .name = std::string(take_until(rest, ':'))};
  if (resource.name.empty() || resource.name.find_first_of(" \n") != std::string::npos ||
      rest.empty()) {
    return expected(flag, what, text);
  }
  while (!rest.empty()) {
    std::string_view value = take_until(rest, ',');
    const std::string_view key = is_keyed ? take_until(value, '=') : "";
    const bool is_known = !is_keyed || key == "hca_handle" || key == "hca_object";
    if (!is_known || !parse_number(value) || (!is_keyed && !rest.empty())) {
      return expected(flag, what, text);
    }
    if (!resource.text.empty()) resource.text += ' ';
    resource.text += std::string(key) + (is_keyed ? "=" : "") + std::string(value);
  }
  return resource;
}

/// "rwm" or a part of it.
bool set_access(std::string_view text, DeviceRule& rule) {
  if (text.empty() || text.find_first_not_of("rwm") != text.npos) return false;
  rule.read = text.find('r') != text.npos;
  rule.write = text.find('w') != text.npos;
  rule.make = text.find('m') != text.npos;
  return true;
}

/// "/dev/fuse", "/dev/fuse:rw", "c 10:229 rw", "b 8:* r".
Result<DeviceRule> parse_device(const std::string& text) {
  const auto wrong = [&] {
    return expected("device", "/dev/NODE[:rwm], 'c MAJ:MIN rwm', 'b MAJ:* r' or none", text);
  };
  DeviceRule rule{.read = true, .write = true, .make = true};
  if (text.starts_with('/')) {
    const std::size_t colon = text.rfind(':');
    rule.path = text.substr(0, colon);
    if (colon != text.npos && !set_access(std::string_view(text).substr(colon + 1), rule)) {
      return wrong();
    }
    return rule;
  }
  constexpr std::uint64_t kMajorMax = (1U << 12U) - 1, kMinorMax = (1U << 20U) - 1;
  std::string_view rest = text;
  const std::string_view type = take_word(rest);
  std::string_view minor = take_word(rest);
  const std::string_view major = take_until(minor, ':');
  const auto number = [](std::string_view each, std::uint64_t max,
                         std::optional<std::uint32_t>& to) {
    if (each == "*") return true;
    const auto parsed = parse_number(each);
    if (!parsed || *parsed > max) return false;
    to = static_cast<std::uint32_t>(*parsed);
    return true;
  };
  if ((type != "c" && type != "b") || !number(major, kMajorMax, rule.major) ||
      !number(minor, kMinorMax, rule.minor) || (!rest.empty() && !set_access(rest, rule))) {
    return wrong();
  }
  rule.type = type.front();
  return rule;
}

/// "nofile=64:128"; one value is both limits.
Result<Rlimit> parse_rlimit(const std::string& text) {
  std::string_view rest = text;
  const std::string_view name = take_until(rest, '=');
  const auto known = std::ranges::find(kRlimitNames, name);
  std::string names;
  for (const std::string_view each : kRlimitNames) {
    names += (names.empty() ? "" : ", ") + std::string(each);
  }
  const auto wrong = [&] { return expected("rlimit", "NAME=SOFT[:HARD], NAME of " + names, text); };
  if (known == kRlimitNames.end()) return wrong();
  Rlimit limit{.index = static_cast<std::size_t>(known - kRlimitNames.begin())};
  const std::string_view soft = take_until(rest, ':'), hard = rest.empty() ? soft : rest;
  for (const auto& [value, to] : {std::pair(soft, &limit.soft), std::pair(hard, &limit.hard)}) {
    if (value == "unlimited") continue;
    *to = parse_size(value);
    if (!*to) return wrong();
  }
  if (limit.hard && (!limit.soft || *limit.soft > *limit.hard)) {
    return expected("rlimit", "a soft limit that is no more than the hard one", text);
  }
  return limit;
}

Result<void> set_signed(const RunWords& words, std::string_view flag, int min, int max,
                        std::optional<int>& to) {
  const std::string* const text = value_of(words, flag);
  if (text == nullptr) return {};
  std::string_view digits = *text;
  const bool is_negative = digits.starts_with('-');
  if (is_negative) digits.remove_prefix(1);
  const auto number = parse_number(digits);
  if (number && *number <= 1'000'000) {
    const int value = static_cast<int>(*number) * (is_negative ? -1 : 1);
    if (value >= min && value <= max) to = value;
  }
  if (to) return {};
  return expected(flag, "a number from " + std::to_string(min) + " to " + std::to_string(max),
                  *text);
}

Result<void> set_cpus(const RunWords& words, RunSpec& spec) {
  constexpr std::uint64_t kMin = 10'000;  // the kernel's least quota, 1 ms of 100
  const std::string* const text = value_of(words, "cpus");
  if (text == nullptr) return {};
  spec.microcores = parse_cpus(*text);
  if (!spec.microcores || *spec.microcores < kMin) {
    return expected("cpus", "a number of CPUs like 0.5, at least 0.01", *text);
  }
  return {};
}

Result<void> set_list(const RunWords& words, std::string_view flag, std::string& to) {
  const std::string* const text = value_of(words, flag);
  if (text == nullptr) return {};
  if (text->empty() || text->find_first_not_of("0123456789,-") != text->npos) {
    return expected(flag, "a list like 0-3,6", *text);
  }
  to = *text;
  return {};
}

/// Every value of a flag that may be given more than once.
template <class Parse, class T>
Result<void> set_each(const RunWords& words, std::string_view flag, Parse parse,
                      std::vector<T>& to) {
  const auto found = words.find(flag);
  if (found == words.end()) return {};
  for (const std::string& text : found->second) {
    Result<T> one = parse(text);
    if (!one) return tl::unexpected(one.error());
    to.push_back(*std::move(one));
  }
  return {};
}

Result<void> set_times(const RunWords& words, RunSpec& spec) {
  Result<void> done = set_duration(words, "timeout", milliseconds{1}, spec.timeout);
  std::optional<milliseconds> kill_after, interval;
  if (done) done = set_duration(words, "kill-after", milliseconds{0}, kill_after);
  if (done) done = set_duration(words, "interval", milliseconds{10}, interval);
  spec.kill_after = kill_after.value_or(spec.kill_after);
  spec.interval = interval.value_or(spec.interval);
  return done;
}

/// `none` is a list without a device of its own.
Result<void> set_devices(const RunWords& words, RunSpec& spec) {
  RunWords named;
  const auto found = words.find("device");
  if (found == words.end()) return {};
  for (const std::string& text : found->second) {
    if (text == "none") {
      spec.no_devices = true;
    } else {
      named["device"].push_back(text);
    }
  }
  return set_each(named, "device", parse_device, spec.devices);
}

Result<void> set_process_limits(const RunWords& words, RunSpec& spec) {
  Result<void> done = set_each(words, "rlimit", parse_rlimit, spec.rlimits);
  if (done) done = set_signed(words, "nice", -20, 19, spec.nice);
  if (done) done = set_signed(words, "oom-score-adj", -1000, 1000, spec.oom_score_adj);
  return done;
}

Result<void> set_limits(const RunWords& words, RunSpec& spec) {
  constexpr std::uint64_t kPidsMax = 4'194'304;  // the kernel's
  Result<void> done = set_cpus(words, spec);
  if (done) done = set_count(words, "cpu-weight", 1, 10'000, spec.cpu_weight);
  if (done) done = set_list(words, "cpuset", spec.cpuset);
  if (done) done = set_list(words, "cpuset-mems", spec.cpuset_mems);
  if (done) done = set_size(words, "memory", spec.memory);
  if (done) done = set_size(words, "memory-high", spec.memory_high);
  if (done) done = set_size(words, "swap", spec.swap);
  if (done) done = set_count(words, "pids", 1, kPidsMax, spec.pids);
  if (done) done = set_each(words, "io", parse_io, spec.io);
  if (done) done = set_each(words, "hugetlb", parse_hugetlb, spec.hugetlb);
  for (const std::string_view flag : {"rdma", "misc"}) {
    const auto parse = [&](const std::string& text) { return parse_resource(flag, text); };
    if (done) done = set_each(words, flag, parse, spec.resources);
  }
  if (done) done = set_devices(words, spec);
  return done ? set_process_limits(words, spec) : done;
}

Result<void> set_driver(const RunWords& words, RunSpec& spec) {
  const std::string* const text = value_of(words, "driver");
  if (text == nullptr || *text == "auto") return {};
  if (*text != "systemd" && *text != "cgroupfs") {
    return expected("driver", "auto, systemd or cgroupfs", *text);
  }
  spec.driver = *text == "systemd" ? Driver::systemd : Driver::cgroupfs;
  return {};
}

void set_switches(const RunWords& words, RunSpec& spec) {
  spec.best_effort = has(words, "best-effort");
  spec.force = has(words, "force");
  spec.dry_run = has(words, "dry-run");
  spec.cleanup = has(words, "cleanup");
  spec.quiet = has(words, "quiet");
}

void set_text(const RunWords& words, std::string_view flag, std::string& to) {
  if (const std::string* const text = value_of(words, flag)) to = *text;
}

Result<RunSpec> unchecked_spec(const RunWords& words) {
  RunSpec spec;
  Result<void> done = set_limits(words, spec);
  if (done) done = set_times(words, spec);
  if (done) done = set_driver(words, spec);
  std::optional<std::uint64_t> repeat;
  if (done) done = set_count(words, "repeat", 1, 1000, repeat);
  spec.repeat = repeat.value_or(spec.repeat);
  if (!done) return tl::unexpected(done.error());
  Result<Isolation> isolated = isolation(words);
  if (!isolated) return tl::unexpected(isolated.error());
  spec.isolation = *std::move(isolated);
  set_switches(words, spec);
  set_text(words, "into", spec.into);
  set_text(words, "json", spec.json_file);
  set_text(words, "openmetrics", spec.openmetrics_file);
  return spec;
}

/// The parts of a YAML text with options of run.
class RunFileReader {
 public:
  explicit RunFileReader(std::string_view name) : name_(name) {}

  Result<RunFile> read(const YamlNode& root) {
    if (root.kind == YamlNode::Kind::null) return file_;
    if (root.kind != YamlNode::Kind::map) {
      return failure_at(name_, root, "expected a map of options of run, like `memory: 64M`");
    }
    for (std::size_t i = 0; i + 1 < root.children.size(); i += 2) {
      const YamlNode &key = root.children[i], &value = root.children[i + 1];
      if (file_.words.contains(key.text) || (key.text == "command" && !file_.command.empty())) {
        return failure_at(name_, key, in_quotes(key.text) + ": expected once, given again");
      }
      const Result<void> done = key.text == "command" ? command(key, value) : option(key, value);
      if (!done) return tl::unexpected(done.error());
    }
    return std::move(file_);
  }

 private:
  static bool is_text(const YamlNode& node) {
    return node.kind == YamlNode::Kind::plain || node.kind == YamlNode::Kind::quoted;
  }

  /// The texts of a scalar or of a list of them; yaml-cpp puts a missing value at the next token.
  Result<std::vector<std::string>> texts(const YamlNode& key, const YamlNode& value,
                                         bool may_be_list) {
    std::vector<std::string> found;
    if (is_text(value)) found.push_back(value.text);
    if (value.kind == YamlNode::Kind::list && may_be_list) {
      for (const YamlNode& each : value.children) {
        if (!is_text(each)) return failure_at(name_, each, in_quotes(key.text) + ": expected text");
        found.push_back(each.text);
      }
    }
    if (!found.empty()) return found;
    return failure_at(
        name_, value.kind == YamlNode::Kind::null ? key : value,
        in_quotes(key.text) + ": expected a value" + (may_be_list ? " or a list of them" : ""));
  }

  Result<void> command(const YamlNode& key, const YamlNode& value) {
    if (value.kind != YamlNode::Kind::list) {
      return failure_at(name_, key, "`command`: expected a list, as in [sh, -c, \"exit 3\"]");
    }
    auto words = texts(key, value, true);
    if (!words) return tl::unexpected(words.error());
    file_.command = *std::move(words);
    return {};
  }

  Result<void> option(const YamlNode& key, const YamlNode& value) {
    // What only a line can say: the file cannot name itself, nor ask for another act than running.
    constexpr std::array<std::string_view, 3> kOfLine{"spec", "cleanup", "dry-run"};
    const auto flag = std::ranges::find_if(kCommandFlags, [&](const CommandFlag& each) {
      return is_of_run(each) && each.name == key.text &&
             std::ranges::find(kOfLine, each.name) == kOfLine.end();
    });
    if (flag == kCommandFlags.end()) return unknown(key, kOfLine);
    const bool is_switch = flag->value_name.empty();
    auto values = texts(key, value, flag->repeatable);
    if (!values) return tl::unexpected(values.error());
    if (is_switch) {
      const std::optional<bool> on = parse_boolean(values->front());
      if (!on) {
        return failure_at(
            name_, value,
            in_quotes(key.text) + ": expected true or false, got " + in_quotes(values->front()));
      }
      if (!*on) return {};
    }
    const Result<RunSpec> alone = unchecked_spec({{key.text, *values}});
    if (!alone) return failure_at(name_, value, alone.error().what);
    file_.words[key.text] = *std::move(values);
    return {};
  }

  tl::unexpected<Error> unknown(const YamlNode& key, std::span<const std::string_view> left_out) {
    std::vector<std::string> known{"command"};
    for (const CommandFlag& flag : kCommandFlags) {
      if (is_of_run(flag) && std::ranges::find(left_out, flag.name) == left_out.end()) {
        known.emplace_back(flag.name);
      }
    }
    std::string what = "unknown key " + in_quotes(key.text) + ": expected an option of run";
    if (const auto near = nearest(key.text, known)) what += "; did you mean `" + *near + "`?";
    return failure_at(name_, key, what);
  }

  std::string_view name_;
  RunFile file_;
};

}  // namespace

Result<RunSpec> run_spec(const RunWords& words, std::vector<std::string> command) {
  Result<RunSpec> spec = unchecked_spec(words);
  if (!spec) return spec;
  if (Result<void> fine = check_isolation(spec->isolation); !fine) {
    return tl::unexpected(fine.error());
  }
  if (spec->isolation.join != 0 && spec->into.empty()) {
    return usage_failure("`--join` needs `--into`, which says whose namespaces");
  }
  spec->command = std::move(command);
  if (spec->command.empty() != spec->cleanup) {
    return usage_failure(spec->cleanup ? "`--cleanup` runs no command"
                                       : "`run`: expected -- COMMAND, got none");
  }
  return spec;
}

Result<RunFile> parse_run_file(std::string_view text, std::string_view name) {
  const Result<YamlNode> root = parse_yaml(text, name);
  if (!root) return tl::unexpected(root.error());
  return RunFileReader(name).read(*root);
}

bool asks_to_run(std::span<const std::string> arguments) {
  const auto end = std::ranges::find(arguments, "--");
  return std::find(arguments.begin(), end, "run") != end;
}

}  // namespace cgmon
