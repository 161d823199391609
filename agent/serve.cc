#include "agent/serve.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/collection_loop.h"
#include "agent/group_query.h"
#include "agent/host_table.h"
#include "agent/http/message.h"
#include "agent/http/negotiation.h"
#include "agent/http/pages.h"
#include "agent/http/query.h"
#include "agent/http/router.h"
#include "agent/http/server.h"
#include "agent/metrics_page.h"

namespace cgmon {
namespace {

constexpr const char* kResourcePath = "/metrics/resource";
constexpr const char* kSnapshotPath = "/api/v1/snapshot";
constexpr const char* kStuck = "a collection does not end: a kernel file hangs\n";
constexpr std::int64_t kDefaultTimeoutNs = 10'000'000'000;
constexpr std::int64_t kTimeoutReserveNs = 500'000'000;  // for sending the page

/// When a collection for this request must end: the scraper's own limit less the time to send.
std::int64_t deadline_of(const Request& request, const Clock& clock) {
  const auto timeout = parse_scrape_timeout(request.scrape_timeout);
  const std::int64_t limit =
      timeout ? std::chrono::nanoseconds(*timeout).count() - kTimeoutReserveNs : kDefaultTimeoutNs;
  return clock.monotonic_ns() + std::max<std::int64_t>(limit, kTimeoutReserveNs / 5);
}

/// Logs each kind of failure once; the counters on the page say how often.
class FailureLog {
 public:
  explicit FailureLog(Log& log) : log_(log) {}

  void look(const Snapshot& snapshot) {
    for (const ReadError& error : snapshot.read_errors) {
      if (!is_new(error.file, error.reason)) continue;
      log_.warn("a kernel file could not be read; its values are absent",
                {{"reason", error.reason}, {"path", error.example}});
    }
    for (const MetadataFailure& failure : snapshot.metadata_failures) {
      if (!is_new(failure.source, failure.reason)) continue;
      log_.warn("a container's name could not be read",
                {{"source", failure.source}, {"reason", failure.reason}});
    }
    if (snapshot.report.watch_failures > watches_) {
      log_.warn(
          "a hierarchy cannot be watched and is walked each time; raise "
          "fs.inotify.max_user_watches or max_user_instances");
    }
    watches_ = snapshot.report.watch_failures;
  }

 private:
  bool is_new(std::string_view what, std::string_view reason) {
    return seen_.emplace(what, reason).second;
  }

  Log& log_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::uint64_t watches_ = 0;
};

/// `form` says what is to be on the page; how it is written is the client's choice.
Response page_response(MetricsPage& page, PageForm form, const Request& request,
                       const Clock& clock) {
  const bool is_json = form.view == PageView::json;
  if (!is_json && prefers_openmetrics(request.accept)) form.format = TextFormat::openmetrics;
  form.gzip = prefers_gzip(request.accept_encoding);
  Response response;
  response.content_type = is_json ? "application/json" : content_type(form.format);
  response.content_encoding = form.gzip ? "gzip" : "";
  response.vary = is_json ? "Accept-Encoding" : "Accept, Accept-Encoding";
  response.body = page.get(deadline_of(request, clock), form);
  if (!response.body) return text_response(503, kStuck);
  return response;
}

/// Options on their way to the collection thread, which takes them before its next pass.
class NewOptions {
 public:
  void put(const CollectorOptions& options) {
    const std::lock_guard lock(mutex_);
    options_ = options;
  }
  std::optional<CollectorOptions> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(options_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<CollectorOptions> options_;
};

Response table_response(HostTable& table, const Request& request, const Clock& clock) {
  const Result<TablePageOptions> options = parse_table_page(parse_query(request.query));
  if (!options) return text_response(400, "400: " + options.error().message() + '\n');
  Response response{.content_type = "text/html; charset=utf-8",
                    .content_security_policy = table_page_policy()};
  response.body = table.get(deadline_of(request, clock), *options);
  if (!response.body) return text_response(503, kStuck);
  return response;
}

Router make_router(const ServeOptions& options, MetricsPage& page, HostTable& table,
                   const CollectionLoop& loop, const Clock& clock, SelfMetrics& self, Log& log) {
  Router router({.answered = [&self](std::string_view handler,
                                     int status) { self.count_request(handler, status); },
                 .failed =
                     [&log](std::string_view handler, std::string_view what) {
                       log.error("a request failed", {{"handler", handler}, {"error", what}});
                     }});
  router.add("/", [&table, &clock](const Request& request) {
    return table_response(table, request, clock);
  });
  router.add("/-/healthy", [](const Request&) { return healthy_page(); });
  router.add("/-/ready", [&loop](const Request&) {
    return ready_page(!loop.stuck(), "a collection does not end: a kernel file hangs");
  });
  const auto add_page = [&router, &page, &clock](const std::string& path, PageView view) {
    router.add(path, [&page, &clock, view](const Request& request) {
      return page_response(page, {.view = view}, request, clock);
    });
  };
  router.add(options.telemetry_path, [&page, &self, &clock](const Request& request) {
    const Result<GroupSet> groups = groups_asked_for(request.query, self.groups());
    if (!groups) return text_response(400, "400: " + groups.error().message() + '\n');
    return page_response(page, {.groups = *groups}, request, clock);
  });
  add_page(kResourcePath, PageView::resource);
  add_page(kSnapshotPath, PageView::json);
  return router;
}

Result<std::unique_ptr<Server>> start_server(const ServeOptions& options, const Router& router,
                                             SelfMetrics& self, Log& log) {
  ServerOptions server_options;
  server_options.listen_addresses = options.listen_addresses;
  server_options.threads = options.threads;
  auto server = Server::start(
      server_options, [&router](const Request& request) { return router.answer(request); },
      {.log =
           [&log](std::string_view line) {
             log.debug("http", {{"line", line}});
           },
       .rejected = [&self](std::string_view reason,
                           int status) { self.count_request(reason, status); },
       .sent = [&self](std::int64_t cpu_ns) { self.add_cpu("http", cpu_ns); }});
  if (!server) return server;
  for (const std::string& address : (*server)->addresses()) {
    log.info("listening", {{"address", address}, {"telemetry_path", options.telemetry_path}});
  }
  return server;
}

}  // namespace

Result<void> serve(const ServeOptions& options, HostSession& session, Log& log,
                   const ServeProcess& process) {
  SelfMetrics self(options.facts, options.live.exporter_metrics);
  self.set_groups(options.live.collector.groups);
  FailureLog failures(log);
  NewOptions new_options;
  CollectionLoop loop(
      session.clock(), options.live.min_interval_ns,
      [&](Snapshot& snapshot, std::int64_t deadline_ns, GroupSet groups) {
        if (const auto changed = new_options.take()) session.reconfigure(*changed);
        session.collect(snapshot, deadline_ns, groups);
        const Layout& layout = session.layout();
        self.observe_pass(snapshot, {name_of(layout.mode), layout.restricted()});
        failures.look(snapshot);
      },
      {.watches = [&] { return session.watches(); }, .look = [&] { session.look(); }});
  MetricsPage page(loop, session.clock(), self, options.live.page, options.host);
  HostTable table(loop, self, {options.facts.version, options.telemetry_path});
  const Router router = make_router(options, page, table, loop, session.clock(), self, log);
  auto server = start_server(options, router, self, log);
  if (!server) return tl::unexpected(server.error());
  const auto tell = [&process](ServicePhase phase) {
    if (process.tell) process.tell(phase);
  };
  tell(ServicePhase::ready);
  while (process.wait() == ServeProcess::Wake::reload) {
    tell(ServicePhase::reloading);
    const std::optional<LiveOptions> live = process.reload();
    tell(ServicePhase::ready);  // what is new takes hold at the next collection
    self.count_reload(live.has_value(), session.clock().wall_ns());
    if (!live) continue;
    new_options.put(live->collector);
    self.set_groups(live->collector.groups);
    self.set_exporter_metrics(live->exporter_metrics);
    page.set_bounds(live->page);
    loop.set_min_interval(live->min_interval_ns);
  }
  tell(ServicePhase::stopping);
  log.info("ending; requests under way are answered");
  loop.begin_to_end();
  (*server)->stop();
  if (!loop.comes_to_rest()) {
    log.error("a kernel file hangs; ending without the thread that reads it");
    process.abandon();
  }
  return {};
}

}  // namespace cgmon
