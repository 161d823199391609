#include "agent/expose/terminal_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/expose/terminal_text.h"
#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::uint64_t kMs = 1'000'000, kMiB = 1'048'576;
constexpr std::size_t kSlots = 100;
constexpr std::size_t kCpu = row("container_cpu_usage_seconds_total", R"(cpu="total")");
constexpr std::size_t kWorkingSet = row("container_memory_working_set_bytes");
constexpr std::size_t kLimit = row("container_spec_memory_limit_bytes");
constexpr std::size_t kTasks = row("container_threads");
constexpr std::size_t kTasksMax = row("container_threads_max");
constexpr std::size_t kPeriods = row("container_cpu_cfs_periods_total");
constexpr std::size_t kThrottled = row("container_cpu_cfs_throttled_periods_total");
constexpr std::size_t kPsiCpu = row("container_pressure_cpu_waiting_seconds_total");
constexpr std::size_t kPsiMemory = row("container_pressure_memory_waiting_seconds_total");
constexpr std::size_t kPsiIo = row("container_pressure_io_waiting_seconds_total");
constexpr std::size_t kStart = row("container_start_time_seconds");

/// Two made-up snapshots of one host, two seconds apart.
class Host {
 public:
  Host() {
    for (Snapshot* const snapshot : {older_.get(), newer_.get()}) {
      for (Column& column : snapshot->columns) column.reset(kSlots);
      snapshot->labels.resize(kSlots);
      snapshot->alive.resize(kSlots);
    }
    older_->monotonic_ns = 5'000'000'000;
    newer_->monotonic_ns = 7'000'000'000;
    add({.id = "/", .kind = CgroupKind::root});
  }

  Slot add(CgroupLabels labels) {
    const auto slot = static_cast<Slot>(newer_->order.size());
    const auto shared = std::make_shared<const CgroupLabels>(std::move(labels));
    for (Snapshot* const snapshot : {older_.get(), newer_.get()}) {
      snapshot->order.push_back(slot);
      snapshot->labels[slot] = shared;
      snapshot->alive[slot] = 1;
    }
    both(kStart, slot, 1'700'000'000);
    return slot;
  }
  Slot add_container(const std::string& name) {
    return add({.id = "/docker/" + name, .name = name, .kind = CgroupKind::container});
  }

  void both(std::size_t row_index, Slot slot, std::uint64_t before, std::uint64_t rise = 0) {
    older_->columns[row_index].set(slot, Value::of(before));
    newer_->columns[row_index].set(slot, Value::of(before + rise));
  }
  void now(std::size_t row_index, Slot slot, Value value) {
    newer_->columns[row_index].set(slot, value);
  }

  [[nodiscard]] Snapshot& older() { return *older_; }
  [[nodiscard]] Snapshot& newer() { return *newer_; }
  [[nodiscard]] TerminalTable table(TableOptions options = {}) const {
    return terminal_table(*older_, *newer_, options);
  }

 private:
  std::unique_ptr<Snapshot> older_ = std::make_unique<Snapshot>();
  std::unique_ptr<Snapshot> newer_ = std::make_unique<Snapshot>();
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// First words of the lines under the head.
std::vector<std::string> names_in(const TerminalTable& table) {
  std::vector<std::string> names;
  for (const std::string& line : lines_of(table.text))
    names.push_back(line.substr(0, line.find(' ')));
  names.erase(names.begin());
  return names;
}

/// The line that begins with a name, its runs of blanks made one.
std::string line_of(const TerminalTable& table, const std::string& name) {
  for (const std::string& line : lines_of(table.text)) {
    if (!line.starts_with(name + " ")) continue;
    std::istringstream stream(line);
    std::string words;
    for (std::string word; stream >> word;) words += (words.empty() ? "" : " ") + word;
    return words;
  }
  return "no line of " + name;
}

/// A busy host: a throttled container, a nameless one, a unit without limits.
Host busy_host() {
  Host host;
  host.both(kCpu, 0, 900'000 * kMs, 3'050 * kMs);
  host.now(kWorkingSet, 0, Value::of(9'531 * kMiB));
  host.now(kLimit, 0, Value::of(15'988 * kMiB));
  for (const std::size_t psi : {kPsiCpu, kPsiMemory, kPsiIo}) host.both(psi, 0, 7 * kMs, 30 * kMs);

  const Slot web = host.add_container("web");
  host.both(kCpu, web, 5 * kMs, 999 * kMs);
  host.now(kWorkingSet, web, Value::of(20 * kMiB + 120'000));
  host.now(kLimit, web, Value::of(64 * kMiB));
  host.now(kTasks, web, Value::of(12));
  host.now(kTasksMax, web, Value::of(50));
  host.both(kPeriods, web, 100, 20);
  host.both(kThrottled, web, 10, 19);
  host.both(kPsiCpu, web, 0, 1'004 * kMs);
  host.both(kPsiMemory, web, 0);
  host.both(kPsiIo, web, 0, 1 * kMs);

  const std::string id(64, 'c');
  const Slot nameless =
      host.add({.id = "/docker/" + id, .kind = CgroupKind::container, .container_id = id});
  host.both(kCpu, nameless, 5 * kMs);
  host.now(kWorkingSet, nameless, Value::of(512));
  host.now(kLimit, nameless, Value::unlimited());
  host.now(kTasks, nameless, Value::of(1));
  host.now(kTasksMax, nameless, Value::unlimited());

  host.add({.id = "/system.slice/ssh.service", .kind = CgroupKind::unit, .unit = "ssh.service"});
  return host;
}

TEST(TerminalTable, LooksLikeDockerStatsWithThrottlingAndPressure) {
  EXPECT_EQ(
      busy_host().table().text,
      R"(NAME            CPU %    MEM USAGE / LIMIT   MEM %   PIDS  THROTTLED  PSI CPU  PSI MEM  PSI IO
/             152.50%  9.308GiB / 15.61GiB  59.61%      -          -    1.50%    1.50%   1.50%
web            49.95%  20.11MiB /    64MiB  31.43%  12/50     95.00%   50.20%    0.00%   0.05%
cccccccccccc    0.00%      512B / no limit       -      1          -        -        -       -
ssh.service         -                    -       -      -          -        -        -       -
)");
}

TEST(TerminalTable, PrintsADashNotAZeroForWhatTheKernelDoesNotReport) {
  Host host;
  host.add_container("bare");
  EXPECT_EQ(line_of(host.table(), "bare"), "bare - - - - - - - -");
}

TEST(TerminalTable, TellsNoLimitFromALimitThatIsNotKnown) {
  Host host;
  host.now(kWorkingSet, host.add_container("unknown"), Value::of(kMiB));
  const Slot free = host.add_container("free");
  host.now(kWorkingSet, free, Value::of(kMiB));
  host.now(kLimit, free, Value::unlimited());
  EXPECT_EQ(line_of(host.table(), "unknown"), "unknown - 1MiB / - - - - - - -");
  EXPECT_EQ(line_of(host.table(), "free"), "free - 1MiB / no limit - - - - - -");
}

TEST(TerminalTable, SortsByCpuThenIdWithTheHostFirstAndUnknownLast) {
  Host host;
  host.add_container("a-unknown");
  for (const auto& [name, rise] : std::vector<std::pair<std::string, std::uint64_t>>{
           {"c-idle", 0}, {"b-idle", 0}, {"low", 1}, {"high", 2}}) {
    host.both(kCpu, host.add_container(name), 1000, rise);
  }
  EXPECT_THAT(names_in(host.table()),
              ElementsAre("/", "high", "low", "b-idle", "c-idle", "a-unknown"));
}

TEST(TerminalTable, ShowsContainersAndUnitsUnlessTheyHaveNoTask) {
  Host host;
  host.add_container("unknown");
  host.now(kTasks, host.add_container("stopped"), Value::of(0));
  host.now(kTasks, host.add({.id = "/a.service", .kind = CgroupKind::unit, .unit = "a.service"}),
           Value::of(3));
  host.add({.id = "/a.slice", .kind = CgroupKind::slice, .unit = "a.slice"});
  host.add({.id = "/other", .kind = CgroupKind::other});

  const TerminalTable busy = host.table();
  EXPECT_THAT(names_in(busy), ElementsAre("/", "a.service", "unknown"));
  EXPECT_EQ(busy.shown, 2U);
  EXPECT_EQ(busy.left_out, 3U);

  const TerminalTable all = host.table({.lines = TableLines::all});
  EXPECT_THAT(names_in(all),
              ElementsAre("/", "a.service", "a.slice", "stopped", "unknown", "/other"));
  EXPECT_EQ(all.left_out, 0U);
}

TEST(TerminalTable, ShowsThePathsOfCgroupsThatShareAName) {
  Host host;
  for (const std::string above : {"/system.slice/", "/user.slice/"}) {
    host.add({.id = above + "dbus.service", .kind = CgroupKind::unit, .unit = "dbus.service"});
  }
  EXPECT_THAT(names_in(host.table()),
              ElementsAre("/", "/system.slice/dbus.service", "/user.slice/dbus.service"));
}

TEST(TerminalTable, HasNoRateAfterACounterWasReset) {
  Host host;
  const Slot slot = host.add_container("reset");
  host.both(kCpu, slot, 500 * kMs);
  host.now(kCpu, slot, Value::of(499 * kMs));
  EXPECT_EQ(line_of(host.table(), "reset"), "reset - - - - - - - -");
}

TEST(TerminalTable, HasNoRateForAnotherCgroupInTheSameSlot) {
  Host host;
  const Slot slot = host.add_container("new");
  host.both(kCpu, slot, 0, 2'000 * kMs);
  ASSERT_EQ(line_of(host.table(), "new"), "new 100.00% - - - - - - -");
  host.older().labels[slot] =
      std::make_shared<const CgroupLabels>(CgroupLabels{.id = "/docker/old", .name = "old"});
  EXPECT_EQ(line_of(host.table(), "new"), "new - - - - - - - -");
}

TEST(TerminalTable, HasNoRateForACgroupThatWasMadeAnewUnderItsPath) {
  Host host;
  const Slot slot = host.add_container("again");
  host.both(kCpu, slot, 0, 2'000 * kMs);
  host.now(kStart, slot, Value::of(1'700'000'001));
  EXPECT_EQ(line_of(host.table(), "again"), "again - - - - - - - -");
}

TEST(TerminalTable, HasNoRateForACgroupThatTheOlderSnapshotLacks) {
  Host host;
  const Slot slot = host.add_container("new");
  host.both(kCpu, slot, 0, 2'000 * kMs);
  host.older().labels.resize(slot);
  EXPECT_EQ(line_of(host.table(), "new"), "new - - - - - - - -");
}

TEST(TerminalTable, HasNoRatesWithoutTimeBetweenTheSnapshots) {
  Host host = busy_host();
  host.older().monotonic_ns = host.newer().monotonic_ns;
  EXPECT_EQ(line_of(host.table(), "web"), "web - 20.11MiB / 64MiB 31.43% 12/50 - - - -");
}

TEST(TerminalTable, IsNotThrottledWithAQuotaAndNothingToRun) {
  Host host;
  const Slot slot = host.add_container("idle");
  host.both(kPeriods, slot, 7);
  host.both(kThrottled, slot, 3);
  EXPECT_EQ(line_of(host.table(), "idle"), "idle - - - - 0.00% - - -");
}

TEST(TerminalTable, NeverWaitsLongerThanTheInterval) {
  Host host;
  host.both(kPsiIo, host.add_container("late"), 0, 2'001 * kMs);
  EXPECT_EQ(line_of(host.table(), "late"), "late - - - - - - - 100.00%");
}

TEST(TerminalTable, WritesBytesAsDockerDoes) {
  const std::vector<std::pair<std::uint64_t, std::string>> cases{{0, "0B"},
                                                                 {1023, "1023B"},
                                                                 {1024, "1KiB"},
                                                                 {kMiB, "1MiB"},
                                                                 {1536 * kMiB, "1.5GiB"},
                                                                 {3'637'248, "3.469MiB"},
                                                                 {UINT64_MAX, "16EiB"}};
  for (const auto& [bytes, text] : cases) {
    Host host;
    host.now(kWorkingSet, host.add_container("x"), Value::of(bytes));
    EXPECT_EQ(line_of(host.table(), "x"), "x - " + text + " / - - - - - - -");
  }
}

TEST(TerminalTable, FitsAnyTerminalWithEveryLineOnOneLine) {
  Host host = busy_host();
  host.add({.id = "/" + std::string(200, 'x') + "データベース", .kind = CgroupKind::unit});
  for (std::size_t width = 1; width < 330; ++width) {
    const std::vector<std::string> lines = lines_of(host.table({.width = width}).text);
    EXPECT_THAT(lines, SizeIs(6));
    for (const std::string& line : lines) EXPECT_LE(display_width(line), width) << line;
  }
}

TEST(TerminalTable, ShortensNamesInTheMiddleBeforeColumnsGo) {
  Host host = busy_host();
  host.add({.id = "/system.slice/systemd-journald.service", .kind = CgroupKind::unit});
  const auto at = [&](std::size_t width) { return lines_of(host.table({.width = width}).text); };
  EXPECT_EQ(at(120)[5].substr(0, 40), "/system.slice/systemd-journald.service  ");
  EXPECT_THAT(at(102)[0], HasSubstr("PSI IO"));
  EXPECT_TRUE(at(102)[5].starts_with("/system.s…ld.service  ")) << at(102)[5];
}

TEST(TerminalTable, DropsTheLeastImportantColumnsInANarrowTerminal) {
  const auto head = [](std::size_t width) {
    return lines_of(busy_host().table({.width = width}).text)[0];
  };
  EXPECT_EQ(head(80),
            "NAME            CPU %    MEM USAGE / LIMIT   PIDS  THROTTLED  PSI CPU  PSI MEM");
  EXPECT_EQ(head(50), "NAME            CPU %    MEM USAGE / LIMIT   PIDS");
  EXPECT_EQ(head(25), "NAME            CPU %");
}

TEST(TerminalTable, DropsColumnsWithoutAnyValueFirst) {
  Host host;
  host.both(kPsiIo, host.add_container("x"), 0, kMs);
  EXPECT_EQ(lines_of(host.table({.width = 20}).text)[0], "NAME  CPU %  PSI IO");
}

TEST(TerminalTable, SpellsOutHostileNames) {
  Host host;
  // NOLINTNEXTLINE(misc-misleading-bidirectional): what it is about
  host.add_container("evil\x1b[2J\n\xE2\x80\xAEname\xff");
  const TerminalTable table = host.table();
  EXPECT_THAT(lines_of(table.text), SizeIs(3));
  EXPECT_THAT(table.text, HasSubstr("evil\\x1b[2J\\x0a\\u202ename\\xff "));
}

TEST(TerminalTable, AlignsColumnsBehindWideNames) {
  Host host;
  host.both(kCpu, host.add_container("データ"), 0, kMs);
  host.both(kCpu, host.add_container("ascii"), 0, kMs);
  std::vector<std::size_t> widths;
  for (const std::string& line : lines_of(host.table().text)) widths.push_back(display_width(line));
  EXPECT_THAT(widths, Each(widths.front()));
}

/// Containers with their CPU rise in ms, memory in MiB.
Host host_of(const std::vector<std::tuple<std::string, std::uint64_t, std::uint64_t>>& containers) {
  Host host;
  for (const auto& [name, cpu, memory] : containers) {
    const Slot slot = host.add_container(name);
    host.both(kCpu, slot, 0, cpu * kMs);
    host.now(kWorkingSet, slot, Value::of(memory * kMiB));
  }
  return host;
}

std::vector<SortKey> keys(const std::vector<std::string>& texts) {
  std::vector<SortKey> keys;
  for (const std::string& text : texts) keys.push_back(*parse_sort_key(text));
  return keys;
}

TEST(TerminalTable, SortsByAnyColumnEitherWayWithTheUnknownLast) {
  Host host = host_of({{"c", 1, 30}, {"a", 2, 10}, {"b", 3, 30}});
  host.add_container("unknown");
  const auto by = [&](const std::vector<std::string>& texts) {
    return names_in(host.table({.sort = keys(texts)}));
  };
  EXPECT_THAT(by({"memory"}), ElementsAre("/", "b", "c", "a", "unknown"));
  EXPECT_THAT(by({"-memory"}), ElementsAre("/", "a", "b", "c", "unknown"));
  EXPECT_THAT(by({"memory", "-name"}), ElementsAre("/", "c", "b", "a", "unknown"));
  EXPECT_THAT(by({"memory", "-cpu"}), ElementsAre("/", "c", "b", "a", "unknown"));
  EXPECT_THAT(by({"name"}), ElementsAre("/", "a", "b", "c", "unknown"));
  EXPECT_THAT(by({"-id"}), ElementsAre("/", "unknown", "c", "b", "a"));
}

TEST(TerminalTable, ShowsNoMoreLinesThanTheLimit) {
  const Host host = host_of({{"a", 1, 1}, {"b", 3, 1}, {"c", 2, 1}});
  const TerminalTable table = host.table({.limit = 2});
  EXPECT_THAT(names_in(table), ElementsAre("/", "b", "c"));
  EXPECT_EQ(table.shown, 2U);
  EXPECT_THAT(names_in(host.table({.limit = 9})), SizeIs(4));
}

TEST(TerminalTable, ShowsWhatPassesTheFiltersAndNothingElse) {
  Host host = host_of({{"web-1", 1, 1}, {"db", 3, 1}, {"web-2", 2, 1}});
  const auto filtered = [&](std::vector<TableFilter> filters) {
    return host.table({.filters = std::move(filters)});
  };
  const TerminalTable web = filtered({{TableFilter::Of::name, "web*"}});
  EXPECT_THAT(names_in(web), ElementsAre("web-2", "web-1"));
  EXPECT_EQ(web.left_out, 0U);
  EXPECT_THAT(names_in(filtered({{TableFilter::Of::name, "/"}})), ElementsAre("/"));
  EXPECT_THAT(names_in(filtered({{TableFilter::Of::name, "nothing"}})), SizeIs(0));
}

TEST(TerminalTable, ShowsSlicesToThoseWhoAskForThem) {
  Host host;
  host.add({.id = "/a.slice", .kind = CgroupKind::slice, .unit = "a.slice"});
  host.now(kTasks, host.add({.id = "/b.slice", .kind = CgroupKind::slice, .unit = "b.slice"}),
           Value::of(0));
  EXPECT_THAT(names_in(host.table({.filters = {{TableFilter::Of::kind, "slice"}}})),
              ElementsAre("a.slice"));
  EXPECT_THAT(names_in(host.table({.filters = {{TableFilter::Of::name, "*.slice"}}})), SizeIs(0));
}

TEST(TerminalTable, ShowsWholeIdsWhereTheyAreAskedFor) {
  Host host;
  const std::string id(64, 'd');
  host.add({.id = "/docker/" + id, .kind = CgroupKind::container, .container_id = id});
  EXPECT_THAT(names_in(host.table({.whole_ids = true})), ElementsAre("/", id));
}

TEST(TerminalTable, HasMoreColumnsWhenItIsWide) {
  Host host;
  const Slot web = host.add({.id = "/docker/web",
                             .name = "web",
                             .image = "evil\x1b[2J:1",
                             .kind = CgroupKind::container,
                             .runtime = "docker",
                             .life = {.state = ContainerState::paused}});
  host.now(row("container_spec_cpu_quota_cores"), web, Value::of(500'000));
  host.now(row("container_memory_max_usage_bytes"), web, Value::of(9 * kMiB));
  host.now(row("container_memory_swap"), web, Value::of(0));
  host.now(row("container_oom_events_total"), web, Value::of(3));
  host.both(row("container_pressure_memory_stalled_seconds_total"), web, 0, 500 * kMs);
  const TerminalTable table =
      host.table({.wide = true, .processes = {{"/docker/web", "py\n3, sh"}}});
  EXPECT_EQ(line_of(table, "NAME"),
            "NAME CPU % CPU LIMIT MEM USAGE / LIMIT MEM % MEM PEAK SWAP PIDS THROTTLED PSI CPU PSI "
            "MEM PSI IO FULL CPU FULL MEM FULL IO IO READ/s IO WRITE/s OOM KILLS STATE RUNTIME POD "
            "IMAGE TOP PROCESSES");
  EXPECT_EQ(line_of(table, "web"),
            "web - 0.5 - - 9MiB 0B - - - - - - 25.00% - - - 3 paused docker - evil\\x1b[2J:1 "
            "py\\x0a3, sh");
  for (std::size_t width = 1; width < 240; ++width) {
    for (const std::string& line : lines_of(host.table({.width = width, .wide = true}).text)) {
      EXPECT_LE(display_width(line), width) << line;
    }
  }
}

TEST(TerminalTable, ColorsWhatNearsItsLimitAndNothingElse) {
  const auto memory_of = [](std::uint64_t percent, bool color) {
    Host host;
    const Slot slot = host.add_container("x");
    host.now(kWorkingSet, slot, Value::of(percent * kMiB));
    host.now(kLimit, slot, Value::of(100 * kMiB));
    return lines_of(host.table({.color = color}).text)[2];
  };
  EXPECT_THAT(memory_of(79, true), Not(HasSubstr("\x1b")));
  EXPECT_THAT(memory_of(80, true), HasSubstr("  \x1b[33m80.00%\x1b[0m  "));
  EXPECT_THAT(memory_of(95, true), HasSubstr("  \x1b[31m95.00%\x1b[0m  "));
  EXPECT_THAT(memory_of(95, false), Not(HasSubstr("\x1b")));
  const Host host = busy_host();
  EXPECT_THAT(host.table({.color = true}).text, HasSubstr("\x1b[31m95.00%\x1b[0m"));
  std::string plain = host.table({.color = true}).text;
  for (const std::string code : {"\x1b[31m", "\x1b[33m", "\x1b[0m"}) {
    for (std::size_t at = plain.find(code); at != plain.npos; at = plain.find(code)) {
      plain.erase(at, code.size());
    }
  }
  EXPECT_EQ(plain, host.table().text);
}

TEST(TerminalTable, GradesCpuByItsQuotaAndTasksByTheirLimit) {
  Host host;
  const Slot slot = host.add_container("x");
  host.both(kCpu, slot, 0, 960 * kMs);  // of 2 s
  host.now(row("container_spec_cpu_quota_cores"), slot, Value::of(500'000));
  host.now(kTasks, slot, Value::of(8));
  host.now(kTasksMax, slot, Value::of(10));
  const std::string line = lines_of(host.table({.color = true}).text)[2];
  EXPECT_THAT(line, HasSubstr("\x1b[31m48.00%\x1b[0m"));
  EXPECT_THAT(line, HasSubstr("\x1b[33m8/10\x1b[0m"));
}

TEST(TerminalTable, HasItsHeadForAHostWithoutAnything) {
  const auto empty = std::make_unique<Snapshot>();
  const TerminalTable table = terminal_table(*empty, *empty, {});
  EXPECT_THAT(lines_of(table.text), SizeIs(1));
  EXPECT_EQ(table.shown, 0U);
}

}  // namespace
}  // namespace cgmon
