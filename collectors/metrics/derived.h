#pragma once

#include <cstdint>
#include <span>

#include "collectors/base/value.h"

namespace cgmon {

/// Derivations: pure functions from the values of other rows, in the order that the row names.
/// Absent in, absent out, unless a function says otherwise.

/// Memory that cannot be given back at once: usage less inactive file cache, never below 0.
/// Inputs: usage, inactive_file. Units: bytes. Every memory.stat has inactive_file: where it is
/// absent the file could not be read, and usage alone would be another number. Source: the
/// kubelet's and cAdvisor's definition (eviction and the HPA use it).
[[nodiscard]] constexpr Value working_set(std::span<const Value> in) {
  if (!in[0].is_number() || !in[1].is_number()) return Value::absent();
  return Value::of(in[0].number > in[1].number ? in[0].number - in[1].number : 0);
}

/// Sum of two inputs. On v2 the root has no memory.current: anonymous and file memory stand for it.
[[nodiscard]] constexpr Value sum(std::span<const Value> in) {
  if (!in[0].is_number() || !in[1].is_number()) return Value::absent();
  return Value::of(in[0].number + in[1].number);
}

/// First less second input, never below 0.
[[nodiscard]] constexpr Value difference(std::span<const Value> in) {
  if (!in[0].is_number() || !in[1].is_number()) return Value::absent();
  return Value::of(in[0].number > in[1].number ? in[0].number - in[1].number : 0);
}

/// First less all other inputs, never below 0. Others that are absent take nothing off: they are
/// parts that this kernel does not tell apart. (Which inputs may be absent, the row says.)
[[nodiscard]] constexpr Value less(std::span<const Value> in) {
  if (!in[0].is_number()) return Value::absent();
  std::uint64_t rest = in[0].number;
  for (const Value& part : in.subspan(1)) {
    if (part.is_number()) rest -= part.number < rest ? part.number : rest;
  }
  return Value::of(rest);
}

/// First input where it is less than the second.
[[nodiscard]] constexpr Value fewer(std::span<const Value> in) {
  const bool both = in[0].is_number() && in[1].is_number();
  return both && in[0].number < in[1].number ? in[0] : Value::absent();
}

/// First input where any other is there, "no limit" included.
[[nodiscard]] constexpr Value first_if_any(std::span<const Value> in) {
  for (const Value& other : in.subspan(1)) {
    if (!other.is_absent()) return in[0];
  }
  return Value::absent();
}

/// cpu.shares out of cpu.weight by the linear formula that cAdvisor prints (it inverts runc's old
/// conversion; newer runtimes convert otherwise, so the raw weight is served beside it).
[[nodiscard]] constexpr Value shares_from_weight(std::span<const Value> in) {
  if (!in[0].is_number() || in[0].number == 0) return Value::absent();
  return Value::of(2 + (in[0].number - 1) * 262142 / 9999);
}

/// CPU quota in microcores. Inputs: quota and period in microseconds; without a quota absent.
[[nodiscard]] constexpr Value quota_cores(std::span<const Value> in) {
  if (!in[0].is_number() || !in[1].is_number() || in[1].number == 0) return Value::absent();
  if (in[0].number > UINT64_MAX / 1'000'000) return Value::absent();
  return Value::of(in[0].number * 1'000'000 / in[1].number);
}

}  // namespace cgmon
