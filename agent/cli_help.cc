#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli.h"
#include "agent/cli_flags.h"
#include "config/option.h"

namespace cgmon {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kIndent = 2;
constexpr std::size_t kTextColumn = 37;

constexpr std::string_view kUsage =
    R"(CPU, memory, pids and pressure of every container and unit, read from the kernel's cgroups.

Usage: agent [COMMAND] [FLAG...]
)";

constexpr std::string_view kScrape = R"(
Scrape: serve metrics for Prometheus
  $ agent --web.listen-address=127.0.0.1:10190
  $ curl http://127.0.0.1:10190/metrics
)";

constexpr std::string_view kShell = R"(
Shell: look once
  $ agent --once
  $ agent --once --only=units --interval=5s
  $ agent --once --sort=memory --limit=10 --filter kind=container --filter name='web*' -o wide
  $ agent --once -o prometheus > cgroups.prom
)";

constexpr std::string_view kDetect = R"(
Detect: find out what this host offers, also from inside a container
  $ agent detect
  $ agent detect --path.rootfs=/host
)";

constexpr std::string_view kInspect = R"(
Inspect a cgroup: its files, limits, namespaces and root file system
  $ agent inspect web
  $ agent inspect /system.slice/ssh.service -o json

Inspect a metric: which kernel files it comes from, on cgroup v1 and v2
  $ agent metrics
  $ agent metrics container_memory_working_set_bytes
)";

constexpr std::string_view kRun = R"(
Run a command within limits, and measure it
  $ agent run --cpus=0.5 --memory=256M --pids=100 -- make -j4
  $ agent run --timeout=1m --json=report.json -- ./load
  $ agent run --isolate --overlay=/ --diff -- sh -c 'echo hello > /etc/motd'
  $ agent run --dry-run --memory=64M -- true
)";

constexpr std::string_view kSelect = R"(
Choose what is read and shown
  $ agent --only=containers,pods --no-collector.pressure
)";

constexpr std::string_view kLimits = R"(
Bound what the agent takes on
  $ agent --limits.cgroups=5000 --limits.descriptors=1024
)";

constexpr std::string_view kRest = R"(
Configuration file, logs and the rest
  $ agent check-config /etc/cgmon/agent.yaml
  $ agent --config.file=/etc/cgmon/agent.yaml --log.level=debug --log.format=json
  $ kill -HUP PID        # read the file again; what is wrong with it is in the log
  $ agent completion bash > /etc/bash_completion.d/agent
  $ agent man > cgmon-agent.8
)";

constexpr std::string_view kEnd = R"(
Each option is also a key of the configuration file, its dots as nesting: web: {threads: 2}.
Signals: SIGTERM and SIGINT answer what is under way and end; SIGHUP reads the configuration again.
Environment: NO_COLOR. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration. Of run:
the command's own, 128+N by signal N, 125 failed or wrong usage, 126 not executable, 127 not found.
)";

/// One flag and its text, the text wrapped in the second column.
void append_flag(std::string_view flag, std::string_view text, std::string& out) {
  std::string line = std::string(kIndent, ' ') + std::string(flag);
  if (line.size() + 1 >= kTextColumn) {
    out += line + "\n";
    line.clear();
  }
  line.resize(kTextColumn, ' ');
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (line.size() > kTextColumn && line.size() + 1 + word.size() > kWidth) {
      out += line + "\n";
      line.assign(kTextColumn, ' ');
    }
    if (line.size() > kTextColumn) line += ' ';
    line += word;
  }
  out += line + "\n";
}

void append_option(const Option& option, std::string& out) {
  const std::string name(option.name);
  const std::string default_value(option.default_text.empty() ? option.derived_default
                                                              : option.default_text);
  if (is_flag(option)) {
    append_flag("--[no-]" + name, std::string(option.help) + " Default: " + default_value + ".",
                out);
    return;
  }
  append_flag("--" + name + "=" + std::string(option.value_name),
              std::string(option.help) + " Default: " + default_value +
                  (is_repeatable(option) ? ". Repeatable." : "."),
              out);
}

void append_options(Task task, std::string& out) {
  out += '\n';
  for (const Option& option : all_options()) {
    if (option.task == task) append_option(option, out);
  }
}

void append_command_flags(CommandTask task, std::string& out) {
  for (const CommandFlag& flag : kCommandFlags) {
    if (flag.task != task) continue;
    std::string text = flag.short_name == 0 ? "" : std::string("-") + flag.short_name + ", ";
    text += "--" + std::string(flag.name);
    if (!flag.value_name.empty()) text += "=" + std::string(flag.value_name);
    append_flag(text, flag.help, out);
  }
}

}  // namespace

std::string help_text(std::span<const GroupOption> groups) {
  std::string out(kUsage);
  append_flag("(no command)", "Serve metrics for Prometheus until SIGTERM.", out);
  append_flag("--once", "Print a table, or the metrics, once.", out);
  for (const CommandWord& word : kCommandWords) {
    append_flag(
        std::string(word.name) + (word.argument.empty() ? "" : " ") + std::string(word.argument),
        word.help, out);
  }
  out += kScrape;
  append_options(Task::scrape, out);
  out += kShell;
  out += '\n';
  append_command_flags(CommandTask::shell, out);
  out += kDetect;
  append_options(Task::paths, out);
  append_command_flags(CommandTask::detect, out);
  out += kInspect;
  out += kRun;
  append_command_flags(CommandTask::run, out);
  out += kSelect;
  append_options(Task::select, out);
  for (const GroupOption& group : groups) {
    append_flag("--[no-]collector." + std::string(group.name),
                std::string(group.help) + " Default: " + (group.default_on ? "true." : "false."),
                out);
  }
  out += kLimits;
  append_options(Task::limits, out);
  out += kRest;
  append_options(Task::logging, out);
  append_command_flags(CommandTask::rest, out);
  out += kEnd;
  return out;
}

}  // namespace cgmon
