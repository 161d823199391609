#include <algorithm>
#include <string>

#include "agent/cli_docs.h"
#include "agent/cli_flags.h"
#include "config/option.h"

namespace cgmon {
namespace {

/// Text for man(7): a line is never a request, and a dash is the one that is typed.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  if (!out.empty() && (out[0] == '.' || out[0] == '\'')) out.insert(0, "\\&");
  return out;
}

void section(std::string& page, std::string_view name) { (page += ".SH ").append(name) += '\n'; }

/// Words in lines that are not long, each fit for man(7).
void fill(std::string& page, std::string_view text) {
  constexpr std::size_t kWidth = 70;
  std::string line;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (!line.empty() && line.size() + roff(word).size() >= kWidth) {
      page += line + '\n';
      line.clear();
    }
    line += line.empty() ? roff(word) : ' ' + roff(word);
  }
  page += line + '\n';
}

void paragraph(std::string& page, std::string_view head, std::string_view text) {
  page += ".TP\n" + std::string(head) + '\n';
  fill(page, text);
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

void append_flag(std::string& page, const DocFlag& flag) {
  std::string head;
  if (flag.short_name != 0) head += bold(std::string("-") + flag.short_name) + ", ";
  head += bold("--" + flag.name);
  if (!flag.value_name.empty()) head += "=" + italic(flag.value_name);
  if (flag.negatable) head += ", " + bold("--no-" + flag.name);
  paragraph(page, head, flag.help);
}

/// The flags whose names are in one of the tables, in its order.
template <class Table, class Takes>
void append_flags(std::string& page, const std::vector<DocFlag>& flags, const Table& table,
                  const Takes& takes) {
  for (const auto& entry : table) {
    if (!takes(entry)) continue;
    for (const DocFlag& flag : flags) {
      if (flag.name == entry.name) append_flag(page, flag);
    }
  }
}

void append_all_flags(std::string& page, std::span<const GroupOption> groups) {
  const std::vector<DocFlag> flags = doc_flags(groups);
  const auto options = [&](Task task) {
    append_flags(page, flags, all_options(), [&](const Option& o) { return o.task == task; });
  };
  const auto commands = [&](CommandTask task) {
    append_flags(page, flags, kCommandFlags, [&](const CommandFlag& f) { return f.task == task; });
  };
  section(page, "OPTIONS");
  page += ".SS Serving\n";
  options(Task::scrape);
  page += ".SS Looking once\n";
  commands(CommandTask::shell);
  page += ".SS Running a command\n";
  commands(CommandTask::run);
  page += ".SS What is read and shown\n";
  options(Task::select);
  for (const DocFlag& flag : flags) {
    if (flag.negatable && find_option(flag.name) == nullptr) append_flag(page, flag);
  }
  page += ".SS The host\n";
  options(Task::paths);
  commands(CommandTask::detect);
  page += ".SS Bounds\n";
  options(Task::limits);
  page += ".SS Configuration file, logs and the rest\n";
  options(Task::logging);
  commands(CommandTask::rest);
}

}  // namespace

std::string manual_page(std::string_view version, std::string_view date,
                        std::span<const GroupOption> groups) {
  std::string page =
      ".TH CGMON\\-AGENT 8 " + std::string(date) + " \"cgmon " + roff(version) + "\"\n";
  section(page, "NAME");
  page += "cgmon\\-agent \\- resource usage of containers and units, read from their cgroups\n";
  section(page, "SYNOPSIS");
  page += ".B cgmon\\-agent\n.RI [ command ]\n.RI [ flag ...]\n";
  section(page, "DESCRIPTION");
  page +=
      "Reads CPU, memory, tasks, I/O and pressure of every container and systemd\n"
      "unit from the kernel's cgroup files, v1, v2 or both at once.\n"
      "Without a command it serves them to Prometheus under the names that\n"
      "cAdvisor uses, read at the moment of the scrape.\n"
      "It asks no container engine, and only the command run writes to a cgroup.\n";
  section(page, "COMMANDS");
  for (const CommandWord& word : kCommandWords) {
    std::string head = bold(word.name);
    if (!word.argument.empty()) head += ' ' + italic(word.argument);
    paragraph(page, head, word.help);
  }
  append_all_flags(page, groups);
  section(page, "CONFIGURATION");
  page +=
      "Each option and each collector is also a key of the YAML file that\n.B \\-\\-config.file\n"
      "names, its dots as nesting: web: {threads: 2}.\n"
      "A flag overrides the file, the file overrides the defaults.\n";
  section(page, "HTTP");
  page += R"(.TP
.I /metrics
The metrics.
\fBcollect[]\fR=\fINAME\fR, repeated, has only these collectors read and
shown, \fBexclude[]\fR=\fINAME\fR all others.
.TP
.I /\-/healthy
200 while the process answers.
.TP
.I /\-/ready
200, or 503 while a kernel file hangs.
)";
  section(page, "SIGNALS");
  page += R"(.TP
.BR SIGTERM ", " SIGINT
Answers what is under way and ends.
.TP
.B SIGHUP
Reads the configuration again.
While it is wrong the old one stays, and the log and
\fIcgmon_config_last_reload_successful\fR say so.
Addresses, paths and the number of threads change with a new start only;
the log names them.
)";
  section(page, "ENVIRONMENT");
  paragraph(page, "\\fBNO_COLOR\\fR", "Not empty: no colours in a table.");
  section(page, "EXIT STATUS");
  paragraph(page, "0", "Done.");
  paragraph(page, "1", "Failed.");
  paragraph(page, "2", "Wrong usage or configuration.");
  paragraph(page, "Of run",
            "The command's own; 128+N when signal N ended it; 125 when the agent failed or was "
            "used wrongly; 126, 127 when the command cannot be executed or is not there.");
  section(page, "EXAMPLES");
  for (const std::string_view line :
       {"cgmon-agent --web.listen-address=127.0.0.1:10190", "cgmon-agent --once --sort=memory",
        "cgmon-agent check-config /etc/cgmon/agent.yaml", "cgmon-agent detect"}) {
    page += ".EX\n" + roff(line) + "\n.EE\n";
  }
  section(page, "SEE ALSO");
  page += ".BR cgroups (7),\n.BR systemd\\-cgtop (1)\n";
  return page;
}

}  // namespace cgmon
