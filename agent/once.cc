#include "agent/once.h"

#include "agent/expose/machine_text.h"
#include "agent/expose/prometheus_text.h"
#include "agent/top_processes.h"

namespace cgmon {
namespace {

constexpr std::int64_t kPatienceNs = 60'000'000'000;

void collect(HostSession& session, Snapshot& snapshot) {
  session.collect(snapshot, session.clock().monotonic_ns() + kPatienceNs);
}

}  // namespace

std::string once_prometheus(HostSession& session, SelfMetrics& self, const PageBounds& bounds) {
  Snapshot snapshot;
  collect(session, snapshot);
  std::string page;
  const PrometheusText::Stats stats = PrometheusText(bounds).render(snapshot, page);
  self.set_groups(snapshot.groups);
  const Layout& layout = session.layout();
  self.observe_pass(snapshot, {name_of(layout.mode), layout.restricted()});
  self.page_written("identity", page.size(), stats);
  append_machine_text(snapshot, page);
  self.append_text(&snapshot, page);
  return page;
}

std::string once_json(HostSession& session, const HostFacts& host) {
  Snapshot snapshot;
  collect(session, snapshot);
  std::string text;
  render_snapshot_json(snapshot, host, text);
  return text;
}

TerminalTable once_table(HostSession& session, std::int64_t interval_ns,
                         const TableOptions& options,
                         const std::function<void(std::int64_t)>& sleep) {
  Snapshot older, newer;
  collect(session, older);
  if (!options.wide) {
    sleep(interval_ns);
    collect(session, newer);
    return terminal_table(older, newer, options);
  }
  TopProcesses top(session.files(), session.roots().procfs, session.layout());
  top.begin();
  sleep(interval_ns);
  TableOptions with_processes = options;
  with_processes.processes = top.busiest();
  collect(session, newer);
  return terminal_table(older, newer, with_processes);
}

}  // namespace cgmon
