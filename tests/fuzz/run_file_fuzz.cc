#include "agent/cli_run.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

/// As a double-quoted scalar of YAML.
std::string quoted(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += quoted(text) + ", ";
  return out + "]\n";
}

/// What was read, written again.
std::string written(const RunFile& file) {
  std::string text;
  for (const auto& [flag, values] : file.words) {
    const bool is_one = values.size() == 1;
    text += flag + ": " + (is_one ? quoted(values.front()) + '\n' : list_of(values));
  }
  if (!file.command.empty()) text += "command: " + list_of(file.command);
  return text;
}

void check_error(const Error& error, std::string_view input) {
  require(is_printable_ascii(error.what), "a mistake is told in one line for a terminal");
  require(error.what.size() <= 1000, "a mistake is told shortly");
  require(error.line <= input.size() + 1, "a mistake is at a line of the text");
}

}  // namespace

void check_input(std::string_view input) {
  const Result<RunFile> file = parse_run_file(input, "run.yaml");
  if (!file) {
    require(file.error().path == "run.yaml", "a mistake names the file");
    check_error(file.error(), input);
    return;
  }
  const Result<RunFile> again = parse_run_file(written(*file), "written");
  require(again.has_value() && again->words == file->words && again->command == file->command,
          "what was read is read back as it was");
  const Result<RunSpec> spec = run_spec(
      file->words, file->command.empty() ? std::vector<std::string>{"true"} : file->command);
  if (!spec) return check_error(spec.error(), input);
  require(!spec->cleanup && !spec->dry_run && !spec->command.empty(),
          "a file only says how to run");
  require(spec->repeat >= 1 && spec->repeat <= 1000 && spec->interval.count() >= 10,
          "every number is in its range");
  require(spec->isolation.join == 0 || !spec->into.empty(), "whose namespaces is known");
}

}  // namespace cgmon
