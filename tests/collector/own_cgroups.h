#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "collectors/cgroup/layout.h"

namespace cgmon {

/// Cgroups of the test's own on this host, below /cgmon-test-PID of every hierarchy; removed at the
/// end.
class OwnCgroups {
 public:
  explicit OwnCgroups(const Layout& layout) : top_("/cgmon-test-" + std::to_string(::getpid())) {
    if (layout.hierarchies.empty()) refused_ = "no cgroup hierarchy is mounted";
    for (const Hierarchy& hierarchy : layout.hierarchies) {
      if (!hierarchy.prefix.empty()) continue;
      if (::mkdir((hierarchy.mount_point + top_).c_str(), 0755) != 0) {
        refused_ = "cannot make a cgroup in " + hierarchy.mount_point + ": " +
                   std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): one thread
        return;
      }
      mounts_.push_back(hierarchy.mount_point);
    }
  }
  OwnCgroups(const OwnCgroups&) = delete;
  OwnCgroups& operator=(const OwnCgroups&) = delete;
  ~OwnCgroups() {
    for (const std::string& mount : mounts_) remove_below(mount + top_);
  }

  /// Why the kernel lets this test make none; empty when it does.
  [[nodiscard]] const std::string& refused() const { return refused_; }
  [[nodiscard]] const std::string& top() const { return top_; }

  [[nodiscard]] bool make(const std::string& path) const {
    bool all = true;
    for (const std::string& mount : mounts_) {
      all &= ::mkdir((mount + top_ + path).c_str(), 0755) == 0;
    }
    return all;
  }
  [[nodiscard]] bool remove(const std::string& path) const {
    bool all = true;
    for (const std::string& mount : mounts_) all &= ::rmdir((mount + top_ + path).c_str()) == 0;
    return all;
  }
  [[nodiscard]] const std::vector<std::string>& mounts() const { return mounts_; }

  /// The first of the cgroup's files of this name, in whichever hierarchy has it.
  [[nodiscard]] std::optional<std::string> file(const std::string& path,
                                                const std::string& name) const {
    for (const std::string& mount : mounts_) {
      std::string found = mount + top_ + path + '/' + name;
      if (::access(found.c_str(), F_OK) == 0) return found;
    }
    return std::nullopt;
  }

 private:
  static void remove_below(const std::string& directory) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      if (entry.is_directory(error)) remove_below(entry.path());
    }
    ::rmdir(directory.c_str());
  }

  std::string top_, refused_;
  std::vector<std::string> mounts_;
};

}  // namespace cgmon
