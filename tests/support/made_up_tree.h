#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/cgroup/layout.h"
#include "tests/support/tree_files.h"

namespace cgmon {

/// Hierarchies made in code, without any cgroup file: for those who look at directories alone.
struct MadeUpTree {
  TreeFiles files;
  Layout layout;

  /// One v2 hierarchy that has the memory controller.
  static void make_v2(MadeUpTree& tree) { tree.add("/cg/v2", Version::v2, {Controller::memory}); }

  /// Three v1 hierarchies; memory's, the second, is the master.
  static void make_v1(MadeUpTree& tree) {
    tree.add("/cg/pids", Version::v1, {Controller::pids});
    tree.add("/cg/memory", Version::v1, {Controller::memory});
    tree.add("/cg/cpu", Version::v1, {Controller::cpu, Controller::cpuacct});
  }

  Hierarchy& add(const std::string& mount, Version version, std::vector<Controller> controllers) {
    files.set_filesystem(mount, version == Version::v2 ? kCgroup2Magic : kCgroupMagic);
    for (const Controller controller : controllers) {
      layout.controllers[static_cast<std::size_t>(controller)] = {
          .known = true, .hierarchy = static_cast<std::int8_t>(layout.hierarchies.size())};
    }
    Hierarchy hierarchy;
    hierarchy.version = version;
    hierarchy.mount_point = mount;
    hierarchy.controllers = std::move(controllers);
    return layout.hierarchies.emplace_back(std::move(hierarchy));
  }

  [[nodiscard]] std::vector<int> all() const {
    std::vector<int> indexes;
    for (std::size_t h = 0; h < layout.hierarchies.size(); ++h) {
      indexes.push_back(static_cast<int>(h));
    }
    return indexes;
  }

  // The same in every hierarchy.

  void make(std::string_view path) {
    for (const Hierarchy& hierarchy : layout.hierarchies) {
      files.add_directory(hierarchy.mount_point + std::string(path));
    }
  }
  void remove(std::string_view path) {
    for (const Hierarchy& hierarchy : layout.hierarchies) {
      files.remove_directory(hierarchy.mount_point + std::string(path));
    }
  }
};

}  // namespace cgmon
