#include "collectors/identity/toml_text.h"

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

void visit_toml(
    std::string_view text,
    const std::function<void(std::string_view, std::string_view, std::string_view)>& visit) {
  std::string_view table;
  std::string_view until;  // what ends a text of several lines
  while (!text.empty()) {
    const std::string_view line = trimmed(take_until(text, '\n'));
    if (!until.empty()) {
      if (line.find(until) != line.npos) until = {};
      continue;
    }
    if (line.starts_with('[')) {
      const std::size_t end = line.rfind(']');
      table = end == line.npos ? std::string_view() : trimmed(line.substr(1, end - 1));
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == line.npos || line.starts_with('#')) continue;
    const std::string_view key = trimmed(line.substr(0, equals));
    std::string_view value = trimmed(line.substr(equals + 1));
    for (const std::string_view quotes : {R"(""")", "'''"}) {
      if (value.starts_with(quotes) && value.find(quotes, 3) == value.npos) until = quotes;
    }
    if (!until.empty() || value.size() < 2) continue;
    const char quote = value.front();
    if (quote != '"' && quote != '\'') continue;
    const std::size_t end = value.find(quote, 1);
    if (end == value.npos) continue;
    const std::string_view rest = trimmed(value.substr(end + 1));
    value = value.substr(1, end - 1);
    if (!rest.empty() && !rest.starts_with('#')) continue;
    if (quote == '"' && value.find('\\') != value.npos) continue;
    visit(table, key, value);
  }
}

}  // namespace cgmon
