#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
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
      const char* const newline =
          static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      if (newline == nullptr) return malformed + 1;  // cut: half a number is a wrong number
      const std::string_view whole(at, static_cast<std::size_t>(newline - at));
      at = newline + 1;
      // A line that was never understood has left an empty key, with which every line starts.
      const bool expected =
          line < order_.size() && !order_[line].key.empty() && whole.starts_with(order_[line].key);
      const Line* known = expected ? &order_[line] : learn(line, whole);
      if (known == nullptr) {
        ++malformed;
      } else if (known->wanted != kUnwanted) {
        const auto value = parse_number(whole.substr(known->key.size()));
        if (value) {
          on_value(known->wanted, *value);
        } else {
          ++malformed;
        }
      }
    }
    return malformed;
  }

 private:
  static constexpr std::size_t kUnwanted = static_cast<std::size_t>(-1);
  static constexpr std::size_t kMaxLines = 512;
  struct Line {
    std::string key;  // the blank behind it included
    std::size_t wanted = kUnwanted;
  };

  const Line* learn(std::size_t number, std::string_view whole) {
    const std::size_t blank = whole.find(' ');
    if (blank == 0 || blank == whole.npos) return nullptr;
    Line* line = &spare_;
    if (number < kMaxLines) {
      if (order_.size() <= number) order_.resize(number + 1);
      line = &order_[number];
    }
    line->key.assign(whole.substr(0, blank + 1));
    line->wanted = kUnwanted;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (wanted_[i] == whole.substr(0, blank)) line->wanted = i;
    }
    return line;
  }

  std::vector<std::string> wanted_;
  std::vector<Line> order_;
  Line spare_;
};

}  // namespace cgmon
