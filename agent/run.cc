#include "agent/run.h"

#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/enforce/delegation.h"
#include "agent/enforce/leftovers.h"
#include "agent/enforce/plan.h"
#include "agent/enforce/run.h"
#include "agent/enforce/system.h"
#include "agent/expose/terminal_text.h"
#include "agent/run_report.h"
#include "agent/run_target.h"
#include "collectors/kernel/system_files.h"

namespace cgmon {
namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "agent: %s\n", terminal_safe(error.message()).c_str());
  return kRunFailed;
}

/// A message of several lines that is fit for a terminal.
int fail_as_is(const Error& error) {
  std::fprintf(stderr, "agent: %s\n", error.message().c_str());
  return kRunFailed;
}

void warn(const std::string& text) {
  std::fprintf(stderr, "agent: warning: %s\n", terminal_safe(text).c_str());
}

int clean_up(const Caller& caller, bool is_asked_for) {
  std::vector<MapFile> maps;
  const SubordinateUsers& ids = caller.subordinate;
  if (ids.uids.usable() && ids.gids.usable()) {
    maps = {map_of_own_ids("uid_map", caller.uid, ids.uids),
            map_of_own_ids("gid_map", caller.gid, ids.gids)};
  }
  const auto removed = clean_up_leftovers(state_directory(caller), maps);
  if (!removed) return is_asked_for ? fail(removed.error()) : (warn(removed.error().message()), 0);
  for (const std::string& line : *removed) std::fprintf(stderr, "agent: %s\n", line.c_str());
  return 0;
}

Caller caller() {
  Caller found{::geteuid(), ::getegid(), {}, {}};
  std::array<char, PATH_MAX> directory{};
  if (::getcwd(directory.data(), directory.size()) != nullptr) found.directory = directory.data();
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    found.environment.emplace_back(*variable);
  }
  return found;
}

bool has_systemd(Files& files) {
  FileStatus status;
  return files.status(Files::kAbsolute, "/run/systemd/system", status) == 0;
}

/// Who makes the cgroups, and where.
struct Manager {
  bool is_systemd = false;
  std::string of_user;  ///< the cgroup of the user's own systemd; empty: the host's
};

/// The cgroup of a user's own systemd, where one runs that can be reached and was handed some; its
/// name is of systemd's user@.service.
std::string manager_of_user(Files& files, const Layout& layout, const Caller& who) {
  constexpr std::string_view kKey = "XDG_RUNTIME_DIR=";
  const std::string uid = std::to_string(who.uid);
  const std::string path = "/user.slice/user-" + uid + ".slice/user@" + uid + ".service";
  FileStatus status;
  for (const std::string& variable : who.environment) {
    if (!variable.starts_with(kKey) || layout.mode != Mode::unified) continue;
    const std::string bus = variable.substr(kKey.size()) + "/bus";
    const std::string directory = layout.hierarchies[0].mount_point + path;
    if (files.status(Files::kAbsolute, bus.c_str(), status) == 0 &&
        files.status(Files::kAbsolute, directory.c_str(), status) == 0) {
      return path;
    }
  }
  return {};
}

/// An Error where the one that is asked for cannot be, or may not.
Result<Manager> choose_manager(SystemFiles& files, const Roots& roots, const Layout& layout,
                               const RunSpec& spec, Caller& who) {
  const bool is_there = has_systemd(files);
  who.parents = run_parents(files, roots, layout);
  if (!spec.into.empty()) return Manager{};  // below what systemd has handed over it stays out
  const std::string of_user = who.uid == 0 ? "" : manager_of_user(files, layout, who);
  if (spec.driver == Driver::by_host) {
    return Manager{is_there && !spec.force && (who.uid == 0 || !of_user.empty()), of_user};
  }
  if (spec.driver == Driver::systemd) {
    if (!is_there) {
      return failure(
          "--driver=systemd: no systemd runs here, there is no /run/systemd/system; take "
          "--driver=cgroupfs");
    }
    if (who.uid != 0 && of_user.empty()) {
      return failure(
          "--driver=systemd: uid " + std::to_string(who.uid) +
          " may not ask the host's systemd for a scope, and has no own one that limits anything: "
          "that takes cgroup v2 and a session (`loginctl enable-linger`, package "
          "dbus-user-session, XDG_RUNTIME_DIR); run it as root");
    }
    return Manager{true, of_user};
  }
  if (!is_there || spec.force || who.uid != 0) return Manager{};
  Result<DelegatedUnit> unit = delegated_unit(files, roots, layout);
  if (!unit) return tl::unexpected(unit.error());
  who.parents = std::move(unit->parents);
  who.leave = std::move(unit->leave);
  return Manager{};
}

struct Surroundings {
  SystemFiles& files;
  const SystemClock& clock;
  const Roots& roots;
  const Layout& layout;
  const Caller& who;
  const Manager& manager;
  const RunTarget* target = nullptr;
};

Result<Plan> plan_of(const RunSpec& spec, const Surroundings& around) {
  const PlanContext context{around.files,
                            around.roots,
                            around.layout,
                            random_id(),
                            block_device,
                            device_node,
                            around.manager.is_systemd,
                            around.who,
                            around.target,
                            around.manager.of_user};
  return make_plan(spec, context);
}

int print_plan(const Plan& plan) {
  for (const std::string& text : plan.warnings) warn(text);
  for (const Step& step : plan.steps) std::printf("%s\n", terminal_safe(text_of(step)).c_str());
  return std::fflush(stdout) == 0 ? 0 : kRunFailed;
}

/// Where they were asked for. False if a file could not be written.
bool write_reports(const RunSpec& spec, const std::vector<RunReport>& reports) {
  if (!spec.quiet) {
    for (const std::string& text : reports.back().warnings) warn(text);
    const bool is_one = reports.size() == 1;
    const std::string text = is_one ? run_report_text(reports.back()) : run_repeat_text(reports);
    std::fputs(text.c_str(), stderr);
  }
  const std::string json =
      spec.repeat == 1 ? run_report_json(reports.back()) : run_repeat_json(reports);
  for (const auto& [file, text] :
       {std::pair(&spec.json_file, json),
        std::pair(&spec.openmetrics_file, run_report_metrics(reports.back()))}) {
    if (file->empty()) continue;
    if (Result<void> done = replace_file(*file, text); !done) {
      fail(done.error());
      return false;
    }
  }
  return true;
}

/// As often as was asked for; what keeps one from running, or somebody who ends it, ends all.
int run_all(const RunSpec& spec, const Surroundings& around) {
  std::vector<RunReport> reports;
  int exit_code = 0;
  for (std::uint64_t i = 0; i < spec.repeat; ++i) {
    const Result<Plan> plan = plan_of(spec, around);
    if (!plan) return fail(plan.error());
    RunOutcome outcome = run_plan(
        spec, *plan,
        {around.files, around.clock, around.roots, around.layout, state_directory(around.who)});
    for (const Error& error : outcome.errors) fail(error);
    if (!outcome.has_report) return outcome.exit_code;
    if (exit_code == 0) exit_code = outcome.exit_code;
    const bool is_ended = outcome.report.reason == EndReason::forwarded;
    reports.push_back(std::move(outcome.report));
    if (is_ended) break;
  }
  return write_reports(spec, reports) ? exit_code : kRunFailed;
}

}  // namespace

int run_command(const RunSpec& spec, const Roots& roots,
                const std::vector<std::string>& docker_roots) {
  SystemFiles files;
  Caller who = caller();
  who.subordinate = find_subordinate_ids(files, who.uid);
  if (spec.cleanup) return clean_up(who, true);
  const SystemClock clock;
  const Result<Layout> layout = detect_layout(files, roots);
  if (!layout) return fail(layout.error());
  const Result<Manager> manager = choose_manager(files, roots, *layout, spec, who);
  if (!manager) return fail(manager.error());
  std::optional<RunTarget> target;
  if (!spec.dry_run && (spec.isolation.join & bit(Namespace::mount)) != 0) {
    if (auto done = become_sealed_copy(); !done) return fail(done.error());
  }
  if (!spec.into.empty()) {
    Result<RunTarget> found =
        find_target(files, roots, *layout, docker_roots, spec.into, spec.isolation.join);
    if (!found) return fail_as_is(found.error());
    target = *std::move(found);
    const bool is_systemds = has_systemd(files) && !spec.force;
    if (auto fine = check_target(files, *layout, *target, is_systemds); !fine) {
      return fail(fine.error());
    }
  }
  const Surroundings around{
      files, clock, roots, *layout, who, *manager, target ? &*target : nullptr};
  if (spec.dry_run) {
    const Result<Plan> plan = plan_of(spec, around);
    return plan ? print_plan(*plan) : fail(plan.error());
  }
  clean_up(who, false);
  return run_all(spec, around);
}

}  // namespace cgmon
