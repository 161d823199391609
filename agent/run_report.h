#pragma once

#include <string>

#include "agent/enforce/report.h"

namespace cgmon {

/// The report as JSON, described by docs/run.md: what is not known has no member.
[[nodiscard]] std::string run_report_json(const RunReport& report);
/// Its figures in the text format, for a textfile collector.
[[nodiscard]] std::string run_report_metrics(const RunReport& report);
/// What a person reads in ten seconds.
[[nodiscard]] std::string run_report_text(const RunReport& report);

}  // namespace cgmon
