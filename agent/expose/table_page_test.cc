#include "agent/expose/table_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/expose/html_text.h"
#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kMiB = 1'048'576;

/// Two made-up snapshots of one host, two seconds apart.
class TablePage : public testing::Test {
 protected:
  TablePage() {
    older_.monotonic_ns = 5'000'000'000;
    newer_.monotonic_ns = 7'000'000'000;
    add({.id = "/", .kind = CgroupKind::root}, 1, 0);
  }

  void add(CgroupLabels labels, std::uint64_t mebibytes, std::uint64_t cpu_ms) {
    const auto slot = static_cast<Slot>(newer_.order.size());
    const auto shared = std::make_shared<const CgroupLabels>(std::move(labels));
    for (Snapshot* const snapshot : {&older_, &newer_}) {
      snapshot->order.push_back(slot);
      snapshot->labels.push_back(shared);
      snapshot->alive.push_back(1);
      set(*snapshot, row("container_start_time_seconds"), slot, 1'700'000'000);
      set(*snapshot, row("container_threads"), slot, 1);
      set(*snapshot, row("container_memory_working_set_bytes"), slot, mebibytes * kMiB);
      set(*snapshot, row("container_spec_memory_limit_bytes"), slot, 64 * kMiB);
      const bool later = snapshot == &newer_;
      set(*snapshot, row("container_cpu_usage_seconds_total", R"(cpu="total")"), slot,
          later ? cpu_ms * 1'000'000 : 0);
    }
  }
  static void set(Snapshot& snapshot, std::size_t row_index, Slot slot, std::uint64_t value) {
    if (!snapshot.columns[row_index].in_use()) snapshot.columns[row_index].reset(100);
    snapshot.columns[row_index].set(slot, Value::of(value));
  }
  void add_container(const std::string& name, std::uint64_t mebibytes, std::uint64_t cpu_ms) {
    add({.id = "/docker/" + name, .name = name, .kind = CgroupKind::container}, mebibytes, cpu_ms);
  }
  [[nodiscard]] std::string page(const std::string& sort = "cpu") const {
    const auto options =
        parse_table_page(std::vector{std::pair<std::string, std::string>{"sort", sort}});
    return table_page(older_, newer_, options.value(), {.version = "1.2.3"});
  }

  Snapshot older_, newer_;
};

TEST(HtmlText, EscapesWhatMeansSomething) {
  EXPECT_EQ(escape_html("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(escape_html("/metrics"), "/metrics");
  EXPECT_EQ(escape_html(""), "");
}

TEST_F(TablePage, HasTheFiguresOfTheTable) {
  add_container("web", 63, 500);
  const std::string html = page();
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\" title=\"/docker/web\">web</th><td>25.00%</td>"
                              "<td>63MiB / 64MiB</td><td class=\"full\">98.44%</td><td>1</td>"
                              "<td>-</td>"));
  EXPECT_THAT(html, HasSubstr("over the last 2 s"));
  EXPECT_THAT(html, Not(HasSubstr("http-equiv")));
}

TEST_F(TablePage, SortsByTheColumnThatIsAskedForAndLinksToTheOtherWay) {
  add_container("busy", 1, 900);
  add_container("large", 60, 100);
  const std::string by_cpu = page(), by_memory = page("memory"), least = page("-memory");
  EXPECT_LT(by_cpu.find(">busy<"), by_cpu.find(">large<"));
  EXPECT_GT(by_memory.find(">busy<"), by_memory.find(">large<"));
  EXPECT_LT(least.find(">busy<"), least.find(">large<"));
  EXPECT_THAT(by_cpu, HasSubstr("aria-sort=\"descending\"><a href=\"?sort=-cpu\">CPU %</a>"));
  EXPECT_THAT(by_cpu,
              HasSubstr("<th scope=\"col\"><a href=\"?sort=memory\">MEM USAGE / LIMIT</a>"));
  EXPECT_THAT(least, HasSubstr("aria-sort=\"ascending\"><a href=\"?sort=memory\">"));
}

TEST_F(TablePage, LetsNoNameBecomeMarkup) {
  add_container("<img src=x onerror=alert(1)>\n\"'&\xff\xe2\x80\xae", 1, 1);
  const std::string html = page();
  EXPECT_THAT(html,
              HasSubstr("&lt;img src=x onerror=alert(1)&gt;\\x0a&quot;&#39;&amp;\\xff\\u202e"));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
}

TEST_F(TablePage, RunsNoScriptAndLoadsNothing) {
  const std::string html = page();
  for (const char* const word :
       {"<script", "http:", "https:", "src=", "url(", "@import", "<link"}) {
    EXPECT_THAT(html, Not(HasSubstr(word)));
  }
  EXPECT_THAT(table_page_policy(), HasSubstr("default-src 'none'; style-src 'sha256-"));
  EXPECT_THAT(html, HasSubstr("<a href=\"/metrics\">/metrics</a>"));
  EXPECT_THAT(html, HasSubstr("version 1.2.3."));
}

TEST_F(TablePage, EscapesWhatIsConfigured) {
  const std::string html = table_page(
      older_, newer_, {}, {.version = "<b>", .telemetry_path = "/\"><script>x</script>"});
  EXPECT_THAT(html, HasSubstr("version &lt;b&gt;."));
  EXPECT_THAT(html, HasSubstr("href=\"/&quot;&gt;&lt;script&gt;x"));
}

TEST_F(TablePage, AsksAgainByItselfWhereItHasNoRatesYet) {
  add_container("web", 63, 500);
  const std::string html = table_page(newer_, newer_, {}, {});
  EXPECT_THAT(html, HasSubstr("<meta http-equiv=\"refresh\" content=\"2\">"));
  EXPECT_THAT(html, HasSubstr(">web</th><td>-</td><td>63MiB / 64MiB</td>"));
}

TEST_F(TablePage, KeepsTheOtherOptionsInItsLinks) {
  const std::vector<std::pair<std::string, std::string>> query{
      {"sort", "-pids"}, {"wide", "1"}, {"all", "1"}, {"every", "5"}};
  const std::string html = table_page(older_, newer_, parse_table_page(query).value(), {});
  EXPECT_THAT(html, HasSubstr("?sort=io-read&amp;wide=1&amp;all=1&amp;every=5"));
  EXPECT_THAT(html, HasSubstr("<meta http-equiv=\"refresh\" content=\"5\">"));
  EXPECT_THAT(html, HasSubstr("<b>all columns</b>"));
}

TEST_F(TablePage, SaysHowManyLinesItLeavesOut) {
  for (int i = 0; i < 99; ++i) add_container("c" + std::to_string(i), 1, 1);
  EXPECT_THAT(page(), Not(HasSubstr("more are not shown")));
  // Slots beyond the made-up columns have no figures, but a line.
  for (int i = 0; i < 910; ++i) {
    const auto slot = static_cast<Slot>(newer_.order.size());
    for (Snapshot* const snapshot : {&older_, &newer_}) {
      snapshot->order.push_back(slot);
      snapshot->alive.push_back(1);
      snapshot->labels.push_back(std::make_shared<const CgroupLabels>(
          CgroupLabels{.id = "/d/" + std::to_string(i), .kind = CgroupKind::container}));
    }
  }
  EXPECT_THAT(page(), HasSubstr("9 more are not shown"));
}

TEST_F(TablePage, RefusesWhatItDoesNotKnow) {
  const auto error_of = [](const char* name, const char* value) {
    const auto options =
        parse_table_page(std::vector{std::pair<std::string, std::string>{name, value}});
    return options ? std::string("none") : options.error().message();
  };
  EXPECT_THAT(error_of("sort", "memry"), HasSubstr("did you mean `memory`?"));
  EXPECT_THAT(error_of("sort", "\"><script>"), HasSubstr("known are name id cpu"));
  EXPECT_THAT(error_of("wide", "yes"), HasSubstr("wide: 1 or 0"));
  EXPECT_THAT(error_of("every", "-1"), HasSubstr("every: seconds"));
  EXPECT_THAT(error_of("every", "99999"), HasSubstr("every: seconds"));
  EXPECT_THAT(error_of("<b>", ""), HasSubstr("known are sort, wide, all and every"));
  EXPECT_EQ(error_of("sort", "-image"), "none");
}

}  // namespace
}  // namespace cgmon
