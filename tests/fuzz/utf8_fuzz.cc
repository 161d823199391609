#include "collectors/identity/utf8.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

/// repair_path backwards.
std::string original(std::string_view repaired) {
  std::string path;
  while (!repaired.empty()) {
    const bool stand_in = repaired.starts_with("\xEF\x9E") || repaired.starts_with("\xEF\x9F");
    if (stand_in) {
      const int high = repaired[1] == '\x9E' ? 0x80 : 0xC0;
      path += static_cast<char>(high | (repaired[2] & 0x3F));
    } else {
      path += repaired.front();
    }
    repaired.remove_prefix(stand_in ? 3 : 1);
  }
  return path;
}

}  // namespace

void check_input(std::string_view input) {
  const std::string whole = repair_text(input, std::string::npos);
  require(is_utf8(whole), "a repaired text is UTF-8");
  require(!is_utf8(input) || whole == input, "a good text stays as it is");
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, input.size() / 2, input.size()}) {
    const std::string bounded = repair_text(input, limit);
    require(bounded.size() <= limit && is_utf8(bounded), "a bounded text is bounded and UTF-8");
    require(whole.starts_with(bounded), "a bounded text is the whole one's beginning");
    const bool full = bounded.size() == whole.size() || limit - bounded.size() < 4;
    require(full, "no more is cut off than has to be");
  }

  const std::string path = repair_path(input);
  require(is_utf8(path), "a repaired path is UTF-8");
  require(original(path) == input, "different paths stay different");
}

}  // namespace cgmon
