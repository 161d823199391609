#include "agent/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/cli_flags.h"
#include "agent/cli_once.h"
#include "agent/cli_run.h"
#include "collectors/base/nearest.h"
#include "config/option.h"
#include "config/scalar.h"

namespace cgmon {
namespace {

/// The words of a text that has blanks between them.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    words.emplace_back(text.substr(0, text.find(' ')));
    text.remove_prefix(std::min(words.back().size() + 1, text.size()));
  }
  return words;
}

/// The CLI11 parser of all flags and commands. It only takes the line apart into strings; what
/// they may be is said by the option table.
///
/// CLI11 compares each new option with all that are there: a millisecond and a half for all of
/// ours. So it only gets those whose names are in the arguments; no other could be given.
class CommandLine {
 public:
  CommandLine(std::span<const GroupOption> groups, std::span<const std::string> arguments)
      : groups_(groups), arguments_(arguments) {
    app_.set_help_flag();
    app_.allow_extras();
    app_.require_subcommand(0, 1);
    for (const CommandFlag& flag : kCommandFlags) {
      std::string names = "--" + std::string(flag.name);
      const bool is_needed = flag.short_name != 0 || is_named(names);
      if (flag.short_name != 0) names += std::string(",-") + flag.short_name;
      commands_.push_back(!is_needed                ? nullptr
                          : flag.value_name.empty() ? app_.add_flag(names)
                                                    : add_valued(names));
    }
    for (const Option& option : all_options()) {
      const std::string name(option.name);
      CLI::Option* const parsed = is_flag(option)         ? add_switch(name)
                                  : is_named("--" + name) ? add_valued("--" + name)
                                                          : nullptr;
      options_.emplace_back(&option, parsed);
    }
    for (const GroupOption& group : groups) {
      collectors_.push_back(add_switch("collector." + std::string(group.name)));
    }
    for (const CommandWord& word : kCommandWords) {
      CLI::App* const parsed = app_.add_subcommand(std::string(word.name))->fallthrough();
      CLI::Option* const argument =
          word.argument.empty() ? nullptr : parsed->add_option("ARGUMENT");
      words_.push_back({&word, parsed, argument});
    }
  }

  [[nodiscard]] Result<void> parse(std::span<const std::string> arguments) {
    if (Result<void> complete = check_no_empty_value(arguments); !complete) return complete;
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
      app_.parse(reversed);
    } catch (const CLI::ArgumentMismatch& error) {
      const std::string_view text = error.what();
      return usage_failure(in_quotes(text.substr(0, text.find(':'))) +
                           ": expected a value, got none");
    } catch (const std::exception& error) {
      return usage_failure(error.what());
    }
    return check_valueless_flags();
  }

  [[nodiscard]] bool has(FlagOf flag) const {
    const CLI::Option* const parsed = command(flag);
    return parsed != nullptr && parsed->count() > 0;
  }
  /// The command that was given; null without one.
  [[nodiscard]] const CommandWord* word() const {
    const auto given = given_word();
    return given == words_.end() ? nullptr : given->word;
  }
  /// What followed the command, "" if nothing did.
  [[nodiscard]] std::string argument() const {
    const auto given = given_word();
    const bool has_one =
        given != words_.end() && given->argument != nullptr && given->argument->count() > 0;
    return has_one ? given->argument->results().front() : "";
  }

  /// The one value of a flag of the command line; nothing if it was not given.
  [[nodiscard]] Result<std::optional<std::string>> value(FlagOf flag) const {
    const std::string name(kCommandFlags[static_cast<std::size_t>(flag)].name);
    if (!has(flag)) return std::nullopt;
    const std::vector<std::string>& values = command(flag)->results();
    if (Result<void> fine = check_values(name, values, false); !fine) {
      return tl::unexpected(fine.error());
    }
    return values.front();
  }

  /// All values of a flag; an Error if it was given more often than it may be.
  [[nodiscard]] Result<std::vector<std::string>> values(FlagOf flag) const {
    const CommandFlag& known = kCommandFlags[static_cast<std::size_t>(flag)];
    const std::string name(known.name);
    if (!has(flag)) return std::vector<std::string>();
    const std::vector<std::string>& values = command(flag)->results();
    const bool may_repeat = known.repeatable || known.value_name.empty();
    if (Result<void> fine = check_values(name, values, may_repeat); !fine) {
      return tl::unexpected(fine.error());
    }
    return values;
  }

  /// Puts the flags' values over those of `config`.
  [[nodiscard]] Result<void> apply(Config& config) const {
    for (const auto& [option, parsed] : options_) {
      if (parsed == nullptr || parsed->count() == 0) continue;
      if (Result<void> done = apply_option(*option, parsed->results(), config); !done) return done;
    }
    for (std::size_t i = 0; i < collectors_.size(); ++i) {
      if (collectors_[i] == nullptr || collectors_[i]->count() == 0) continue;
      const std::string& text = collectors_[i]->results().back();
      const std::optional<bool> enabled = parse_boolean(text);
      if (!enabled) {
        return usage_failure(in_quotes("--collector." + config.collectors[i].name) +
                             ": expected true or false, got " + in_quotes(text));
      }
      config.collectors[i].enabled = *enabled;
    }
    return {};
  }

  /// Fails for the first argument that is neither flag nor command.
  [[nodiscard]] Result<void> check_no_extras() const {
    const std::vector<std::string> extras = app_.remaining(true);
    const auto extra = std::ranges::find_if(extras, [](const auto& text) { return text != "--"; });
    if (extra == extras.end()) return {};
    if (extra->starts_with('-')) return unknown_flag(*extra);
    if (word() != nullptr) return usage_failure("unexpected argument " + in_quotes(*extra));
    std::vector<std::string> known;
    for (const CommandWord& word : kCommandWords) known.emplace_back(word.name);
    return unknown("unknown command " + in_quotes(*extra), nearest(*extra, known));
  }

 private:
  struct ParsedWord {
    const CommandWord* word = nullptr;
    CLI::App* parsed = nullptr;
    CLI::Option* argument = nullptr;
  };
  [[nodiscard]] std::vector<ParsedWord>::const_iterator given_word() const {
    return std::ranges::find_if(words_, [](const ParsedWord& one) { return one.parsed->parsed(); });
  }

  CLI::Option* add_valued(const std::string& names) {
    return app_.add_option(names)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  /// Null where neither it nor its opposite is in the arguments.
  CLI::Option* add_switch(const std::string& name) {
    if (!is_named("--" + name) && !is_named("--no-" + name)) return nullptr;
    return app_.add_flag("--" + name + ",!--no-" + name);
  }

  [[nodiscard]] const CLI::Option* command(FlagOf flag) const {
    return commands_[static_cast<std::size_t>(flag)];
  }

  /// Whether "--name" or "--name=…" is an argument.
  [[nodiscard]] bool is_named(std::string_view flag) const {
    return std::ranges::any_of(arguments_, [&](const std::string& argument) {
      return argument.starts_with(flag) &&
             (argument.size() == flag.size() || argument[flag.size()] == '=');
    });
  }

  /// CLI11 reads --once=5 as --once.
  [[nodiscard]] Result<void> check_valueless_flags() const {
    for (std::size_t i = 0; i < commands_.size(); ++i) {
      const auto flag = static_cast<FlagOf>(i);
      if (!kCommandFlags[i].value_name.empty() || !has(flag)) continue;
      const std::string& text = commands_[i]->results().back();
      if (text == "true") continue;
      return usage_failure(in_quotes("--" + std::string(kCommandFlags[i].name)) +
                           ": expected no value, got " + in_quotes(text));
    }
    return {};
  }

  /// CLI11 would take the next argument as the value of `--name=`.
  static Result<void> check_no_empty_value(std::span<const std::string> arguments) {
    for (const std::string& argument : arguments) {
      if (argument == "--") break;
      if (!argument.starts_with("--") || argument.find('=') != argument.size() - 1) continue;
      const std::string_view flag = std::string_view(argument).substr(0, argument.size() - 1);
      return usage_failure(in_quotes(flag) + ": expected a value after =, got none");
    }
    return {};
  }

  /// CLI11 hands the flag that follows a forgotten value over as that value.
  static Result<void> check_values(const std::string& name, const std::vector<std::string>& values,
                                   bool repeatable) {
    const std::string flag = in_quotes("--" + name);
    for (const std::string& value : values) {
      if (!value.starts_with("--")) continue;
      return usage_failure(flag + ": expected a value, got the flag " + in_quotes(value));
    }
    if (!repeatable && values.size() > 1) {
      return usage_failure(flag + ": expected once, given " + std::to_string(values.size()) +
                           " times");
    }
    return {};
  }

  static Result<void> apply_option(const Option& option, const std::vector<std::string>& results,
                                   Config& config) {
    std::vector<std::string> values = results;
    // Of --x and --no-x the last one counts.
    if (is_flag(option)) values.assign(1, results.back());
    const std::string name(option.name);
    if (Result<void> fine = check_values(name, values, is_repeatable(option)); !fine) return fine;
    const tl::expected<void, BadValue> assigned = assign(option, values, config);
    if (assigned) return {};
    return usage_failure(in_quotes("--" + name) + ": expected " + expected_value(option) +
                         ", got " + in_quotes(values[assigned.error().index]));
  }

  static tl::unexpected<Error> unknown(std::string what, const std::optional<std::string>& near) {
    if (near) what += "; did you mean `" + *near + "`?";
    return usage_failure(what);
  }

  [[nodiscard]] tl::unexpected<Error> unknown_flag(const std::string& argument) const {
    std::vector<std::string> known;
    const auto add = [&](std::string name, bool is_switch) {
      if (is_switch) known.push_back("no-" + name);
      known.push_back(std::move(name));
    };
    for (const CommandFlag& flag : kCommandFlags) add(std::string(flag.name), false);
    for (const Option& option : all_options()) add(std::string(option.name), is_flag(option));
    for (const GroupOption& group : groups_) add("collector." + std::string(group.name), true);
    std::string_view name = std::string_view(argument).substr(0, argument.find('='));
    const std::string what = "unknown flag " + in_quotes(name);
    name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
    std::optional<std::string> near = nearest(name, known);
    if (near) near->insert(0, "--");
    return unknown(what, near);
  }

  std::span<const GroupOption> groups_;
  std::span<const std::string> arguments_;
  CLI::App app_;
  std::vector<CLI::Option*> commands_;  // null: not given
  std::vector<std::pair<const Option*, CLI::Option*>> options_;
  std::vector<CLI::Option*> collectors_;
  std::vector<ParsedWord> words_;
};

Result<OnceOptions> once_options(const CommandLine& line) {
  OnceWords words;
  const std::array<std::pair<FlagOf, std::optional<std::string>*>, 5> single{
      {{FlagOf::output, &words.output},
       {FlagOf::interval, &words.interval},
       {FlagOf::sort, &words.sort},
       {FlagOf::limit, &words.limit},
       {FlagOf::color, &words.color}}};
  for (const auto& [flag, word] : single) {
    Result<std::optional<std::string>> value = line.value(flag);
    if (!value) return tl::unexpected(value.error());
    *word = *std::move(value);
  }
  Result<std::vector<std::string>> filters = line.values(FlagOf::filter);
  if (!filters) return tl::unexpected(filters.error());
  words.filters = *std::move(filters);
  words.no_trunc = line.has(FlagOf::no_trunc);
  return once_options(words);
}

/// The line's flags over those of its --spec.
Result<RunSpec> run_options(const CommandLine& line, std::vector<std::string> command) {
  RunFile file;
  const Result<std::optional<std::string>> path = line.value(FlagOf::spec);
  if (!path) return tl::unexpected(path.error());
  if (*path) {
    const Result<std::string> text = read_yaml_file(**path);
    if (!text) return tl::unexpected(text.error());
    Result<RunFile> parsed = parse_run_file(*text, **path);
    if (!parsed) return tl::unexpected(parsed.error());
    file = *std::move(parsed);
  }
  for (std::size_t i = 0; i < kCommandFlags.size(); ++i) {
    const auto flag = static_cast<FlagOf>(i);
    if (!is_of_run(kCommandFlags[i]) || !line.has(flag)) continue;
    Result<std::vector<std::string>> values = line.values(flag);
    if (!values) return tl::unexpected(values.error());
    file.words.insert_or_assign(std::string(kCommandFlags[i].name), *std::move(values));
  }
  return run_spec(file.words, command.empty() ? std::move(file.command) : std::move(command));
}

Result<InspectOptions> inspect_options(const CommandLine& line) {
  InspectOptions options{.what = line.argument()};
  const Result<std::optional<std::string>> output = line.value(FlagOf::output);
  if (!output) return tl::unexpected(output.error());
  if (*output && **output != "text" && **output != "json") {
    return usage_failure("`--output`: expected text or json, got " + in_quotes(**output));
  }
  options.as_json = *output == "json";
  return options;
}

Result<Command> command_of(const CommandLine& line) {
  const bool once = line.has(FlagOf::once);
  const CommandWord* const word = line.word();
  if (once && word != nullptr) {
    return usage_failure("`--once` does not go with the command " + in_quotes(word->name));
  }
  for (std::size_t i = 0; i < kCommandFlags.size(); ++i) {
    if (once && kCommandFlags[i].task != CommandTask::run) continue;
    const auto flag = static_cast<FlagOf>(i);
    const CommandTask task = kCommandFlags[i].task;
    const bool is_run = word != nullptr && word->command == Command::run;
    if (task == CommandTask::run && line.has(flag) && !is_run) {
      return usage_failure("`--" + std::string(kCommandFlags[i].name) +
                           "` needs the command `run`");
    }
    if (task != CommandTask::shell || !line.has(flag)) continue;
    if (flag == FlagOf::interval && is_run) continue;
    if (flag == FlagOf::output && word != nullptr && word->command == Command::inspect) continue;
    return usage_failure("`--" + std::string(kCommandFlags[i].name) + "` needs `--once`");
  }
  if (once) return Command::once;
  if (word == nullptr) return Command::serve;
  const std::string argument = line.argument();
  if (word->needs_argument() && argument.empty()) {
    return usage_failure(in_quotes(word->name) + ": expected " + std::string(word->argument) +
                         ", got none");
  }
  const std::vector<std::string> words = words_of(word->words);
  if (!words.empty() && std::ranges::find(words, argument) == words.end()) {
    return unknown_word(in_quotes(word->name) + ": no " + in_quotes(argument), argument, words);
  }
  return word->command;
}

/// Of `agent detect`: whether it is for programs.
Result<bool> is_json(const CommandLine& line) {
  const Result<std::optional<std::string>> format = line.value(FlagOf::format);
  if (!format) return tl::unexpected(format.error());
  const CommandWord* const word = line.word();
  const bool is_detect = word != nullptr && word->command == Command::detect;
  if (*format && !is_detect) return usage_failure("`--format` needs the command `detect`");
  if (*format && **format != "text" && **format != "json") {
    return usage_failure("`--format`: expected text or json, got " + in_quotes(**format));
  }
  return *format == "json";
}

/// The file that is to be read, if any.
Result<std::optional<std::string>> config_file(const CommandLine& line, Command command) {
  Result<std::optional<std::string>> file = line.value(FlagOf::config_file);
  if (!file || command != Command::check_config) return file;
  if (*file) return usage_failure("`--config.file` does not go with the command `check-config`");
  return line.argument();
}

Result<Config> merged_over(Config config, const CommandLine& line,
                           const std::optional<std::string>& file) {
  if (file) {
    if (Result<void> merged = merge_yaml_file(*file, config); !merged) {
      return tl::unexpected(merged.error());
    }
  }
  if (Result<void> applied = line.apply(config); !applied) return tl::unexpected(applied.error());
  return config;
}

Result<Config> merged_config(const CommandLine& line, Command command,
                             std::span<const GroupOption> groups) {
  const Result<std::optional<std::string>> file = config_file(line, command);
  if (!file) return tl::unexpected(file.error());
  Result<Config> config = merged_over(default_config(groups), line, *file);
  if (!config || !config->collector_defaults_disabled) return config;
  // Once more over other defaults: whatever names a collector counts, wherever it stands.
  std::vector<GroupOption> off(groups.begin(), groups.end());
  for (GroupOption& group : off) group.default_on = false;
  return merged_over(default_config(off), line, *file);
}

}  // namespace

Result<Invocation> parse_command_line(std::span<const std::string> arguments,
                                      std::span<const GroupOption> groups) {
  std::vector<std::string> command_to_run;
  if (asks_to_run(arguments)) {
    const auto dashes = std::ranges::find(arguments, "--");
    if (dashes != arguments.end()) command_to_run.assign(dashes + 1, arguments.end());
    arguments = arguments.first(static_cast<std::size_t>(dashes - arguments.begin()));
  }
  CommandLine line(groups, arguments);
  if (Result<void> parsed = line.parse(arguments); !parsed) return tl::unexpected(parsed.error());
  Invocation invocation;
  if (line.has(FlagOf::help)) {
    invocation.command = Command::help;
    invocation.help_text = help_text(groups);
    return invocation;
  }
  if (line.has(FlagOf::version)) {
    invocation.command = Command::version;
    return invocation;
  }
  if (Result<void> fine = line.check_no_extras(); !fine) return tl::unexpected(fine.error());
  const Result<Command> command = command_of(line);
  if (!command) return tl::unexpected(command.error());
  if (*command == Command::once) {
    Result<OnceOptions> once = once_options(line);
    if (!once) return tl::unexpected(once.error());
    invocation.once = *std::move(once);
  }
  if (*command == Command::run) {
    Result<RunSpec> spec = run_options(line, std::move(command_to_run));
    if (!spec) return tl::unexpected(spec.error());
    invocation.run = *std::move(spec);
  }
  if (*command == Command::inspect) {
    Result<InspectOptions> options = inspect_options(line);
    if (!options) return tl::unexpected(options.error());
    invocation.inspect = *std::move(options);
  }
  Result<Config> config = merged_config(line, *command, groups);
  if (!config) return tl::unexpected(config.error());
  // What is compared with the defaults has to be as it was written.
  if (*command != Command::check_config) resolve_paths(config->path);
  const Result<bool> detect_as_json = is_json(line);
  if (!detect_as_json) return tl::unexpected(detect_as_json.error());
  invocation.detect_as_json = *detect_as_json;
  invocation.command = *command;
  invocation.config = *std::move(config);
  invocation.argument = line.argument();
  return invocation;
}

}  // namespace cgmon
