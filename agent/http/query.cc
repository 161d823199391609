#include "agent/http/query.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace cgmon {
namespace {

std::string decoded(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char code = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    if (text[i] == '+') {
      plain += ' ';
    } else if (text[i] == '%' && digits.size() == 2 &&
               std::from_chars(digits.begin(), digits.end(), code, 16).ptr == digits.end()) {
      plain += static_cast<char>(code);
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    parameters.emplace_back(decoded(one.substr(0, equals)),
                            decoded(one.substr(std::min(equals + 1, one.size()))));
  }
  return parameters;
}

}  // namespace cgmon
