#include "agent/run_target.h"

#include <string_view>

#include "agent/expose/terminal_text.h"
#include "agent/host_session.h"
#include "agent/inspect_target.h"
#include "collectors/identity/engine_files.h"

namespace cgmon {
namespace {

/// What engines say of a container that has no cgroup any more; empty: nobody knows it.
std::string ended_container(Files& files, const Roots& roots,
                            const std::vector<std::string>& docker_roots, std::int64_t now_ns,
                            std::string_view name) {
  constexpr std::size_t kMost = 10'000;
  EngineFiles engines(files, roots, docker_roots);
  for (const EndedContainer& each : engines.ended(now_ns, {kMost, INT64_MAX}).containers) {
    const bool is_id = name.size() >= 3 && each.id.starts_with(name);
    if (each.metadata.name == name || is_id) return each.runtime + " container " + each.id;
  }
  return {};
}

}  // namespace

Result<RunTarget> find_target(Files& files, const Roots& roots, const Layout& layout,
                              const std::vector<std::string>& docker_roots, const std::string& name,
                              NamespaceSet join) {
  constexpr std::int64_t kPatienceNs = 10'000'000'000, kNamesNs = 2'000'000'000;
  SessionOptions options{.roots = roots, .docker_roots = docker_roots};
  options.collector.groups = bit(Group::spec);
  options.collector.names_wait_ns = kNamesNs;
  auto session = HostSession::open(options);
  if (!session) return tl::unexpected(session.error());
  Snapshot snapshot;
  const std::int64_t now_ns = (*session)->clock().monotonic_ns();
  (*session)->collect(snapshot, now_ns + kPatienceNs, bit(Group::spec));
  const Result<Slot> slot = find_cgroup_or_process(name, files, roots, layout, snapshot);
  if (!slot) {
    const std::string ended =
        ended_container(files, roots, docker_roots, (*session)->clock().wall_ns(), name);
    if (ended.empty()) return failure("--into: " + slot.error().message());
    return failure("--into: " + terminal_safe(ended) +
                   " has ended: it has no limits now; start it "
                   "first");
  }
  const CgroupLabels& labels = *snapshot.labels[*slot];
  RunTarget target{.name = terminal_safe(labels.name.empty() ? labels.id : labels.name),
                   .path = (*session)->collector().tree().at(*slot)->path};
  target.directories = directories_of(target.path, files, layout);
  if (join == 0) return target;
  if (Result<void> found = find_process(files, roots, join, target); !found) {
    return tl::unexpected(found.error());
  }
  return target;
}

}  // namespace cgmon
