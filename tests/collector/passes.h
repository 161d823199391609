#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/remembering_files.h"
#include "tests/support/fixture_host.h"

namespace cgmon {

/// A collector over a captured host, and what its last pass read.
class Passes {
 public:
  explicit Passes(std::string_view fixture, const CollectorOptions& options = {})
      : host(fixture), read(host.files), collector(host.collector(options, &read)) {}

  const Snapshot& pass(GroupSet groups = kAllGroups) {
    std::vector<std::string> directories;
    for (const Hierarchy& hierarchy : collector->layout().hierarchies) {
      directories.push_back(hierarchy.mount_point + container);
    }
    read.remember(directories);
    const std::uint64_t before = snapshot.report.reads;
    collector->collect(snapshot, kNoDeadline, groups);
    reads = snapshot.report.reads - before;
    if (container.empty()) find_container();
    return snapshot;
  }
  [[nodiscard]] Value value(std::size_t row_index, const std::string& id) const {
    for (const Slot slot : snapshot.order) {
      if (snapshot.labels[slot]->id == id) return snapshot.value(row_index, slot);
    }
    return Value::absent();
  }
  [[nodiscard]] std::string page() const { return page_of(snapshot); }
  /// Of the plan's files, those that the last pass read of the container.
  [[nodiscard]] std::vector<std::string> read_of_container() const {
    std::vector<std::string> files;
    for (const FileKind& kind : collector->plan().files) {
      if (kind.hierarchy == FileKind::kProc) continue;
      const Hierarchy& hierarchy =
          collector->layout().hierarchies[static_cast<std::size_t>(kind.hierarchy)];
      const std::string path = hierarchy.mount_point + container + '/' + kind.file;
      if (read.text_of(path) != nullptr) files.push_back(hierarchy.mount_point + " " + kind.file);
    }
    return files;
  }
  /// The container's file, below the mount point of its controller.
  [[nodiscard]] std::string file(Controller controller, const std::string& name) const {
    const int hierarchy = collector->layout().serving(controller);
    return collector->layout().hierarchies[static_cast<std::size_t>(hierarchy)].mount_point +
           container + '/' + name;
  }

  FixtureHost host;
  RememberingFiles read;
  std::unique_ptr<Collector> collector;
  Snapshot snapshot;
  std::string container;  ///< the first one's path
  std::uint64_t reads = 0;

 private:
  void find_container() {
    for (const Slot slot : snapshot.order) {
      if (snapshot.labels[slot]->kind != CgroupKind::container) continue;
      container = snapshot.labels[slot]->id;
      return;
    }
  }
};

}  // namespace cgmon
