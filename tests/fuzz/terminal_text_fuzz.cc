#include "agent/expose/terminal_text.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {

void check_input(std::string_view input) {
  const std::string safe = terminal_safe(input);
  require(is_utf8(safe), "a safe text is UTF-8");
  for (const char byte : safe) {
    require(static_cast<unsigned char>(byte) >= 0x20 && byte != '\x7f', "no control byte is left");
  }
  require(safe.find("\u202e") == safe.npos && safe.find("\u009b") == safe.npos &&
              safe.find("\u200b") == safe.npos,
          "nothing hides, turns or commands");
  require(terminal_safe(safe) == safe, "a safe text stays as it is");
  if (is_printable_ascii(input)) require(safe == input, "a plain text stays as it is");

  const std::size_t whole = display_width(safe);
  for (const std::size_t width : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{5},
                                  whole / 2, whole, whole + 1}) {
    const std::string cut = shortened(safe, width);
    require(display_width(cut) <= width, "a cut text fits");
    require(is_utf8(cut), "a text is cut between characters");
    require(whole > width || cut == safe, "what fits stays whole");
  }
}

}  // namespace cgmon
