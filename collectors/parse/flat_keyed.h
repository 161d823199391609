#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/parse/number.h"

namespace cgmon {

/// Reads chosen keys of "key value" files (cgroup-v2.rst, "Flat keyed"; v1's memory.stat, cpu.stat,
/// cpuacct.stat and memory.oom_control have the same shape):
///
///     anon 4096
///     file 0
///
/// It expects the lines in the order in which it last saw them, so that a line costs one
/// comparison; any other order is right too, only slower. One-thread.
class FlatKeyedParser {
 public:
  explicit FlatKeyedParser(std::span<const std::string_view> wanted)
      : wanted_(wanted.begin(), wanted.end()) {}

  [[nodiscard]] std::string_view wanted(std::size_t index) const { return wanted_[index]; }

  /// Calls on_value(index into wanted, value) for each wanted key, unit as in the file. Returns how
  /// many lines were malformed: without a blank or a newline, or a wanted key whose value is no
  /// number of 64 bits. Those are skipped, so that one bad line hides no good one. Accepts any
  /// bytes; allocates only while it learns an order.
  template <std::invocable<std::size_t, std::uint64_t> F>
  [[nodiscard]] std::size_t parse(std::string_view text, F on_value) {
    std::size_t malformed = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::size_t line = 0; at != end; ++line) {
      const Line* known = expected(line, at, end);
      const bool is_wanted = known != nullptr && known->wanted != kUnwanted;
      if (std::uint64_t value = 0; is_wanted) {
        if (const char* const next = plain_number(at + known->size, end, value)) {
          on_value(known->wanted, value);
          at = next;
          continue;
        }
      }
      const char* const newline =
          static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      if (newline == nullptr) return malformed + 1;  // cut: half a number is a wrong number
      const std::string_view whole(at, static_cast<std::size_t>(newline - at));
      at = newline + 1;
      if (known == nullptr) known = learn(line, whole);
      if (known == nullptr) {
        ++malformed;
      } else if (known->wanted != kUnwanted) {
        const auto number = parse_number(whole.substr(known->size));
        if (number) {
          on_value(known->wanted, *number);
        } else {
          ++malformed;
        }
      }
    }
    return malformed;
  }

 private:
  static constexpr std::uint32_t kUnwanted = UINT32_MAX;
  static constexpr std::size_t kMaxLines = 512;
  static constexpr std::size_t kMaxKey = 48;  // longer ones are looked up each time
  struct Line {
    std::uint32_t wanted = kUnwanted;
    std::uint32_t size = 0;  // of the key, the blank behind it included
    std::array<char, kMaxKey> key{};
  };

  /// What line number `line`, which begins at `at`, was last time, if it has the same key.
  [[nodiscard]] const Line* expected(std::size_t line, const char* at, const char* end) const {
    if (line >= order_.size()) return nullptr;
    const Line& known = order_[line];
    // A line that was never understood has left an empty key, with which every line begins.
    const bool fits = known.size != 0 && known.size <= static_cast<std::size_t>(end - at);
    return fits && same(at, known) ? &known : nullptr;
  }

  /// Reads a number that is sure to fit and the newline behind it; returns where the next line
  /// begins, nothing (nullptr) where it takes a closer look.
  [[nodiscard]] static const char* plain_number(const char* at, const char* end,
                                                std::uint64_t& value) {
    const char* const digits = at;
    for (; at != end && is_digit(*at); ++at) value = 10 * value + digit(*at);
    const auto count = static_cast<std::size_t>(at - digits);
    const bool good = count != 0 && count <= kCertainDigits && at != end && *at == '\n';
    return good ? at + 1 : nullptr;
  }

  /// Whether the bytes at `at`, of which there are enough, are the key. By eight at a time: a call
  /// of memcmp for each line would cost more.
  [[nodiscard]] static bool same(const char* at, const Line& line) {
    const char* const key = line.key.data();
    const std::size_t size = line.size;
    if (size < 8) return std::memcmp(at, key, size) == 0;
    for (std::size_t i = 0; i + 8 < size; i += 8) {
      if (eight(at + i) != eight(key + i)) return false;
    }
    return eight(at + size - 8) == eight(key + size - 8);
  }
  [[nodiscard]] static std::uint64_t eight(const char* at) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    return bytes;
  }

  const Line* learn(std::size_t number, std::string_view whole) {
    const std::size_t blank = whole.find(' ');
    if (blank == 0 || blank == whole.npos) return nullptr;
    spare_.wanted = kUnwanted;
    spare_.size = static_cast<std::uint32_t>(blank + 1);
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (wanted_[i] == whole.substr(0, blank)) spare_.wanted = static_cast<std::uint32_t>(i);
    }
    if (number >= kMaxLines || blank >= kMaxKey) return &spare_;
    whole.copy(spare_.key.data(), blank + 1);
    if (order_.size() <= number) order_.resize(number + 1);
    order_[number] = spare_;
    return &order_[number];
  }

  std::vector<std::string> wanted_;
  std::vector<Line> order_;
  Line spare_;
};

/// The number of one key, for a file that is seldom read; nothing where it is not there or none.
[[nodiscard]] inline std::optional<std::uint64_t> flat_keyed_number(std::string_view text,
                                                                    std::string_view key) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (take_word(line) == key) return parse_number(line);
  }
  return std::nullopt;
}

}  // namespace cgmon
