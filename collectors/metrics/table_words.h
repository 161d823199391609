#pragma once

#include "collectors/metrics/family.h"
#include "collectors/metrics/row.h"

/// The words in which the tables are written: each part of them (tables_*.h) has its families in
/// the first namespace and its rows in the second, one to a line.
namespace cgmon::tables::families {

using enum Kind;
using enum Unit;
using enum Group;
using enum Reporter;

}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {

using enum Controller;
using enum Version;
using enum FileUnit;
using enum When;
using enum Unlimited;
using enum Reach;

inline constexpr auto kZero = CadvisorAbsent::zero;
inline constexpr RowName kQuota{"container_spec_cpu_quota"};
inline constexpr RowName kQuotaInChain{.family = "container_spec_cpu_quota", .nearest = true};
inline constexpr RowName kHostHasSwap{.family = "host_swap_bytes", .nearest = true};

}  // namespace cgmon::tables::rows
