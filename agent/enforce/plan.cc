#include "agent/enforce/plan.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/enforce/plan_parts.h"
#include "collectors/parse/meminfo.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::uint64_t kPeriodUsec = 100'000;
/// Not reached by any device: a rule that only makes v1 count.
constexpr const char* kCountingRule = "1000000000000";
constexpr std::size_t kTextBytesMax = std::size_t{64} << 10U;

std::string text_of(DeviceNumber device) {
  return std::to_string(device.major) + ':' + std::to_string(device.minor);
}

class Planner : private PlanParts {
 public:
  Planner(const RunSpec& spec, const PlanContext& context) : PlanParts(spec, context) {
    plan_.id = context.id;
  }

  Result<Plan> plan() {
    if (context_.layout.hierarchies.empty()) {
      return failure("no cgroup hierarchy is mounted; mount one, or give --path.cgroupfs");
    }
    if (context_.by_systemd) {
      plan_.unit.name = std::string(kRunParent + 1) + '-' + context_.id + ".scope";
      plan_.unit.of_user = !context_.user_manager.empty();
      plan_.unit.slice = plan_.unit.of_user ? "app.slice" : "system.slice";
    }
    find_handed_down();
    add_directories();
    find_kills();
    if (plan_.directories.empty()) {
      plan_.warnings.push_back(
          "uid " + std::to_string(context_.caller.uid) +
          " may make no cgroup here, so there are no limits of cgroups and only few figures; run "
          "it "
          "as root, or in a cgroup that was handed to this user (chown; Delegate=yes of a unit)");
    }
    using Part = Result<void> (Planner::*)();
    for (const Part add :
         std::initializer_list<Part>{&Planner::add_cpu, &Planner::add_memory, &Planner::add_swap,
                                     &Planner::add_pids, &Planner::add_io, &Planner::add_hugetlb,
                                     &Planner::add_named_resources, &Planner::add_devices}) {
      if (Result<void> done = (this->*add)(); !done) return tl::unexpected(done.error());
    }
    add_counting_rules();
    if (Result<void> done = add_start(); !done) return tl::unexpected(done.error());
    if (context_.by_systemd) add_scope();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool asks_for(Controller controller) const {
    switch (controller) {
      case Controller::cpuset:
        return !spec_.cpuset.empty() || !spec_.cpuset_mems.empty();
      case Controller::cpu:
      case Controller::cpuacct:
      case Controller::memory:
      case Controller::blkio:
      case Controller::io:
      case Controller::pids:
      case Controller::freezer:
        return true;  // measured, or needed at the end
      case Controller::hugetlb:
        return !spec_.hugetlb.empty();
      case Controller::devices:
        return !spec_.devices.empty() || spec_.no_devices;
      case Controller::rdma:
      case Controller::misc:
        return std::ranges::any_of(spec_.resources, [&](const NamedResource& resource) {
          return resource.flag == name_of(controller);
        });
      default:
        return false;
    }
  }

  /// A v1 hierarchy without a controller that is asked for is left alone.
  [[nodiscard]] bool is_used(const Hierarchy& hierarchy) const {
    if (hierarchy.version == Version::v2) return true;
    if (context_.by_systemd && hierarchy.name == "systemd") return true;
    if (context_.target != nullptr) return true;  // whatever the target is held by
    return std::ranges::any_of(hierarchy.controllers, [&](Controller c) { return asks_for(c); });
  }

  void add_directories() {
    for (std::size_t i = 0; i < context_.layout.hierarchies.size(); ++i) {
      const Hierarchy& hierarchy = context_.layout.hierarchies[i];
      if (!is_used(hierarchy)) continue;
      if (context_.by_systemd && is_systemds(hierarchy)) {
        add_scope_directory(i);
        continue;
      }
      const std::string top = top_of(i);
      if (top.empty()) continue;  // not ours to make cgroups in
      if (context_.target != nullptr && is_flat(hierarchy)) {
        flat_.push_back(top + "/cgroup.procs");
        continue;
      }
      const std::string parent = top + kRunParent;
      const std::string own = parent + '/' + context_.id;
      const bool is_v2 = hierarchy.version == Version::v2;
      if (is_v2 && top == context_.caller.leave) {
        plan_.steps.push_back({Act::make_directory, parent});
        plan_.steps.push_back({Act::make_directory, own + kAgentEnding});
        plan_.steps.push_back({Act::leave, own + kAgentEnding + "/cgroup.procs", top});
      }
      if (is_v2 && context_.target == nullptr) enable_controllers(hierarchy, top);
      if (!is_v2 || top != context_.caller.leave) {
        plan_.steps.push_back({Act::make_directory, parent});
      }
      if (is_v2) enable_controllers(hierarchy, parent);
      if (!is_v2) copy_cpuset(hierarchy, top, parent);
      plan_.steps.push_back({Act::make_directory, own});
      if (!is_v2) copy_cpuset(hierarchy, parent, own);
      plan_.directories.push_back({i, hierarchy.version, own, own});
    }
  }

  /// Where our cgroups begin in a hierarchy; empty: they may not.
  [[nodiscard]] std::string top_of(std::size_t index) const {
    if (context_.target != nullptr) return context_.target->directories[index];
    const std::vector<std::string>& tops = context_.caller.parents;
    return tops.empty() ? context_.layout.hierarchies[index].mount_point : tops[index];
  }

  /// Whether limits of a cgroup do not hold for those below it: v1's throttling of disks, as
  /// blk-throttle.c says. There the command is in the target itself.
  static bool is_flat(const Hierarchy& hierarchy) {
    return hierarchy.version == Version::v1 &&
           std::ranges::find(hierarchy.controllers, Controller::blkio) !=
               hierarchy.controllers.end();
  }

  /// Where the target hands its memory down to nobody, kills in it are counted in itself.
  void find_kills() {
    const int memory = context_.layout.serving(Controller::memory);
    if (context_.target == nullptr || memory < 0 || is_counted(Controller::memory)) return;
    const auto index = static_cast<std::size_t>(memory);
    std::string directory = context_.target->directories[index];
    const Hierarchy& hierarchy = context_.layout.hierarchies[index];
    if (hierarchy.version != Version::v2) return;
    FileStatus status;
    while (directory.size() > hierarchy.mount_point.size()) {
      const std::string file = directory + "/memory.events";
      if (context_.files.status(Files::kAbsolute, file.c_str(), status) == 0) {
        plan_.kills_above = file;
        return;
      }
      directory.resize(directory.rfind('/'));
    }
  }

  // One by one: of several in one write the kernel takes all or none.
  void enable_controllers(const Hierarchy& hierarchy, const std::string& directory) {
    for (const Controller controller : hierarchy.controllers) {
      if (!asks_for(controller)) continue;
      plan_.steps.push_back({.act = Act::enable,
                             .path = directory + "/cgroup.subtree_control",
                             .value = '+' + std::string(name_of(controller)),
                             .optional = true});
    }
  }

  // Without CPUs and nodes no process can join (ENOSPC).
  void copy_cpuset(const Hierarchy& hierarchy, const std::string& from, const std::string& to) {
    if (std::ranges::find(hierarchy.controllers, Controller::cpuset) ==
        hierarchy.controllers.end()) {
      return;
    }
    for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
      plan_.steps.push_back({Act::copy, to + file, from + file});
    }
  }

  Result<void> add_cpu() {
    const auto cpu = place_of(Controller::cpu);
    if (spec_.microcores && !cpu) {
      if (auto done = lacks("cpus", Controller::cpu); !done) return done;
    } else if (spec_.microcores) {
      const std::string quota = std::to_string(*spec_.microcores * kPeriodUsec / 1'000'000);
      const std::string period = std::to_string(kPeriodUsec);
      const char* const remedy =
          "the kernel needs CONFIG_CFS_BANDWIDTH, and no more than the "
          "quota of the cgroup above";
      if (cpu->version == Version::v2) {
        write("cpus", cpu->directory + "/cpu.max", quota + ' ' + period, remedy);
      } else {
        write("cpus", cpu->directory + "/cpu.cfs_period_us", period, remedy);
        write("cpus", cpu->directory + "/cpu.cfs_quota_us", quota, remedy);
      }
    }
    if (spec_.cpu_weight && !cpu) {
      if (auto done = lacks("cpu-weight", Controller::cpu); !done) return done;
    } else if (spec_.cpu_weight) {
      const bool is_v2 = cpu->version == Version::v2;
      // What others have is 100 there and 1024 here.
      const std::uint64_t shares = std::max<std::uint64_t>(*spec_.cpu_weight * 1024 / 100, 2);
      write("cpu-weight", cpu->directory + (is_v2 ? "/cpu.weight" : "/cpu.shares"),
            std::to_string(is_v2 ? *spec_.cpu_weight : shares));
    }
    for (const auto& [flag, text, file] :
         {std::tuple("cpuset", &spec_.cpuset, "/cpuset.cpus"),
          std::tuple("cpuset-mems", &spec_.cpuset_mems, "/cpuset.mems")}) {
      if (text->empty()) continue;
      const auto cpuset = place_of(Controller::cpuset);
      if (!cpuset) {
        if (auto done = lacks(flag, Controller::cpuset); !done) return done;
        continue;
      }
      write(flag, cpuset->directory + file, *text,
            "a list like 0-3,6 out of what the cgroup above has");
    }
    return {};
  }

  Result<void> add_memory() {
    if (!spec_.memory && !spec_.memory_high) return {};
    const auto memory = place_of(Controller::memory);
    if (!memory) return lacks(spec_.memory ? "memory" : "memory-high", Controller::memory);
    const bool is_v2 = memory->version == Version::v2;
    if (spec_.memory) {
      write("memory", memory->directory + (is_v2 ? "/memory.max" : "/memory.limit_in_bytes"),
            std::to_string(*spec_.memory));
    }
    if (!spec_.memory_high) return {};
    if (!is_v2) {
      return refuse("memory-high",
                    "cgroup v1 has nothing that slows down above a bound (its soft limit only "
                    "matters when the host runs out of memory)",
                    "take --memory, or a host with cgroup v2");
    }
    write("memory-high", memory->directory + "/memory.high", std::to_string(*spec_.memory_high));
    return {};
  }

  Result<void> add_swap() {
    if (!spec_.swap) return {};
    const auto memory = place_of(Controller::memory);
    if (!memory) return lacks("swap", Controller::memory);
    const char* const remedy = "the kernel has to account swap: CONFIG_MEMCG_SWAP, swapaccount=1";
    if (memory->version == Version::v2) {
      write("swap", memory->directory + "/memory.swap.max", std::to_string(*spec_.swap), remedy);
    } else if (!spec_.memory) {
      return refuse("swap", "cgroup v1 only limits memory and swap together", "give --memory, too");
    } else {
      write("swap", memory->directory + "/memory.memsw.limit_in_bytes",
            std::to_string(*spec_.memory + *spec_.swap), remedy);
    }
    std::string text;
    const std::string path = context_.roots.procfs + "/meminfo";
    if (read_file(context_.files, Files::kAbsolute, path.c_str(), kTextBytesMax, text) == 0 &&
        text.find("SwapTotal:              0 kB") != text.npos) {
      plan_.warnings.emplace_back("--swap: this host has no swap, so nothing is swapped anyway");
    }
    return {};
  }

  Result<void> add_pids() {
    if (!spec_.pids) return {};
    const auto pids = place_of(Controller::pids);
    if (!pids) return lacks("pids", Controller::pids);
    write("pids", pids->directory + "/pids.max", std::to_string(*spec_.pids));
    return {};
  }

  /// The disk that is meant: a device, or the one that a file system is on.
  Result<DeviceNumber> device_of(const IoLimit& limit) {
    const auto number = parse_device_number(limit.device);
    const Result<BlockDevice> device =
        number ? BlockDevice{.number = *number} : context_.device(limit.device);
    if (!device) return tl::unexpected(device.error());
    const std::string entry = context_.roots.sysfs + "/dev/block/" + text_of(device->number);
    FileStatus status;
    if (context_.files.status(Files::kAbsolute, (entry + "/partition").c_str(), status) != 0) {
      return device->number;
    }
    std::string text;
    const std::string of_disk = entry + "/../dev";
    std::optional<DeviceNumber> disk;
    if (read_file(context_.files, Files::kAbsolute, of_disk.c_str(), kTextBytesMax, text) == 0) {
      disk = parse_device_number(std::string_view(text).substr(0, text.find('\n')));
    }
    if (!device->of_file_system || !disk) {
      return failure("is a partition, and the kernel limits whole disks; name " +
                         (disk ? text_of(*disk) : "the disk it is on"),
                     limit.device);
    }
    plan_.warnings.push_back("--io: " + limit.device + " is on a partition of disk " +
                             text_of(*disk) + ", and the kernel limits whole disks");
    return *disk;
  }

  Result<void> add_io() {
    if (spec_.io.empty()) return {};
    const bool is_v2 = place_of(Controller::io) && !place_of(Controller::blkio);
    const auto place = place_of(is_v2 ? Controller::io : Controller::blkio);
    if (!place) return lacks("io", Controller::io);
    for (const IoLimit& limit : spec_.io) {
      const Result<DeviceNumber> device = device_of(limit);
      if (!device) return failure("--io: " + device.error().message());
      limited_devices_.push_back(*device);
      const std::array<std::tuple<const char*, const char*, std::optional<std::uint64_t>>, 4> each{
          {{"rbps", "read_bps", limit.read_bps},
           {"wbps", "write_bps", limit.write_bps},
           {"riops", "read_iops", limit.read_iops},
           {"wiops", "write_iops", limit.write_iops}}};
      for (const auto& [key, file, value] : each) {
        if (!value) continue;
        const std::string number = std::to_string(*value);
        if (is_v2) {
          write("io", place->directory + "/io.max", text_of(*device) + ' ' + key + '=' + number);
        } else {
          write("io", place->directory + "/blkio.throttle." + file + "_device",
                text_of(*device) + ' ' + number);
        }
      }
    }
    if (!is_v2) {
      plan_.warnings.emplace_back(
          "--io: cgroup v1 holds direct and synchronous I/O alone; what the kernel writes back "
          "later escapes");
    }
    return {};
  }

  // Linux 5.18 and later count a v1 cgroup's I/O only on devices with a rule.
  void add_counting_rules() {
    const auto blkio = place_of(Controller::blkio);
    std::string text;
    const std::string path = context_.roots.procfs + "/partitions";
    if (!blkio || blkio->version != Version::v1 ||
        read_file(context_.files, Files::kAbsolute, path.c_str(), kTextBytesMax, text) != 0) {
      return;
    }
    const auto rule = [&](DeviceNumber device, std::string_view) {
      const std::string entry = context_.roots.sysfs + "/dev/block/" + text_of(device);
      FileStatus status;
      const bool is_limited = std::ranges::find(limited_devices_, device) != limited_devices_.end();
      if (is_limited ||
          context_.files.status(Files::kAbsolute, (entry + "/partition").c_str(), status) == 0) {
        return;
      }
      for (const char* file :
           {"/blkio.throttle.read_bps_device", "/blkio.throttle.write_bps_device"}) {
        plan_.steps.push_back({.act = Act::write,
                               .path = blkio->directory + file,
                               .value = text_of(device) + ' ' + kCountingRule,
                               .optional = true});
      }
    };
    [[maybe_unused]] const std::size_t malformed = parse_partitions(text, rule);
  }

  Result<void> isolate() {
    IsolationContext context{context_.files, context_.roots, context_.caller, context_.id, {},
                             context_.target};
    for (const RunDirectory& directory : plan_.directories) {
      context.hierarchies.push_back(&context_.layout.hierarchies[directory.hierarchy]);
    }
    Result<IsolationPlan> isolation = plan_isolation(spec_.isolation, context);
    if (!isolation) return tl::unexpected(isolation.error());
    plan_.isolation = *std::move(isolation);
    const std::vector<std::string>& warnings = plan_.isolation.warnings;
    plan_.warnings.insert(plan_.warnings.end(), warnings.begin(), warnings.end());
    return {};
  }

  Result<void> add_start() {
    if (Result<void> done = isolate(); !done) return done;
    for (const ScratchEntry& entry : plan_.isolation.scratch) {
      plan_.steps.push_back({Act::scratch, entry.path, entry.is_file ? "" : "/"});
    }
    std::string unified;
    for (const RunDirectory& directory : plan_.directories) {
      if (directory.version == Version::v2) unified = directory.path;
    }
    // A user may start no process in another part of the tree than his own; his manager can.
    const bool is_attached = plan_.unit.of_user && context_.by_systemd;
    plan_.steps.push_back({Act::start, is_attached ? "" : unified,
                           names_of_clone_flags(plan_.isolation.child.namespaces)});
    if (is_attached) plan_.steps.push_back({Act::attach, unified});
    add_process_limits();
    for (const RunDirectory& directory : plan_.directories) {
      if (directory.version == Version::v1) {
        plan_.steps.push_back({Act::join, directory.path + "/cgroup.procs"});
      }
    }
    for (const std::string& procs : flat_) plan_.steps.push_back({Act::join, procs});
    for (const MapFile& map : plan_.isolation.maps) {
      Step step{Act::map, map.name, map.text};
      step.program = map.program;
      plan_.steps.push_back(std::move(step));
    }
    for (const auto* steps : {&plan_.isolation.child.setup, &plan_.isolation.child.command}) {
      for (const ChildStep& step : *steps) {
        plan_.steps.push_back({Act::inside, {}, text_of(step)});
      }
    }
    std::string command;
    for (const std::string& word : spec_.command) command += (command.empty() ? "" : " ") + word;
    plan_.steps.push_back({Act::execute, {}, command});
    return {};
  }

  std::vector<DeviceNumber> limited_devices_;
  std::vector<std::string> flat_;  // cgroup.procs of the target that the command itself joins
};

}  // namespace

std::string state_directory(const Caller& caller) {
  if (caller.uid == 0) return "/run/cgmon/run";
  constexpr std::string_view kKey = "XDG_RUNTIME_DIR=";
  for (const std::string& variable : caller.environment) {
    if (variable.starts_with(kKey) && variable.size() > kKey.size()) {
      return variable.substr(kKey.size()) + "/cgmon/run";
    }
  }
  return "/tmp/cgmon-run-state-" + std::to_string(caller.uid);
}

Result<Plan> make_plan(const RunSpec& spec, const PlanContext& context) {
  return Planner(spec, context).plan();
}

namespace {

/// The first three ranges of a map.
std::string lines_of_map(std::string_view text) {
  std::string lines;
  for (int i = 0; i < 3 && !text.empty(); ++i) {
    lines += (lines.empty() ? "" : "; ") + std::string(take_until(text, '\n'));
  }
  return lines + (text.empty() ? "" : "; …");
}

}  // namespace

std::string text_of(const Step& step) {
  const std::string why = step.limit.empty() ? "" : "  # --" + step.limit;
  switch (step.act) {
    case Step::Act::scope:
      return "scope " + step.path + ": " + step.value;
    case Step::Act::hold:
      return "hold  " + step.path;
    case Step::Act::expect:
      return "check " + step.path + ": " + step.value + why;
    case Step::Act::make_directory:
      return "mkdir " + step.path;
    case Step::Act::enable:
    case Step::Act::write:
      return "write " + step.path + ": " + step.value + why;
    case Step::Act::leave:
      return "move  this process to " + step.path;
    case Step::Act::copy:
      return "copy  " + step.path + ": from " + step.value;
    case Step::Act::start:
      return "start a waiting process" + (step.path.empty() ? "" : " in " + step.path) +
             (step.value.empty() ? "" : ", with new namespaces: " + step.value);
    case Step::Act::allow_devices:
      return "allow " + step.path + ": " + step.value + why;
    case Step::Act::set_rlimit:
      return "set   rlimit " + step.value + why;
    case Step::Act::set_nice:
      return "set   nice " + step.value + why;
    case Step::Act::set_oom_score:
      return "set   oom_score_adj " + step.value + why;
    case Step::Act::attach:
      return "attach it to " + step.path + ", by systemd";
    case Step::Act::join:
      return "join  " + step.path;
    case Step::Act::scratch:
      return (step.value.empty() ? "touch " : "mkdir ") + step.path;
    case Step::Act::map:
      return "write its /proc/PID/" + step.path + ": " + lines_of_map(step.value) +
             (step.program.empty() ? "" : ", by " + step.program);
    case Step::Act::inside:
      return "  inside: " + step.value;
    case Step::Act::execute:
      return "exec  " + step.value;
  }
  return {};
}

}  // namespace cgmon
