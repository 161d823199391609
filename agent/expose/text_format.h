#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cgmon {

/// The text formats that Prometheus reads: 0.0.4, and OpenMetrics 1.0.0. Samples look the same in
/// both; headers differ, and OpenMetrics has an end.
enum class TextFormat : std::uint8_t { prometheus, openmetrics };

/// What a family's samples are. The older format has neither info nor stateset: they are gauges.
enum class SampleType : std::uint8_t { counter, gauge, histogram, info, stateset };

/// What an OpenMetrics page ends with.
inline constexpr std::string_view kOpenMetricsEnd = "# EOF\n";

/// The Content-Type of a page.
[[nodiscard]] std::string_view content_type(TextFormat format);

/// A label value as the text formats want it: backslash, quote and newline escaped.
void append_escaped(std::string& text, std::string_view value);

/// HELP and TYPE of a family whose samples are called `name`; in OpenMetrics also UNIT, where the
/// name ends in one. OpenMetrics names a counter without its _total and an info without its _info;
/// a counter that lacks the suffix (cAdvisor has one) is `unknown` there, so that its samples keep
/// their name.
void append_header(std::string& text, TextFormat format, std::string_view name, SampleType type,
                   std::string_view help);

}  // namespace cgmon
