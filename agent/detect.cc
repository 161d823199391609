#include "agent/detect.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/detect_engines.h"
#include "agent/detect_text.h"
#include "collectors/cgroup/kept_files.h"
#include "collectors/parse/meminfo.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::string_view kHostMount =
    "mount the host's / at /host (docker: -v /:/host:ro,rslave) and give --path.rootfs=/host";

/// Collects the answers; each question is one function. what is missing is noted beside them.
class Detection {
 public:
  Detection(Files& files, const Roots& roots, const Layout& layout, const DetectFacts& facts)
      : files_(files), roots_(roots), layout_(layout), facts_(facts) {}

  DetectReport report() {
    report_.mode = name_of(layout_.mode);
    report_.summary = summary();
    report_.kernel = kernel_release();
    if (layout_.mode == Mode::none) {
      need("cgroups: no hierarchy is mounted at or below " + printable(roots_.cgroupfs),
           "mount it (in a container: -v /sys/fs/cgroup:/sys/fs/cgroup:ro), or say where it is: "
           "--path.cgroupfs=DIR");
    } else {
      const auto add = [this](const char* key, const char* title, std::string text) {
        report_.facts.push_back({key, title, std::move(text)});
      };
      add("view", "View", view());
      add("pressure", "Pressure (PSI)", pressure());
      add("swap_accounting", "Swap accounting", swap());
      add("processes", "Processes", processes());
      detect_engines(files_, roots_, layout_, facts_, report_);
      for (const std::string& root : facts_.docker_roots) add("docker", "Docker", docker(root));
      add("descriptors", "Descriptors", descriptors());
      if (layout_.mode == Mode::legacy || layout_.mode == Mode::hybrid) {
        add("rootless", "Rootless", "containers have no cgroup of their own on this layout");
      }
      controllers();
      hierarchies();
    }
    for (const std::string& note : layout_.notes) report_.notes.push_back(printable(note));
    return std::move(report_);
  }

 private:
  [[nodiscard]] bool exists(const std::string& path) const {
    FileStatus status;
    return files_.status(Files::kAbsolute, path.c_str(), status) == 0;
  }

  [[nodiscard]] int read(const std::string& path, std::string& text) const {
    return read_file(files_, Files::kAbsolute, path.c_str(), 1U << 20U, text);
  }

  void need(std::string what, std::string remedy) {
    report_.missing.push_back({std::move(what), std::move(remedy)});
  }

  [[nodiscard]] const Hierarchy* serving(Controller controller) const {
    const int at = layout_.serving(controller);
    return at < 0 ? nullptr : &layout_.hierarchies[static_cast<std::size_t>(at)];
  }

  [[nodiscard]] std::vector<std::string> children(const Hierarchy& hierarchy) const {
    DirectoryListing listing;
    std::vector<std::string> names;
    if (files_.list_directories(Files::kAbsolute, hierarchy.mount_point.c_str(), listing) == 0) {
      for (const auto& entry : listing.entries()) names.emplace_back(listing.name(entry));
    }
    std::ranges::sort(names);
    return names;
  }

  [[nodiscard]] std::string summary() const {
    switch (layout_.mode) {
      case Mode::none:
        return "No cgroups found.";
      case Mode::legacy:
        return "Legacy: cgroup v1, a hierarchy for each controller.";
      case Mode::hybrid:
        return "Hybrid: controllers on cgroup v1, and a v2 tree beside them.";
      case Mode::unified:
        return "Unified: cgroup v2, one hierarchy for all controllers.";
    }
    return {};
  }

  [[nodiscard]] std::string kernel_release() const {
    std::string text;
    if (read(roots_.procfs + "/sys/kernel/osrelease", text) != 0) return "unknown";
    return printable(std::string_view(text).substr(0, text.find('\n')));
  }

  std::string view();
  std::string pressure();
  std::string swap();
  std::string processes();
  std::string docker(const std::string& root);
  std::string descriptors();
  void controllers();
  DetectReport::ControllerLine controller_line(Controller controller);
  void need_controller(Controller controller, bool disabled);
  bool enabled_below(const Hierarchy& hierarchy, Controller controller);
  [[nodiscard]] bool disabled_at_boot(Controller controller) const;
  void hierarchies();

  Files& files_;
  const Roots& roots_;
  const Layout& layout_;
  const DetectFacts& facts_;
  DetectReport report_;
};

std::string Detection::view() {
  std::vector<std::string> partial;
  bool own_v2_namespace = false;
  for (const Hierarchy& hierarchy : layout_.hierarchies) {
    if (hierarchy.real_root) continue;
    partial.push_back(printable(hierarchy.mount_point));
    own_v2_namespace |= hierarchy.version == Version::v2 && hierarchy.mount_root == "/";
  }
  if (partial.empty()) return "the whole host";
  std::ranges::sort(partial);
  const bool all = layout_.restricted();
  std::string remedy(kHostMount);
  if (roots_.rootfs != "/") {
    remedy = "mount all of the host's / at " + printable(roots_.rootfs) +
             ", with what is mounted below it (docker: -v /:" + printable(roots_.rootfs) +
             ":ro,rslave)";
  } else if (own_v2_namespace) {
    remedy = "docker: --cgroupns=host --pid=host; or " + remedy;
  }
  need(all ? "the host's other cgroups: this process sees only its own cgroup and what is below it"
           : "the host's other cgroups in " + joined(partial, ", "),
       remedy);
  return all ? "RESTRICTED: this process' own cgroup and what is below it"
             : "RESTRICTED in " + joined(partial, ", ");
}

std::string Detection::pressure() {
  switch (layout_.psi) {
    case PsiState::per_cgroup:
      return "per cgroup and host";
    case PsiState::host_only:
      need("pressure (PSI) of containers: only a v2 tree has it",
           "boot with systemd.unified_cgroup_hierarchy=1 (unified), or with "
           "systemd.legacy_systemd_cgroup_controller=0 (hybrid)");
      return "host only";
    case PsiState::off:
      break;
  }
  need("pressure (PSI): the kernel does not count it",
       "boot with psi=1 (the kernel needs CONFIG_PSI, 4.20 or newer)");
  return "off";
}

std::string Detection::swap() {
  const Hierarchy* const memory = serving(Controller::memory);
  if (memory == nullptr) return "none, without the memory controller";
  std::optional<bool> counted;
  if (memory->version == Version::v1) {
    counted = exists(memory->mount_point + "/memory.memsw.usage_in_bytes");
  } else {
    // The v2 root has no memory.current; any other cgroup with the controller tells.
    std::vector<std::string> places = {memory->mount_point};
    for (const std::string& name : children(*memory)) {
      places.push_back(memory->mount_point + '/' + name);
    }
    for (const std::string& place : places) {
      if (!exists(place + "/memory.current")) continue;
      counted = exists(place + "/memory.swap.current");
      break;
    }
  }
  if (!counted) return "unknown, no cgroup has memory files";
  if (!*counted) {
    need("swap figures: the kernel does not account swap", "boot with swapaccount=1");
    return "off";
  }
  std::string text;
  const bool known = read(roots_.procfs + "/meminfo", text) == 0;
  const bool no_swap = known && parse_meminfo(text, "SwapTotal") == std::optional<std::uint64_t>(0);
  return no_swap ? "on (the host has no swap)" : "on";
}

std::string Detection::processes() {
  std::string text;
  for (const char* const name : {"/meminfo", "/stat"}) {
    const std::string path = roots_.procfs + name;
    const int error = read(path, text);
    if (error == 0) continue;
    need("figures of the host: " + printable(path) + " cannot be read (" +
             std::string(errno_name(-error)) + ")",
         "give the place of the host's procfs: --path.procfs=DIR");
    return "NOT READABLE: " + printable(path);
  }
  if (read(roots_.procfs + "/1/cgroup", text) != 0) {
    need("processes of other users: " + printable(roots_.procfs) + " hides them",
         "run as root, or mount it without hidepid (or with gid= of a group of the agent's)");
    return "HIDDEN in part: " + printable(roots_.procfs) + "/1 cannot be read";
  }
  // The kernel writes 0 for a process outside the reader's pid namespace.
  for (const Hierarchy& hierarchy : layout_.hierarchies) {
    if (!hierarchy.real_root || read(hierarchy.mount_point + "/cgroup.procs", text) != 0) continue;
    if (!text.starts_with("0\n") && text.find("\n0\n") == text.npos) continue;
    need("the host's processes: this process is in a pid namespace of its own",
         "docker: --pid=host; Kubernetes: hostPID: true");
    return "HIDDEN: those of this pid namespace alone are seen";
  }
  return "readable in " + printable(roots_.procfs);
}

std::string Detection::docker(const std::string& root) {
  const std::string shown = printable(root);
  for (const DetectReport::EngineLine& line : report_.engines) {
    if (line.name != "docker" || line.files != shown) continue;
    return line.readable ? line.read + " in " + shown + ", readable" : "NOT READABLE: " + shown;
  }
  return "no data in " + shown + " (if docker keeps it elsewhere: --docker.root=DIR)";
}

std::string Detection::descriptors() {
  const std::uint64_t kept = kept_files_budget(facts_.descriptor_budget, facts_.descriptor_limit);
  if (kept < facts_.descriptor_budget) {
    const std::string wanted = std::to_string(4 * facts_.descriptor_budget);
    need("speed: " + std::to_string(kept) + " files are kept open instead of " +
             std::to_string(facts_.descriptor_budget),
         "raise the descriptor limit: ulimit -n " + wanted + " (systemd: LimitNOFILE=" + wanted +
             ", docker: --ulimit nofile=" + wanted + ")");
  }
  return "up to " + std::to_string(kept) + " kept open, the limit is " +
         std::to_string(facts_.descriptor_limit);
}

bool Detection::disabled_at_boot(Controller controller) const {
  const ControllerState& state = layout_.controllers[static_cast<std::size_t>(controller)];
  if (state.known) return !state.enabled;
  // Without a v1 interface it is not in /proc/cgroups (since 6.14).
  std::string text;
  if (read(roots_.procfs + "/cmdline", text) != 0) return false;
  std::string_view words = std::string_view(text).substr(0, text.find('\n'));
  bool disabled = false;
  while (!words.empty()) {
    std::string_view word = take_word(words);
    const bool disables = word.starts_with("cgroup_disable=");
    if (!disables && !word.starts_with("cgroup_enable=")) continue;
    word.remove_prefix(word.find('=') + 1);
    while (!word.empty()) {
      if (take_until(word, ',') == name_of(controller)) disabled = disables;
    }
  }
  return disabled;
}

/// Whether the children of a v2 root have the controller's files.
bool Detection::enabled_below(const Hierarchy& hierarchy, Controller controller) {
  if (hierarchy.version == Version::v1 || !hierarchy.real_root) return true;
  std::string text;
  if (read(hierarchy.mount_point + "/cgroup.subtree_control", text) != 0) return true;
  std::string_view words = std::string_view(text).substr(0, text.find('\n'));
  while (!words.empty()) {
    if (take_word(words) == name_of(controller)) return true;
  }
  return false;
}

/// What the figures of a controller are called; nothing for those that are not shown yet.
std::string_view figures_of(Controller controller) {
  switch (controller) {
    case Controller::cpu:
      return "CPU limits and throttling";
    case Controller::cpuacct:
      return "CPU time";
    case Controller::memory:
      return "memory figures";
    case Controller::pids:
      return "numbers of processes and their limits";
    default:
      return {};
  }
}

void Detection::need_controller(Controller controller, bool disabled) {
  const std::string name(name_of(controller));
  const std::string figures(figures_of(controller));
  if (figures.empty()) return;
  const ControllerState& state = layout_.controllers[static_cast<std::size_t>(controller)];
  if (const Hierarchy* const hierarchy = serving(controller)) {
    const std::string file = printable(hierarchy->mount_point) + "/cgroup.subtree_control";
    need(figures + " of containers: the controller is not enabled below the root",
         "echo +" + name + " > " + file + " (systemd and engines do so when they start)");
  } else if (disabled) {
    need(figures + ": the " + name + " controller was disabled at boot",
         controller == Controller::memory
             ? "boot with cgroup_enable=memory swapaccount=1"
             : "take cgroup_disable=" + name + " off the kernel's command line");
  } else if (!state.known) {
    need(figures + ": the " + name + " controller is not known to this kernel",
         "a kernel that was built with it");
  } else if (layout_.mode == Mode::unified) {
    need(figures + ": the " + name + " controller is not on the v2 hierarchy",
         layout_.restricted() ? "enable it in the cgroups above this one (cgroup.subtree_control)"
                              : "unmount the v1 hierarchy that holds it");
  } else {
    need(figures + ": the " + name + " controller is not mounted",
         "mount -t cgroup -o " + name + " cgroup " + printable(roots_.cgroupfs) + '/' + name);
  }
}

DetectReport::ControllerLine Detection::controller_line(Controller controller) {
  const std::string name(name_of(controller));
  if (const Hierarchy* const hierarchy = serving(controller)) {
    std::string at = printable(hierarchy->mount_point);
    if (!enabled_below(*hierarchy, controller)) {
      at += ", not enabled below its root";
      if (hierarchy->version == Version::v2 && layout_.mode == Mode::unified) {
        need_controller(controller, false);
      }
    }
    return {name, hierarchy->version == Version::v2 ? "v2" : "v1", at};
  }
  const bool disabled = disabled_at_boot(controller);
  need_controller(controller, disabled);
  if (disabled) return {name, "none", "disabled at boot"};
  const bool known = layout_.controllers[static_cast<std::size_t>(controller)].known;
  return {name, "none", known ? "not mounted" : "not in this kernel"};
}

void Detection::controllers() {
  using enum Controller;
  for (const Controller controller :
       {cpu, cpuacct, cpuset, memory, io, pids, hugetlb, rdma, misc}) {
    // v2 has CPU time in every cgroup, without a controller.
    if (controller == cpuacct && serving(cpuacct) == nullptr && serving(core) != nullptr) continue;
    const bool by_old_name =
        controller == io && serving(io) == nullptr && serving(blkio) != nullptr;
    report_.controllers.push_back(controller_line(by_old_name ? blkio : controller));
  }
}

void Detection::hierarchies() {
  std::vector<const Hierarchy*> order;
  for (const Hierarchy& hierarchy : layout_.hierarchies) order.push_back(&hierarchy);
  std::ranges::sort(order, {}, [](const Hierarchy* h) {
    return std::pair(h->version != Version::v2, h->mount_point);
  });
  for (const Hierarchy* const hierarchy : order) {
    DetectReport::HierarchyLine line;
    line.version = hierarchy->version == Version::v2 ? "v2" : "v1";
    line.mount_point = printable(hierarchy->mount_point);
    for (const Controller controller : hierarchy->controllers) {
      line.controllers.emplace_back(name_of(controller));
    }
    line.name = printable(hierarchy->name);
    line.root = printable(hierarchy->mount_root);
    line.read_only = hierarchy->read_only;

    DirectoryListing listing;
    const int error =
        files_.list_directories(Files::kAbsolute, hierarchy->mount_point.c_str(), listing);
    if (error != 0) {
      need("the cgroups of " + line.mount_point + ": they cannot be listed (" +
               std::string(errno_name(-error)) + ")",
           "run as root, or with CAP_DAC_READ_SEARCH");
    }
    report_.hierarchies.push_back(std::move(line));
  }
}

}  // namespace

DetectReport detect(Files& files, const Roots& roots, const Layout& layout,
                    const DetectFacts& facts) {
  return Detection(files, roots, layout, facts).report();
}

}  // namespace cgmon
