#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/metrics/labels.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Which cgroups are read at all, one bit each; the root always is.
struct Only {
  bool all = true, containers = false, pods = false, units = false;
};

/// Patterns for matches_glob(). One that includes lets pass what it matches, and nothing that no
/// other of its kind matches; one that excludes keeps out what it matches. A cgroup without a
/// runtime or a namespace matches none.
struct Patterns {
  std::vector<std::string> include, exclude;
  [[nodiscard]] bool empty() const { return include.empty() && exclude.empty(); }
  [[nodiscard]] bool let_pass(std::string_view text) const;
};

struct Filters {
  Patterns paths;       ///< of cgroups
  Patterns runtimes;    ///< that a container is of, e.g. "docker"
  Patterns namespaces;  ///< Kubernetes'
};

/// What is read and shown. A cgroup is judged when it comes and when its labels change, not each
/// pass. What lies in a container has its runtime and namespace. One-thread.
class Selection {
 public:
  enum class Verdict : std::uint8_t {
    hidden,
    open,  ///< its engine has still to say what decides: read, and not shown
    shown,
  };

  Selection(Only only, Filters filters) : only_(only), filters_(std::move(filters)) {}

  /// By other options from now on: all are judged anew.
  void reconfigure(Only only, Filters filters);

  struct Cgroup {
    Slot slot = 0, parent = kNoSlot;
    /// Whether all is known of its labels that is to come.
    bool named = true;
    /// Whether it may turn out to be a container.
    bool may_be_container = false;
  };
  struct Judgement {
    Verdict verdict = Verdict::hidden;
    bool changed = false;  ///< it is another than the one before, or the cgroup of another kind
  };
  /// Parents come first.
  Judgement judge(const Cgroup& cgroup, const std::shared_ptr<const CgroupLabels>& labels);
  void remove(Slot slot);

  /// Whether a container that has ended, and has no cgroup, is shown. Patterns of paths that
  /// include keep it out, those that exclude do not.
  [[nodiscard]] bool shows_ended(std::string_view runtime, std::string_view name_space) const;

 private:
  struct Seen {
    std::shared_ptr<const CgroupLabels>
        labels;  // judged by these; kept, so that none has its place
    bool named = false;
    bool path = false;   // the patterns of paths let it pass
    bool names = false;  // those of runtime and namespace do, or did of what it lies in
    Verdict verdict = Verdict::hidden;
  };

  [[nodiscard]] bool wants(CgroupKind kind) const;
  [[nodiscard]] Verdict decide(const Cgroup& cgroup, const CgroupLabels& labels, Seen& seen) const;

  Only only_;
  Filters filters_;
  std::vector<Seen> seen_;  // by slot
};

}  // namespace cgmon
