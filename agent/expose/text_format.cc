#include "agent/expose/text_format.h"

#include <array>

namespace cgmon {
namespace {

constexpr std::array<std::string_view, 5> kTypes{"counter", "gauge", "histogram", "info",
                                                 "stateset"};

std::string_view word(SampleType type) { return kTypes.at(static_cast<std::size_t>(type)); }

/// The suffix that OpenMetrics wants on a family's samples.
std::string_view suffix_of(SampleType type) {
  if (type == SampleType::counter) return "_total";
  return type == SampleType::info ? "_info" : "";
}

std::string_view unit_in(std::string_view name) {
  for (const std::string_view unit : {"bytes", "seconds", "microseconds", "cores", "pages"}) {
    const bool is_last_word = name.size() > unit.size() && name.ends_with(unit) &&
                              name[name.size() - unit.size() - 1] == '_';
    if (is_last_word) return unit;
  }
  return {};
}

void append_line(std::string& text, std::string_view keyword, std::string_view name,
                 std::string_view value) {
  text.append("# ").append(keyword).append(" ").append(name).append(" ").append(value) += '\n';
}

void append_prometheus_header(std::string& text, std::string_view name, SampleType type,
                              std::string_view help) {
  const bool is_known = type != SampleType::info && type != SampleType::stateset;
  std::string escaped;
  for (const char byte : help) {  // a quote stays as it is, unlike in a label value
    if (byte == '\\' || byte == '\n') escaped += '\\';
    escaped += byte == '\n' ? 'n' : byte;
  }
  append_line(text, "HELP", name, escaped);
  append_line(text, "TYPE", name, is_known ? word(type) : "gauge");
}

}  // namespace

std::string_view content_type(TextFormat format) {
  return format == TextFormat::openmetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

void append_escaped(std::string& text, std::string_view value) {
  for (const char byte : value) {
    switch (byte) {
      case '\\':
        text += "\\\\";
        break;
      case '"':
        text += "\\\"";
        break;
      case '\n':
        text += "\\n";
        break;
      default:
        text += byte;
    }
  }
}

void append_header(std::string& text, TextFormat format, std::string_view name, SampleType type,
                   std::string_view help) {
  if (format == TextFormat::prometheus) {
    append_prometheus_header(text, name, type, help);
    return;
  }
  const std::string_view suffix = suffix_of(type);
  const bool has_suffix = name.ends_with(suffix);
  if (has_suffix) name.remove_suffix(suffix.size());
  std::string escaped;
  append_escaped(escaped, help);
  append_line(text, "HELP", name, escaped);
  append_line(text, "TYPE", name, has_suffix ? word(type) : "unknown");
  const bool may_have_unit = type != SampleType::info && type != SampleType::stateset;
  if (const std::string_view unit = unit_in(name); may_have_unit && !unit.empty()) {
    append_line(text, "UNIT", name, unit);
  }
}

}  // namespace cgmon
