#include "agent/enforce/plan_parts.h"

#include <algorithm>
#include <utility>

#include "agent/enforce/device_filter.h"

namespace cgmon {
namespace {

/// "2MB", as the kernel names files of huge pages.
std::string size_name(std::uint64_t bytes) {
  if (bytes >= std::uint64_t{1} << 30U) return std::to_string(bytes >> 30U) + "GB";
  if (bytes >= std::uint64_t{1} << 20U) return std::to_string(bytes >> 20U) + "MB";
  return std::to_string(bytes >> 10U) + "KB";
}

/// What a shell or an interpreter opens before it does anything: null, zero, full, random, urandom,
/// tty, ptmx and terminals.
std::vector<DeviceRule> expected_devices() {
  std::vector<DeviceRule> rules;
  for (const auto& [major, minor] :
       {std::pair(1U, 3U), {1U, 5U}, {1U, 7U}, {1U, 8U}, {1U, 9U}, {5U, 0U}, {5U, 2U}}) {
    rules.push_back({.major = major, .minor = minor, .read = true, .write = true, .make = true});
  }
  rules.push_back({.major = 136, .read = true, .write = true, .make = true});
  return rules;
}

std::string text_of(const std::optional<std::uint64_t>& limit) {
  return limit ? std::to_string(*limit) : "unlimited";
}

/// What a unit with Delegate=yes has on v2.
bool is_delegated(Controller controller) {
  switch (controller) {
    case Controller::cpu:
    case Controller::cpuset:
    case Controller::io:
    case Controller::memory:
    case Controller::pids:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<PlanParts::Place> PlanParts::place_of(Controller controller) const {
  const int serving = context_.layout.serving(controller);
  for (const RunDirectory& directory : plan_.directories) {
    if (serving < 0 || directory.hierarchy != static_cast<std::size_t>(serving)) continue;
    if (context_.by_systemd && directory.version == Version::v2 && !is_delegated(controller)) break;
    if (directory.version == Version::v2 && !is_counted(controller)) break;
    // The process that keeps the scope does not count.
    const bool is_own = controller == Controller::pids;
    return Place{is_own ? directory.path : directory.limits, directory.version};
  }
  return std::nullopt;
}

void PlanParts::find_handed_down() {
  if (context_.target == nullptr && context_.user_manager.empty()) return;
  for (std::size_t i = 0; i < context_.layout.hierarchies.size(); ++i) {
    const Hierarchy& hierarchy = context_.layout.hierarchies[i];
    const std::string directory = context_.target != nullptr
                                      ? context_.target->directories[i]
                                      : hierarchy.mount_point + context_.user_manager;
    if (hierarchy.version != Version::v2 || directory.empty()) continue;
    constexpr std::size_t kBytesMax = 4096;
    // A manager enables by itself what it was handed.
    const std::string path = directory + (context_.target != nullptr ? "/cgroup.subtree_control"
                                                                     : "/cgroup.controllers");
    std::string text;
    if (read_file(context_.files, Files::kAbsolute, path.c_str(), kBytesMax, text) == 0) {
      std::ranges::replace(text, '\n', ' ');
      handed_down_ = ' ' + text + ' ';
    }
  }
}

bool PlanParts::is_counted(Controller controller) const {
  if (context_.target == nullptr && context_.user_manager.empty()) return true;
  return handed_down_.find(' ' + std::string(name_of(controller)) + ' ') != handed_down_.npos;
}

Result<void> PlanParts::refuse(std::string_view limit, const std::string& why,
                               const std::string& remedy) {
  const std::string text = "--" + std::string(limit) + ": " + why + "; " + remedy;
  if (!spec_.best_effort) return failure(text + ", or leave it out with --best-effort");
  plan_.warnings.push_back(text);
  return {};
}

Result<void> PlanParts::lacks(std::string_view limit, Controller controller) {
  const std::string name(name_of(controller));
  if (!context_.user_manager.empty() && context_.layout.serving(controller) >= 0) {
    return refuse(limit, "this user's systemd was not handed the controller " + name,
                  "root can hand it down (a drop-in of user@.service with Delegate=" + name +
                      "), or run it as root");
  }
  if (context_.by_systemd && context_.layout.serving(controller) >= 0) {
    return refuse(limit, "systemd hands no unit the controller " + name,
                  "--driver=cgroupfs --force makes a cgroup beside those of systemd");
  }
  const int serving = context_.layout.serving(controller);
  if (serving >= 0 && context_.target != nullptr) {
    return refuse(limit,
                  "the cgroup of " + context_.target->name + " hands the controller " + name +
                      " to none below it, so that the command has no limit of its own there",
                  "the limit that " + context_.target->name + " has holds");
  }
  const std::vector<std::string>& tops = context_.caller.parents;
  if (serving >= 0 && !tops.empty() && tops[static_cast<std::size_t>(serving)].empty()) {
    return refuse(
        limit,
        "uid " + std::to_string(context_.caller.uid) + " may not make cgroups of the controller " +
            name,
        "run it as root, or in a cgroup that was handed to this user (chown; Delegate=yes "
        "of a unit)");
  }
  const bool is_known = context_.layout.controllers[static_cast<std::size_t>(controller)].known;
  return refuse(limit, "no cgroup hierarchy of this host has the controller " + name,
                is_known
                    ? "boot without cgroup_disable=" + name + " and mount it (see `agent detect`)"
                    : "it takes a kernel that is built with it (see `agent detect`)");
}

Step& PlanParts::write(std::string_view limit, std::string path, std::string value,
                       std::string remedy) {
  const Act act = context_.by_systemd && add_property(path, value) ? Act::expect : Act::write;
  plan_.steps.push_back(
      {act, std::move(path), std::move(value), std::string(limit), std::move(remedy)});
  return plan_.steps.back();
}

Result<void> PlanParts::add_hugetlb() {
  for (const HugetlbLimit& limit : spec_.hugetlb) {
    const auto place = place_of(Controller::hugetlb);
    if (!place) return lacks("hugetlb", Controller::hugetlb);
    const std::string size = size_name(limit.page_bytes);
    std::string known;
    for (const std::string& each : context_.layout.page_sizes) {
      known += (known.empty() ? "" : ", ") + each;
    }
    if (std::ranges::find(context_.layout.page_sizes, size) == context_.layout.page_sizes.end()) {
      const Result<void> done =
          refuse("hugetlb", "this host has no huge pages of " + size,
                 known.empty() ? "it has none at all" : "it has those of " + known);
      if (!done) return done;
      continue;
    }
    const std::string file = place->directory + "/hugetlb." + size;
    const char* const end = place->version == Version::v2 ? "max" : "limit_in_bytes";
    const std::string bytes = std::to_string(limit.bytes);
    write("hugetlb", file + '.' + end, bytes).unit = limit.page_bytes;
    // Reservations, too: without it mmap succeeds, and the first touch is a SIGBUS. Linux 5.7.
    plan_.steps.push_back(
        {.act = Act::write, .path = file + ".rsvd." + end, .value = bytes, .optional = true});
  }
  return {};
}

Result<void> PlanParts::add_named_resources() {
  for (const NamedResource& resource : spec_.resources) {
    const Controller controller = resource.flag == "rdma" ? Controller::rdma : Controller::misc;
    const auto place = place_of(controller);
    if (!place) {
      if (auto done = lacks(resource.flag, controller); !done) return done;
      continue;
    }
    write(resource.flag, place->directory + '/' + resource.flag + ".max",
          resource.name + ' ' + resource.text,
          "the machine has to have " + resource.name + ": see " + resource.flag +
              (controller == Controller::rdma ? ".current" : ".capacity of the root"));
  }
  return {};
}

Result<std::vector<DeviceRule>> PlanParts::device_rules() const {
  std::vector<DeviceRule> rules = expected_devices();
  for (DeviceRule rule : spec_.devices) {
    if (!rule.path.empty()) {
      const Result<DeviceRule> node = context_.node(rule.path);
      if (!node) return failure("--device: " + node.error().message());
      rule.type = node->type;
      rule.major = node->major;
      rule.minor = node->minor;
    }
    // As v1 does, which then shows the one that it has.
    const auto same = std::ranges::find_if(rules, [&](const DeviceRule& known) {
      return known.type == rule.type && known.major == rule.major && known.minor == rule.minor;
    });
    if (same == rules.end()) {
      rules.push_back(rule);
      continue;
    }
    same->read = same->read || rule.read;
    same->write = same->write || rule.write;
    same->make = same->make || rule.make;
  }
  return rules;
}

Result<void> PlanParts::add_devices() {
  if (spec_.devices.empty() && !spec_.no_devices) return {};
  const auto v1 = place_of(Controller::devices);
  const Result<std::vector<DeviceRule>> rules = device_rules();
  if (!rules) return tl::unexpected(rules.error());
  if (v1) {
    // For the scope to be in this hierarchy; its list becomes ours.
    if (context_.by_systemd)
      plan_.unit.properties.push_back({"DevicePolicy", std::string("closed")});
    const std::string list = v1->directory + "/devices.list";
    Step& deny = write("device", v1->directory + "/devices.deny", "a");
    deny.read_back = list;
    for (const DeviceRule& rule : *rules) {
      write("device", v1->directory + "/devices.allow", text_of(rule),
            "the cgroup above has to have the device, too")
          .read_back = list;
    }
    return {};
  }
  for (const RunDirectory& directory : plan_.directories) {
    if (directory.version != Version::v2) continue;
    std::string text;
    for (const DeviceRule& rule : *rules) text += (text.empty() ? "" : "; ") + text_of(rule);
    plan_.steps.push_back({.act = Act::allow_devices,
                           .path = directory.path,
                           .value = text,
                           .limit = "device",
                           .remedy = "it takes CAP_BPF or CAP_SYS_ADMIN, and CONFIG_CGROUP_BPF"});
    plan_.devices = *rules;
    return {};
  }
  return refuse("device", "no hierarchy has the devices controller, and there is no cgroup v2",
                "mount one of them");
}

void PlanParts::add_process_limits() {
  for (const Rlimit& limit : spec_.rlimits) {
    plan_.steps.push_back({.act = Act::set_rlimit,
                           .value = std::string(kRlimitNames.at(limit.index)) + '=' +
                                    text_of(limit.soft) + ':' + text_of(limit.hard),
                           .limit = "rlimit",
                           .remedy = "a hard limit rises only with CAP_SYS_RESOURCE"});
  }
  if (spec_.nice) {
    plan_.steps.push_back({.act = Act::set_nice,
                           .value = std::to_string(*spec_.nice),
                           .limit = "nice",
                           .remedy = "below the own value it takes CAP_SYS_NICE"});
  }
  if (spec_.oom_score_adj) {
    plan_.steps.push_back({.act = Act::set_oom_score,
                           .value = std::to_string(*spec_.oom_score_adj),
                           .limit = "oom-score-adj",
                           .remedy = "below the least value it had it takes CAP_SYS_RESOURCE"});
  }
}

}  // namespace cgmon
