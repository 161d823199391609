#pragma once

#include <string>

#include "agent/expose/inspect_report.h"

namespace cgmon {

/// A report as a JSON document, indented for people; docs/inspect.md describes its members. Numbers
/// are exact and as the page has them, "no limit" is "max", what is not known has no member. Paths
/// of any bytes are as repair_path() writes them.
[[nodiscard]] std::string inspect_json(const InspectReport& report);

}  // namespace cgmon
