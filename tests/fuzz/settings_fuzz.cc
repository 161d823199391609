#include <algorithm>
#include <string>
#include <vector>

#include "collectors/parse/settings.h"
#include "tests/fuzz/target.h"

namespace cgmon {
namespace {

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// A line that says the same; empty for a text that has quotes of both kinds.
std::string written(const Setting& setting) {
  const std::string value(setting.value);
  if (!setting.is_text) return "k = " + value;
  if (value.find_first_of("\"\\") == value.npos) return "k = \"" + value + '"';
  return value.find('\'') == value.npos ? "k = '" + value + "'" : std::string();
}

}  // namespace

void check_input(std::string_view input) {
  std::size_t found = 0;
  visit_settings(input, [&](const Setting& setting) {
    ++found;
    require(!setting.key.empty(), "a key is not empty");
    for (const std::string_view part : {setting.table, setting.key, setting.value}) {
      require(lies_in(part, input), "what is found is a part of the text");
      require(part.find('\n') == part.npos, "and of one line");
    }
    const bool is_word = setting.value.find_first_of(" \t\r\n\"',#") == setting.value.npos;
    require(setting.is_text || (is_word && !setting.value.empty()), "without quotes it is a word");
    const std::string line = written(setting);
    if (line.empty()) return;
    std::size_t again = 0;
    visit_settings(line, [&](const Setting& same) {
      ++again;
      require(same.key == "k" && same.table.empty(), "a key is read back");
      require(same.value == setting.value && same.is_text == setting.is_text,
              "a value is read back as it was");
    });
    require(again == 1, "once");
  });
  const auto lines = static_cast<std::size_t>(std::ranges::count(input, '\n')) + 1;
  require(found <= lines, "a line has one value");
  constexpr std::string_view kKey = "cgroupDriver";
  std::vector<std::string_view> of_key;
  visit_settings(input, [&](const Setting& setting) {
    if (setting.key == kKey && !setting.value.empty()) of_key.push_back(setting.value);
  });
  require(settings(input, kKey) == of_key, "those of a key are its lines'");
}

}  // namespace cgmon
