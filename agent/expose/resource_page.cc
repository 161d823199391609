#include "agent/expose/resource_page.h"

#include <algorithm>
#include <array>
#include <vector>

#include "agent/expose/prometheus_text.h"
#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

constexpr std::size_t kStart = row("container_start_time_seconds");
constexpr std::size_t kCpu = row("container_cpu_usage_seconds_total", R"(cpu="total")");
constexpr std::size_t kWorkingSet = row("container_memory_working_set_bytes");
constexpr std::size_t kSwap = row("container_memory_swap");

enum class Level : std::uint8_t { node, pod, container };

struct ResourceFamily {
  std::string_view name, help;
  SampleType type;
  Level level;
  std::size_t row;
  bool has_time = true;
};

// One family, one line, in the kubelet's order.
// clang-format off
constexpr auto kResources = std::to_array<ResourceFamily>({
    {"container_cpu_usage_seconds_total", "CPU time consumed by the container.", SampleType::counter, Level::container, kCpu},
    {"container_memory_working_set_bytes", "Working set of the container.", SampleType::gauge, Level::container, kWorkingSet},
    {"container_start_time_seconds", "Start of the container, in Unix time.", SampleType::gauge, Level::container, kStart, false},
    {"container_swap_usage_bytes", "Swap in use by the container.", SampleType::gauge, Level::container, kSwap},
    {"node_cpu_usage_seconds_total", "CPU time consumed by the node.", SampleType::counter, Level::node, kCpu},
    {"node_memory_working_set_bytes", "Working set of the node.", SampleType::gauge, Level::node, kWorkingSet},
    {"node_swap_usage_bytes", "Swap in use on the node.", SampleType::gauge, Level::node, kSwap},
    {"pod_cpu_usage_seconds_total", "CPU time consumed by the pod.", SampleType::counter, Level::pod, kCpu},
    {"pod_memory_working_set_bytes", "Working set of the pod.", SampleType::gauge, Level::pod, kWorkingSet},
    {"pod_swap_usage_bytes", "Swap in use by the pod.", SampleType::gauge, Level::pod, kSwap},
});
// clang-format on

/// Who has samples, with the labels as they are printed.
struct Owner {
  std::string labels;
  Slot slot = 0;
  std::uint64_t started = 0;
};

void append_label(std::string& labels, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  labels += labels.empty() ? '{' : ',';
  labels.append(name).append("=\"");
  append_escaped(labels, value);
  labels += '"';
}

/// The container label, empty for a sandbox.
std::string_view container_name(const CgroupLabels& labels) {
  if (labels.container == "POD") return {};
  if (!labels.pod.empty()) return labels.container;
  for (const std::string* const name : {&labels.container, &labels.name}) {
    if (!name->empty()) return *name;
  }
  return labels.container_id;
}

bool belongs_to(Level level, const CgroupLabels& labels) {
  switch (level) {
    case Level::node:
      return labels.kind == CgroupKind::root;
    case Level::pod:
      return labels.kind == CgroupKind::pod && !labels.pod.empty();
    case Level::container:
      break;
  }
  return labels.kind == CgroupKind::container && !container_name(labels).empty();
}

std::vector<Owner> owners_of(const Snapshot& snapshot, Level level) {
  std::vector<Owner> owners;
  for (const Slot slot : snapshot.order) {
    const CgroupLabels& labels = *snapshot.labels[slot];
    if (!belongs_to(level, labels)) continue;
    Owner owner{.slot = slot, .started = snapshot.value(kStart, slot).number};
    if (level == Level::container) append_label(owner.labels, "container", container_name(labels));
    if (level != Level::node) {
      append_label(owner.labels, "namespace", labels.namespace_name);
      append_label(owner.labels, "pod", labels.pod);
    }
    if (!owner.labels.empty()) owner.labels += '}';
    owners.push_back(std::move(owner));
  }
  std::ranges::stable_sort(owners, [](const Owner& a, const Owner& b) {
    return a.labels != b.labels ? a.labels < b.labels : a.started > b.started;
  });
  owners.erase(std::unique(owners.begin(), owners.end(),
                           [](const Owner& a, const Owner& b) { return a.labels == b.labels; }),
               owners.end());
  return owners;
}

/// A blank and the time: milliseconds in text, seconds in OpenMetrics.
std::string time_of(const Snapshot& snapshot, TextFormat format) {
  std::array<char, 32> text{};
  const auto milliseconds = static_cast<std::uint64_t>(snapshot.wall_ns / 1'000'000);
  const unsigned decimals = format == TextFormat::openmetrics ? 3 : 0;
  return ' ' + std::string(text.data(), write_number(text.data(), milliseconds, decimals));
}

void append_family(const ResourceFamily& family, const Snapshot& snapshot,
                   const std::vector<Owner>& owners, TextFormat format, std::string& page) {
  const std::string time = family.has_time ? time_of(snapshot, format) : "";
  const unsigned places = decimals(family_of(family.row).unit);
  bool is_first = true;
  for (const Owner& owner : owners) {
    const Value value = snapshot.value(family.row, owner.slot);
    if (!value.is_number()) continue;
    if (is_first) append_header(page, format, family.name, family.type, family.help);
    is_first = false;
    std::array<char, 32> number{};
    const char* const end = write_number(number.data(), value.number, places);
    page.append(family.name).append(owner.labels) += ' ';
    page.append(number.data(), static_cast<std::size_t>(end - number.data())).append(time) += '\n';
  }
}

}  // namespace

void render_resource_page(const Snapshot* snapshot, TextFormat format, std::string& page) {
  page.clear();
  if (snapshot != nullptr) {
    std::array<std::vector<Owner>, 3> owners;
    for (const Level level : {Level::node, Level::pod, Level::container}) {
      owners.at(static_cast<std::size_t>(level)) = owners_of(*snapshot, level);
    }
    for (const ResourceFamily& family : kResources) {
      append_family(family, *snapshot, owners.at(static_cast<std::size_t>(family.level)), format,
                    page);
    }
  }
  const bool failed = snapshot == nullptr || snapshot->report.deadline_exceeded;
  for (const std::string_view name : {"resource_scrape_error", "scrape_error"}) {
    append_header(page, format, name, SampleType::gauge,
                  "1 if not all of the figures could be read, else 0.");
    page.append(name).append(failed ? " 1\n" : " 0\n");
  }
  if (format == TextFormat::openmetrics) page += kOpenMetricsEnd;
}

}  // namespace cgmon
