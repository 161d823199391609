#include "agent/enforce/mounts.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

using Act = ChildStep::Act;

constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV | MS_NOEXEC;
/// mount(2) takes a page of options.
constexpr std::size_t kOptionBytesMax = 4095;
/// Not on /run, which is memory and would be counted as the command's.
constexpr const char* kScratch = "/var/tmp";

// What docker hides, and what it makes read-only: interfaces to the whole host.
constexpr auto kHidden = std::to_array<const char*>(
    {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
     "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
     "/sys/devices/virtual/powercap"});
constexpr auto kReadOnly = std::to_array<const char*>(
    {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"});

struct Device {
  const char* name;
  unsigned major, minor;
};
constexpr auto kDevices = std::to_array<Device>({{"null", 1, 3},
                                                 {"zero", 1, 5},
                                                 {"full", 1, 7},
                                                 {"random", 1, 8},
                                                 {"urandom", 1, 9},
                                                 {"tty", 5, 0}});

/// Before each of `special` a backslash.
std::string escaped(const std::string& path, std::string_view special) {
  std::string text;
  for (const char c : path) {
    if (special.find(c) != special.npos) text += '\\';
    text += c;
  }
  return text;
}

class Mounts {
 public:
  Mounts(const Isolation& wanted, const MountRights& rights, const IsolationContext& context,
         IsolationPlan& plan)
      : wanted_(wanted),
        rights_(rights),
        context_(context),
        plan_(plan),
        scratch_(std::string(kScratch) + '/' + scratch_name(context.id)) {}

  Result<void> add() {
    const bool mounts = has(Namespace::mount);
    const bool has_root = wanted_.standard || !wanted_.root.empty() || !wanted_.lowers.empty();
    if (mounts) step({Act::make_private});
    if (has_root && !mounts) return add_plain_chroot();
    if (has_root) {
      if (auto done = add_root(); !done) return done;
    }
    if (mounts && (has_root || has(Namespace::pid))) add_proc();
    if (has_root) {
      add_sys();
      add_devices();
    }
    if (wanted_.standard) add_masks();
    if (auto done = add_wanted(); !done) return done;
    if (has_root) {
      step({.act = wanted_.chroot ? Act::chroot : Act::pivot,
            .remedy = "the root of an initramfs cannot be replaced: --chroot"});
    }
    return {};
  }

 private:
  [[nodiscard]] bool has(Namespace kind) const { return (rights_.namespaces & bit(kind)) != 0; }
  void step(ChildStep step) { plan_.child.setup.push_back(std::move(step)); }
  /// In memory the new process makes it: nobody else sees it.
  void scratch(std::string path, std::uint32_t mode = 0755, bool is_file = false) {
    if (!plan_.memory.empty()) {
      const std::size_t slash = path.rfind('/');
      ChildStep made{.act = is_file ? Act::file : Act::directory,
                     .target = path.substr(0, slash),
                     .data = path.substr(slash + 1),
                     .number = mode};
      std::vector<ChildStep>& steps = plan_.child.setup;
      steps.insert(steps.begin() + memory_end_++, std::move(made));
      return;
    }
    plan_.scratch.push_back({std::move(path), is_file, mode, rights_.uid, rights_.gid});
  }

  [[nodiscard]] std::optional<FileStatus> status_of(const std::string& path) const {
    FileStatus status;
    if (context_.files.status(Files::kAbsolute, path.c_str(), status) != 0) return std::nullopt;
    return status;
  }
  /// A link is followed by the kernel: only what it leads to could tell.
  [[nodiscard]] Result<void> check_directory(const char* flag, const std::string& path) const {
    const auto status = status_of(path);
    if (!status) return failure(std::string("--") + flag + ": no such directory", path);
    if (!S_ISDIR(status->mode) && !S_ISLNK(status->mode)) {
      return failure(std::string("--") + flag + ": not a directory", path);
    }
    return {};
  }

  Result<void> add_plain_chroot() {
    if (auto fine = check_directory("root", wanted_.root); !fine) return fine;
    plan_.warnings.emplace_back(
        "--chroot: whoever has CAP_SYS_CHROOT inside gets out of it, and processes, mounts and "
        "network of the host are in reach as before");
    step({.act = Act::root, .target = wanted_.root});
    step({.act = Act::chroot, .remedy = "it takes CAP_SYS_CHROOT, or --ns=user"});
    return {};
  }

  Result<void> add_root() {
    const std::string at = scratch_ + "/root";
    plan_.scratch_roots.push_back(scratch_);
    scratch(scratch_, 0700);
    if (std::ranges::any_of(wanted_.lowers,
                            [&](const auto& lower) { return holds(lower, kScratch); })) {
      add_memory();
    }
    scratch(at);
    if (!wanted_.lowers.empty()) {
      if (auto done = add_overlay(at); !done) return done;
    } else {
      const std::string from = wanted_.root.empty() ? "/" : wanted_.root;
      if (auto fine = check_directory("root", from); !fine) return fine;
      // Without what is mounted below it; in a user namespace the kernel keeps the whole.
      step({.act = Act::mount,
            .target = at,
            .source = from,
            .number = MS_BIND | (rights_.in_user_namespace ? std::uint64_t{MS_REC} : 0)});
      if (rights_.in_user_namespace && wanted_.root.empty()) {
        plan_.warnings.emplace_back(
            "--isolate: in a user namespace the host's mounts stay in sight; give --root or "
            "--overlay");
      }
      if (!wanted_.root.empty()) base_ = wanted_.root;
    }
    if (wanted_.chroot) {
      plan_.warnings.emplace_back(
          "--chroot: whoever has CAP_SYS_CHROOT inside gets out of it, to the host's files");
    }
    step({.act = Act::root, .target = at});
    return {};
  }

  /// Whether a directory is above a path, and on its file system.
  [[nodiscard]] bool holds(const std::string& directory, const std::string& path) const {
    const auto one = status_of(directory), other = status_of(path);
    return one && other && one->device == other->device &&
           (directory == "/" || (path + '/').starts_with(directory + '/'));
  }

  // An overlay cannot write to what is within one of its layers.
  void add_memory() {
    step({.act = Act::mount,
          .target = scratch_,
          .source = "tmpfs",
          .type = "tmpfs",
          .data = "mode=755",
          .number = MS_NOSUID | MS_NODEV});
    step({.act = Act::keep, .target = scratch_});
    plan_.memory = scratch_;
    memory_end_ = static_cast<std::ptrdiff_t>(plan_.child.setup.size());
    if (!wanted_.upper.empty()) return;
    plan_.warnings.emplace_back(
        "--overlay: " + std::string(kScratch) +
        " is within a layer, so what is written is kept in memory and counted as the command's; "
        "--upper on another file system is not");
  }

  Result<void> add_overlay(const std::string& at) {
    plan_.user_xattr = rights_.in_user_namespace;
    for (const std::string& lower : wanted_.lowers) {
      if (auto fine = check_directory("overlay", lower); !fine) return fine;
    }
    const auto top = status_of(wanted_.lowers.front());
    const std::string base = scratch_ + "/base";
    std::string work = scratch_ + "/work";
    plan_.upper = wanted_.upper.empty() ? scratch_ + "/upper" : wanted_.upper;
    plan_.lowers = wanted_.lowers;
    // What only mount points need is a layer below all, so that it is no change.
    plan_.lowers.push_back(base);
    if (wanted_.upper.empty()) {
      scratch(plan_.upper, top && S_ISDIR(top->mode) ? top->mode & 07777U : 0755U);
    } else {
      if (auto fine = check_directory("upper", wanted_.upper); !fine) return fine;
      for (const std::string& lower : wanted_.lowers) {
        if (!holds(lower, wanted_.upper)) continue;
        return failure("--upper: lies within the layer " + lower +
                           ", and an overlay cannot write to one; take another file system",
                       wanted_.upper);
      }
      // Of the same file system.
      work = wanted_.upper.substr(0, wanted_.upper.rfind('/')) + '/' + scratch_name(context_.id);
      plan_.scratch_roots.push_back(work);
    }
    if (wanted_.upper.empty()) {
      scratch(work, 0700);
    } else {
      plan_.scratch.push_back({work, false, 0700, rights_.uid, rights_.gid});
    }
    scratch(base);
    base_ = base;
    has_overlay_ = true;
    std::string options = "lowerdir=";
    for (const std::string& lower : plan_.lowers) {
      options += (options.ends_with('=') ? "" : ":") + escaped(lower, "\\:,");
    }
    options += ",upperdir=" + escaped(plan_.upper, "\\,") + ",workdir=" + escaped(work, "\\,");
    // A directory that is renamed is copied, as with docker: each layer means what it shows.
    options += rights_.in_user_namespace ? ",userxattr" : ",redirect_dir=off,metacopy=off";
    if (options.size() > kOptionBytesMax) {
      return failure("--overlay: the paths of the layers take " + std::to_string(options.size()) +
                     " bytes, and the kernel takes 4095; give fewer or shorter ones");
    }
    step({.act = Act::mount,
          .target = at,
          .source = "overlay",
          .type = "overlay",
          .data = options,
          .remedy = "--upper has to be a directory that is no mount point, on a file system that "
                    "can be an upper layer (no overlay, no network file system); in a user "
                    "namespace it takes Linux 5.11"});
    return {};
  }

  /// The directory that a mount goes to: in the lowest layer of an overlay it is made, in a
  /// directory of the user's it has to be there, and says whether it is.
  bool place(const std::string& path, bool is_file = false) {
    if (!has_overlay_) return base_.empty() || status_of(base_ + path).has_value();
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
      const bool is_whole = slash == path.npos;
      const std::string made = base_ + path.substr(0, slash);
      if (std::ranges::find(placed_, made) == placed_.end()) {
        scratch(made, 0755, is_file && is_whole);
        placed_.push_back(made);
      }
      if (is_whole) return true;
    }
  }

  void add_proc() {
    if (!place("/proc")) {
      plan_.warnings.emplace_back("--root: there is no directory /proc in it, so none is mounted");
      return;
    }
    if (rights_.in_user_namespace && !has(Namespace::pid)) {
      step({.act = Act::bind, .target = "/proc", .source = "/proc"});
      return;
    }
    step({.act = Act::mount,
          .target = "/proc",
          .source = "proc",
          .type = "proc",
          .number = kPlain,
          .remedy = "where parts of /proc are hidden, as in a container, a user namespace gets no "
                    "/proc of its own"});
    has_proc_ = true;
  }

  void add_sys() {
    if (!place("/sys")) return;
    if (rights_.in_user_namespace && !has(Namespace::net)) {
      step({.act = Act::bind, .target = "/sys", .source = "/sys", .number = MOUNT_ATTR_RDONLY});
      return;
    }
    step({.act = Act::mount,
          .target = "/sys",
          .source = "sysfs",
          .type = "sysfs",
          .number = kPlain | MS_RDONLY});
    if (has(Namespace::cgroup)) add_cgroups();
  }

  // Only what the command is in a cgroup of: of the others its namespace shows the host's root.
  void add_cgroups() {
    const std::string at = "/sys/fs/cgroup";
    const auto mount = [&](const Hierarchy& hierarchy, const std::string& target) {
      std::string options;
      for (const Controller controller : hierarchy.controllers) {
        if (hierarchy.version == Version::v2) break;
        options += (options.empty() ? "" : ",") + std::string(name_of(controller));
      }
      const char* const type = hierarchy.version == Version::v2 ? "cgroup2" : "cgroup";
      step({.act = Act::mount,
            .target = target,
            .source = type,
            .type = type,
            .data = options,
            .number = kPlain | MS_RDONLY});
    };
    const auto& all = context_.hierarchies;
    if (all.size() == 1 && all.front()->version == Version::v2) return mount(*all.front(), at);
    if (all.empty()) return;
    step({.act = Act::mount,
          .target = at,
          .source = "tmpfs",
          .type = "tmpfs",
          .data = "mode=755,size=64k",
          .number = kPlain});
    for (const Hierarchy* hierarchy : all) {
      const std::string name = hierarchy->mount_point.substr(hierarchy->mount_point.rfind('/') + 1);
      step({.act = Act::directory, .target = at, .data = name, .number = 0755});
      mount(*hierarchy, at + '/' + name);
    }
  }

  void add_devices() {
    if (!place("/dev")) {
      plan_.warnings.emplace_back("--root: there is no directory /dev in it, so it has no devices");
      return;
    }
    step({.act = Act::mount,
          .target = "/dev",
          .source = "tmpfs",
          .type = "tmpfs",
          .data = "mode=755,size=4M",
          .number = MS_NOSUID | MS_NOEXEC});
    for (const Device& device : kDevices) {
      const std::string host = std::string("/dev/") + device.name;
      if (!rights_.in_user_namespace) {
        step({.act = Act::device,
              .target = "/dev",
              .data = device.name,
              .number = makedev(device.major, device.minor)});
      } else if (status_of(host)) {
        step({.act = Act::file, .target = "/dev", .data = device.name});
        step({.act = Act::bind, .target = host, .source = host});
      }
    }
    for (const auto& [name, leads_to] :
         {std::pair("fd", "/proc/self/fd"), std::pair("stdin", "/proc/self/fd/0"),
          std::pair("stdout", "/proc/self/fd/1"), std::pair("stderr", "/proc/self/fd/2"),
          std::pair("ptmx", "pts/ptmx")}) {
      step({.act = Act::link, .target = "/dev", .source = leads_to, .data = name});
    }
    add_below_dev("pts", "devpts", MS_NOSUID | MS_NOEXEC,
                  std::string("newinstance,ptmxmode=0666,mode=0620") +
                      (rights_.has_group_tty ? ",gid=5" : ""));
    add_below_dev("shm", "tmpfs", kPlain, "mode=1777,size=64M");
    if (has(Namespace::ipc)) add_below_dev("mqueue", "mqueue", kPlain, "");
  }

  void add_below_dev(const std::string& name, const char* type, unsigned long flags,
                     std::string options) {
    step({.act = Act::directory, .target = "/dev", .data = name, .number = 0755});
    step({.act = Act::mount,
          .target = "/dev/" + name,
          .source = type,
          .type = type,
          .data = std::move(options),
          .number = flags});
  }

  void add_masks() {
    if (!has_proc_) return;
    for (const char* const path : kHidden) step({.act = Act::mask, .target = path});
    for (const char* const path : kReadOnly) step({.act = Act::read_only, .target = path});
  }

  Result<void> add_wanted() {
    constexpr const char* kRemedy =
        "what something is mounted on has to be there; --overlay makes it";
    for (const std::string& path : wanted_.tmpfs) {
      if (!place(path)) return failure(std::string("--tmpfs: ") + kRemedy, base_ + path);
      step({.act = Act::mount,
            .target = path,
            .source = "tmpfs",
            .type = "tmpfs",
            .data = "mode=1777",
            .number = MS_NOSUID | MS_NODEV,
            .remedy = kRemedy});
    }
    for (const Bind& bind : wanted_.binds) {
      const auto source = status_of(bind.source);
      if (!source) return failure("--bind: no such file or directory", bind.source);
      if (!place(bind.target, !S_ISDIR(source->mode))) {
        return failure(std::string("--bind: ") + kRemedy, base_ + bind.target);
      }
      step({.act = Act::bind,
            .target = bind.target,
            .source = bind.source,
            .number =
                MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (bind.read_only ? MOUNT_ATTR_RDONLY : 0ULL),
            .remedy = kRemedy});
    }
    return {};
  }

  const Isolation& wanted_;
  const MountRights& rights_;
  const IsolationContext& context_;
  IsolationPlan& plan_;
  std::string scratch_;
  std::string base_;  // where mount points are looked for or made; empty: nowhere
  std::vector<std::string> placed_;
  std::ptrdiff_t memory_end_ = 0;  // before this step all in memory is made: layers do not change
  bool has_overlay_ = false, has_proc_ = false;
};

}  // namespace

Result<void> plan_mounts(const Isolation& wanted, const MountRights& rights,
                         const IsolationContext& context, IsolationPlan& plan) {
  return Mounts(wanted, rights, context, plan).add();
}

}  // namespace cgmon
