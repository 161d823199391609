#include "tests/fuzz/exposition.h"

#include <set>

#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

bool is_name(std::string_view name) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  return !name.empty() && name.find_first_not_of(kLetters) == name.npos &&
         (name.front() < '0' || name.front() > '9');
}

bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::string_view whole = text.substr(0, text.find('.'));
  const bool fraction = whole.size() < text.size();
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == part.npos;
  };
  return digits(whole) && (!fraction || digits(text.substr(whole.size() + 1)));
}

char front(std::string_view text) { return text.empty() ? '\0' : text.front(); }

/// Up to the closing quote, which it takes off too.
std::string take_quoted(std::string_view& line) {
  require(front(line) == '"', "a label's value is in quotes");
  line.remove_prefix(1);
  std::string value;
  while (front(line) != '"') {
    require(!line.empty(), "a quote is closed");
    if (line.front() == '\\') {
      line.remove_prefix(1);
      const char code = front(line);
      require(code == '\\' || code == '"' || code == 'n', "an escape is a known one");
      value += code == 'n' ? '\n' : code;
    } else {
      value += line.front();
    }
    line.remove_prefix(1);
  }
  line.remove_prefix(1);
  return value;
}

ReadSample read_sample(std::string_view line) {
  ReadSample sample;
  const std::size_t end = line.find_first_of("{ ");
  require(end != line.npos, "a sample has a value");
  sample.family = line.substr(0, end);
  require(is_name(sample.family), "a family's name is one");
  line.remove_prefix(end);
  if (front(line) == '{') {
    do {
      line.remove_prefix(1);
      const std::size_t equals = line.find('=');
      require(equals != line.npos, "a label has a value");
      const std::string name(line.substr(0, equals));
      require(is_name(name), "a label's name is one");
      line.remove_prefix(equals + 1);
      require(sample.labels.emplace(name, take_quoted(line)).second, "a label is given once");
    } while (front(line) == ',');
    require(front(line) == '}', "labels end in a brace");
    line.remove_prefix(1);
  }
  require(front(line) == ' ', "a blank stands before the value");
  sample.value = line.substr(1);
  require(is_decimal(sample.value), "a value is a number");
  return sample;
}

}  // namespace

std::vector<ReadSample> read_page(std::string_view page) {
  std::vector<ReadSample> samples;
  std::set<std::string> families;
  std::string helped, typed;
  require(page.empty() || page.ends_with('\n'), "a page is whole lines");
  require(is_utf8(page), "a page is UTF-8");
  for (const std::string& line : whole_lines(page)) {
    if (line.starts_with("# HELP ")) {
      helped = line.substr(7, line.find(' ', 7) - 7);
      require(is_name(helped) && families.insert(helped).second, "a family is in one piece");
    } else if (line.starts_with("# TYPE ")) {
      typed = line.substr(7, line.find(' ', 7) - 7);
      require(typed == helped, "TYPE follows HELP");
    } else {
      samples.push_back(read_sample(line));
      require(samples.back().family == typed, "a sample is below its family's TYPE");
    }
  }
  return samples;
}

}  // namespace cgmon
