#pragma once

#include <string>
#include <string_view>

#include "agent/enforce/plan.h"

namespace cgmon {

/// What the kernel made of a limit.
struct Kept {
  enum class How : std::uint8_t { exact, rounded, other };
  How how = How::other;
  std::string effective;  ///< as the kernel has it; empty: not there
};

/// Compares a limit that was written with what its file says now: `text` is of the step's read_back
/// or of its path. The kernel rounds and clamps without a word. Takes any bytes.
[[nodiscard]] Kept judge_kept(const Step& step, std::string_view text);

}  // namespace cgmon
