#include "agent/cli_docs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/cli_flags.h"
#include "config/option.h"

namespace cgmon {
namespace {

using ::testing::HasSubstr;

const std::vector<GroupOption> kTwoGroups = {{"cpu", true, "It's CPU [time]: all."},
                                             {"percpu", false, "Per CPU."}};

TEST(DocFlags, AreEveryFlagOnceWithItsHelp) {
  const std::vector<DocFlag> flags = doc_flags(kTwoGroups);
  EXPECT_EQ(flags.size(), kCommandFlags.size() + all_options().size() + kTwoGroups.size());
  for (const DocFlag& flag : flags) EXPECT_FALSE(flag.help.empty()) << flag.name;
}

TEST(CompletionScript, HasEveryFlagAndCommandInEachShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(shell, kTwoGroups);
    const std::string dashes = std::string(shell) == "fish" ? "-l " : "--";
    for (const DocFlag& flag : doc_flags(kTwoGroups)) {
      EXPECT_THAT(script, HasSubstr(dashes + flag.name)) << shell;
      if (!flag.negatable) continue;
      EXPECT_THAT(script, HasSubstr(dashes + "no-" + flag.name)) << shell;
    }
    for (const CommandWord& word : kCommandWords) {
      EXPECT_THAT(script, HasSubstr(std::string(word.name))) << shell;
    }
    EXPECT_THAT(script, HasSubstr("container_memory_rss")) << "names for `agent metrics`";
  }
}

TEST(ManualPage, HasEveryFlagAndCommandOnce) {
  const std::string page = manual_page("1.2", "2026-11-24", kTwoGroups);
  const auto roff = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('-', at)) != text.npos; at += 2) text.insert(at, "\\");
    return text;
  };
  for (const DocFlag& flag : doc_flags(kTwoGroups)) {
    const std::string head = "\\fB" + roff("--" + flag.name) + "\\fR";
    const std::size_t place = page.find(head);
    ASSERT_NE(place, page.npos) << flag.name;
    EXPECT_EQ(page.find(head, place + 1), page.npos) << flag.name;
  }
  for (const CommandWord& word : kCommandWords) {
    EXPECT_THAT(page, HasSubstr("\n\\fB" + roff(std::string(word.name)) + "\\fR"));
  }
}

}  // namespace
}  // namespace cgmon
