#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"

namespace cgmon {

/// Where to listen, as typed: no name is looked up. An empty host is every address; an IPv6 host
/// stands without its brackets. Port 0 lets the kernel choose.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// As it is typed: ":10190", "127.0.0.1:10190", "[::1]:10190".
[[nodiscard]] std::string to_string(const HostPort& address);

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };
enum class LogFormat : std::uint8_t { logfmt, json };

/// Which cgroups are served: the union of what is set.
struct Scopes {
  bool containers = false;
  bool pods = false;
  bool units = false;
  bool all = false;
  friend bool operator==(const Scopes&, const Scopes&) = default;
};

struct WebConfig {
  std::vector<HostPort> listen_addresses = {{"", 10190}};
  std::string telemetry_path = "/metrics";
  std::chrono::milliseconds min_interval{500};
  bool disable_exporter_metrics = false;
  std::uint32_t threads = 8;
  friend bool operator==(const WebConfig&, const WebConfig&) = default;
};

/// Empty: derived by resolve_paths.
struct PathConfig {
  std::string rootfs = "/";
  std::string procfs;
  std::string sysfs;
  std::string cgroupfs;
  friend bool operator==(const PathConfig&, const PathConfig&) = default;
};

struct DockerConfig {
  /// Empty: `data-root` of the host's daemon.json, else /var/lib/docker.
  std::vector<std::string> roots;
  friend bool operator==(const DockerConfig&, const DockerConfig&) = default;
};

/// Patterns of the keys of containers' labels and environment variables that are shown.
struct LabelsConfig {
  std::vector<std::string> container, env;
  friend bool operator==(const LabelsConfig&, const LabelsConfig&) = default;
};

/// Patterns of the cgroups that are shown, and of those that are not.
struct FilterConfig {
  std::vector<std::string> include_paths, exclude_paths;
  std::vector<std::string> include_runtimes, exclude_runtimes;
  std::vector<std::string> include_namespaces, exclude_namespaces;
  friend bool operator==(const FilterConfig&, const FilterConfig&) = default;
};

struct LimitsConfig {
  std::uint32_t cgroups = 20'000;
  std::uint32_t depth = 64;
  std::uint32_t samples = 500'000;
  std::uint32_t page_bytes = 268'435'456;
  std::uint32_t descriptors = 4'096;
  friend bool operator==(const LimitsConfig&, const LimitsConfig&) = default;
};

struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::logfmt;
  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

/// A collector group as its owner lists it; `name` is what follows `collector.`. The texts must
/// outlive the calls that take them.
struct GroupOption {
  std::string_view name;
  bool default_on = true;
  std::string_view help = {};
};

/// A group's switch after the merge.
struct CollectorSwitch {
  std::string name;
  bool enabled = true;
  friend bool operator==(const CollectorSwitch&, const CollectorSwitch&) = default;
};

/// Every option of the agent, typed and checked. Made by default_config; a Config of `{}` has the
/// defaults and no collector.
struct Config {
  WebConfig web;
  PathConfig path;
  DockerConfig docker;
  LabelsConfig labels;
  FilterConfig filter;
  LimitsConfig limits;
  LogConfig log;
  /// Not set: what the command does by itself (a server serves all).
  std::optional<Scopes> only;
  /// In the order of the groups that default_config was given.
  std::vector<CollectorSwitch> collectors;
  /// Asked for; it is in `collectors` when they were made of groups that are all off.
  bool collector_defaults_disabled = false;
  friend bool operator==(const Config&, const Config&) = default;
};

[[nodiscard]] Config default_config(std::span<const GroupOption> groups);

/// Puts the values of a YAML text over those of `config`; a key is a flag's name with its dots as
/// nesting. An empty text changes nothing. Fails on the first key that is unknown or given twice
/// and on the first value that does not fit, with file, line, column, what was expected and the
/// nearest known key; `config` is then unchanged. `name` is how messages call the file.
[[nodiscard]] Result<void> merge_yaml(std::string_view text, std::string_view name, Config& config);

/// The content of a file of at most 1 MiB.
[[nodiscard]] Result<std::string> read_yaml_file(const std::string& path);

/// merge_yaml over the content of such a file.
[[nodiscard]] Result<void> merge_yaml_file(const std::string& path, Config& config);

/// Fills in the empty paths: <rootfs>/proc, <rootfs>/sys, <sysfs>/fs/cgroup.
void resolve_paths(PathConfig& path);

}  // namespace cgmon
