#pragma once

#include <string>

#include "agent/expose/inspect_report.h"

namespace cgmon {

/// A report for a person, fit for a terminal: what the cgroup is, where, what limits it, what runs
/// in it, its root file system, and each number under the file that it came from. Numbers are exact
/// and as the page has them.
[[nodiscard]] std::string inspect_text(const InspectReport& report);

}  // namespace cgmon
