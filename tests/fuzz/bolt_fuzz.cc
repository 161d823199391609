#include <algorithm>
#include <map>
#include <string>

#include "collectors/identity/bolt.h"
#include "tests/fuzz/target.h"

namespace cgmon {
namespace {

/// FNV-1a, as bolt's meta pages carry it. Without a right one no input would get past them.
std::string with_right_sums(std::string_view input) {
  std::string text(input);
  const auto mend = [&](std::size_t meta) {
    if (text.size() < meta + 80) return;
    std::uint64_t sum = 0xcbf29ce484222325;
    for (std::size_t i = meta + 16; i < meta + 72; ++i) {
      sum = (sum ^ static_cast<std::uint8_t>(text[i])) * 0x100000001b3;
    }
    for (std::size_t i = 0; i < 8; ++i) text[meta + 72 + i] = static_cast<char>(sum >> (8 * i));
  };
  mend(0);
  mend(512);
  mend(4096);
  return text;
}

void check(const std::string& text) {
  std::uint64_t bytes = 0;
  Bolt bolt([&](std::uint64_t offset, std::span<char> buffer) {
    if (offset > text.size() || buffer.size() > text.size() - offset) return false;
    bytes += buffer.size();
    std::copy_n(text.data() + offset, buffer.size(), buffer.data());
    return true;
  });
  require(!bolt.is_open() || bolt.unchanged(), "nobody writes it");
  std::string value;
  std::map<std::string, std::string> seen;
  std::size_t visits = 0;
  const bool whole =
      bolt.each({}, [&](std::string_view key, bool is_bucket, std::string_view found) {
        ++visits;
        if (!is_bucket && seen.size() < 8) seen.emplace(key, found);
        return true;
      });
  require(visits <= 65'536, "a visit ends");
  require(!whole || bolt.is_open(), "what is not open holds nothing");
  for (const auto& [key, found] : seen) {
    // A file whose keys are not in order may hide some, and never gives another's value.
    if (bolt.get({key}, value)) require(value.size() <= text.size(), "values are of the file");
  }
  (void)bolt.get({"ctr", "a", "config"}, value);
  (void)bolt.each({"ctr"}, [](std::string_view, bool, std::string_view) { return true; });
  require(bytes <= (std::uint64_t{65} << 20U) + 4096 * 8, "what is read is bounded");
}

}  // namespace

void check_input(std::string_view input) {
  check(std::string(input));
  check(with_right_sums(input));
}

}  // namespace cgmon
