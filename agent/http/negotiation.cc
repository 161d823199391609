#include "agent/http/negotiation.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace cgmon {
namespace {

constexpr int kWhole = 1000;  // quality values have three decimals

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes what stands before the next separator that is not within quotes.
std::string_view take_part(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != separator); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (quoted && rest[end] == '\\') ++end;
  }
  end = std::min(end, rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return trimmed(part);
}

/// "0.75" in thousandths; nothing for what is no quality value.
std::optional<int> quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int value = (text[0] - '0') * kWhole, digit_value = kWhole / 10;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value += (digit - '0') * digit_value;
    digit_value /= 10;
  }
  return value <= kWhole ? std::optional(value) : std::nullopt;
}

/// One entry of a header, parsed.
struct Choice {
  std::string_view name, version;
  int quality = kWhole;
};

std::optional<Choice> parse(std::string_view entry) {
  Choice choice;
  choice.name = take_part(entry, ';');
  while (!entry.empty()) {
    std::string_view value = take_part(entry, ';');
    const std::string_view key = take_part(value, '=');
    value = trimmed(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (same(key, "version")) choice.version = value;
    if (!same(key, "q")) continue;
    const std::optional<int> parsed = quality(value);
    if (!parsed) return std::nullopt;
    choice.quality = *parsed;
  }
  return choice;
}

template <class F>
void for_each_choice(std::string_view header, F on_choice) {
  while (!header.empty()) {
    const std::optional<Choice> choice = parse(take_part(header, ','));
    if (choice && !choice->name.empty()) on_choice(*choice);
  }
}

}  // namespace

bool prefers_gzip(std::string_view accept_encoding) {
  std::optional<int> gzip, identity, other;
  for_each_choice(accept_encoding, [&](const Choice& choice) {
    if (same(choice.name, "gzip") || same(choice.name, "x-gzip")) gzip = choice.quality;
    if (same(choice.name, "identity")) identity = choice.quality;
    if (choice.name == "*") other = choice.quality;
  });
  const int quality = gzip.value_or(other.value_or(0));
  return quality > 0 && quality >= identity.value_or(0);
}

bool prefers_openmetrics(std::string_view accept) {
  int openmetrics = 0;
  std::optional<int> plain, any_text, any;
  for_each_choice(accept, [&](const Choice& choice) {
    const bool is_ours = choice.version.empty() || choice.version == "1.0.0";
    if (is_ours && same(choice.name, "application/openmetrics-text")) {
      openmetrics = std::max(openmetrics, choice.quality);
    }
    const bool is_old = choice.version.empty() || choice.version == "0.0.4";
    if (is_old && same(choice.name, "text/plain")) {
      plain = std::max(plain.value_or(0), choice.quality);
    }
    if (same(choice.name, "text/*")) any_text = choice.quality;
    if (choice.name == "*/*") any = choice.quality;
  });
  const int text = plain.value_or(any_text.value_or(any.value_or(0)));
  return openmetrics > 0 && openmetrics >= text;
}

}  // namespace cgmon
