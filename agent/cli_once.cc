#include "agent/cli_once.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "collectors/base/nearest.h"
#include "config/scalar.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kIntervalMin{100};
constexpr milliseconds kIntervalMax = std::chrono::hours{1};
constexpr std::uint64_t kLimitMax = 1'000'000;

Result<void> set_output(const std::optional<std::string>& text, OnceOptions& once) {
  if (!text || *text == "table") return {};
  if (*text == "wide") {
    once.table.wide = true;
  } else if (*text == "prometheus") {
    once.output = OutputFormat::prometheus;
  } else if (*text == "json") {
    once.output = OutputFormat::json;
  } else {
    return usage_failure("`--output`: expected table, wide, prometheus or json, got " +
                         in_quotes(*text));
  }
  return {};
}

Result<void> set_interval(const std::optional<std::string>& text, OnceOptions& once) {
  if (!text) return {};
  const std::optional<milliseconds> parsed = parse_duration(*text);
  if (!parsed || *parsed < kIntervalMin || *parsed > kIntervalMax) {
    return usage_failure("`--interval`: expected a duration like 500ms, 2s or 1m, from " +
                         to_string(kIntervalMin) + " to " + to_string(kIntervalMax) + ", got " +
                         in_quotes(*text));
  }
  once.interval = *parsed;
  return {};
}

Result<void> set_sort(const std::optional<std::string>& text, OnceOptions& once) {
  if (!text) return {};
  std::string_view rest = *text;
  while (true) {
    const std::string_view word = rest.substr(0, rest.find(','));
    const std::optional<SortKey> key = parse_sort_key(word);
    if (!key) {
      const std::string_view bare = word.substr(word.starts_with('-') ? 1 : 0);
      return unknown_word("`--sort`: unknown key " + in_quotes(word), bare, sort_keys());
    }
    once.table.sort.push_back(*key);
    if (word.size() == rest.size()) return {};
    rest.remove_prefix(word.size() + 1);
  }
}

Result<void> add_filter(std::string_view text, OnceOptions& once) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos) {
    return usage_failure("`--filter`: expected KEY=PATTERN, got " + in_quotes(text));
  }
  const std::string_view key = text.substr(0, equals), pattern = text.substr(equals + 1);
  const std::optional<TableFilter::Of> of = parse_filter_key(key);
  if (!of) return unknown_word("`--filter`: unknown key " + in_quotes(key), key, filter_keys());
  const std::vector<std::string> kinds = kind_names();
  const bool fits_a_kind = std::ranges::any_of(
      kinds, [&](const std::string& kind) { return matches_glob(pattern, kind); });
  if (*of == TableFilter::Of::kind && !fits_a_kind) {
    return unknown_word("`--filter`: unknown kind " + in_quotes(pattern), pattern, kinds);
  }
  once.table.filters.push_back({*of, std::string(pattern)});
  return {};
}

Result<void> set_limit(const std::optional<std::string>& text, OnceOptions& once) {
  if (!text) return {};
  const std::optional<std::uint64_t> parsed = parse_count(*text);
  if (!parsed || *parsed == 0 || *parsed > kLimitMax) {
    return usage_failure("`--limit`: expected a number from 1 to " + std::to_string(kLimitMax) +
                         ", got " + in_quotes(*text));
  }
  once.table.limit = *parsed;
  return {};
}

Result<void> set_color(const std::optional<std::string>& text, OnceOptions& once) {
  if (!text || *text == "auto") return {};
  if (*text != "always" && *text != "never") {
    return usage_failure("`--color`: expected auto, always or never, got " + in_quotes(*text));
  }
  once.color = *text == "always" ? ColorChoice::always : ColorChoice::never;
  return {};
}

/// What is said of a table needs one.
Result<void> check_table(const OnceWords& words, const OnceOptions& once) {
  if (once.output == OutputFormat::table) return {};
  const std::array<std::pair<bool, const char*>, 5> given{{{words.sort.has_value(), "--sort"},
                                                           {!words.filters.empty(), "--filter"},
                                                           {words.limit.has_value(), "--limit"},
                                                           {words.no_trunc, "--no-trunc"},
                                                           {words.color.has_value(), "--color"}}};
  for (const auto& [is_given, flag] : given) {
    if (!is_given) continue;
    return usage_failure(in_quotes(flag) +
                         " is of the table and does not go with `--output`=" + *words.output);
  }
  return {};
}

}  // namespace

tl::unexpected<Error> usage_failure(const std::string& what) {
  return failure(what + " (see --help)");
}

tl::unexpected<Error> unknown_word(const std::string& what, std::string_view word,
                                   const std::vector<std::string>& known) {
  if (const auto near = nearest(word, known)) {
    return usage_failure(what + "; did you mean `" + *near + "`?");
  }
  std::string list;
  for (const std::string& name : known) list.append(list.empty() ? "" : ", ").append(name);
  return usage_failure(what + ", known are " + list);
}

Result<OnceOptions> once_options(const OnceWords& words) {
  OnceOptions once;
  Result<void> done = set_output(words.output, once);
  if (done) done = set_interval(words.interval, once);
  if (done) done = set_sort(words.sort, once);
  for (const std::string& filter : words.filters) {
    if (done) done = add_filter(filter, once);
  }
  if (done) done = set_limit(words.limit, once);
  if (done) done = set_color(words.color, once);
  if (done) done = check_table(words, once);
  if (!done) return tl::unexpected(done.error());
  once.table.whole_ids = words.no_trunc;
  return once;
}

}  // namespace cgmon
