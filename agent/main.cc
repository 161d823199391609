// The composition root: options become wiring, and an exit code.
#include <pthread.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/build_info.h"
#include "agent/cli.h"
#include "agent/detect.h"
#include "agent/expose/inspect_json.h"
#include "agent/expose/inspect_text.h"
#include "agent/expose/metric_reference.h"
#include "agent/host_session.h"
#include "agent/inspect.h"
#include "agent/logfmt.h"
#include "agent/once.h"
#include "agent/serve.h"
#include "collectors/identity/docker.h"
#include "collectors/metrics/family.h"

namespace cgmon {
namespace {

constexpr int kDone = 0, kFailed = 1, kUsage = 2;

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

SessionOptions session_options(const Config& config) {
  SessionOptions options;
  options.roots = roots_of(config.path);
  options.docker_roots = config.docker.roots;
  options.collector.groups = chosen_groups(config);
  options.collector.bounds = {config.limits.cgroups, config.limits.depth};
  options.collector.descriptors = config.limits.descriptors;
  if (config.only) {
    options.collector.only = {config.only->all, config.only->containers, config.only->pods,
                              config.only->units};
  }
  return options;
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

/// Lines of logfmt on stderr: ts=… level=… and what the caller wrote.
std::shared_ptr<spdlog::logger> make_log(LogLevel level) {
  auto log =
      std::make_shared<spdlog::logger>("agent", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  log->set_pattern("ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
  constexpr std::array kLevels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                               spdlog::level::warn, spdlog::level::err};
  log->set_level(kLevels.at(static_cast<std::size_t>(level)));
  log->flush_on(spdlog::level::info);
  return log;
}

HostFacts host_facts_of(const Layout& layout) {
  HostFacts facts;
  facts.version = CGMON_VERSION;
  facts.revision = CGMON_REVISION;
  facts.cgroup_mode = name_of(layout.mode);
  facts.view_restricted = layout.restricted();
  for (std::size_t i = 0; i < kControllers; ++i) {
    const auto controller = static_cast<Controller>(i);
    const int serving = layout.serving(controller);
    const bool is_of_kernel = controller != Controller::core && controller != Controller::psi;
    if (serving < 0 || !is_of_kernel) continue;
    const Hierarchy& hierarchy = layout.hierarchies[static_cast<std::size_t>(serving)];
    facts.controllers.push_back({std::string(name_of(controller)),
                                 hierarchy.version == Version::v2 ? "v2" : "v1",
                                 hierarchy.mount_point});
  }
  return facts;
}

AgentFacts facts_of(const Layout& layout, const Clock& clock) {
  AgentFacts facts;
  facts.version = CGMON_VERSION;
  facts.revision = CGMON_REVISION;
  facts.compiler = CGMON_COMPILER;
  facts.cgroup_mode = name_of(layout.mode);
  facts.view_restricted = layout.restricted();
  facts.start_time_seconds = static_cast<double>(clock.wall_ns()) / 1e9;
  return facts;
}

int run_once(const Invocation& invocation) {
  SessionOptions options = session_options(invocation.config);
  options.collector.names_wait_ns = 2'000'000'000;  // a shell waits for names, a scrape does not
  auto session = HostSession::open(options);
  if (!session) return fail(session.error(), kFailed);
  if (invocation.once.output == OutputFormat::prometheus) {
    SelfMetrics self(facts_of((*session)->layout(), (*session)->clock()),
                     !invocation.config.web.disable_exporter_metrics);
    return print(once_prometheus(**session, self, invocation.config.limits.samples));
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

int run_serve(const Invocation& invocation) {
  // Before any thread is made: they inherit the mask, so that the signal reaches sigwait alone.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  const Config& config = invocation.config;
  const auto log = make_log(config.log.level);
  auto session = HostSession::open(session_options(config));
  if (!session) return fail(session.error(), kFailed);
  const Layout& layout = (*session)->layout();
  ServeOptions options;
  for (const HostPort& address : config.web.listen_addresses) {
    options.listen_addresses.push_back(to_string(address));
  }
  options.telemetry_path = config.web.telemetry_path;
  options.min_interval_ns = std::chrono::nanoseconds(config.web.min_interval).count();
  options.threads = config.web.threads;
  options.exporter_metrics = !config.web.disable_exporter_metrics;
  options.max_samples = config.limits.samples;
  options.facts = facts_of(layout, (*session)->clock());
  options.host = host_facts_of(layout);
  log->info("msg=\"starting\" version={} cgroups={} rootfs={}", options.facts.version,
            options.facts.cgroup_mode, logfmt_value(config.path.rootfs));
  for (const std::string& note : layout.notes) log->warn("msg={}", logfmt_value(note));
  if (layout.restricted()) {
    log->warn("msg=\"only a part of the host's cgroups can be seen; see agent detect\"");
  }
  const auto served = serve(
      options, **session, *log,
      [&ends] {
        int signal = 0;
        sigwait(&ends, &signal);
      },
      [] { std::_Exit(kDone); });
  return served ? kDone : fail(served.error(), kFailed);
}

int run_detect(const Invocation& invocation) {
  SystemFiles files;
  const Roots roots = roots_of(invocation.config.path);
  const auto layout = detect_layout(files, roots);
  if (!layout) return fail(layout.error(), kFailed);
  DetectFacts facts;
  facts.docker_roots = DockerFiles(files, roots, invocation.config.docker.roots).data_roots();
  facts.descriptor_limit = raise_descriptor_limit();
  facts.descriptor_budget = invocation.config.limits.descriptors;
  const DetectReport report = detect(files, roots, *layout, facts);
  return print(invocation.detect_as_json ? json_of(report) : text_of(report));
}

int run_inspect(const Invocation& invocation) {
  SessionOptions options = session_options(invocation.config);
  options.collector.groups = kAllGroups;
  options.collector.only = {};
  SystemFiles system;
  RememberingFiles files(system);
  auto session = HostSession::open(options, &files);
  if (!session) return fail(session.error(), kFailed);
  const auto report = inspect({.files = files,
                               .roots = options.roots,
                               .collector = (*session)->collector(),
                               .clock = (*session)->clock(),
                               .docker_roots = options.docker_roots},
                              invocation.inspect.what);
  if (!report) return fail(report.error(), kFailed);
  return print(invocation.inspect.as_json ? inspect_json(*report) : inspect_text(*report));
}

int run_metrics(const Invocation& invocation) {
  if (invocation.metric_name.empty()) return print(metric_list());
  const auto text = explain_metric(invocation.metric_name);
  return text ? print(*text) : fail(text.error(), kUsage);
}

int run(std::span<const std::string> arguments) {
  const std::vector<GroupOption> groups = group_options();
  const auto invocation = parse_command_line(arguments, groups);
  if (!invocation) return fail(invocation.error(), kUsage);
  switch (invocation->command) {
    case Command::serve:
      return run_serve(*invocation);
    case Command::once:
      return run_once(*invocation);
    case Command::detect:
      return run_detect(*invocation);
    case Command::inspect:
      return run_inspect(*invocation);
    case Command::metrics:
      return run_metrics(*invocation);
    case Command::help:
      return print(invocation->help_text);
    case Command::version:
      return print("cgmon-agent " CGMON_VERSION " (" CGMON_REVISION ")\n");
  }
  return kFailed;
}

}  // namespace
}  // namespace cgmon

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return cgmon::run(arguments);
}
