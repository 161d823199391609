#include "agent/serve.h"

#include <spdlog/logger.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "agent/collection_loop.h"
#include "agent/http/message.h"
#include "agent/http/negotiation.h"
#include "agent/http/pages.h"
#include "agent/http/router.h"
#include "agent/http/server.h"
#include "agent/logfmt.h"
#include "agent/metrics_page.h"

namespace cgmon {
namespace {

constexpr const char* kResourcePath = "/metrics/resource";
constexpr const char* kSnapshotPath = "/api/v1/snapshot";
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
  explicit FailureLog(spdlog::logger& log) : log_(log) {}

  void look(const Snapshot& snapshot) {
    for (const ReadError& error : snapshot.read_errors) {
      if (!is_new(error.file, error.reason)) continue;
      log_.warn("msg=\"a kernel file could not be read; its values are absent\" reason={} path={}",
                error.reason, logfmt_value(error.example));
    }
    for (const MetadataFailure& failure : snapshot.metadata_failures) {
      if (!is_new(failure.source, failure.reason)) continue;
      log_.warn("msg=\"a container's name could not be read\" source={} reason={}", failure.source,
                failure.reason);
    }
    if (snapshot.report.watch_failures > watches_) {
      log_.warn(
          "msg=\"a hierarchy cannot be watched and is walked each time; raise "
          "fs.inotify.max_user_watches or max_user_instances\"");
    }
    watches_ = snapshot.report.watch_failures;
  }

 private:
  bool is_new(std::string_view what, std::string_view reason) {
    return seen_.emplace(what, reason).second;
  }

  spdlog::logger& log_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::uint64_t watches_ = 0;
};

Response page_response(MetricsPage& page, PageView view, const Request& request,
                       const Clock& clock) {
  const bool is_json = view == PageView::json;
  PageForm form{.view = view};
  if (!is_json && prefers_openmetrics(request.accept)) form.format = TextFormat::openmetrics;
  form.gzip = prefers_gzip(request.accept_encoding);
  Response response;
  response.content_type = is_json ? "application/json" : content_type(form.format);
  response.content_encoding = form.gzip ? "gzip" : "";
  response.vary = is_json ? "Accept-Encoding" : "Accept, Accept-Encoding";
  response.body = page.get(deadline_of(request, clock), form);
  if (!response.body) return text_response(503, "a collection does not end: a kernel file hangs\n");
  return response;
}

Router make_router(const ServeOptions& options, MetricsPage& page, const CollectionLoop& loop,
                   const Clock& clock, SelfMetrics& self, spdlog::logger& log) {
  Router router({.answered = [&self](std::string_view handler,
                                     int status) { self.count_request(handler, status); },
                 .failed =
                     [&log](std::string_view handler, std::string_view what) {
                       log.error("msg=\"a request failed\" handler={} error={}",
                                 logfmt_value(handler), logfmt_value(what));
                     }});
  router.add("/", [&options](const Request&) {
    return landing_page({options.facts.version, options.telemetry_path});
  });
  router.add("/-/healthy", [](const Request&) { return healthy_page(); });
  router.add("/-/ready", [&loop](const Request&) {
    return ready_page(!loop.stuck(), "a collection does not end: a kernel file hangs");
  });
  const auto add_page = [&router, &page, &clock](const std::string& path, PageView view) {
    router.add(path, [&page, &clock, view](const Request& request) {
      return page_response(page, view, request, clock);
    });
  };
  add_page(options.telemetry_path, PageView::metrics);
  add_page(kResourcePath, PageView::resource);
  add_page(kSnapshotPath, PageView::json);
  return router;
}

}  // namespace

Result<void> serve(const ServeOptions& options, HostSession& session, spdlog::logger& log,
                   const std::function<void()>& wait_for_end,
                   const std::function<void()>& abandon) {
  SelfMetrics self(options.facts, options.exporter_metrics);
  FailureLog failures(log);
  CollectionLoop loop(session.clock(), options.min_interval_ns,
                      [&](Snapshot& snapshot, std::int64_t deadline_ns) {
                        session.collect(snapshot, deadline_ns);
                        failures.look(snapshot);
                      });
  MetricsPage page(loop, self, options.max_samples, options.host);
  const Router router = make_router(options, page, loop, session.clock(), self, log);
  ServerOptions server_options;
  server_options.listen_addresses = options.listen_addresses;
  server_options.threads = options.threads;
  auto server = Server::start(
      server_options, [&router](const Request& request) { return router.answer(request); },
      {.log =
           [&log](std::string_view line) { log.debug("msg=\"http\" line={}", logfmt_value(line)); },
       .rejected = [&self](std::string_view reason,
                           int status) { self.count_request(reason, status); }});
  if (!server) return tl::unexpected(server.error());
  for (const std::string& address : (*server)->addresses()) {
    log.info("msg=\"listening\" address={} telemetry_path={}", address,
             logfmt_value(options.telemetry_path));
  }
  wait_for_end();
  log.info("msg=\"ending; requests under way are answered\"");
  loop.begin_to_end();
  (*server)->stop();
  if (!loop.comes_to_rest()) {
    log.error("msg=\"a kernel file hangs; ending without the thread that reads it\"");
    abandon();
  }
  return {};
}

}  // namespace cgmon
