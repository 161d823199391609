#include "collectors/parse/settings.h"

#include <algorithm>
#include <optional>

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_quote(char byte) { return byte == '"' || byte == '\''; }

/// A key and what ends it, taken off the front of a line.
std::optional<std::string_view> take_key(std::string_view& line) {
  if (line.empty()) return std::nullopt;
  std::string_view key;
  if (is_quote(line.front())) {
    const std::size_t end = line.find(line.front(), 1);
    if (end == line.npos) return std::nullopt;
    key = line.substr(1, end - 1);
    line = trimmed(line.substr(end + 1));
    if (!line.starts_with('=') && !line.starts_with(':')) return std::nullopt;
    line.remove_prefix(1);
  } else {
    const std::size_t end = line.find_first_of("=:");
    if (end == line.npos) return std::nullopt;
    key = trimmed(line.substr(0, end));
    line.remove_prefix(end + 1);
  }
  line = trimmed(line);
  return key;
}

/// Whether nothing follows a value but JSON's comma or a comment.
bool ends(std::string_view rest) {
  rest = trimmed(rest);
  if (rest.starts_with(',')) rest = trimmed(rest.substr(1));
  return rest.empty() || rest.starts_with('#');
}

/// Sets the value that stands at the front of `rest`; false where it is none that is understood.
bool take_value(std::string_view rest, Setting& setting) {
  if (rest.empty()) return false;
  setting.is_text = is_quote(rest.front());
  if (!setting.is_text) {
    const std::size_t end = std::min(rest.find_first_of(" \t\r\"',#"), rest.size());
    setting.value = rest.substr(0, end);
    const bool is_word = !setting.value.empty() && rest[0] != '[' && rest[0] != '{';
    return is_word && ends(rest.substr(end));
  }
  const char quote = rest.front();
  const std::size_t end = rest.find(quote, 1);
  if (end == rest.npos || !ends(rest.substr(end + 1))) return false;
  setting.value = rest.substr(1, end - 1);
  return quote != '"' || setting.value.find('\\') == setting.value.npos;
}

/// The quotes that a text of several lines begins with and that do not end on this one.
std::string_view open_quotes(std::string_view value) {
  for (const std::string_view quotes : {R"(""")", "'''"}) {
    if (value.starts_with(quotes) && value.find(quotes, 3) == value.npos) return quotes;
  }
  return {};
}

}  // namespace

void visit_settings(std::string_view text, const std::function<void(const Setting&)>& visit) {
  Setting setting;
  std::string_view until;  // what ends a text of several lines
  while (!text.empty()) {
    std::string_view line = trimmed(take_until(text, '\n'));
    if (!until.empty()) {
      if (line.find(until) != line.npos) until = {};
      continue;
    }
    if (line.starts_with('[')) {
      const std::size_t end = line.rfind(']');
      setting.table = end == line.npos ? std::string_view() : trimmed(line.substr(1, end - 1));
      continue;
    }
    if (line.starts_with('#')) continue;
    const auto key = take_key(line);
    if (!key) continue;
    until = open_quotes(line);
    if (!until.empty() || key->empty() || !take_value(line, setting)) continue;
    setting.key = *key;
    visit(setting);
  }
}

std::vector<std::string_view> settings(std::string_view text, std::string_view key) {
  std::vector<std::string_view> values;
  visit_settings(text, [&](const Setting& setting) {
    if (setting.key == key && !setting.value.empty()) values.push_back(setting.value);
  });
  return values;
}

}  // namespace cgmon
