#include "agent/enforce/isolate.h"

#include <linux/sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/enforce/mounts.h"
#include "agent/enforce/seccomp_filter.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

using Act = ChildStep::Act;

constexpr std::size_t kTextBytesMax = std::size_t{1} << 20U;
constexpr NamespaceSet kStandardNamespaces = bit(Namespace::mount) | bit(Namespace::uts) |
                                             bit(Namespace::ipc) | bit(Namespace::pid) |
                                             bit(Namespace::net) | bit(Namespace::cgroup);
constexpr unsigned kSysAdmin = 21;  // CAP_SYS_ADMIN
constexpr std::string_view kPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

constexpr std::array<std::uint64_t, 8> kCloneFlags{CLONE_NEWNS,     CLONE_NEWUTS, CLONE_NEWIPC,
                                                   CLONE_NEWPID,    CLONE_NEWNET, CLONE_NEWUSER,
                                                   CLONE_NEWCGROUP, CLONE_NEWTIME};

std::string names_of(NamespaceSet set) {
  std::string names;
  for (std::size_t i = 0; i < kNamespaceNames.size(); ++i) {
    if ((set >> i & 1U) != 0) names += (names.empty() ? "" : ",") + std::string(kNamespaceNames[i]);
  }
  return names;
}

/// What a user is in the files of the root that the command gets.
struct User {
  std::uint32_t uid = 0, gid = 0;
  std::string home;
};

std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number >= UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

/// The fields of the line of /etc/passwd or /etc/group that has `key` as its field `column`.
std::optional<std::vector<std::string_view>> find_entry(std::string_view file, std::string_view key,
                                                        std::size_t column) {
  while (!file.empty()) {
    std::string_view line = take_until(file, '\n');
    std::vector<std::string_view> fields;
    while (!line.empty()) fields.push_back(take_until(line, ':'));
    if (fields.size() > std::max<std::size_t>(column, 2) && fields[column] == key) return fields;
  }
  return std::nullopt;
}

/// As in /proc/PID/uid_map.
std::string text_of(const IdRange& range) {
  return std::to_string(range.inside) + ' ' + std::to_string(range.outside) + ' ' +
         std::to_string(range.count) + '\n';
}

class Isolator {
 public:
  Isolator(Isolation wanted, const IsolationContext& context)
      : wanted_(std::move(wanted)), context_(context) {
    for (std::string* path : {&wanted_.root, &wanted_.upper}) make_absolute(*path);
    for (std::string& path : wanted_.lowers) make_absolute(path);
    for (Bind& bind : wanted_.binds) make_absolute(bind.source);
  }

  Result<IsolationPlan> plan() {
    if (auto fine = choose_namespaces(); !fine) return tl::unexpected(fine.error());
    add_namespaces();
    if (auto done = plan_mounts(wanted_, rights_, context_, plan_); !done) {
      return tl::unexpected(done.error());
    }
    if (auto done = add_confinement(); !done) return tl::unexpected(done.error());
    return std::move(plan_);
  }

 private:
  void make_absolute(std::string& path) const {
    if (path.empty()) return;
    if (!path.starts_with('/')) path.insert(0, context_.caller.directory + '/');
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  }
  [[nodiscard]] bool has(Namespace kind) const { return (rights_.namespaces & bit(kind)) != 0; }
  void setup(ChildStep step) { plan_.child.setup.push_back(std::move(step)); }
  void before_command(ChildStep step) { plan_.child.command.push_back(std::move(step)); }

  /// Whether this process may make namespaces and mounts.
  [[nodiscard]] bool is_privileged() const {
    std::string text;
    const std::string path = context_.roots.procfs + "/self/status";
    if (read_file(context_.files, Files::kAbsolute, path.c_str(), kTextBytesMax, text) != 0) {
      return context_.caller.uid == 0;
    }
    constexpr std::string_view kKey = "\nCapEff:\t";
    const std::size_t at = text.find(kKey);
    if (at == text.npos) return context_.caller.uid == 0;
    return (std::strtoull(text.c_str() + at + kKey.size(), nullptr, 16) >> kSysAdmin & 1U) != 0;
  }

  Result<void> choose_namespaces() {
    NamespaceSet set = wanted_.namespaces;
    if (wanted_.standard) {
      set |= kStandardNamespaces;
    }
    const bool has_root = !wanted_.root.empty() && !wanted_.chroot;
    // /proc has to be of the PID namespace.
    if ((set & bit(Namespace::pid)) != 0 || has_root || !wanted_.lowers.empty() ||
        !wanted_.binds.empty() || !wanted_.tmpfs.empty()) {
      set |= bit(Namespace::mount);
    }
    if (!wanted_.hostname.empty()) set |= bit(Namespace::uts);
    if (wanted_.time_offset) set |= bit(Namespace::time);
    if (!wanted_.uid_map.empty() || !wanted_.gid_map.empty()) set |= bit(Namespace::user);
    privileged_ = set == 0 || is_privileged();
    if (!privileged_ && wanted_.standard) set |= bit(Namespace::user);
    if (!privileged_ && (set & bit(Namespace::user)) == 0) {
      return failure("new namespaces (" + names_of(set) + ") take CAP_SYS_ADMIN, which uid " +
                     std::to_string(context_.caller.uid) +
                     " has not; run it as root, or with --ns=user too");
    }
    rights_.namespaces = set;
    rights_.in_user_namespace = (set & bit(Namespace::user)) != 0;
    rights_.has_group_tty = privileged_ && wanted_.gid_map.empty();
    return add_maps();
  }

  /// The ids that we have, as they are: "0 0 4294967295" outside of any user namespace.
  [[nodiscard]] std::string identity_map(const char* name) const {
    std::string text, map;
    const std::string path = context_.roots.procfs + "/self/" + name;
    if (read_file(context_.files, Files::kAbsolute, path.c_str(), kTextBytesMax, text) != 0) {
      return "0 0 4294967295\n";
    }
    std::string_view rest = text;
    while (!rest.empty()) {
      std::string_view line = take_until(rest, '\n');
      const std::string inside(take_word(line));
      take_word(line);
      map += inside + ' ' + inside + ' ' + std::string(take_word(line)) + '\n';
    }
    return map;
  }

  /// The map of uids or of gids. `own`: the id that this process has.
  Result<MapFile> map_of(const char* name, const char* flag, std::uint32_t own,
                         const std::vector<IdRange>& wanted, const SubordinateIds& given) const {
    if (wanted.empty() && privileged_) return MapFile{name, identity_map(name)};
    if (wanted.empty()) return map_of_own_ids(name, own, given);
    MapFile map{name, ""};
    const auto is_own = [&](const IdRange& range) {
      return range.outside == own && range.count == 1;
    };
    const bool is_allowed = std::ranges::all_of(
        wanted, [&](const IdRange& range) { return is_own(range) || given.holds(range); });
    const bool is_self = wanted.size() == 1 && is_own(wanted[0]);
    if (!privileged_ && !is_self) {
      if (!given.usable() || !is_allowed) {
        return failure(std::string("--") + flag + ": to map other ids than its own, " +
                       std::to_string(own) +
                       ", a user needs CAP_SETUID and CAP_SETGID, or a range "
                       "in /etc/sub" +
                       (flag[0] == 'u' ? "uid" : "gid") + " that holds them and new" + flag[0] +
                       "idmap (package uidmap); run it as root, or leave it out");
      }
      map.program = given.program;
    }
    for (const IdRange& range : wanted) map.text += text_of(range);
    return map;
  }

  Result<void> add_maps() {
    if (!rights_.in_user_namespace) return {};
    const Caller& caller = context_.caller;
    const auto uids =
        map_of("uid_map", "uid-map", caller.uid, wanted_.uid_map, caller.subordinate.uids);
    if (!uids) return tl::unexpected(uids.error());
    const auto gids =
        map_of("gid_map", "gid-map", caller.gid, wanted_.gid_map, caller.subordinate.gids);
    if (!gids) return tl::unexpected(gids.error());
    // Who maps his own group alone may not drop others.
    if (!privileged_ && gids->program.empty()) plan_.maps.push_back({"setgroups", "deny"});
    plan_.maps.push_back(*uids);
    plan_.maps.push_back(*gids);
    const auto outside = [](const std::vector<IdRange>& ranges, std::uint32_t id) {
      for (const IdRange& range : ranges) {
        if (range.inside == 0) id = range.outside;
      }
      return id;
    };
    rights_.uid = outside(wanted_.uid_map, caller.uid);
    rights_.gid = outside(wanted_.gid_map, caller.gid);
    return {};
  }

  void add_namespaces() {
    ChildPlan& child = plan_.child;
    for (std::size_t i = 0; i < kCloneFlags.size(); ++i) {
      const auto kind = static_cast<Namespace>(i);
      if (!has(kind) || kind == Namespace::cgroup || kind == Namespace::time) continue;
      child.namespaces |= kCloneFlags[i];
    }
    child.is_first = has(Namespace::pid);
    // Only a child is in a PID namespace that was joined, and on some kernels (6.1) in a time
    // namespace that was unshared.
    child.has_init = child.is_first || has(Namespace::time) || joins(Namespace::pid);
    if (context_.target != nullptr && context_.target->join != 0) add_join();
    if (rights_.in_user_namespace) {
      setup({.act = Act::identity, .remedy = "the maps have to say who root is inside"});
    }
    if (has(Namespace::time)) {
      setup({.act = Act::unshare, .number = CLONE_NEWTIME, .remedy = "it takes Linux 5.6"});
      const std::string offset =
          ' ' + std::to_string(wanted_.time_offset.value_or(std::chrono::seconds{0}).count());
      setup({.act = Act::write,
             .target = context_.roots.procfs + "/self/timens_offsets",
             .data = "monotonic" + offset + " 0\nboottime" + offset + " 0\n",
             .remedy = "no clock may be before its beginning (ERANGE)"});
    }
    // Its root is the cgroup that one is in at this moment: after joining.
    if (has(Namespace::cgroup)) setup({.act = Act::unshare, .number = CLONE_NEWCGROUP});
    if (has(Namespace::uts)) {
      const std::string name =
          wanted_.hostname.empty() ? context_.id.substr(0, 12) : wanted_.hostname;
      setup({.act = Act::hostname, .data = name});
    }
    if (has(Namespace::net)) setup({.act = Act::loopback});
  }

  [[nodiscard]] bool joins(Namespace kind) const {
    return context_.target != nullptr && (context_.target->join & bit(kind)) != 0;
  }

  void add_join() {
    const RunTarget& target = *context_.target;
    std::uint64_t flags = 0;
    for (std::size_t i = 0; i < kCloneFlags.size(); ++i) {
      if (joins(static_cast<Namespace>(i))) flags |= kCloneFlags[i];
    }
    setup({.act = Act::join,
           .target = "process " + std::to_string(target.process),
           .number = flags,
           .group = static_cast<std::uint32_t>(target.pidfd),
           .remedy = "it takes CAP_SYS_ADMIN here and in the user namespace of each, and Linux "
                     "5.8"});
    if (joins(Namespace::user)) {
      setup({.act = Act::identity, .remedy = "its user namespace has no root; --user names one"});
    }
  }

  /// A file of the root that the command gets; empty without one.
  [[nodiscard]] std::string file_inside(const char* path) const {
    std::vector<std::string> roots = wanted_.lowers;
    if (!wanted_.upper.empty()) roots.insert(roots.begin(), wanted_.upper);
    if (joins(Namespace::mount)) {
      roots = {context_.roots.procfs + '/' + std::to_string(context_.target->process) + "/root/"};
    }
    if (roots.empty()) roots.push_back(wanted_.root.empty() ? "/" : wanted_.root);
    for (const std::string& root : roots) {
      const int directory = context_.files.open_directory(Files::kAbsolute, root.c_str());
      if (directory < 0) continue;
      std::string text;
      const int error = read_file_beneath(context_.files, directory, path, kTextBytesMax, text);
      context_.files.close(directory);
      if (error == 0) return text;
    }
    return {};
  }

  [[nodiscard]] Result<User> find_user() const {
    std::string_view group = wanted_.user;
    const std::string_view name = take_until(group, ':');
    const bool has_group = wanted_.user.find(':') != std::string::npos;
    const std::string users = file_inside("etc/passwd");
    const auto number = parse_id(name);
    const auto entry = find_entry(users, name, number ? 2 : 0);
    User user;
    if (number) user.uid = *number;
    if (entry && entry->size() > 5) {
      const auto uid = parse_id((*entry)[2]), gid = parse_id((*entry)[3]);
      if (uid && gid) user = {*uid, *gid, std::string((*entry)[5])};
    } else if (!number) {
      return failure("--user: no user " + std::string(name) +
                     " in /etc/passwd of the command's root; a number works without");
    }
    if (!has_group) return user;
    const auto group_number = parse_id(group);
    const std::string groups = group_number ? "" : file_inside("etc/group");
    const auto found = find_entry(groups, group, 0);
    const auto gid = group_number ? group_number : found ? parse_id((*found)[2]) : std::nullopt;
    if (!gid) return failure("--user: no group " + std::string(group) + " in /etc/group");
    user.gid = *gid;
    return user;
  }

  Result<void> add_confinement() {
    const bool standard = wanted_.standard;
    const bool has_root = standard || !wanted_.root.empty() || !wanted_.lowers.empty();
    if (standard) before_command({.act = Act::close});
    std::string directory = wanted_.workdir;
    if (directory.empty() && joins(Namespace::mount)) directory = "/";
    const bool sees_host = wanted_.root.empty() && wanted_.lowers.empty();
    if (directory.empty() && has_root) directory = sees_host ? context_.caller.directory : "/";
    if (!directory.empty()) {
      before_command({.act = Act::chdir,
                      .target = directory,
                      .remedy = "it has to be there inside: --bind brings it in, --workdir names "
                                "another"});
    }
    std::optional<CapabilitySet> keep = wanted_.capabilities;
    if (standard && !keep) {
      keep = kDefaultCapabilities;
      if (wanted_.chroot) *keep &= ~capability("sys_chroot");
    }
    // Among the target's processes it has no more rights than they.
    const bool joins_any = context_.target != nullptr && context_.target->join != 0;
    if (joins_any && !keep) keep = context_.target->bounding;
    if (keep) {
      before_command({.act = Act::bounding, .number = *keep, .remedy = "it takes CAP_SETPCAP"});
    }
    std::string home;
    if (!wanted_.user.empty()) {
      const Result<User> user = find_user();
      if (!user) return tl::unexpected(user.error());
      home = user->home;
      before_command({.act = Act::user,
                      .number = user->uid,
                      .group = user->gid,
                      .remedy = "it takes CAP_SETUID and CAP_SETGID; in a user namespace only ids "
                                "of its maps are there (EINVAL)"});
    }
    if (keep) before_command({.act = Act::capabilities, .number = *keep});
    const bool is_filtered = standard || (joins_any && context_.target->has_filter);
    const Seccomp seccomp =
        wanted_.seccomp.value_or(is_filtered ? Seccomp::standard : Seccomp::off);
    if (standard || wanted_.no_new_privileges ||
        (joins_any && context_.target->no_new_privileges) || seccomp != Seccomp::off) {
      before_command({.act = Act::no_new_privileges});
    }
    if (seccomp != Seccomp::off) {
      before_command({.act = Act::seccomp,
                      .data = seccomp_filter(seccomp),
                      .remedy = "the kernel needs CONFIG_SECCOMP_FILTER; --seccomp=off"});
    }
    add_environment(home);
    return {};
  }

  /// The value of a variable outside, as KEY=VALUE.
  [[nodiscard]] std::optional<std::string> variable_outside(std::string_view key) const {
    for (const std::string& variable : context_.caller.environment) {
      if (std::string_view(variable).substr(0, variable.find('=')) == key) return variable;
    }
    return std::nullopt;
  }

  void add_environment(const std::string& home) {
    constexpr auto kKept = std::to_array<std::string_view>({"PATH", "HOME", "TERM", "LANG"});
    const bool is_cleaned = wanted_.standard || joins(Namespace::mount);
    if (!is_cleaned && wanted_.environment.empty() && home.empty()) return;
    std::vector<std::string>& environment = plan_.child.environment;
    plan_.child.has_environment = true;
    const auto set = [&](const std::string& variable) {
      const std::string key = variable.substr(0, variable.find('=') + 1);
      std::erase_if(environment, [&](const std::string& one) { return one.starts_with(key); });
      environment.push_back(variable);
    };
    if (is_cleaned) {
      set(std::string(kPath));
      for (const std::string_view key : kKept) {
        if (const auto variable = variable_outside(key)) set(*variable);
      }
    } else {
      environment = context_.caller.environment;
    }
    if (!home.empty()) set("HOME=" + home);
    for (const std::string& variable : wanted_.environment) {
      if (variable.find('=') != variable.npos) {
        set(variable);
      } else if (const auto outside = variable_outside(variable)) {
        set(*outside);
      }
    }
  }

  Isolation wanted_;
  const IsolationContext& context_;
  IsolationPlan plan_;
  MountRights rights_;
  bool privileged_ = true;
};

}  // namespace

MapFile map_of_own_ids(const char* name, std::uint32_t own, const SubordinateIds& given) {
  MapFile map{name, text_of(IdRange{0, own, 1})};
  if (!given.usable()) return map;
  for (const IdRange& range : given.ranges) map.text += text_of(range);
  map.program = given.program;
  return map;
}

std::string scratch_name(const std::string& id) { return "cgmon-run-" + id; }

Result<IsolationPlan> plan_isolation(const Isolation& wanted, const IsolationContext& context) {
  return Isolator(wanted, context).plan();
}

}  // namespace cgmon
