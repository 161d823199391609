#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>

#include "collectors/base/value.h"
#include "collectors/parse/number.h"

namespace cgmon {

/// The state of a task out of /proc/PID/stat (proc_pid_stat(5)): 'R', 'S', 'D', 'Z', 'T', 't', 'I'…
///
///     812 (name, which may hold ) and blanks) S 1 812 812 …
///
/// Nothing when the text is malformed.
[[nodiscard]] inline std::optional<char> parse_task_state(std::string_view text) {
  const std::size_t end = text.rfind(')');  // the last one ends the name
  if (end == text.npos || text.size() < end + 4 || text[end + 1] != ' ' || text[end + 3] != ' ') {
    return std::nullopt;
  }
  const char state = text[end + 2];
  if (state < 'A' || state > 'z') return std::nullopt;
  return state;
}

/// What is used of /proc/PID/stat.
struct ProcessStat {
  std::string_view name;             ///< at most 15 bytes of anything; a view into the text
  std::uint64_t cpu_ticks = 0;       ///< in user and kernel mode, of all its tasks (fields 14, 15)
  std::uint64_t start_ticks = 0;     ///< since the boot (field 22)
  std::uint64_t resident_pages = 0;  ///< about (field 24)
};
/// Nothing when the text is malformed.
[[nodiscard]] inline std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  const std::size_t begin = text.find('('), end = text.rfind(')');
  if (end == text.npos || begin > end) return std::nullopt;
  ProcessStat stat{.name = text.substr(begin + 1, end - begin - 1)};
  std::string_view rest = text.substr(end + 1);
  std::array<std::optional<std::uint64_t>, 25> fields;
  for (std::size_t field = 3; field < fields.size(); ++field) {
    fields.at(field) = parse_number(take_word(rest));
  }
  const auto& [user, kernel, start, pages] =
      std::tie(fields[14], fields[15], fields[22], fields[24]);
  if (!user || !kernel || !start || !pages || *user > UINT64_MAX - *kernel) return std::nullopt;
  stat.cpu_ticks = *user + *kernel;
  stat.start_ticks = *start;
  stat.resident_pages = *pages;
  return stat;
}

/// The soft limit of open files out of /proc/PID/limits:
///
///     Limit                     Soft Limit           Hard Limit           Units
///     Max open files            1024                 524288               files
///
/// Absent when there is no such line or no number in it.
[[nodiscard]] inline Value parse_open_files_limit(std::string_view text) {
  constexpr std::string_view kName = "Max open files ";
  while (text.find('\n') != text.npos) {
    std::string_view line = take_until(text, '\n');
    if (!line.starts_with(kName)) continue;
    line.remove_prefix(kName.size());
    const std::string_view soft = take_word(line);
    if (soft == "unlimited") return Value::unlimited();
    const auto number = parse_number(soft);
    return number ? Value::of(*number) : Value::absent();
  }
  return Value::absent();
}

/// The number of /proc/PID/oom_score_adj, from -1000 to 1000, as 64 bits in two's complement.
[[nodiscard]] inline Value parse_oom_score_adj(std::string_view text) {
  if (!text.ends_with('\n')) return Value::absent();
  text.remove_suffix(1);
  const bool negative = text.starts_with('-');
  const auto number = parse_number(text.substr(negative ? 1 : 0));
  if (!number || *number > 1000) return Value::absent();
  return Value::of(negative ? ~*number + 1 : *number);
}

}  // namespace cgmon
