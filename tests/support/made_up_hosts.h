#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collectors/kernel/roots.h"
#include "tests/support/tree_files.h"

/// Hosts that were not captured: each is a captured one, changed as the kernel or an engine would
/// have set it up. What is imitated was seen on real machines (docker 20.10, runc 1.1, Linux 6.1).
namespace cgmon::made_up {

inline constexpr std::string_view kV1 = "debian-6.1-v1-cgroupfs";
inline constexpr std::string_view kV2 = "debian-6.1-v2-systemd";
inline constexpr std::string_view kHybrid = "debian-6.1-hybrid-cgroupfs";
inline constexpr std::string_view kMountinfo = "/proc/self/mountinfo";

/// Loads tests/fixtures/NAME.tree.
inline void load_captured(TreeFiles& tree, std::string_view name) {
  const auto loaded = tree.load("tests/fixtures/" + std::string(name) + ".tree");
  if (loaded) return;
  std::fprintf(stderr, "%s\n", loaded.error().message().c_str());
  std::abort();
}

/// Puts `to` in the place of the one `from` in a file.
inline void edit(TreeFiles& tree, std::string_view path, std::string_view from,
                 std::string_view to) {
  std::string text = tree.content(path);
  const std::size_t at = text.find(from);
  if (at == text.npos || text.find(from, at + 1) != text.npos) {
    std::fprintf(stderr, "%s has not once: %s\n", std::string(path).c_str(),
                 std::string(from).c_str());
    std::abort();
  }
  tree.set_file(path, text.replace(at, from.size(), to));
}

/// Takes the line that has `part` out of a file.
inline void remove_line(TreeFiles& tree, std::string_view path, std::string_view part) {
  const std::string& text = tree.content(path);
  const std::size_t at = text.find(part);
  if (at == text.npos) std::abort();
  const std::size_t begin = text.rfind('\n', at) + 1;
  const std::string line = text.substr(begin, text.find('\n', at) + 1 - begin);
  edit(tree, path, line, "");
}

inline void append(TreeFiles& tree, std::string_view path, std::string_view text) {
  tree.set_file(path, tree.content(path) + std::string(text));
}

/// The path of the first container's cgroup below a directory: "docker/ID".
inline std::string first_child(TreeFiles& tree, const std::string& directory,
                               std::string_view prefix) {
  DirectoryListing listing;
  std::string first;
  if (tree.list_directories(Files::kAbsolute, directory.c_str(), listing) != 0) std::abort();
  for (const auto& entry : listing.entries()) {
    const std::string_view name = listing.name(entry);
    if (name.starts_with(prefix) && (first.empty() || name < first)) first = name;
  }
  if (first.empty()) std::abort();
  return first;
}

/// cgroup_disable=memory on v1: systemd leaves a plain directory in the hierarchy's place.
inline void disable_memory_v1(TreeFiles& tree) {
  load_captured(tree, kV1);
  tree.remove_directory("/sys/fs/cgroup/memory").add_directory("/sys/fs/cgroup/memory");
  remove_line(tree, kMountinfo, " /sys/fs/cgroup/memory ");
  remove_line(tree, "/proc/cgroups", "memory\t");
  append(tree, "/proc/cgroups", "memory\t0\t1\t0\n");
}

/// cgroup_disable=memory on v2.
inline void disable_memory_v2(TreeFiles& tree) {
  load_captured(tree, kV2);
  edit(tree, "/sys/fs/cgroup/cgroup.controllers", " memory", "");
  edit(tree, "/sys/fs/cgroup/cgroup.subtree_control", " memory", "");
  tree.set_file("/proc/cgroups",
                "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
                "cpu\t0\t44\t1\nio\t0\t44\t1\nmemory\t0\t44\t0\npids\t0\t44\t1\n");
}

inline constexpr std::string_view kOwnV2Mount =
    "700 690 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup "
    "rw,nsdelegate,memory_recursiveprot\n";

/// Inside a docker container on v2, with docker's defaults: a cgroup namespace of its own.
inline void enter_v2_container(TreeFiles& tree) {
  load_captured(tree, kV2);
  const std::string slice = "/sys/fs/cgroup/system.slice/";
  tree.rename_directory(slice + first_child(tree, slice, "docker-"), "/own");
  tree.remove_directory("/sys/fs/cgroup").rename_directory("/own", "/sys/fs/cgroup");
  tree.set_filesystem("/sys/fs/cgroup", kCgroup2Magic);
  tree.set_file(kMountinfo, kOwnV2Mount).set_file("/proc/self/cgroup", "0::/\n");
  tree.set_file("/proc/1/cgroup", "0::/\n").remove_directory("/var/lib/docker");
}

/// The roots of an agent that has the host's / at /host.
inline Roots host_roots() { return {"/host", "/host/proc", "/host/sys", "/host/sys/fs/cgroup"}; }

/// The same container with the host's / mounted at /host: read host_roots().
inline void mount_host_in_v2_container(TreeFiles& tree) {
  load_captured(tree, kV2);
  tree.copy_directory("/etc", "/host/etc").copy_directory("/var", "/host/var");
  tree.copy_directory("/proc", "/host/proc").set_filesystem("/host/proc", kProcMagic);
  tree.add_directory("/host/sys/fs").rename_directory("/sys/fs/cgroup", "/host/sys/fs/cgroup");
  const std::string slice = "/host/sys/fs/cgroup/system.slice/";
  tree.copy_directory(slice + first_child(tree, slice, "docker-"), "/sys/fs/cgroup");
  tree.set_filesystem("/sys/fs/cgroup", kCgroup2Magic);
  tree.set_file(kMountinfo, kOwnV2Mount);
  append(tree, kMountinfo,
         "720 690 0:26 /../.. /host/sys/fs/cgroup ro,relatime - cgroup2 cgroup2 rw\n");
  tree.set_file("/proc/self/cgroup", "0::/\n").remove_directory("/var/lib/docker");
}

/// Inside a docker container on v1, with docker's defaults: the host's cgroup namespace, but the
/// container's own directory at each mount point. Of `misc`, which runc does not know, the
/// container is in the root. Returns the container's path.
inline std::string enter_v1_container(TreeFiles& tree) {
  load_captured(tree, kV1);
  const std::string own = "/docker/" + first_child(tree, "/sys/fs/cgroup/memory/docker", "");
  DirectoryListing listing;
  if (tree.list_directories(Files::kAbsolute, "/sys/fs/cgroup", listing) != 0) std::abort();
  for (const auto& entry : listing.entries()) {
    const std::string point = "/sys/fs/cgroup/" + std::string(listing.name(entry));
    const bool used = tree.exists(point + own);
    if (used) {
      tree.rename_directory(point, "/all");
      tree.rename_directory("/all" + own, point).set_filesystem(point, kCgroupMagic);
      tree.remove_directory("/all");
    }
    edit(tree, kMountinfo, " / " + point + " rw,", ' ' + (used ? own : "/") + ' ' + point + " ro,");
  }
  tree.remove_directory("/var/lib/docker");
  return own;
}

/// psi=0 as kernels do it now: no file at all.
inline void remove_pressure_files(TreeFiles& tree) {
  tree.remove_directory("/proc/pressure");
  for (const char* const name : {"cpu", "io", "memory"}) {
    tree.remove(std::string("/sys/fs/cgroup/") + name + ".pressure");
  }
}

/// psi=0 as older kernels did it: the files are there and cannot be read.
inline void make_pressure_files_fail(TreeFiles& tree) {
  for (const char* const name : {"cpu", "io", "memory"}) {
    tree.set_error(std::string("/proc/pressure/") + name, EOPNOTSUPP);
    tree.set_error(std::string("/sys/fs/cgroup/") + name + ".pressure", EOPNOTSUPP);
  }
}

}  // namespace cgmon::made_up
