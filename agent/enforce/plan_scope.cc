#include <algorithm>
#include <array>
#include <utility>

#include "agent/enforce/delegation.h"
#include "agent/enforce/plan_parts.h"
#include "collectors/parse/cpu_list.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

/// Bit N of byte N/8 is CPU N, as systemd's AllowedCPUs has it.
std::vector<std::uint8_t> mask_of(const std::string& list) {
  std::vector<std::uint8_t> mask;
  for (const std::uint32_t number :
       parse_cpu_list(list + '\n').value_or(std::vector<std::uint32_t>())) {
    if (mask.size() <= number / 8) mask.resize(number / 8 + 1);
    mask[number / 8] = static_cast<std::uint8_t>(mask[number / 8] | (1U << (number % 8)));
  }
  return mask;
}

}  // namespace

bool PlanParts::is_systemds(const Hierarchy& hierarchy) { return is_managed_by_systemd(hierarchy); }

void PlanParts::add_scope_directory(std::size_t index) {
  const Hierarchy& hierarchy = context_.layout.hierarchies[index];
  const std::string scope = hierarchy.mount_point + context_.user_manager + '/' + plan_.unit.slice +
                            '/' + plan_.unit.name;
  if (hierarchy.version == Version::v1 && hierarchy.name != "systemd") {
    // Here nobody waits for the last process: the one that keeps the scope would only be counted.
    plan_.steps.push_back({Act::hold, hierarchy.mount_point + "/cgroup.procs"});
    plan_.directories.push_back({index, hierarchy.version, scope, scope});
    return;
  }
  const std::string own = scope + "/command", holder = scope + "/holder";
  plan_.steps.push_back({Act::make_directory, holder});
  plan_.steps.push_back({Act::hold, holder + "/cgroup.procs"});
  // None but this counts tasks below, so that the limit is the command's alone.
  if (std::ranges::find(hierarchy.controllers, Controller::pids) != hierarchy.controllers.end()) {
    plan_.steps.push_back(
        {.act = Act::enable, .path = scope + "/cgroup.subtree_control", .value = "+pids"});
  }
  plan_.steps.push_back({Act::make_directory, own});
  plan_.directories.push_back({index, hierarchy.version, own, scope});
}

void PlanParts::add_scope() {
  Step step{Act::scope, plan_.unit.name, text_of(plan_.unit)};
  plan_.steps.insert(plan_.steps.begin(), std::move(step));
}

bool PlanParts::add_property(const std::string& path, const std::string& value) {
  if (path.find('/' + plan_.unit.name + '/') == path.npos) return false;
  const std::string_view file = std::string_view(path).substr(path.rfind('/') + 1);
  auto& properties = plan_.unit.properties;
  const auto number = [&](const char* name, std::uint64_t each) {
    properties.push_back({name, each});
    return true;
  };
  const std::uint64_t each = parse_number(value).value_or(0);
  // The period is systemd's own, which is ours.
  if (file == "cpu.cfs_period_us") return true;
  if (file == "cpu.max" || file == "cpu.cfs_quota_us") {
    return number("CPUQuotaPerSecUSec", *spec_.microcores);  // millionths of a second a second
  }
  if (file == "cpu.weight" || file == "cpu.shares") return number("CPUWeight", *spec_.cpu_weight);
  if (file == "memory.max" || file == "memory.limit_in_bytes") return number("MemoryMax", each);
  if (file == "memory.high") return number("MemoryHigh", each);
  if (file == "memory.swap.max") return number("MemorySwapMax", each);
  if (file == "pids.max") {
    const bool is_own = path.ends_with("/command/pids.max");
    number("TasksMax", each + (is_own ? 1 : 0));
    return !is_own;
  }
  if (file == "cpuset.cpus" || file == "cpuset.mems") {
    const char* const name = file == "cpuset.cpus" ? "AllowedCPUs" : "AllowedMemoryNodes";
    properties.push_back({name, mask_of(value)});
    return true;
  }
  if (file != "io.max") return false;
  add_io_property(value);
  return true;
}

// systemd takes a path alone, and /dev/block is only there with udev.
std::string PlanParts::node_of(std::string_view number) const {
  constexpr std::size_t kBytesMax = 4096;
  const std::string path = context_.roots.sysfs + "/dev/block/" + std::string(number) + "/uevent";
  std::string text;
  if (read_file(context_.files, Files::kAbsolute, path.c_str(), kBytesMax, text) == 0) {
    std::string_view rest = text;
    while (!rest.empty()) {
      std::string_view line = take_until(rest, '\n');
      if (take_until(line, '=') == "DEVNAME") return "/dev/" + std::string(line);
    }
  }
  return "/dev/block/" + std::string(number);
}

void PlanParts::add_io_property(std::string_view value) {
  constexpr std::array<std::pair<std::string_view, const char*>, 4> kNames{
      {{"rbps", "IOReadBandwidthMax"},
       {"wbps", "IOWriteBandwidthMax"},
       {"riops", "IOReadIOPSMax"},
       {"wiops", "IOWriteIOPSMax"}}};
  const std::string device = node_of(take_word(value));
  const std::string_view key = take_until(value, '=');
  const auto known = std::ranges::find(kNames, key, [](const auto& each) { return each.first; });
  if (known == kNames.end()) return;
  auto& properties = plan_.unit.properties;
  auto found = std::ranges::find(properties, known->second, &UnitProperty::name);
  if (found == properties.end()) {
    properties.push_back({known->second, UnitProperty::Devices()});
    found = properties.end() - 1;
  }
  std::get<UnitProperty::Devices>(found->value)
      .emplace_back(device, parse_number(value).value_or(0));
}

}  // namespace cgmon
