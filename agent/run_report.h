#pragma once

#include <string>
#include <vector>

#include "agent/enforce/report.h"

namespace cgmon {

class JsonWriter;

/// The report as JSON, described by docs/run.md and run_report.schema.json: what is not known has
/// no member.
void write_run_report(JsonWriter& json, const RunReport& report);
[[nodiscard]] std::string run_report_json(const RunReport& report);
/// Its figures in the text format, for a textfile collector.
[[nodiscard]] std::string run_report_metrics(const RunReport& report);
/// Of several runs of one command: min, median and max of each figure that all of them have, as a
/// table, and as JSON with the runs' own reports.
[[nodiscard]] std::string run_repeat_text(const std::vector<RunReport>& reports);
[[nodiscard]] std::string run_repeat_json(const std::vector<RunReport>& reports);
/// What a person reads in ten seconds.
[[nodiscard]] std::string run_report_text(const RunReport& report);

}  // namespace cgmon
