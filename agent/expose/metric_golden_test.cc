// What the tables say to users, committed: docs/metrics.md, and every family with type and unit.

#include <gtest/gtest.h>

#include "agent/expose/metric_reference.h"
#include "agent/expose/metric_words.h"
#include "collectors/metrics/tables.h"
#include "tests/support/golden.h"

namespace cgmon {
namespace {

TEST(MetricReference, IsCommittedAsDocumentation) {
  expect_golden("../../docs/metrics.md", metric_markdown());
}

TEST(MetricReference, NamesTheFamiliesThatAreCommitted) {
  std::string text;
  for (const Family& family : kFamilies) {
    if (family.reporter == Reporter::nobody) continue;
    text.append(family.name).append(" ").append(word(family.kind)).append(" ");
    text.append(word(family.unit)).append(", collector ").append(info(family.group).name) += '\n';
  }
  expect_golden("families.txt", text);
}

}  // namespace
}  // namespace cgmon
