#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/metrics/row.h"

namespace cgmon {

/// One element of an axis: the values of its labels, in the order of label_names(). Valid UTF-8;
/// an empty one is not printed.
struct AxisElement {
  std::array<std::string, 3> values;
  friend bool operator==(const AxisElement&, const AxisElement&) = default;
};

/// What AxisSample::element counts into, for every axis but `cpu` (there it is the CPU's number)
/// and `limited_by` (there it counts into Snapshot::limiters). A device is the same element for the
/// axes `device` and `device_number`.
using AxisElements = std::vector<AxisElement>;

/// The names of an axis' labels.
[[nodiscard]] inline std::span<const std::string_view> label_names(Axis axis) {
  static constexpr std::array<std::string_view, 3> kDevice{"device", "major", "minor"};
  static constexpr std::array<std::string_view, 2> kDeviceResource{"device", "resource"};
  static constexpr std::array<std::string_view, 7> kOthers{
      "cpu", "pagesize", "node", "resource", "region", "interface", "limited_by"};
  const auto other = [](std::size_t index) { return std::span(kOthers).subspan(index, 1); };
  switch (axis) {
    case Axis::none:
      break;
    case Axis::device:
      return std::span(kDevice).first(1);
    case Axis::device_number:
      return kDevice;
    case Axis::device_resource:
      return kDeviceResource;
    case Axis::cpu:
      return other(0);
    case Axis::pagesize:
      return other(1);
    case Axis::node:
      return other(2);
    case Axis::resource:
      return other(3);
    case Axis::region:
      return other(4);
    case Axis::interface:
      return other(5);
    case Axis::limited_by:
      return other(6);
  }
  return {};
}

}  // namespace cgmon
