#include "agent/enforce/kept.h"

#include "collectors/parse/cpu_list.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::uint64_t kPage = 4096;

/// The line that begins with this word; empty without one.
std::string_view line_of(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const std::string_view line = take_until(text, '\n');
    std::string_view rest = line;
    if (take_word(rest) == word) return line;
  }
  return {};
}

bool has_line(std::string_view text, std::string_view wanted) {
  while (!text.empty()) {
    if (take_until(text, '\n') == wanted) return true;
  }
  return false;
}

/// Whether every word of `wanted` is one of `line`.
bool has_words(std::string_view line, std::string_view wanted) {
  for (std::string_view word = take_word(wanted); !word.empty(); word = take_word(wanted)) {
    bool found = false;
    std::string_view rest = line;
    while (!rest.empty() && !found) found = take_word(rest) == word;
    if (!found) return false;
  }
  return true;
}

Kept judge_number(std::uint64_t asked, std::string_view kept, std::uint64_t unit) {
  using enum Kept::How;
  const auto effective = parse_number(kept);
  if (!effective) return {other, std::string(kept)};
  if (*effective == asked) return {exact, std::string(kept)};
  const bool is_rounded = *effective < asked && asked - *effective < unit;
  return {is_rounded ? rounded : other, std::string(kept)};
}

}  // namespace

Kept judge_kept(const Step& step, std::string_view text) {
  using enum Kept::How;
  while (text.ends_with('\n')) text.remove_suffix(1);
  if (!step.read_back.empty()) {  // devices.list: "a" was denied, or this is allowed now
    if (step.value == "a") return {text.empty() ? exact : other, std::string(text)};
    const bool is_there = has_line(text, step.value);
    return {is_there ? exact : other, is_there ? step.value : std::string()};
  }
  std::string_view rest = step.value;
  const std::string_view first = take_word(rest);
  if (step.limit == "io" || step.limit == "rdma" || step.limit == "misc") {
    const std::string_view line = line_of(text, first);
    return {!line.empty() && has_words(line, rest) ? exact : other, std::string(line)};
  }
  if (step.limit == "cpuset" || step.limit == "cpuset-mems") {
    const auto asked = parse_cpu_list(step.value + '\n');
    const auto kept = parse_cpu_list(std::string(text) + '\n');
    // A list that the kernel takes and our parser does not (out of order) is the kernel's to say.
    return {!asked || asked == kept ? exact : other, std::string(text)};
  }
  if (const auto number = parse_number(step.value)) {
    return judge_number(*number, text, step.unit == 0 ? kPage : step.unit);
  }
  return {text == step.value ? exact : other, std::string(text)};
}

}  // namespace cgmon
