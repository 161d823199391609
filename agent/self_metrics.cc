#include "agent/self_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

namespace cgmon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr double kNanosecond = 1e-9;

bool is_in(std::size_t group, GroupSet groups) {
  return (groups & bit(static_cast<Group>(group))) != 0;
}

MetricFamily& add(std::vector<MetricFamily>& families, const char* name, const char* help,
                  MetricType type) {
  MetricFamily& family = families.emplace_back();
  family.name = name;
  family.help = help;
  family.type = type;
  return family;
}

void sample(MetricFamily& family, double value, const Labels& labels = {}) {
  ClientMetric& metric = family.metric.emplace_back();
  for (const auto& [name, text] : labels) metric.label.push_back({name, text});
  if (family.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

void single(std::vector<MetricFamily>& families, const char* name, const char* help,
            MetricType type, double value) {
  sample(add(families, name, help, type), value);
}

void append_value(std::string& page, double value) {
  if (std::isinf(value)) {
    page += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  std::array<char, 32> text{};
  page.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
}

void append_sample(std::string& page, std::string_view name, const ClientMetric& metric,
                   double value, std::string_view extra_name = {},
                   std::string_view extra_value = {}) {
  page += name;
  char separator = '{';
  const auto label = [&](std::string_view key, std::string_view text) {
    page += separator;
    separator = ',';
    page += key;
    page += "=\"";
    append_escaped(page, text);
    page += '"';
  };
  for (const auto& [key, text] : metric.label) label(key, text);
  if (!extra_name.empty()) label(extra_name, extra_value);
  if (separator == ',') page += '}';
  page += ' ';
  append_value(page, value);
  page += '\n';
}

void append_histogram(std::string& page, const std::string& name, const ClientMetric& metric) {
  for (const auto& bucket : metric.histogram.bucket) {
    std::string bound;
    append_value(bound, bucket.upper_bound);
    // The same series in each format: OpenMetrics wants "10.0".
    if (bound.find_first_of(".eI") == bound.npos) bound += ".0";
    append_sample(page, name + "_bucket", metric, static_cast<double>(bucket.cumulative_count),
                  "le", bound);
  }
  append_sample(page, name + "_sum", metric, metric.histogram.sample_sum);
  append_sample(page, name + "_count", metric, static_cast<double>(metric.histogram.sample_count));
}

SampleType type_of(const MetricFamily& family) {
  if (family.type == MetricType::Counter) return SampleType::counter;
  if (family.type == MetricType::Histogram) return SampleType::histogram;
  return family.name.ends_with("_info") ? SampleType::info : SampleType::gauge;
}

void append_family(std::string& page, const MetricFamily& family, TextFormat format) {
  if (family.metric.empty()) return;
  append_header(page, format, family.name, type_of(family), family.help);
  for (const ClientMetric& metric : family.metric) {
    if (family.type == MetricType::Histogram) {
      append_histogram(page, family.name, metric);
    } else {
      append_sample(page, family.name, metric,
                    family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value);
    }
  }
}

/// Open descriptors of this process. Kernels from 6.2 on give the count as the directory's size;
/// where that is 0 they are counted one by one.
std::optional<double> open_descriptors() {
  struct stat status {};
  if (::stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
    return static_cast<double>(status.st_size);
  }
  std::error_code error;
  std::ptrdiff_t count = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  if (error) return std::nullopt;
  return static_cast<double>(count - 1);  // the one that listed
}

void add_process(std::vector<MetricFamily>& families, const AgentFacts& facts) {
  using enum MetricType;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  single(families, "process_cpu_seconds_total", "CPU time of the agent.", Counter,
         seconds(usage.ru_utime) + seconds(usage.ru_stime));
  double pages_virtual = 0, pages_resident = 0;
  if (std::ifstream statm("/proc/self/statm"); statm >> pages_virtual >> pages_resident) {
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    single(families, "process_resident_memory_bytes", "Resident memory of the agent.", Gauge,
           pages_resident * page);
    single(families, "process_virtual_memory_bytes", "Virtual memory of the agent.", Gauge,
           pages_virtual * page);
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (const auto open = open_descriptors()) {
    single(families, "process_open_fds", "Open descriptors of the agent.", Gauge, *open);
  }
  single(families, "process_max_fds", "Limit of open descriptors of the agent.", Gauge,
         static_cast<double>(limit.rlim_cur));
  single(families, "process_start_time_seconds", "When the agent started, in Unix time.", Gauge,
         facts.start_time_seconds);
}

void add_host(std::vector<MetricFamily>& families, const HostView& host) {
  sample(add(families, "cgmon_cgroup_mode_info", "How the host's cgroups are set up.",
             MetricType::Gauge),
         1, {{"mode", std::string(host.cgroup_mode)}});
  single(families, "cgmon_view_restricted",
         "Whether the agent sees only a part of the host's cgroups.", MetricType::Gauge,
         host.view_restricted ? 1 : 0);
}

void add_unavailable(std::vector<MetricFamily>& families, const Snapshot& snapshot,
                     GroupSet groups) {
  MetricFamily& family =
      add(families, "cgmon_unavailable_cgroups",
          "Cgroups that lack what a collector reads, by reason.", MetricType::Gauge);
  for (std::size_t group = 0; group < kGroups.size(); ++group) {
    const GroupReport& report = snapshot.report.groups[group];
    if (!is_in(group, groups)) continue;
    for (std::size_t reason = 0; reason < kReasons; ++reason) {
      if (report.unavailable[reason] == 0) continue;
      sample(family, report.unavailable[reason],
             {{"collector", std::string(kGroups[group].name)},
              {"reason", name_of(static_cast<Reason>(reason))}});
    }
  }
}

/// Those in `chosen`; without a snapshot they have failed.
void add_collectors(std::vector<MetricFamily>& families, const Snapshot* snapshot,
                    GroupSet chosen) {
  using enum MetricType;
  MetricFamily& duration = add(families, "cgmon_scrape_collector_duration_seconds",
                               "Duration of a collector's part of the last pass.", Gauge);
  std::vector<std::pair<std::string, double>> success;
  for (std::size_t group = 0; group < kGroups.size(); ++group) {
    const std::string name(kGroups[group].name);
    if (!is_in(group, chosen)) continue;
    if (snapshot == nullptr) {
      success.emplace_back(name, 0);
      continue;
    }
    const GroupReport& report = snapshot->report.groups[group];
    if (!report.collected) continue;
    sample(duration, static_cast<double>(report.duration_ns) * kNanosecond, {{"collector", name}});
    success.emplace_back(name, report.success ? 1 : 0);
  }
  if (snapshot != nullptr) {
    sample(duration, static_cast<double>(snapshot->report.discovery_ns) * kNanosecond,
           {{"collector", "discovery"}});
  }
  MetricFamily& succeeded = add(families, "cgmon_scrape_collector_success",
                                "Whether a collector read all it tried in the last pass.", Gauge);
  for (const auto& [name, value] : success) sample(succeeded, value, {{"collector", name}});
}

void add_cgroups(std::vector<MetricFamily>& families, const Snapshot& snapshot) {
  using enum MetricType;
  const PassReport& report = snapshot.report;
  std::array<double, kCgroupKinds> kinds{};
  for (const Slot slot : snapshot.order) {
    kinds.at(static_cast<std::size_t>(snapshot.labels[slot]->kind)) += 1;
  }
  MetricFamily& tracked = add(families, "cgmon_cgroups", "Cgroups served, by kind.", Gauge);
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    sample(tracked, kinds.at(kind), {{"kind", name_of(static_cast<CgroupKind>(kind))}});
  }
  MetricFamily& dropped =
      add(families, "cgmon_cgroups_dropped", "Cgroups known and not served, by reason.", Gauge);
  sample(dropped, report.dropped_bound, {{"reason", "bound"}});
  sample(dropped, report.dropped_depth, {{"reason", "depth"}});
  sample(dropped, report.dropped_filter, {{"reason", "filter"}});
  const auto count = [](std::uint64_t value) { return static_cast<double>(value); };
  single(families, "cgmon_cgroups_added_total", "Cgroups that appeared.", Counter,
         count(report.cgroups_added));
  single(families, "cgmon_cgroups_removed_total", "Cgroups that went away.", Counter,
         count(report.cgroups_removed));
  single(families, "cgmon_cgroups_vanished_reading_total",
         "Cgroups that went away while they were read, left out of that page.", Counter,
         count(report.vanished_reading));
  single(families, "cgmon_watch_failures_total",
         "Hierarchies walked and limits read each time because they cannot be watched.", Counter,
         count(report.watch_failures));
  single(families, "cgmon_owners", "Owners of OOM kills that are remembered, living or not.", Gauge,
         report.owners);
  single(families, "cgmon_oom_kills_unattributed_total",
         "OOM kills that were seen and belong to no owner that is known.", Counter,
         count(report.oom_kills_unattributed));
  single(families, "cgmon_disk_walk_files_total",
         "Files looked at to measure writable layers of containers.", Counter,
         count(report.disk_files));
  single(families, "cgmon_disk_walk_incomplete_total",
         "Measurements of writable layers that could not be brought to an end.", Counter,
         count(report.disk_incomplete));
  single(families, "cgmon_descriptors_kept", "Kernel files kept open.", Gauge,
         report.descriptors_kept);
  single(families, "cgmon_descriptors_limit", "Budget of kernel files kept open.", Gauge,
         report.descriptors_limit);
}

/// Every engine whose containers are served, so that 0 says that all of them have names.
void add_unresolved(MetricFamily& family, const Snapshot& snapshot) {
  std::map<std::string_view, std::uint64_t> nameless;
  for (const Slot slot : snapshot.order) {
    const CgroupLabels& labels = *snapshot.labels[slot];
    if (labels.container_id.empty()) continue;
    nameless[labels.runtime] += labels.name.empty() && labels.container.empty() ? 1 : 0;
  }
  for (const auto& [runtime, count] : nameless) {
    sample(family, static_cast<double>(count),
           {{"runtime", runtime.empty() ? "unknown" : std::string(runtime)}});
  }
}

void add_reads(std::vector<MetricFamily>& families, const Snapshot& snapshot) {
  using enum MetricType;
  single(families, "cgmon_reads_total", "Reads of kernel files.", Counter,
         static_cast<double>(snapshot.report.reads));
  MetricFamily& errors = add(families, "cgmon_read_errors_total",
                             "Failed reads of kernel files, by file and reason.", Counter);
  for (const ReadError& error : snapshot.read_errors) {
    sample(errors, static_cast<double>(error.count),
           {{"file", std::string(error.file)}, {"reason", std::string(error.reason)}});
  }
  MetricFamily& failures = add(families, "cgmon_metadata_failures_total",
                               "Failures to read engines' files, by source and reason.", Counter);
  for (const MetadataFailure& failure : snapshot.metadata_failures) {
    sample(failures, static_cast<double>(failure.count),
           {{"source", std::string(failure.source)}, {"reason", std::string(failure.reason)}});
  }
  add_unresolved(add(families, "cgmon_metadata_unresolved",
                     "Containers without a name, by the engine that their path shows.", Gauge),
                 snapshot);
}

/// A count of the collector's, which begins anew when the hierarchies are mounted anew.
void rise_to(prometheus::Counter& counter, std::uint64_t before, std::uint64_t now) {
  counter.Increment(static_cast<double>(now >= before ? now - before : now));
}

}  // namespace

struct SelfMetrics::State {
  State(const AgentFacts& the_facts, bool exporter)
      : facts(the_facts), exporter_metrics(exporter) {}

  AgentFacts facts;
  std::atomic<bool> exporter_metrics;
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& collections =
      prometheus::BuildCounter()
          .Name("cgmon_collections_total")
          .Help("Requests by how they came by their collection.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& requests = prometheus::BuildCounter()
                                                          .Name("cgmon_http_requests_total")
                                                          .Help("HTTP requests answered.")
                                                          .Register(registry);
  prometheus::Counter& deadline_exceeded = prometheus::BuildCounter()
                                               .Name("cgmon_deadline_exceeded_total")
                                               .Help("Passes that were cut off by their deadline.")
                                               .Register(registry)
                                               .Add({});
  prometheus::Family<prometheus::Counter>& dropped =
      prometheus::BuildCounter()
          .Name("cgmon_series_dropped_total")
          .Help("Samples left out because of a bound.")
          .Register(registry);
  prometheus::Counter& beyond_samples = dropped.Add({{"bound", "samples_per_page"}});
  prometheus::Counter& beyond_bytes = dropped.Add({{"bound", "page_bytes"}});
  prometheus::Counter& dropped_devices = dropped.Add({{"bound", "devices"}});
  prometheus::Counter& dropped_interfaces = dropped.Add({{"bound", "interfaces"}});
  prometheus::Counter& dropped_mounts = dropped.Add({{"bound", "mounts"}});
  prometheus::Counter& dropped_owners = dropped.Add({{"bound", "owners"}});
  prometheus::Counter& dropped_ended = dropped.Add({{"bound", "ended"}});
  prometheus::Counter& dropped_labels = dropped.Add({{"bound", "labels"}});
  prometheus::Counter& dropped_label_length = dropped.Add({{"bound", "label_length"}});
  prometheus::Counter& dropped_label_collision = dropped.Add({{"bound", "label_collision"}});
  prometheus::Counter& dropped_exited = dropped.Add({{"bound", "ended_containers"}});
  prometheus::Histogram& duration =
      prometheus::BuildHistogram()
          .Name("cgmon_collection_duration_seconds")
          .Help("Duration of a whole pass.")
          .Register(registry)
          .Add({}, prometheus::Histogram::BucketBoundaries{0.001, 0.0025, 0.005, 0.01, 0.025, 0.1,
                                                           0.5, 2.5, 10});
  prometheus::Family<prometheus::Gauge>& page_bytes =
      prometheus::BuildGauge()
          .Name("cgmon_page_bytes")
          .Help("Size of the last page of cgroups, as it was sent.")
          .Register(registry);
  prometheus::Gauge& page_samples = prometheus::BuildGauge()
                                        .Name("cgmon_page_samples")
                                        .Help("Samples on the last page of cgroups.")
                                        .Register(registry)
                                        .Add({});
  prometheus::Family<prometheus::Counter>& reloads =
      prometheus::BuildCounter()
          .Name("cgmon_config_reloads_total")
          .Help("How often the configuration was read again, by what came of it.")
          .Register(registry);
  prometheus::Gauge& reload_successful =
      prometheus::BuildGauge()
          .Name("cgmon_config_last_reload_successful")
          .Help("Whether the configuration was right when it was last read.")
          .Register(registry)
          .Add({});
  prometheus::Gauge& reload_timestamp =
      prometheus::BuildGauge()
          .Name("cgmon_config_last_reload_success_timestamp_seconds")
          .Help("When a right configuration was last read, in Unix time.")
          .Register(registry)
          .Add({});
  std::mutex mutex;                           // guards what follows
  std::map<std::string, double> cpu_seconds;  // by collector or other part
  GroupSet groups = 0;
  HostView host;
  PassReport last;
  LabelBounds last_labels;
};

SelfMetrics::SelfMetrics(const AgentFacts& facts, bool exporter_metrics)
    : state_(std::make_unique<State>(facts, exporter_metrics)) {
  for (const char* const outcome : {"fresh", "shared", "reused", "stuck"}) {
    state_->collections.Add({{"outcome", outcome}});
  }
  for (const char* const outcome : {"success", "failure"}) {
    state_->reloads.Add({{"outcome", outcome}});
  }
  state_->reload_successful.Set(1);  // the agent does not start with a wrong one
  state_->reload_timestamp.Set(facts.start_time_seconds);
}

SelfMetrics::~SelfMetrics() = default;

void SelfMetrics::count_collection(std::string_view outcome) {
  state_->collections.Add({{"outcome", std::string(outcome)}}).Increment();
}

void SelfMetrics::observe_pass(const Snapshot& snapshot, const HostView& host) {
  state_->duration.Observe(static_cast<double>(snapshot.report.duration_ns) * kNanosecond);
  if (snapshot.report.deadline_exceeded) state_->deadline_exceeded.Increment();
  state_->dropped_devices.Increment(static_cast<double>(snapshot.report.devices_dropped));
  state_->dropped_mounts.Increment(static_cast<double>(snapshot.report.mounts_dropped));
  state_->dropped_interfaces.Increment(static_cast<double>(snapshot.report.interfaces_dropped));
  const std::lock_guard lock(state_->mutex);
  rise_to(state_->dropped_owners, state_->last.owners_dropped, snapshot.report.owners_dropped);
  rise_to(state_->dropped_ended, state_->last.ended_dropped, snapshot.report.ended_dropped);
  state_->dropped_exited.Increment(static_cast<double>(snapshot.containers_ended_dropped));
  const LabelBounds& labels = snapshot.label_bounds;
  LabelBounds& before = state_->last_labels;
  rise_to(state_->dropped_labels, before.container_labels, labels.container_labels);
  rise_to(state_->dropped_label_length, before.label_length, labels.label_length);
  rise_to(state_->dropped_label_collision, before.label_collision, labels.label_collision);
  before = labels;
  state_->last = snapshot.report;
  state_->host = host;
  std::int64_t rest = snapshot.report.cpu_ns;  // finding cgroups, naming them, sums
  for (std::size_t group = 0; group < kGroups.size(); ++group) {
    const GroupReport& report = snapshot.report.groups[group];
    if (!report.collected) continue;
    rest -= report.cpu_ns;
    state_->cpu_seconds[std::string(kGroups[group].name)] +=
        static_cast<double>(report.cpu_ns) * kNanosecond;
  }
  state_->cpu_seconds["discovery"] += static_cast<double>(rest) * kNanosecond;
}

void SelfMetrics::add_cpu(std::string_view part, std::int64_t cpu_ns) {
  const std::lock_guard lock(state_->mutex);
  state_->cpu_seconds[std::string(part)] += static_cast<double>(cpu_ns) * kNanosecond;
}

void SelfMetrics::set_groups(GroupSet groups) {
  const std::lock_guard lock(state_->mutex);
  state_->groups = groups;
}

GroupSet SelfMetrics::groups() const {
  const std::lock_guard lock(state_->mutex);
  return state_->groups;
}

void SelfMetrics::set_exporter_metrics(bool on) { state_->exporter_metrics = on; }

void SelfMetrics::count_reload(bool success, std::int64_t wall_ns) {
  state_->reloads.Add({{"outcome", success ? "success" : "failure"}}).Increment();
  state_->reload_successful.Set(success ? 1 : 0);
  if (success) state_->reload_timestamp.Set(static_cast<double>(wall_ns) * kNanosecond);
}

void SelfMetrics::page_written(std::string_view encoding, std::size_t bytes,
                               const PrometheusText::Stats& stats) {
  state_->page_bytes.Add({{"encoding", std::string(encoding)}}).Set(static_cast<double>(bytes));
  state_->page_samples.Set(static_cast<double>(stats.samples));
  state_->beyond_samples.Increment(static_cast<double>(stats.beyond_samples));
  state_->beyond_bytes.Increment(static_cast<double>(stats.beyond_bytes));
}

void SelfMetrics::count_request(std::string_view handler, int code) {
  state_->requests.Add({{"handler", std::string(handler)}, {"code", std::to_string(code)}})
      .Increment();
}

void SelfMetrics::append_text(const Snapshot* snapshot, std::string& page, TextFormat format,
                              GroupSet groups) const {
  std::vector<MetricFamily> families;
  if (snapshot != nullptr) add_unavailable(families, *snapshot, groups);
  if (state_->exporter_metrics) {
    const AgentFacts& facts = state_->facts;
    sample(
        add(families, "cgmon_build_info", "The agent's build.", MetricType::Gauge), 1,
        {{"version", facts.version}, {"revision", facts.revision}, {"compiler", facts.compiler}});
    {
      const std::lock_guard lock(state_->mutex);
      if (!state_->host.cgroup_mode.empty()) add_host(families, state_->host);
      add_collectors(families, snapshot, groups & state_->groups);
      MetricFamily& cpu = add(families, "cgmon_collector_cpu_seconds_total",
                              "CPU time that a collector, or another part of the agent, took.",
                              MetricType::Counter);
      for (const auto& [part, seconds] : state_->cpu_seconds) {
        sample(cpu, seconds, {{"collector", part}});
      }
    }
    if (snapshot != nullptr) {
      add_reads(families, *snapshot);
      add_cgroups(families, *snapshot);
    }
    for (MetricFamily& family : state_->registry.Collect()) families.push_back(std::move(family));
    add_process(families, facts);
  }
  for (const MetricFamily& family : families) append_family(page, family, format);
}

}  // namespace cgmon
