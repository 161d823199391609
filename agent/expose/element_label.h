#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// The labels of an axis' elements as the text formats have them, with a comma behind:
/// `cpu="cpu00",`, `device="/dev/vda",major="254",minor="0",`. Reuses its texts. One-thread.
class ElementLabels {
 public:
  /// Goes over to an axis of a snapshot.
  void set_axis(Axis axis, const Snapshot& snapshot);

  /// Holds until the next call.
  [[nodiscard]] std::string_view of(std::uint32_t element);

 private:
  Axis axis_ = Axis::none;
  std::vector<std::string> texts_;  // by element
  std::string cpu_;
};

}  // namespace cgmon
