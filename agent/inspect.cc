#include "agent/inspect.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "agent/inspect_figures.h"
#include "agent/inspect_target.h"
#include "collectors/host/process.h"
#include "collectors/identity/cgroup_manager.h"
#include "collectors/identity/cgroup_path.h"
#include "collectors/identity/engine_files.h"
#include "collectors/metrics/tables.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr const char* kRunAsRoot =
    "run as root, or with CAP_DAC_READ_SEARCH (systemd: AmbientCapabilities=, docker: "
    "--cap-add=DAC_READ_SEARCH)";
constexpr const char* kTrace =
    "run as root, or with CAP_SYS_PTRACE (systemd: AmbientCapabilities=, docker: "
    "--cap-add=SYS_PTRACE)";

bool is_for_want_of_a_right(int error) { return error == EACCES || error == EPERM; }

/// "/a/l/../b" as "/a/b"; what a link says that stands in `directory`.
std::string joined_path(std::string_view directory, std::string_view target) {
  std::string path = target.starts_with('/') ? "" : std::string(directory);
  while (!target.empty()) {
    const std::string_view part = take_until(target, '/');
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      path.erase(std::min(path.rfind('/'), path.size()));
    } else {
      path.append("/").append(part);
    }
  }
  return path;
}

/// Fills a report about one cgroup, a question a function.
class Inspection {
 public:
  Inspection(const InspectContext& context, const Snapshot& snapshot, Slot slot)
      : context_(context),
        snapshot_(snapshot),
        slot_(slot),
        cgroup_(*context.collector.tree().at(slot)),
        directories_(context.collector.layout().hierarchies.size()) {}

  /// The directories that the next pass is to be remembered of.
  std::vector<std::string> find_directories() {
    std::vector<std::string> found;
    directories_ = directories_of(cgroup_.path, context_.files, context_.collector.layout());
    std::ranges::copy_if(directories_, std::back_inserter(found),
                         [](const std::string& path) { return !path.empty(); });
    if (is_root()) found.push_back(context_.roots.procfs);
    return found;
  }

  InspectReport report() {
    report_.labels = *snapshot_.labels[slot_];
    report_.read_at_ns = snapshot_.wall_ns;
    const CgroupManager manager = manager_of(cgroup_.path);
    report_.manager = manager.name;
    report_.driver = manager.driver;
    report_.inside = manager.inside;
    list_directories();
    ask_engine();
    if (!is_root()) report_.limits = inspect_limits(context_.collector, snapshot_, slot_);
    if (context_.collector.layout().restricted()) {
      need("limits of cgroups above those that this process sees",
           "mount the host's / at /host (docker: -v /:/host:ro,rslave) and give "
           "--path.rootfs=/host");
    }
    find_processes();
    find_root();
    find_figures();
    return std::move(report_);
  }

 private:
  [[nodiscard]] bool is_root() const { return context_.collector.tree().is_host_root(cgroup_); }
  void need(std::string what, std::string remedy) {
    report_.missing.push_back({std::move(what), std::move(remedy)});
  }

  void list_directories() {
    for (std::size_t h = 0; h < directories_.size(); ++h) {
      if (directories_[h].empty()) continue;
      const Hierarchy& hierarchy = context_.collector.layout().hierarchies[h];
      InspectReport::Directory directory{.version = hierarchy.version == Version::v2 ? 2U : 1U,
                                         .path = directories_[h]};
      if (!hierarchy.name.empty()) directory.controllers.push_back("name=" + hierarchy.name);
      for (const Controller controller : hierarchy.controllers) {
        directory.controllers.emplace_back(name_of(controller));
      }
      report_.directories.push_back(std::move(directory));
    }
  }

  void ask_engine();
  void find_processes();
  void count_namespaces(std::span<const std::uint32_t> pids);
  void find_root();
  void find_figures();
  [[nodiscard]] std::size_t telling_hierarchy() const;

  const InspectContext& context_;
  const Snapshot& snapshot_;
  Slot slot_;
  const Cgroup& cgroup_;
  std::vector<std::string> directories_;  // by hierarchy; empty: not there
  InspectReport report_;
};

void Inspection::ask_engine() {
  const CgroupLabels& labels = report_.labels;
  const bool has_files =
      std::ranges::find(kEnginesWithFiles, labels.runtime) != kEnginesWithFiles.end();
  if (labels.container_id.empty() || !has_files) return;
  EngineFiles engines(context_.files, context_.roots, context_.docker_roots);
  MetadataQuestion question{.kind = labels.kind, .runtime = labels.runtime};
  question.id = labels.container_id;
  question.path = labels.id;
  question.pod_uid = labels.pod_uid;
  question.engine_namespace = identify_path(labels.id).engine_namespace;
  question.uid = labels.uid;
  const auto metadata = engines.read(question);
  if (metadata) {
    if (!metadata->name.empty()) report_.labels.name = metadata->name;
    if (!metadata->image.empty()) report_.labels.image = metadata->image;
    if (!metadata->network.empty()) report_.labels.network = metadata->network;
    report_.labels.life = metadata->life;
    return;
  }
  const Error& error = metadata.error();
  need("name, image and times: " + error.message(),
       is_for_want_of_a_right(error.error)
           ? kRunAsRoot
           : "if docker keeps its data elsewhere: --docker.root=DIR");
}

/// Whose paths tell the processes: the master, where the cgroup is in it.
std::size_t Inspection::telling_hierarchy() const {
  const int master = context_.collector.layout().master();
  if (master >= 0 && !directories_[static_cast<std::size_t>(master)].empty()) {
    return static_cast<std::size_t>(master);
  }
  for (std::size_t h = 0; h < directories_.size(); ++h) {
    if (!directories_[h].empty()) return h;
  }
  return 0;
}

void Inspection::find_processes() {
  const Hierarchy& hierarchy = context_.collector.layout().hierarchies[telling_hierarchy()];
  const std::string below = cgroup_.path == "/" ? "/" : cgroup_.path + '/';
  InspectReport::Processes processes;
  std::vector<std::uint32_t> pids;
  bool foreign = false;
  const auto done = each_process(context_.files, context_.roots.procfs,
                                 [&](std::uint32_t pid, std::span<const ProcCgroup> lines) {
                                   const ProcCgroup* const line = line_of(lines, hierarchy);
                                   if (line == nullptr) return;
                                   foreign = foreign || line->path.starts_with("/..");
                                   const bool here = line->path == cgroup_.path;
                                   if (!here && !line->path.starts_with(below)) return;
                                   ++(here ? processes.here : processes.below);
                                   pids.push_back(pid);
                                 });
  if (!done) {
    need("its processes: " + done.error().message(),
         "give the place of the host's procfs: --path.procfs=DIR");
    return;
  }
  // Of processes that are hidden /proc shows a part: no number, and no order.
  const Value counted = snapshot_.value(row("container_processes"), slot_);
  if (hides_processes(context_.files, context_.roots.procfs) && counted != Value::of(pids.size())) {
    need("its processes: " + context_.roots.procfs + " hides those of others",
         "run as root, or mount it without hidepid (or with gid= of a group of the agent's)");
    return;
  }
  report_.processes = processes;
  count_namespaces(pids);
  const Value tasks = snapshot_.value(row("container_threads"), slot_);
  if (!pids.empty() || !tasks.is_number() || tasks.number == 0) return;
  report_.processes.reset();  // not none: unknown
  need("its processes: the kernel counts " + std::to_string(tasks.number) +
           (foreign ? " tasks, and this process is in a cgroup namespace of its own"
                    : " tasks, and " + context_.roots.procfs + " shows none of them"),
       foreign ? "docker: --cgroupns=host"
               : "give the place of the host's procfs: --path.procfs=DIR (docker: --pid=host; "
                 "Kubernetes: hostPID: true), mounted without hidepid");
}

void Inspection::count_namespaces(std::span<const std::uint32_t> pids) {
  InspectReport::Processes& processes = *report_.processes;
  const auto host = read_namespaces(context_.files, context_.roots.procfs, 1);
  std::map<std::pair<std::size_t, std::uint64_t>, std::size_t> uses;
  std::size_t refused = 0;
  std::pair<std::uint64_t, std::uint32_t> oldest{UINT64_MAX, 0};
  for (const std::uint32_t pid : pids) {
    const auto process = read_process(context_.files, context_.roots.procfs, pid);
    if (process) {
      oldest = std::min(oldest, {process->start_ticks, pid});
      const std::uint64_t second = context_.ticks_per_second;
      processes.top.push_back({.pid = pid,
                               .name = process->name,
                               .cpu_ns = process->cpu_ticks / second * 1'000'000'000 +
                                         process->cpu_ticks % second * 1'000'000'000 / second,
                               .resident_bytes = process->resident_pages * context_.page_bytes});
    }
    const auto namespaces = read_namespaces(context_.files, context_.roots.procfs, pid);
    if (!namespaces) {
      refused += is_for_want_of_a_right(namespaces.error().error) ? 1 : 0;
      continue;
    }
    for (std::size_t kind = 0; kind < kNamespaces.size(); ++kind) {
      if (namespaces->at(kind) != 0) ++uses[{kind, namespaces->at(kind)}];
    }
  }
  processes.oldest = oldest.second;
  const auto busier = [](const InspectReport::TopProcess& a, const InspectReport::TopProcess& b) {
    return a.cpu_ns != b.cpu_ns ? a.cpu_ns > b.cpu_ns : a.pid < b.pid;
  };
  std::ranges::sort(processes.top, busier);
  if (processes.top.size() > InspectReport::kTopProcesses) {
    processes.top.resize(InspectReport::kTopProcesses);
  }
  for (const auto& [key, count] : uses) {
    const auto [kind, inode] = key;
    std::optional<bool> is_host;
    if (host && host->at(kind) != 0) is_host = host->at(kind) == inode;
    processes.namespaces.push_back({kNamespaces.at(kind), inode, count, is_host});
  }
  if (refused != 0) {
    need("namespaces of " + std::to_string(refused) +
             " of its processes: " + context_.roots.procfs + "/PID/ns cannot be read",
         kTrace);
  }
  if (!host && !pids.empty() && refused != pids.size()) {
    need("which namespaces are the host's: " + host.error().message(), kTrace);
  }
}

void Inspection::find_root() {
  if (!report_.processes || report_.processes->oldest == 0) return;
  const std::string& procfs = context_.roots.procfs;
  const auto mount = read_root_mount(context_.files, procfs, report_.processes->oldest);
  if (!mount) {
    if (is_for_want_of_a_right(mount.error().error)) {
      need("its root file system: " + mount.error().message(), kTrace);
    }
    return;
  }
  InspectReport::RootFilesystem root{.type = mount->type};
  if (auto overlay = parse_overlay(*mount)) {
    const std::string prefix = context_.roots.rootfs == "/" ? "" : context_.roots.rootfs;
    for (std::string& path : overlay->lower) {
      InspectReport::LowerDirectory lower{.path = std::move(path)};
      std::string target;
      if (context_.files.read_link(Files::kAbsolute, (prefix + lower.path).c_str(), target) == 0) {
        lower.target = joined_path(lower.path.substr(0, lower.path.rfind('/')), target);
      }
      root.lower.push_back(std::move(lower));
    }
    root.upper = std::move(overlay->upper);
    root.work = std::move(overlay->work);
    root.merged = find_mount_point(context_.files, procfs, "1", *mount);
    if (root.merged.empty()) {
      root.merged = find_mount_point(context_.files, procfs, "self", *mount);
    }
  }
  report_.root = std::move(root);
}

void Inspection::find_figures() {
  const ReadPlan& plan = context_.collector.plan();
  const auto path_of = [&](const FileKind& kind) -> std::string {
    if (kind.hierarchy == FileKind::kProc) {
      return is_root() ? context_.roots.procfs + '/' + kind.file : std::string();
    }
    const std::string& directory = directories_[static_cast<std::size_t>(kind.hierarchy)];
    return directory.empty() ? directory : directory + '/' + kind.file;
  };
  const auto text_of = [&](const std::string& path) { return context_.files.text_of(path); };
  report_.figures = inspect_figures({plan, snapshot_, slot_, is_root(), path_of, text_of});
  std::size_t refused = 0;
  std::string example;
  for (const FileKind& kind : plan.files) {
    const std::string path = path_of(kind);
    if (path.empty() || text_of(path) != nullptr) continue;
    if (!is_for_want_of_a_right(-context_.files.readable(Files::kAbsolute, path.c_str()))) continue;
    ++refused;
    if (example.empty()) example = path;
  }
  if (refused == 0) return;
  need(std::to_string(refused) + (refused == 1 ? " file" : " files") +
           " of it cannot be read: " + example,
       kRunAsRoot);
}

}  // namespace

Result<InspectReport> inspect(const InspectContext& context, std::string_view what) {
  Snapshot snapshot;
  const auto pass = [&](GroupSet groups) {
    context.collector.collect(snapshot, context.clock.monotonic_ns() + context.patience_ns, groups);
  };
  pass(bit(Group::spec));
  const Result<Slot> slot = find_cgroup_or_process(what, context.files, context.roots,
                                                   context.collector.layout(), snapshot);
  if (!slot) return tl::unexpected(slot.error());
  const std::string id = snapshot.labels[*slot]->id;
  context.files.remember(Inspection(context, snapshot, *slot).find_directories());
  context.collector.read_all_again();
  pass(kAllGroups);
  if (snapshot.alive[*slot] == 0 || snapshot.labels[*slot]->id != id) {
    return failure("the cgroup ended while it was looked at", id);
  }
  Inspection inspection(context, snapshot, *slot);
  (void)inspection.find_directories();
  return inspection.report();
}

}  // namespace cgmon
