#include <string>

#include "collectors/parse/psi.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {

void check_input(std::string_view input) {
  const Psi psi = parse_psi(input);
  Psi lines;
  for (const std::string& line : whole_lines(input)) {
    const Psi one = parse_psi(line + '\n');
    require(one.malformed + one.some_usec.has_value() + one.full_usec.has_value() == 1,
            "a line is some, full or malformed");
    lines.malformed += one.malformed;
    if (one.some_usec) lines.some_usec = one.some_usec;
    if (one.full_usec) lines.full_usec = one.full_usec;
    const auto& total = one.some_usec ? one.some_usec : one.full_usec;
    if (total) {
      const std::size_t digits = line.find_last_not_of("0123456789") + 1;
      require(parse_number(std::string_view(line).substr(digits)) == total,
              "the total is the line's last number");
    }
  }
  if (!input.empty() && !input.ends_with('\n')) ++lines.malformed;
  require(psi.some_usec == lines.some_usec && psi.full_usec == lines.full_usec &&
              psi.malformed == lines.malformed,
          "a text is its lines");
}

}  // namespace cgmon
