#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "agent/expose/json_writer.h"
#include "agent/run_report.h"

namespace cgmon {
namespace {

/// One figure over all runs, from the least to the largest.
struct Spread {
  std::string_view name;
  unsigned places = 0;
  std::vector<std::uint64_t> values;

  [[nodiscard]] std::uint64_t median() const {
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half]
                                  : values[half - 1] + (values[half] - values[half - 1]) / 2;
  }
};

/// The wall time, then those figures that every run has.
std::vector<Spread> spreads(const std::vector<RunReport>& reports) {
  std::vector<Spread> found;
  Spread wall{"wall_seconds", 9, {}};
  for (const RunReport& report : reports) {
    wall.values.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(report.wall_ns, 0)));
  }
  found.push_back(wall);
  for (const RunFigure& figure : reports.front().figures) {
    Spread spread{figure.name, decimals(figure.unit), {}};
    for (const RunReport& report : reports) {
      const auto same = std::ranges::find(report.figures, figure.name, &RunFigure::name);
      if (same != report.figures.end() && same->value.is_number()) {
        spread.values.push_back(same->value.number);
      }
    }
    if (spread.values.size() == reports.size()) found.push_back(std::move(spread));
  }
  for (Spread& spread : found) std::ranges::sort(spread.values);
  return found;
}

double scaled(std::uint64_t value, unsigned places) {
  double number = static_cast<double>(value);
  for (unsigned i = 0; i < places; ++i) number /= 10;
  return number;
}

}  // namespace

std::string run_repeat_text(const std::vector<RunReport>& reports) {
  std::array<char, 160> line{};
  std::string out;
  std::snprintf(line.data(), line.size(), "\n%-26s %14s %14s %14s\n",
                (std::to_string(reports.size()) + " runs").c_str(), "min", "median", "max");
  out += line.data();
  for (const Spread& spread : spreads(reports)) {
    const int places = spread.places == 0 ? 0 : 6;
    std::snprintf(line.data(), line.size(), "%-26s %14.*f %14.*f %14.*f\n",
                  std::string(spread.name).c_str(), places,
                  scaled(spread.values.front(), spread.places), places,
                  scaled(spread.median(), spread.places), places,
                  scaled(spread.values.back(), spread.places));
    out += line.data();
  }
  return out;
}

std::string run_repeat_json(const std::vector<RunReport>& reports) {
  std::string out;
  JsonWriter json(out, true);
  json.begin_object();
  json.member("repeat", static_cast<std::uint64_t>(reports.size()));
  json.key("figures");
  json.begin_object();
  for (const Spread& spread : spreads(reports)) {
    json.key(spread.name);
    json.begin_object();
    for (const auto& [name, value] :
         {std::pair("min", spread.values.front()), std::pair("median", spread.median()),
          std::pair("max", spread.values.back())}) {
      json.key(name);
      json.number(value, spread.places);
    }
    json.member("runs", static_cast<std::uint64_t>(spread.values.size()));
    json.end_object();
  }
  json.end_object();
  json.key("runs");
  json.begin_array();
  for (const RunReport& report : reports) write_run_report(json, report);
  json.end_array();
  json.end_object();
  return out + "\n";
}

}  // namespace cgmon
