#include "agent/expose/table_page.h"

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "agent/expose/html_text.h"
#include "agent/expose/table_rows.h"
#include "agent/expose/terminal_text.h"
#include "collectors/base/nearest.h"

namespace cgmon {
namespace {

constexpr std::size_t kMostLines = 1000;
constexpr std::uint32_t kEveryMax = 3600;

// The policy names the style by its hash: a changed one is not applied until the hash follows. A
// test that reads the page says which it is.
constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; font-family: system-ui, sans-serif; }
body { margin: 1em 2em; }
nav a, nav b { margin-right: 1em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1em 0; }
th, td { padding: 0.2em 0.7em; text-align: right; white-space: nowrap; }
tbody th, td.text { text-align: left; font-weight: normal; max-width: 40em; overflow-wrap: anywhere; white-space: normal; }
thead th { position: sticky; top: 0; background: Canvas; border-bottom: 2px solid; }
thead th:first-child { text-align: left; }
tbody tr:nth-child(even) { background: color-mix(in srgb, CanvasText 6%, Canvas); }
td.high { background: #f5b70066; }
td.full { background: #e0303088; font-weight: bold; }
footer { font-size: smaller; }
)";
constexpr std::string_view kStyleHash = "sha256-Q6SYOsoi/2C/sCsLVMjMFPqdJ5aVDCyoodoRmOPUuLE=";

/// The page with other options.
std::string link_to(const TablePageOptions& options) {
  std::string query = "?sort=" + options.sort_text;
  if (options.wide) query += "&wide=1";
  if (options.all) query += "&all=1";
  if (options.every != 0) query += "&every=" + std::to_string(options.every);
  return escape_html(query);
}

void append_link(std::string& html, const TablePageOptions& options, std::string_view text) {
  html.append("<a href=\"").append(link_to(options)).append("\">").append(text).append("</a>");
}

/// A link to what is not shown now, else the words.
void append_choice(std::string& html, const TablePageOptions& options, bool is_now,
                   std::string_view text) {
  if (is_now) {
    html.append("<b>").append(text).append("</b>");
  } else {
    append_link(html, options, text);
  }
}

void append_choices(std::string& html, const TablePageOptions& options) {
  TablePageOptions other = options;
  html += "<nav>";
  for (const bool all : {false, true}) {
    other.all = all;
    append_choice(html, other, all == options.all, all ? "all cgroups" : "containers and units");
  }
  other = options;
  for (const bool wide : {false, true}) {
    other.wide = wide;
    append_choice(html, other, wide == options.wide, wide ? "all columns" : "few columns");
  }
  other = options;
  for (const std::uint32_t every : {0U, 5U, 30U}) {
    other.every = every;
    append_choice(html, other, every == options.every,
                  every == 0 ? "stays" : "anew each " + std::to_string(every) + " s");
  }
  html += "</nav>\n";
}

/// A head sorts by its column, or turns the order around where it does already.
void append_head(std::string& html, const TablePageOptions& options, std::string_view key,
                 std::string_view text) {
  const bool sorted = options.sort_text == key;
  const bool reversed = options.sort_text.starts_with('-') && options.sort_text.substr(1) == key;
  TablePageOptions other = options;
  other.sort_text = (sorted ? "-" : "") + std::string(key);
  // Numbers stand from the largest, texts from a.
  const bool is_text = key == "name" || key == "image";
  html += "<th scope=\"col\"";
  if (sorted || reversed) {
    html.append(" aria-sort=\"")
        .append(sorted == is_text ? "ascending" : "descending")
        .append("\"");
  }
  html += '>';
  append_link(html, other, escape_html(text));
  if (sorted || reversed) html += sorted ? " \u25be" : " \u25b4";
  html += "</th>";
}

bool is_shown(const TableColumnInfo& column, const TablePageOptions& options) {
  // Nobody looks at processes between two pages.
  if (column.key == kTableColumns.at(static_cast<std::size_t>(TableColumn::processes)).key) {
    return false;
  }
  return options.wide || !column.wide;
}

void append_cell(std::string& html, const TableLine& line, std::size_t index) {
  const TableCell& cell = line.cells.at(index);
  const bool is_memory = index == static_cast<std::size_t>(TableColumn::memory);
  const bool has_memory = line.usage != kAbsentCell || line.limit != kAbsentCell;
  html += cell.grade == Grade::full            ? "<td class=\"full\">"
          : cell.grade == Grade::high          ? "<td class=\"high\">"
          : !kTableColumns.at(index).is_number ? "<td class=\"text\">"
                                               : "<td>";
  html += escape_html(is_memory && has_memory ? line.usage + " / " + line.limit : cell.text);
  html += "</td>";
}

void append_table(std::string& html, const TableRows& rows, const TablePageOptions& options) {
  html += "<table>\n<thead><tr>";
  append_head(html, options, "name", "NAME");
  for (const TableColumnInfo& column : kTableColumns) {
    if (is_shown(column, options)) append_head(html, options, column.key, column.head);
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const TableLine& line : rows.lines) {
    html.append("<tr><th scope=\"row\" title=\"")
        .append(escape_html(terminal_safe(line.labels->id)))
        .append("\">")
        .append(escape_html(line.name))
        .append("</th>");
    for (std::size_t i = 0; i < kTableColumns.size(); ++i) {
      if (is_shown(kTableColumns.at(i), options)) append_cell(html, line, i);
    }
    html += "</tr>\n";
  }
  html += "</tbody>\n</table>\n";
}

void append_notes(std::string& html, const TableRows& rows, std::int64_t interval_ns) {
  html += "<p>";
  if (interval_ns > 0) {
    html += "Rates and shares over the last " +
            std::to_string(std::llround(static_cast<double>(interval_ns) / 1e9)) + " s. ";
  } else {
    html += "Rates and shares follow in two seconds. ";
  }
  if (rows.left_out > 0) {
    html += std::to_string(rows.left_out) +
            " cgroups have no task, or are neither container nor unit. ";
  }
  if (rows.beyond_limit > 0) {
    html += std::to_string(rows.beyond_limit) + " more are not shown; the metrics have them. ";
  }
  html += "- in place of a figure: the kernel does not say.</p>\n";
}

void append_footer(std::string& html, const TablePageFacts& facts) {
  const std::string metrics = escape_html(facts.telemetry_path);
  html.append("<footer><p>cgmon agent, version ")
      .append(escape_html(facts.version))
      .append(".</p>\n<ul>\n<li><a href=\"")
      .append(metrics)
      .append("\">")
      .append(metrics)
      .append(R"(</a>: metrics for Prometheus</li>
<li><a href="/metrics/resource">/metrics/resource</a>: the few that a kubelet has under this name</li>
<li><a href="/api/v1/snapshot">/api/v1/snapshot</a>: all of it as JSON</li>
<li><a href="/-/healthy">/-/healthy</a>: the agent answers</li>
<li><a href="/-/ready">/-/ready</a>: the agent can collect</li>
</ul></footer>
)");
}

tl::unexpected<Error> unknown_sort(std::string_view text) {
  std::string what = "sort: unknown key";
  const std::string_view bare = text.substr(text.starts_with('-') ? 1 : 0);
  if (const auto near = nearest(bare, sort_keys())) {
    what += "; did you mean `" + *near + "`?";
  } else {
    what += ", known are";
    for (const std::string& key : sort_keys()) what += ' ' + key;
  }
  return failure(what);
}

Result<bool> parse_switch(std::string_view name, std::string_view text) {
  if (text == "1") return true;
  if (text == "0") return false;
  return failure(std::string(name) + ": 1 or 0");
}

}  // namespace

Result<TablePageOptions> parse_table_page(
    std::span<const std::pair<std::string, std::string>> parameters) {
  TablePageOptions options;
  for (const auto& [name, value] : parameters) {
    if (name == "sort") {
      const auto key = parse_sort_key(value);
      if (!key) return unknown_sort(value);
      options.sort = *key;
      options.sort_text = value;
    } else if (name == "wide" || name == "all") {
      const Result<bool> on = parse_switch(name, value);
      if (!on) return tl::unexpected(on.error());
      (name == "wide" ? options.wide : options.all) = *on;
    } else if (name == "every") {
      const char* const end = value.data() + value.size();
      const auto [rest, error] = std::from_chars(value.data(), end, options.every);
      if (error != std::errc{} || rest != end || options.every > kEveryMax) {
        return failure("every: seconds from 0 to " + std::to_string(kEveryMax));
      }
    } else {
      return failure("unknown parameter; known are sort, wide, all and every");
    }
  }
  return options;
}

std::string table_page_policy() {
  return "default-src 'none'; style-src '" + std::string(kStyleHash) +
         "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

std::string table_page(const Snapshot& older, const Snapshot& newer,
                       const TablePageOptions& options, const TablePageFacts& facts) {
  const TableRows rows = table_rows(older, newer,
                                    {.lines = options.all ? TableLines::all : TableLines::busy,
                                     .sort = {options.sort},
                                     .limit = kMostLines,
                                     .wide = options.wide});
  const std::int64_t interval_ns = newer.monotonic_ns - older.monotonic_ns;
  std::string html = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
)";
  const std::uint32_t again = interval_ns > 0 ? options.every : 2;
  if (again != 0) {
    html += "<meta http-equiv=\"refresh\" content=\"" + std::to_string(again) + "\">\n";
  }
  html.append("<title>cgmon agent</title>\n<style>").append(kStyle).append(R"(</style>
</head>
<body>
<h1>Containers and units of this host</h1>
)");
  append_choices(html, options);
  append_table(html, rows, options);
  append_notes(html, rows, interval_ns);
  append_footer(html, facts);
  html += "</body>\n</html>\n";
  return html;
}

}  // namespace cgmon
