#include <array>
#include <chrono>

#include "config/config.h"
#include "config/scalar.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;

constexpr std::array<GroupOption, 3> kGroups{{{"cpu"}, {"percpu", false}, {"memory"}}};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) (c == '"' || c == '\\' ? out += '\\' : out) += c;
  return out + '"';
}

template <class Range, class Word>
std::string list_of(const Range& items, Word word) {
  std::string out = "[";
  for (const auto& item : items) out += quoted(word(item)) + ", ";
  return out + "]\n";
}

std::string_view word(bool value) { return value ? "true\n" : "false\n"; }

std::string written(const Config& config) {
  constexpr std::array<std::string_view, 5> kLevels{"trace", "debug", "info", "warn", "error"};
  std::string text = "web:\n  listen-address: ";
  text += list_of(config.web.listen_addresses, [](const HostPort& at) { return to_string(at); });
  text += "  telemetry-path: " + quoted(config.web.telemetry_path);
  text += "\n  min-interval: " + to_string(config.web.min_interval);
  text.append("\n  disable-exporter-metrics: ").append(word(config.web.disable_exporter_metrics));
  text += "  threads: " + std::to_string(config.web.threads);
  text += "\npath:\n  rootfs: " + quoted(config.path.rootfs);
  text += "\n  procfs: " + quoted(config.path.procfs) + "\n  sysfs: " + quoted(config.path.sysfs);
  text += "\n  cgroupfs: " + quoted(config.path.cgroupfs);
  text += "\ndocker:\n  root: " + list_of(config.docker.roots, [](const auto& at) { return at; });
  text += "labels:\n  container: ";
  text += list_of(config.labels.container, [](const auto& at) { return at; });
  text += "  env: " + list_of(config.labels.env, [](const auto& at) { return at; });
  const FilterConfig& filter = config.filter;
  text += "filter:\n";
  for (const auto& [key, patterns] : {std::pair{"include-path", &filter.include_paths},
                                      {"exclude-path", &filter.exclude_paths},
                                      {"include-runtime", &filter.include_runtimes},
                                      {"exclude-runtime", &filter.exclude_runtimes},
                                      {"include-namespace", &filter.include_namespaces},
                                      {"exclude-namespace", &filter.exclude_namespaces}}) {
    text.append("  ").append(key).append(": ");
    text += list_of(*patterns, [](const auto& at) { return at; });
  }
  text += "limits:\n  cgroups: " + std::to_string(config.limits.cgroups);
  text += "\n  depth: " + std::to_string(config.limits.depth);
  text += "\n  samples: " + std::to_string(config.limits.samples);
  text += "\n  descriptors: " + std::to_string(config.limits.descriptors);
  text += "\nlog: {level: ";
  text.append(kLevels.at(static_cast<std::size_t>(config.log.level))).append("}\n");
  if (const auto& only = config.only) {
    text += "only: [";
    if (only->containers) text += "containers, ";
    if (only->pods) text += "pods, ";
    if (only->units) text += "units, ";
    if (only->all) text += "all";
    text += "]\n";
  }
  text += "collector:\n";
  for (const CollectorSwitch& collector : config.collectors) {
    text.append("  ").append(collector.name).append(": ").append(word(collector.enabled));
  }
  return text;
}

void check_ranges(const Config& config) {
  const auto is_within = [](std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    return value >= least && value <= most;
  };
  require(config.web.min_interval >= milliseconds(0) &&
              config.web.min_interval <= std::chrono::hours(1) &&
              is_within(config.web.threads, 1, 64) &&
              is_within(config.limits.cgroups, 1, 1'000'000) &&
              is_within(config.limits.depth, 1, 1'024) &&
              is_within(config.limits.samples, 1'000, 50'000'000) &&
              is_within(config.limits.descriptors, 0, 1'000'000),
          "every number is in its range");
  require(!config.web.listen_addresses.empty() && is_telemetry_path(config.web.telemetry_path),
          "there is something to serve, somewhere");
  require(!config.path.rootfs.empty() && config.path.rootfs.find('\0') == std::string::npos,
          "the root is a path");
  require(config.collectors.size() == kGroups.size(), "there are as many collectors as before");
}

}  // namespace

void check_input(std::string_view input) {
  const Config before = default_config(kGroups);
  Config config = before;
  const Result<void> merged = merge_yaml(input, "agent.yaml", config);
  if (!merged) {
    require(config == before, "a mistake changes nothing");
    require(merged.error().path == "agent.yaml" && is_printable_ascii(merged.error().what),
            "a mistake is told in one line for a terminal");
    require(merged.error().what.size() <= 1000, "a mistake is told shortly");
    require(merged.error().line <= input.size() + 1, "a mistake is at a line of the text");
    return;
  }
  check_ranges(config);
  Config again = config;
  require(merge_yaml(input, "agent.yaml", again).has_value() && again == config,
          "the same text twice is the text");
  again = before;
  require(merge_yaml(written(config), "written", again).has_value() && again == config,
          "a configuration is read back as it was");
}

}  // namespace cgmon
