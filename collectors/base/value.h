#pragma once

#include <cstdint>

namespace cgmon {

/// What was read of a number. Absent: the kernel did not report it. Unlimited: it reported "no
/// limit" (`max`, on v1 2^62 and above, quota -1). Neither is ever stood in for by a number.
enum class ValueState : std::uint8_t { absent, unlimited, number };

/// One number in the base unit of its row: bytes, nanoseconds, microcores or counts.
struct Value {
  std::uint64_t number = 0;
  ValueState state = ValueState::absent;

  [[nodiscard]] static constexpr Value of(std::uint64_t number) {
    return {number, ValueState::number};
  }
  [[nodiscard]] static constexpr Value unlimited() { return {0, ValueState::unlimited}; }
  [[nodiscard]] static constexpr Value absent() { return {}; }
  [[nodiscard]] constexpr bool is_number() const { return state == ValueState::number; }
  [[nodiscard]] constexpr bool is_absent() const { return state == ValueState::absent; }
  friend constexpr bool operator==(const Value&, const Value&) = default;
};

}  // namespace cgmon
