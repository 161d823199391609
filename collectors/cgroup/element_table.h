#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/kernel/files.h"
#include "collectors/metrics/axis.h"
#include "collectors/parse/device_number.h"

namespace cgmon {

/// Numbers the elements of the axes that rows spread over (devices, page sizes, nodes), and knows
/// the names of block devices. A number holds for the pass in which it was given, and with it for
/// the snapshot that shares the table. One-thread; allocates only for what it has not seen yet.
class ElementTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// `partitions`: the host's /proc/partitions, which names block devices.
  ElementTable(Files& files, std::string partitions)
      : files_(files), partitions_(std::move(partitions)) {}

  /// Forgets what is no longer true: a number that a disk had may be another's now. Reads the names
  /// again where `devices` are wanted; returns 0 or a negative errno of that.
  int begin_pass(bool devices);

  /// Whether the names have changed in this pass, or could not be read: disks may be others now.
  [[nodiscard]] bool devices_changed() const { return devices_changed_; }

  /// A block device: "/dev/NAME", or "MAJ:MIN" where the kernel gives no name (empty loop devices).
  std::uint32_t device(DeviceNumber number);
  /// Anything else, by its labels' values. kNone if one is no printable ASCII, has a quote or
  /// backslash or is too long: the kernel's names are neither.
  std::uint32_t named(std::string_view first, std::string_view second = {});

  /// Which device an element is.
  [[nodiscard]] DeviceNumber number_of(std::uint32_t element) const { return numbers_[element]; }
  /// Everything numbered so far, for a snapshot.
  [[nodiscard]] std::shared_ptr<const AxisElements> share();

 private:
  struct Device {
    DeviceNumber number;
    std::uint32_t element = kNone;
  };

  int read_names();
  [[nodiscard]] std::string_view name_of(DeviceNumber number) const;
  std::uint32_t add(AxisElement element, DeviceNumber number = {});

  Files& files_;
  std::string partitions_, text_, fresh_;  // path; its text; the text being read
  std::string last_text_;                  // what the elements were made by
  bool read_again_ = false;                // in this pass
  bool devices_changed_ = false;
  AxisElements elements_;
  std::vector<DeviceNumber> numbers_;  // by element
  std::vector<Device> devices_;        // those met, in the order of meeting them
  std::size_t next_device_ = 0;        // where the next one of a file is looked for first
  std::shared_ptr<const AxisElements> shared_;
};

}  // namespace cgmon
