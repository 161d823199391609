// The composition root: options become wiring, and an exit code.
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/cli.h"
#include "agent/expose/prometheus_text.h"
#include "agent/host_session.h"
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
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
                     std::fflush(stdout) == 0;
  return whole ? kDone : kFailed;
}

int run(std::span<const std::string> arguments) {
  const std::vector<GroupOption> groups = group_options();
  const auto invocation = parse_command_line(arguments, groups);
  if (!invocation) return fail(invocation.error(), kUsage);
  SessionOptions options = session_options(invocation->config);
  options.collector.names_wait_ns = 2'000'000'000;
  auto session = HostSession::open(options);
  if (!session) return fail(session.error(), kFailed);
  Snapshot snapshot;
  (*session)->collector().collect(snapshot, INT64_MAX);
  PrometheusText text(invocation->config.limits.samples);
  std::string page;
  text.render(snapshot, page);
  return print(page);
}

}  // namespace
}  // namespace cgmon

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return cgmon::run(arguments);
}
