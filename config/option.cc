#include "config/option.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/scalar.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kDirectory = "a directory's path";
constexpr std::string_view kPattern = "a pattern like com.example.* without blanks";
constexpr std::string_view kPathPattern =
    "a pattern of cgroup paths like /system.slice/*, which begins with / or *; * is any text and ? "
    "one character, [ ] { } are nothing";
constexpr std::string_view kRuntimePattern =
    "one of docker, containerd, nerdctl, podman, crio, garden, mesos, lxc, nspawn, libvirt, slurm, "
    "htcondor, torque, pbs, lsf, ecs, nomad, or a pattern of them like *docker* or nerd*";
constexpr std::string_view kNamespacePattern =
    "a pattern of namespaces like kube-*, of small letters, digits, -, * and ?";
constexpr std::string_view kCollectorPrefix = "collector.";

// One option, one block; the formatter breaks lambdas in braces apart.
// clang-format off
constexpr auto kOptions = std::to_array<Option>({
    {.name = "web.listen-address",
     .task = Task::scrape,
     .value_name = "HOST:PORT",
     .default_text = ":10190",
     .help = "Address to serve on; no host is every address, port 0 a free port.",
     .field = AddressesField{[](Config& c) -> auto& { return c.web.listen_addresses; }},
     .fixed_at_start = true},
    {.name = "web.telemetry-path",
     .task = Task::scrape,
     .value_name = "PATH",
     .default_text = "/metrics",
     .help = "URL path of the metrics.",
     .field = TextField{[](Config& c) -> auto& { return c.web.telemetry_path; },
                is_telemetry_path, "a URL path like /metrics, neither / nor below /-/"},
     .fixed_at_start = true},
    {.name = "web.min-interval",
     .task = Task::scrape,
     .value_name = "DURATION",
     .default_text = "500ms",
     .unit = "duration",
     .help = "Scrapes closer together than this share one collection; 0 reads for each scrape.",
     .field = DurationField{[](Config& c) -> auto& { return c.web.min_interval; },
                milliseconds{0}, std::chrono::hours{1}}},
    {.name = "web.threads",
     .task = Task::scrape,
     .value_name = "N",
     .default_text = "8",
     .unit = "threads",
     .help = "Threads that answer HTTP requests.",
     .field = CountField{[](Config& c) -> auto& { return c.web.threads; }, 1, 64},
     .fixed_at_start = true},
    {.name = "web.disable-exporter-metrics",
     .task = Task::scrape,
     .default_text = "false",
     .help = "Leave out the metrics of the agent itself (cgmon_*, process_*).",
     .field = FlagField{[](Config& c) -> auto& { return c.web.disable_exporter_metrics; }}},
    {.name = "only",
     .task = Task::select,
     .value_name = "SCOPE",
     .derived_default = "all; with --once containers and units that have processes",
     .help = "Cgroups to show: containers, pods, units or all, several with commas.",
     .field = ScopesField{[](Config& c) -> auto& { return c.only; }},
     .words = "containers pods units all"},
    {.name = "filter.include-path",
     .task = Task::select,
     .value_name = "GLOB",
     .derived_default = "all",
     .help = "Show cgroups whose path matches, and no others; * is any text, / too.",
     .field = TextsField{[](Config& c) -> auto& { return c.filter.include_paths; },
                is_path_pattern, kPathPattern, true}},
    {.name = "filter.exclude-path",
     .task = Task::select,
     .value_name = "GLOB",
     .derived_default = "none",
     .help = "Leave out cgroups whose path matches; * is any text, / too.",
     .field = TextsField{[](Config& c) -> auto& { return c.filter.exclude_paths; },
                is_path_pattern, kPathPattern, true}},
    {.name = "filter.include-runtime",
     .task = Task::select,
     .value_name = "RUNTIME",
     .derived_default = "all",
     .help = "Show containers of this runtime, like docker or podman, and nothing else.",
     .field = TextsField{[](Config& c) -> auto& { return c.filter.include_runtimes; },
                is_runtime_pattern, kRuntimePattern, true},
     .words = kRuntimeWords},
    {.name = "filter.exclude-runtime",
     .task = Task::select,
     .value_name = "RUNTIME",
     .derived_default = "none",
     .help = "Leave out containers of this runtime.",
     .field = TextsField{[](Config& c) -> auto& { return c.filter.exclude_runtimes; },
                is_runtime_pattern, kRuntimePattern, true},
     .words = kRuntimeWords},
    {.name = "filter.include-namespace",
     .task = Task::select,
     .value_name = "NAME",
     .derived_default = "all",
     .help = "Show pods and containers of this Kubernetes namespace, and nothing else.",
     .field = TextsField{[](Config& c) -> auto& { return c.filter.include_namespaces; },
                is_namespace_pattern, kNamespacePattern, true}},
    {.name = "filter.exclude-namespace",
     .task = Task::select,
     .value_name = "NAME",
     .derived_default = "none",
     .help = "Leave out pods and containers of this Kubernetes namespace.",
     .field = TextsField{[](Config& c) -> auto& { return c.filter.exclude_namespaces; },
                is_namespace_pattern, kNamespacePattern, true}},
    {.name = "collector.disable-defaults",
     .task = Task::select,
     .default_text = "false",
     .help = "Collect nothing but what is switched on by its own name.",
     .field = FlagField{[](Config& c) -> auto& { return c.collector_defaults_disabled; }}},
    {.name = "labels.container",
     .task = Task::select,
     .value_name = "PATTERN",
     .derived_default = "none",
     .help = "Labels of containers that container_info shows, by key; * is any text.",
     .field = TextsField{[](Config& c) -> auto& { return c.labels.container; },
                is_key_pattern, kPattern, true},
     .fixed_at_start = true},
    {.name = "labels.env",
     .task = Task::select,
     .value_name = "PATTERN",
     .derived_default = "none",
     .help = "Environment variables of containers that container_info shows, by name; * is any text.",
     .field = TextsField{[](Config& c) -> auto& { return c.labels.env; },
                is_key_pattern, kPattern, true},
     .fixed_at_start = true},
    {.name = "path.rootfs",
     .task = Task::paths,
     .value_name = "DIR",
     .default_text = "/",
     .help = "Where the host's root file system is mounted.",
     .field = TextField{[](Config& c) -> auto& { return c.path.rootfs; },
                is_directory_path, kDirectory},
     .fixed_at_start = true},
    {.name = "path.procfs",
     .task = Task::paths,
     .value_name = "DIR",
     .derived_default = "proc below path.rootfs",
     .help = "Where the host's procfs is mounted.",
     .field = TextField{[](Config& c) -> auto& { return c.path.procfs; },
                is_directory_path_or_empty, kDirectory},
     .fixed_at_start = true},
    {.name = "path.sysfs",
     .task = Task::paths,
     .value_name = "DIR",
     .derived_default = "sys below path.rootfs",
     .help = "Where the host's sysfs is mounted.",
     .field = TextField{[](Config& c) -> auto& { return c.path.sysfs; },
                is_directory_path_or_empty, kDirectory},
     .fixed_at_start = true},
    {.name = "path.cgroupfs",
     .task = Task::paths,
     .value_name = "DIR",
     .derived_default = "fs/cgroup below path.sysfs",
     .help = "Where the host's cgroup hierarchies are mounted.",
     .field = TextField{[](Config& c) -> auto& { return c.path.cgroupfs; },
                is_directory_path_or_empty, kDirectory},
     .fixed_at_start = true},
    {.name = "docker.root",
     .task = Task::paths,
     .value_name = "DIR",
     .derived_default = "data-root of the host's daemon.json, else /var/lib/docker",
     .help = "Docker's data directory, on the host; names and images come from it.",
     .field = TextsField{[](Config& c) -> auto& { return c.docker.roots; },
                is_directory_path, kDirectory},
     .fixed_at_start = true},
    {.name = "limits.cgroups",
     .task = Task::limits,
     .value_name = "N",
     .default_text = "20000",
     .unit = "cgroups",
     .help = "Cgroups tracked; beyond it containers come first and the rest is counted as dropped.",
     .field = CountField{[](Config& c) -> auto& { return c.limits.cgroups; }, 1, 1'000'000}},
    {.name = "limits.depth",
     .task = Task::limits,
     .value_name = "N",
     .default_text = "64",
     .unit = "levels",
     .help = "Levels of nested cgroups that are walked.",
     .field = CountField{[](Config& c) -> auto& { return c.limits.depth; }, 1, 1'024}},
    {.name = "limits.samples",
     .task = Task::limits,
     .value_name = "N",
     .default_text = "500000",
     .unit = "samples",
     .help = "Samples on one page.",
     .field = CountField{[](Config& c) -> auto& { return c.limits.samples; }, 1'000, 50'000'000}},
    {.name = "limits.page-bytes",
     .task = Task::limits,
     .value_name = "N",
     .default_text = "268435456",
     .unit = "bytes",
     .help = "Size of one page, uncompressed.",
     .field = CountField{[](Config& c) -> auto& { return c.limits.page_bytes; },
                65'536, 2'147'483'648}},
    {.name = "limits.descriptors",
     .task = Task::limits,
     .value_name = "N",
     .default_text = "4096",
     .unit = "descriptors",
     .help = "Kernel files kept open between scrapes; each spares CPU and costs about 4.5 KiB.",
     .field = CountField{[](Config& c) -> auto& { return c.limits.descriptors; }, 0, 1'000'000}},
    {.name = "log.level",
     .task = Task::logging,
     .value_name = "LEVEL",
     .default_text = "info",
     .help = "Least severe log lines written: trace, debug, info, warn or error.",
     .field = LevelField{[](Config& c) -> auto& { return c.log.level; }},
     .words = "trace debug info warn error"},
    {.name = "log.format",
     .task = Task::logging,
     .value_name = "FORMAT",
     .default_text = "logfmt",
     .help = "How log lines are written: logfmt or json.",
     .field = FormatField{[](Config& c) -> auto& { return c.log.format; }},
     .words = "logfmt json"},
});
// clang-format on

/// Reads one kind of value per overload: the first that does not fit is reported by its index.
struct Assigner {
  std::span<const std::string> values;
  Config& config;

  using Outcome = tl::expected<void, BadValue>;

  template <class Value, class Target>
  static Outcome store(const std::optional<Value>& value, Target& target) {
    if (!value) return tl::unexpected(BadValue{0});
    target = *value;
    return {};
  }

  Outcome operator()(const FlagField& field) const {
    return store(parse_boolean(values[0]), field.get(config));
  }
  Outcome operator()(const CountField& field) const {
    const std::optional<std::uint64_t> count = parse_count(values[0]);
    if (!count || *count < field.min || *count > field.max) return tl::unexpected(BadValue{0});
    field.get(config) = static_cast<std::uint32_t>(*count);
    return {};
  }
  Outcome operator()(const DurationField& field) const {
    const std::optional<milliseconds> duration = parse_duration(values[0]);
    if (!duration || *duration < field.min || *duration > field.max) {
      return tl::unexpected(BadValue{0});
    }
    field.get(config) = *duration;
    return {};
  }
  Outcome operator()(const TextField& field) const {
    if (!field.accepts(values[0])) return tl::unexpected(BadValue{0});
    field.get(config) = values[0];
    return {};
  }
  Outcome operator()(const TextsField& field) const {
    std::vector<std::string> texts;
    for (auto value = values.begin(); value != values.end(); ++value) {
      std::string_view rest = *value;
      while (true) {
        const std::size_t end = field.commas ? rest.find(',') : rest.npos;
        const std::string_view text = rest.substr(0, end);
        if (!field.accepts(text)) return bad_value(value);
        texts.emplace_back(text);
        if (end == rest.npos) break;
        rest.remove_prefix(end + 1);
      }
    }
    field.get(config) = std::move(texts);
    return {};
  }
  Outcome operator()(const AddressesField& field) const {
    std::vector<HostPort> addresses;
    for (auto value = values.begin(); value != values.end(); ++value) {
      std::optional<HostPort> address = parse_host_port(*value);
      if (!address) return bad_value(value);
      addresses.push_back(*std::move(address));
    }
    Config defaults;
    field.get(config) = values.empty() ? field.get(defaults) : std::move(addresses);
    return {};
  }
  Outcome operator()(const LevelField& field) const {
    return store(parse_log_level(values[0]), field.get(config));
  }
  Outcome operator()(const FormatField& field) const {
    return store(parse_log_format(values[0]), field.get(config));
  }
  Outcome operator()(const ScopesField& field) const {
    Scopes scopes;
    const auto bad = std::ranges::find_if_not(
        values, [&](const std::string& value) { return add_scopes(value, scopes); });
    if (bad != values.end()) return bad_value(bad);
    field.get(config) = values.empty() ? std::nullopt : std::optional(scopes);
    return {};
  }

  [[nodiscard]] Outcome bad_value(std::span<const std::string>::iterator value) const {
    return tl::unexpected(BadValue{static_cast<std::size_t>(value - values.begin())});
  }
};

struct Describer {
  std::string operator()(const FlagField&) const { return "true or false"; }
  std::string operator()(const CountField& field) const {
    return "a whole number from " + std::to_string(field.min) + " to " + std::to_string(field.max);
  }
  std::string operator()(const DurationField& field) const {
    return "a duration like 500ms, 2s or 1m, from " + to_string(field.min) + " to " +
           to_string(field.max);
  }
  std::string operator()(const TextField& field) const { return std::string(field.expected); }
  std::string operator()(const TextsField& field) const { return std::string(field.expected); }
  std::string operator()(const AddressesField&) const {
    return "an address like :10190, 127.0.0.1:10190 or [::1]:10190, without a scope id (%eth0), "
           "with a port from 0 to 65535";
  }
  std::string operator()(const LevelField&) const {
    return "one of trace, debug, info, warn, error";
  }
  std::string operator()(const FormatField&) const { return "logfmt or json"; }
  std::string operator()(const ScopesField&) const {
    return "containers, pods, units or all, several with commas";
  }
};

/// A field's values as texts. The getters take what they may change: it is a copy.
struct Teller {
  Config& config;

  using Texts = std::vector<std::string>;

  Texts operator()(const FlagField& field) const { return {field.get(config) ? "true" : "false"}; }
  Texts operator()(const CountField& field) const { return {std::to_string(field.get(config))}; }
  Texts operator()(const DurationField& field) const { return {to_string(field.get(config))}; }
  Texts operator()(const TextField& field) const { return {field.get(config)}; }
  Texts operator()(const TextsField& field) const { return field.get(config); }
  Texts operator()(const AddressesField& field) const {
    Texts texts;
    for (const HostPort& address : field.get(config)) texts.push_back(to_string(address));
    return texts;
  }
  Texts operator()(const LevelField& field) const { return {to_string(field.get(config))}; }
  Texts operator()(const FormatField& field) const {
    return {field.get(config) == LogFormat::json ? "json" : "logfmt"};
  }
  Texts operator()(const ScopesField& field) const {
    const std::optional<Scopes>& scopes = field.get(config);
    Texts texts;
    if (!scopes) return texts;
    if (scopes->containers) texts.emplace_back("containers");
    if (scopes->pods) texts.emplace_back("pods");
    if (scopes->units) texts.emplace_back("units");
    if (scopes->all) texts.emplace_back("all");
    return texts;
  }
};

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ",") + text;
  return all;
}

}  // namespace

std::span<const Option> all_options() { return kOptions; }

const Option* find_option(std::string_view name) {
  const auto* const found = std::ranges::find(kOptions, name, &Option::name);
  return found == kOptions.end() ? nullptr : found;
}

bool is_repeatable(const Option& option) {
  return std::holds_alternative<TextsField>(option.field) ||
         std::holds_alternative<AddressesField>(option.field) ||
         std::holds_alternative<ScopesField>(option.field);
}

bool is_flag(const Option& option) { return std::holds_alternative<FlagField>(option.field); }

std::string expected_value(const Option& option) { return std::visit(Describer{}, option.field); }

tl::expected<void, BadValue> assign(const Option& option, std::span<const std::string> values,
                                    Config& config) {
  return std::visit(Assigner{values, config}, option.field);
}

std::vector<std::string> values_of(const Option& option, const Config& config) {
  Config copy = config;
  return std::visit(Teller{copy}, option.field);
}

std::vector<Difference> differences(const Config& config, const Config& other) {
  std::vector<Difference> found;
  for (const Option& option : kOptions) {
    std::string value = joined(values_of(option, config));
    std::string others = joined(values_of(option, other));
    if (value == others) continue;
    found.push_back(
        {std::string(option.name), std::move(value), std::move(others), option.fixed_at_start});
  }
  for (std::size_t i = 0; i < config.collectors.size(); ++i) {
    const bool enabled = config.collectors[i].enabled;
    if (enabled == other.collectors[i].enabled) continue;
    found.push_back({std::string(kCollectorPrefix) + config.collectors[i].name,
                     enabled ? "true" : "false", enabled ? "false" : "true"});
  }
  return found;
}

void copy_value(const Option& option, const Config& from, Config& to) {
  Config source = from;
  std::visit([&](const auto& field) { field.get(to) = field.get(source); }, option.field);
}

CollectorSwitch* find_collector(std::string_view option_name, Config& config) {
  if (!option_name.starts_with(kCollectorPrefix)) return nullptr;
  option_name.remove_prefix(kCollectorPrefix.size());
  const auto found = std::ranges::find(config.collectors, option_name, &CollectorSwitch::name);
  return found == config.collectors.end() ? nullptr : &*found;
}

std::vector<std::string> option_names(const Config& config) {
  std::vector<std::string> names;
  names.reserve(kOptions.size() + config.collectors.size());
  for (const Option& option : kOptions) names.emplace_back(option.name);
  for (const CollectorSwitch& collector : config.collectors) {
    names.push_back(std::string(kCollectorPrefix) + collector.name);
  }
  return names;
}

}  // namespace cgmon
