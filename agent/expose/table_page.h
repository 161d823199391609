#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "agent/expose/table_options.h"
#include "collectors/base/result.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Which lines and columns the page has, and how often it asks anew.
struct TablePageOptions {
  SortKey sort;
  std::string sort_text = "cpu";  ///< as it was asked for
  bool wide = false;
  bool all = false;         ///< else containers and units that have a task
  std::uint32_t every = 0;  ///< seconds; 0: it stays as it is
};

struct TablePageFacts {
  std::string_view version;
  std::string_view telemetry_path = "/metrics";
};

/// The options in a query's decoded parameters: sort=KEY (-KEY turns it around), wide=1, all=1,
/// every=SECONDS. An Error names what is known.
[[nodiscard]] Result<TablePageOptions> parse_table_page(
    std::span<const std::pair<std::string, std::string>> parameters);

/// What a browser may do with the page: show it, in its own style. No script, no request.
[[nodiscard]] std::string table_page_policy();

/// The table of `agent --once` as HTML, at most 1000 lines, each head a link that sorts by it.
/// Without rates where `older` is `newer`; then it asks anew by itself once. Names come from
/// containers' authors: they are fit for a terminal first, then escaped.
[[nodiscard]] std::string table_page(const Snapshot& older, const Snapshot& newer,
                                     const TablePageOptions& options, const TablePageFacts& facts);

}  // namespace cgmon
