// The composition root: options become wiring, and an exit code.
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/build_info.h"
#include "agent/cli.h"
#include "agent/cli_docs.h"
#include "agent/cli_run.h"
#include "agent/detect.h"
#include "agent/expose/inspect_json.h"
#include "agent/expose/inspect_text.h"
#include "agent/expose/metric_reference.h"
#include "agent/host_session.h"
#include "agent/inspect.h"
#include "agent/log.h"
#include "agent/once.h"
#include "agent/reload.h"
#include "agent/run.h"
#include "agent/serve.h"
#include "agent/service_manager.h"
#include "collectors/identity/docker.h"
#include "collectors/identity/host_files.h"
#include "collectors/identity/users.h"
#include "collectors/metrics/family.h"
#include "config/option.h"
#include "config/scalar.h"

namespace cgmon {
namespace {

constexpr int kDone = 0, kFailed = 1, kUsage = 2, kRunUsage = 125;

std::vector<GroupOption> group_options() {
  std::vector<GroupOption> options;
  for (const GroupInfo& group : kGroups) {
    if (group.name != info(Group::spec).name) {
      options.push_back({group.name, group.on_by_default, group.help});
    }
  }
  return options;
}

GroupSet chosen_groups(const Config& config) {
  GroupSet groups = bit(Group::spec);
  for (const CollectorSwitch& collector : config.collectors) {
    for (std::size_t i = 0; i < kGroups.size(); ++i) {
      if (collector.enabled && kGroups[i].name == collector.name) {
        groups |= bit(static_cast<Group>(i));
      }
    }
  }
  return groups;
}

Roots roots_of(const PathConfig& path) {
  return {path.rootfs, path.procfs, path.sysfs, path.cgroupfs};
}

CollectorOptions collector_options(const Config& config) {
  CollectorOptions options;
  options.groups = chosen_groups(config);
  options.bounds = {config.limits.cgroups, config.limits.depth};
  options.descriptors = config.limits.descriptors;
  const FilterConfig& filter = config.filter;
  options.filters = {.paths = {filter.include_paths, filter.exclude_paths},
                     .runtimes = {filter.include_runtimes, filter.exclude_runtimes},
                     .namespaces = {filter.include_namespaces, filter.exclude_namespaces}};
  if (config.only) {
    options.only = {config.only->all, config.only->containers, config.only->pods,
                    config.only->units};
  }
  return options;
}

SessionOptions session_options(const Config& config) {
  return {.roots = roots_of(config.path),
          .docker_roots = config.docker.roots,
          .collector = collector_options(config),
          .program = {.version = CGMON_VERSION, .revision = CGMON_REVISION},
          .allowed = {config.labels.container, config.labels.env}};
}

PageBounds page_bounds(const LimitsConfig& limits) { return {limits.samples, limits.page_bytes}; }

LiveOptions live_options(const Config& config) {
  return {.min_interval_ns = std::chrono::nanoseconds(config.web.min_interval).count(),
          .exporter_metrics = !config.web.disable_exporter_metrics,
          .page = page_bounds(config.limits),
          .collector = collector_options(config)};
}

int fail(const Error& error, int code) {
  std::fprintf(stderr, "agent: %s\n", error.message().c_str());
  return code;
}

int print(std::string_view text) {
  const bool whole =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return whole ? kDone : kFailed;
}

/// Columns of the terminal that standard output is; 0 when it is none.
std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/// By itself where a person reads it and has not set NO_COLOR (no-color.org).
bool is_colored(ColorChoice choice) {
  if (choice != ColorChoice::automatic) return choice == ColorChoice::always;
  const char* const none = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (none == nullptr || *none == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

Severity severity_of(LogLevel level) { return static_cast<Severity>(level); }
static_assert(static_cast<int>(LogLevel::error) == static_cast<int>(Severity::error));

LineFormat line_format_of(LogFormat format) {
  return format == LogFormat::json ? LineFormat::json : LineFormat::logfmt;
}

HostFacts host_facts_of(const Layout& layout) {
  HostFacts facts;
  facts.version = CGMON_VERSION;
  facts.revision = CGMON_REVISION;
  facts.cgroup_mode = name_of(layout.mode);
  facts.view_restricted = layout.restricted();
  for (const ControllerPlace& place : controller_places(layout)) {
    if (place.hierarchy == "none") continue;
    facts.controllers.push_back(
        {std::string(place.controller), std::string(place.hierarchy), place.mount_point});
  }
  return facts;
}

AgentFacts facts_of(const Clock& clock) {
  AgentFacts facts;
  facts.version = CGMON_VERSION;
  facts.revision = CGMON_REVISION;
  facts.compiler = CGMON_COMPILER;
  facts.start_time_seconds = static_cast<double>(clock.wall_ns()) / 1e9;
  return facts;
}

int run_once(const Invocation& invocation) {
  SessionOptions options = session_options(invocation.config);
  options.collector.names_wait_ns = 2'000'000'000;  // a shell waits for names, a scrape does not
  const bool is_table = invocation.once.output == OutputFormat::table;
  options.collector.disk_wait_ns = is_table ? 0 : 2'000'000'000;  // and for disks, likewise
  auto session = HostSession::open(options);
  if (!session) return fail(session.error(), kFailed);
  if (invocation.once.output == OutputFormat::prometheus) {
    SelfMetrics self(facts_of((*session)->clock()),
                     !invocation.config.web.disable_exporter_metrics);
    return print(once_prometheus(**session, self, page_bounds(invocation.config.limits)));
  }
  if (invocation.once.output == OutputFormat::json) {
    return print(once_json(**session, host_facts_of((*session)->layout())));
  }
  TableOptions table = invocation.once.table;
  table.width = table.whole_ids ? 0 : terminal_width();
  table.color = is_colored(invocation.once.color);
  table.lines = invocation.config.only ? TableLines::all : TableLines::busy;
  const auto sleep = [](std::int64_t ns) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(ns));
  };
  const auto interval = std::chrono::nanoseconds(invocation.once.interval).count();
  const TerminalTable shown = once_table(**session, interval, table, sleep);
  if (shown.left_out > 0) {
    std::fprintf(stderr,
                 "agent: %zu cgroups that have no process, or are neither container nor unit, are "
                 "not shown; --only=all shows them\n",
                 shown.left_out);
  }
  return print(shown.text);
}

/// The signals that a serving agent waits for.
sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

ServeProcess::Wake wait_for_signal() {
  const sigset_t signals = awaited_signals();
  int signal = 0;
  sigwait(&signals, &signal);
  return signal == SIGHUP ? ServeProcess::Wake::reload : ServeProcess::Wake::end;
}

/// Reads the configuration again and says what came of it.
std::optional<LiveOptions> reload_options(std::span<const std::string> arguments, Config& running,
                                          Log& log) {
  Result<Reloaded> reloaded = reload(arguments, group_options(), running);
  if (!reloaded) {
    log.error("the configuration was not reloaded; the agent goes on with the old one",
              {{"error", reloaded.error().message()}});
    return std::nullopt;
  }
  running = std::move(reloaded->config);
  log.set(severity_of(running.log.level), line_format_of(running.log.format));
  for (const Difference& one : reloaded->changed) {
    log.info("changed", {{"option", one.name}, {"value", one.value}, {"before", one.other}});
  }
  for (const Difference& one : reloaded->need_restart) {
    log.warn("not changed: start the agent anew for this option",
             {{"option", one.name}, {"wanted", one.value}, {"value", one.other}});
  }
  log.info("configuration reloaded", {{"changed", std::to_string(reloaded->changed.size())}});
  return live_options(running);
}

/// The manager that started this process and waits for it, if one does.
ServiceManager service_manager() {
  const char* const socket = std::getenv("NOTIFY_SOCKET");
  return ServiceManager(socket == nullptr ? "" : socket);
}

void tell(const ServiceManager& manager, ServicePhase phase, const Clock& clock, Log& log) {
  const Result<void> told = manager.tell(phase, clock.monotonic_ns());
  if (!told) log.warn("no word to the service manager", {{"error", told.error().message()}});
}

int run_serve(const Invocation& invocation, std::span<const std::string> arguments) {
  // Before any thread is made: they inherit the mask, so that the signals reach sigwait alone.
  const sigset_t signals = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Config config = invocation.config;
  Log log(severity_of(config.log.level), line_format_of(config.log.format));
  auto session = HostSession::open(session_options(config));
  if (!session) return fail(session.error(), kFailed);
  const Layout& layout = (*session)->layout();
  ServeOptions options;
  for (const HostPort& address : config.web.listen_addresses) {
    options.listen_addresses.push_back(to_string(address));
  }
  options.telemetry_path = config.web.telemetry_path;
  options.threads = config.web.threads;
  options.live = live_options(config);
  options.facts = facts_of((*session)->clock());
  options.host = host_facts_of(layout);
  log.info("starting", {{"version", options.facts.version},
                        {"revision", options.facts.revision},
                        {"cgroups", name_of(layout.mode)},
                        {"rootfs", config.path.rootfs}});
  for (const std::string& note : layout.notes) log.warn(note);
  if (layout.restricted()) {
    log.warn("only a part of the host's cgroups can be seen; see agent detect");
  }
  const ServiceManager manager = service_manager();
  const auto served =
      serve(options, **session, log,
            {.wait = wait_for_signal,
             .reload = [&] { return reload_options(arguments, config, log); },
             .tell = [&](ServicePhase phase) { tell(manager, phase, (*session)->clock(), log); },
             .abandon = [] { std::_Exit(kDone); }});
  return served ? kDone : fail(served.error(), kFailed);
}

/// What a right file changes; a wrong one was refused when the command line was understood.
int run_check_config(const Invocation& invocation) {
  const auto changes = differences(invocation.config, default_config(group_options()));
  std::string text =
      invocation.argument + ": right; " +
      (changes.empty() ? "all options have their defaults" : "what differs from the defaults:") +
      '\n';
  for (const Difference& one : changes) {
    text += "  " + one.name + ": " + in_quotes(one.value) +
            " (default: " + (one.other.empty() ? "none" : in_quotes(one.other)) + ")\n";
  }
  return print(text);
}

/// As exporters print it.
std::string version_text() {
  return "cgmon-agent, version " CGMON_VERSION " (revision: " CGMON_REVISION
         ")\n"
         "  compiler:   " CGMON_COMPILER
         "\n"
         "  platform:   " CGMON_PLATFORM
         "\n"
         "  libraries:  " CGMON_LIBRARIES "\n";
}

std::vector<std::string> homes_of(Files& files, const Roots& roots) {
  HostFiles host(files, roots);
  Users users(host);
  users.refresh();
  std::vector<std::string> homes;
  for (const User& user : users.persons()) homes.push_back(user.home);
  return homes;
}

int run_detect(const Invocation& invocation) {
  SystemFiles files;
  const Roots roots = roots_of(invocation.config.path);
  const auto layout = detect_layout(files, roots);
  if (!layout) return fail(layout.error(), kFailed);
  DetectFacts facts;
  facts.docker_roots = DockerFiles(files, roots, invocation.config.docker.roots).data_roots();
  facts.homes = homes_of(files, roots);
  facts.descriptor_limit = raise_descriptor_limit();
  facts.descriptor_budget = invocation.config.limits.descriptors;
  const DetectReport report = detect(files, roots, *layout, facts);
  return print(invocation.detect_as_json ? json_of(report) : text_of(report));
}

int run_inspect(const Invocation& invocation) {
  SessionOptions options = session_options(invocation.config);
  options.collector.groups = kAllGroups;
  options.collector.only = {};
  options.collector.filters = {};
  SystemFiles system;
  RememberingFiles files(system);
  auto session = HostSession::open(options, &files);
  if (!session) return fail(session.error(), kFailed);
  const auto report = inspect({.files = files,
                               .roots = options.roots,
                               .collector = (*session)->collector(),
                               .clock = (*session)->clock(),
                               .docker_roots = options.docker_roots,
                               .ticks_per_second = user_ticks_per_second(),
                               .page_bytes = page_bytes()},
                              invocation.inspect.what);
  if (!report) return fail(report.error(), kFailed);
  return print(invocation.inspect.as_json ? inspect_json(*report) : inspect_text(*report));
}

int run_metrics(const Invocation& invocation) {
  if (invocation.argument.empty()) return print(metric_list());
  const auto text = explain_metric(invocation.argument);
  return text ? print(*text) : fail(text.error(), kUsage);
}

int run(std::span<const std::string> arguments) {
  const std::vector<GroupOption> groups = group_options();
  const auto invocation = parse_command_line(arguments, groups);
  if (!invocation) return fail(invocation.error(), asks_to_run(arguments) ? kRunUsage : kUsage);
  switch (invocation->command) {
    case Command::serve:
      return run_serve(*invocation, arguments);
    case Command::once:
      return run_once(*invocation);
    case Command::detect:
      return run_detect(*invocation);
    case Command::inspect:
      return run_inspect(*invocation);
    case Command::run:
      return run_command(invocation->run, roots_of(invocation->config.path),
                         invocation->config.docker.roots);
    case Command::metrics:
      return run_metrics(*invocation);
    case Command::check_config:
      return run_check_config(*invocation);
    case Command::completion:
      return print(completion_script(invocation->argument, groups));
    case Command::man:
      return print(manual_page(CGMON_VERSION, CGMON_DATE, groups));
    case Command::help:
      return print(invocation->help_text);
    case Command::version:
      return print(version_text());
  }
  return kFailed;
}

}  // namespace
}  // namespace cgmon

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return cgmon::run(arguments);
}
