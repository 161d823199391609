#include "collectors/cgroup/element_table.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace cgmon {
namespace {

constexpr std::size_t kMaxElements = 4096;
constexpr std::size_t kLongestValue = 128;
constexpr std::size_t kLargestPartitions = 1U << 20U;

bool is_plain(std::string_view value) {
  return value.size() <= kLongestValue && std::ranges::all_of(value, [](char byte) {
           return byte > ' ' && byte < 0x7f && byte != '"' && byte != '\\';
         });
}

}  // namespace

int ElementTable::begin_pass(bool devices) {
  read_again_ = false;
  const int error = devices ? read_names() : 0;
  devices_changed_ = text_ != last_text_ || (error != 0 && error != -ENOENT);
  if (text_ != last_text_ || elements_.size() > kMaxElements / 2) {
    last_text_ = text_;
    elements_.clear();
    numbers_.clear();
    devices_.clear();
    shared_.reset();
  }
  return error;
}

/// What could not be read now was true a moment ago: a series must not change its name for a pass.
int ElementTable::read_names() {
  fresh_.clear();
  const int error =
      read_file(files_, Files::kAbsolute, partitions_.c_str(), kLargestPartitions, fresh_);
  if (error == 0) std::swap(text_, fresh_);
  return error;
}

/// Seldom: once for each device, until the names change.
std::string_view ElementTable::name_of(DeviceNumber wanted) const {
  std::string_view found;
  // What is malformed names no device; it will show its number.
  static_cast<void>(parse_partitions(text_, [&](DeviceNumber number, std::string_view name) {
    if (number == wanted && is_plain(name)) found = name;
  }));
  return found;
}

std::uint32_t ElementTable::device(DeviceNumber number) {
  // The devices of a file come in the order of the file before, mostly.
  for (std::size_t i = 0; i < devices_.size(); ++i, ++next_device_) {
    if (next_device_ >= devices_.size()) next_device_ = 0;
    if (devices_[next_device_].number == number) return devices_[next_device_++].element;
  }
  const std::string numbers = std::to_string(number.major) + ':' + std::to_string(number.minor);
  std::string_view name = name_of(number);
  if (name.empty() && !read_again_) {
    read_again_ = true;  // it may have come since the pass began
    static_cast<void>(read_names());
    name = name_of(number);
  }
  const std::uint32_t element = add({{name.empty() ? numbers : "/dev/" + std::string(name),
                                      std::to_string(number.major), std::to_string(number.minor)}},
                                    number);
  if (element != kNone) devices_.push_back({number, element});
  return element;
}

std::uint32_t ElementTable::named(std::string_view first, std::string_view second) {
  for (std::size_t i = 0; i < elements_.size(); ++i) {
    const auto& values = elements_[i].values;
    if (values[0] == first && values[1] == second && values[2].empty()) {
      return static_cast<std::uint32_t>(i);
    }
  }
  if (!is_plain(first) || !is_plain(second)) return kNone;
  return add({{std::string(first), std::string(second), {}}});
}

std::uint32_t ElementTable::add(AxisElement element, DeviceNumber number) {
  if (elements_.size() >= kMaxElements) return kNone;
  elements_.push_back(std::move(element));
  numbers_.push_back(number);
  shared_.reset();
  return static_cast<std::uint32_t>(elements_.size() - 1);
}

std::shared_ptr<const AxisElements> ElementTable::share() {
  if (!shared_) shared_ = std::make_shared<const AxisElements>(elements_);
  return shared_;
}

}  // namespace cgmon
