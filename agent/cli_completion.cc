#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli_docs.h"
#include "agent/cli_flags.h"
#include "collectors/metrics/tables.h"
#include "config/option.h"

namespace cgmon {
namespace {

constexpr std::string_view kPrograms = "agent cgmon-agent";

/// The words that may follow a command.
std::string argument_words(const CommandWord& word) {
  if (word.command != Command::metrics) return std::string(word.words);
  std::string names;
  for (const Family& family : kFamilies) {
    if (family.reporter == Reporter::nobody) continue;
    names += (names.empty() ? "" : " ") + std::string(family.name);
  }
  return names;
}

bool is_file(std::string_view value_name) { return value_name == "FILE"; }
bool is_directory(std::string_view value_name) { return value_name == "DIR"; }

/// Every character of `special` in `text` behind a backslash.
std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// For a POSIX shell, between single quotes.
std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

/// In bash a flag and its value are three words, as = parts words there.
std::string bash_script(const std::vector<DocFlag>& flags) {
  std::string names, values, commands, arguments;
  for (const DocFlag& flag : flags) {
    const std::string name = "--" + flag.name;
    names += "    " + name + (flag.value_name.empty() ? "" : "=") + '\n';
    if (flag.negatable) names += "    --no-" + flag.name + '\n';
    if (flag.value_name.empty()) continue;
    std::string pattern = name;
    if (flag.short_name != 0) pattern += std::string("|-") + flag.short_name;
    std::string action = "return";
    if (!flag.words.empty()) action = "_cgmon_words '" + std::string(flag.words) + "'";
    if (is_directory(flag.value_name)) action = "_cgmon_paths -d";
    if (is_file(flag.value_name)) action = "_cgmon_paths -f";
    values += "    " + pattern + ") " + action + "; return ;;\n";
  }
  for (const CommandWord& word : kCommandWords) {
    commands += "    " + std::string(word.name) + '\n';
    const std::string words = argument_words(word);
    if (word.argument.empty()) continue;
    arguments += "    " + std::string(word.name) + ") " +
                 (is_file(word.argument) ? "_cgmon_paths -f" : "_cgmon_words '" + words + "'") +
                 "; return ;;\n";
  }
  return R"(# bash completion of cgmon's agent, made by `agent completion bash`

_cgmon_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$_cgmon_current"); }

_cgmon_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$_cgmon_current")
}

_cgmon_agent() {
  local _cgmon_current=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]}
  if [[ $_cgmon_current == = ]]; then
    _cgmon_current=
  elif [[ $flag == = ]]; then
    flag=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $flag in
)" + values +
         R"(  esac
  if [[ $_cgmon_current == -* ]]; then
    _cgmon_words '
)" + names +
         R"('
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
    return
  fi
  case $flag in
)" + arguments +
         R"(  esac
  _cgmon_words '
)" + commands +
         R"('
}

complete -F _cgmon_agent )" +
         std::string(kPrograms) + '\n';
}

std::string zsh_script(const std::vector<DocFlag>& flags) {
  std::string out = "#compdef " + std::string(kPrograms) +
                    R"(
# zsh completion of cgmon's agent, made by `agent completion zsh`

_cgmon_agent() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -S \
)";
  const auto spec = [&](const DocFlag& flag, const std::string& names) {
    std::string text = '[' + escaped(flag.help, "[]\\") + ']';
    if (!flag.value_name.empty()) {
      text += ':' + escaped(flag.value_name, ":\\") + ':';
      if (!flag.words.empty()) text += '(' + std::string(flag.words) + ')';
      if (is_directory(flag.value_name)) text += "_files -/";
      if (is_file(flag.value_name)) text += "_files";
    }
    out +=
        "    " + std::string(flag.repeatable ? "\\*" : "") + names + single_quoted(text) + " \\\n";
  };
  for (const DocFlag& flag : flags) {
    const std::string long_name = "--" + flag.name + (flag.value_name.empty() ? "" : "=");
    spec(flag, long_name);
    if (flag.short_name != 0) {
      spec(flag, std::string("-") + flag.short_name + (flag.value_name.empty() ? "" : "+"));
    }
    if (flag.negatable) spec(flag, "--no-" + flag.name);
  }
  out += R"(    '1: :->command' '2: :->argument'
  case $state in
    command)
      local -a commands=(
)";
  for (const CommandWord& word : kCommandWords) {
    out +=
        "        " + single_quoted(std::string(word.name) + ':' + escaped(word.help, ":\\")) + '\n';
  }
  out += R"(      )
      _describe command commands
      ;;
    argument)
      case $line[1] in
)";
  for (const CommandWord& word : kCommandWords) {
    if (word.argument.empty()) continue;
    out += "        " + std::string(word.name) + ") " +
           (is_file(word.argument) ? "_files" : "compadd -- " + argument_words(word)) + " ;;\n";
  }
  return out + R"(      esac
      ;;
  esac
}

if [[ $funcstack[1] == _cgmon_agent ]]; then
  _cgmon_agent "$@"
else
  compdef _cgmon_agent )" +
         std::string(kPrograms) + "\nfi\n";
}

std::string fish_script(const std::vector<DocFlag>& flags) {
  const auto quoted = [](std::string_view text) { return '\'' + escaped(text, "'\\") + '\''; };
  std::string out =
      "# fish completion of cgmon's agent, made by `agent completion fish`\n\nfor program in " +
      std::string(kPrograms) + "\n    complete -c $program -f\n";
  const auto complete = [&](const std::string& what) {
    out += "    complete -c $program " + what + '\n';
  };
  for (const DocFlag& flag : flags) {
    std::string what;
    if (flag.short_name != 0) what += std::string("-s ") + flag.short_name + ' ';
    what += "-l " + flag.name;
    if (is_file(flag.value_name)) {
      what += " -r -F";
    } else if (is_directory(flag.value_name)) {
      what += " -x -a '(__fish_complete_directories)'";
    } else if (!flag.value_name.empty()) {
      what += " -x";
      if (!flag.words.empty()) what += " -a " + quoted(flag.words);
    }
    complete(what + " -d " + quoted(flag.help));
    if (flag.negatable) complete("-l no-" + flag.name + " -d " + quoted("Not: " + flag.help));
  }
  for (const CommandWord& word : kCommandWords) {
    const std::string name(word.name);
    complete("-n __fish_use_subcommand -a " + name + " -d " + quoted(word.help));
    if (word.argument.empty()) continue;
    const std::string seen = "-n '__fish_seen_subcommand_from " + name + "' ";
    complete(seen + (is_file(word.argument) ? "-F" : "-a " + quoted(argument_words(word))));
  }
  return out + "end\n";
}

}  // namespace

std::vector<DocFlag> doc_flags(std::span<const GroupOption> groups) {
  std::vector<DocFlag> flags;
  for (const CommandFlag& flag : kCommandFlags) {
    flags.push_back({.name = std::string(flag.name),
                     .short_name = flag.short_name,
                     .repeatable = flag.help.find("Repeatable") != std::string_view::npos,
                     .value_name = std::string(flag.value_name),
                     .help = std::string(flag.help),
                     .words = flag.words});
  }
  for (const Option& option : all_options()) {
    const std::string_view value =
        option.default_text.empty() ? option.derived_default : option.default_text;
    flags.push_back({.name = std::string(option.name),
                     .negatable = is_flag(option),
                     .repeatable = is_repeatable(option),
                     .value_name = std::string(option.value_name),
                     .help = std::string(option.help) + " Default: " + std::string(value) +
                             (is_repeatable(option) ? ". Repeatable." : "."),
                     .words = option.words});
  }
  for (const GroupOption& group : groups) {
    flags.push_back({.name = "collector." + std::string(group.name),
                     .negatable = true,
                     .help = std::string(group.help) +
                             (group.default_on ? " Default: true." : " Default: false.")});
  }
  return flags;
}

std::string completion_script(std::string_view shell, std::span<const GroupOption> groups) {
  const std::vector<DocFlag> flags = doc_flags(groups);
  if (shell == "zsh") return zsh_script(flags);
  return shell == "fish" ? fish_script(flags) : bash_script(flags);
}

}  // namespace cgmon
