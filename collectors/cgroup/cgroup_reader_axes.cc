// The part of CgroupReader that reads files with a line for each device, node or resource.

#include <algorithm>
#include <cerrno>
#include <optional>

#include "collectors/cgroup/cgroup_reader.h"
#include "collectors/parse/limit.h"
#include "collectors/parse/named_lines.h"

namespace cgmon {
namespace {

/// Marks the element of a sample that BlockIoCounting has still to judge.
constexpr std::uint32_t kUnjudged = 1U << 31U;

/// The node of a key "N0"; empty for other keys.
std::string_view node_of(std::string_view key) {
  return key.starts_with('N') && parse_number(key.substr(1)) ? key.substr(1) : std::string_view();
}

/// The directions whose counting an operation's number needs. Discards are writes to the throttle.
bool needs(std::string_view operation, IoDirection direction) {
  if (operation == "Read") return direction == IoDirection::read;
  if (operation == "Write" || operation == "Discard") return direction == IoDirection::write;
  return true;  // Sync, Async, Total
}

bool is_counter(const FileKind& kind) {
  return kind.counting == CountingRole::bytes || kind.counting == CountingRole::operations;
}

}  // namespace

void CgroupReader::begin_pass(std::size_t slots) {
  devices_dropped_ = 0;
  const int error = elements_.begin_pass(plan_.names_devices);
  // A kernel without block devices has no such file.
  if (error != 0 && error != -ENOENT)
    count_error("partitions", errno_name(-error), ".", "partitions");
  if (plan_.judges_block_io) counting_.begin_pass(slots);
}

std::uint32_t CgroupReader::end_pass(std::span<const Cgroup* const> order, std::size_t walked_blkio,
                                     Snapshot& snapshot) {
  snapshot.elements = elements_.share();
  if (!plan_.judges_block_io) return 0;
  counting_.judge(order, walked_blkio);
  std::vector<Slot>& without = not_counted_;
  without.clear();
  for (const FileKind& kind : plan_.files) {
    if (!is_counter(kind)) continue;
    for (const Binding& binding : kind.bindings) {
      std::erase_if(snapshot.axes[binding.row], [&](AxisSample& sample) {
        if ((sample.element & kUnjudged) == 0) return false;
        const std::uint32_t element = sample.element & ~kUnjudged;
        for (const IoDirection direction : {IoDirection::read, IoDirection::write}) {
          if (needs(binding.key, direction) &&
              !counting_.holds(sample.slot, elements_.number_of(element), direction)) {
            without.push_back(sample.slot);
            return true;
          }
        }
        sample.element = element;
        return false;
      });
    }
  }
  std::ranges::sort(without);
  const auto end = std::unique(without.begin(), without.end());  // clang 14 refuses the range's
  return static_cast<std::uint32_t>(end - without.begin());
}

/// The element of a line that is named by its device or resource, kNone beyond the bound.
std::uint32_t CgroupReader::element_of_line(const FileKind& kind, std::string_view name) {
  const Axis axis = kRows[kind.bindings.front().row].axis;
  if (axis != Axis::device && axis != Axis::device_number) return elements_.named(name);
  if (name == "default") return elements_.named({});  // the weight of devices without a line
  const auto number = parse_device_number(name);
  return number ? elements_.device(*number) : ElementTable::kNone;
}

/// A line begins: whether it is within the bound.
bool CgroupReader::within_bound() {
  if (lines_ <= kMaxDevices) return true;
  ++devices_dropped_;
  return false;
}

void CgroupReader::add(const Target& target, const Binding& binding, std::uint32_t element,
                       Value value) {
  if (!applies(binding.when, target.is_root)) return;
  value = converted(binding, value);
  if (!value.is_number()) return;  // no limit is no sample
  auto& samples = target.snapshot.axes[binding.row];
  if (binding.fallback) {
    for (auto at = samples.rbegin(); at != samples.rend() && at->slot == target.slot; ++at) {
      if ((at->element & ~kUnjudged) == element) return;
    }
  }
  samples.push_back(
      {target.slot, is_counter(target.kind) ? element | kUnjudged : element, value.number});
}

void CgroupReader::parse_nested(const Target& target, std::string_view text) {
  const Axis axis = kRows[target.kind.bindings.front().row].axis;
  std::string_view line;  // name of the line that `element` belongs to
  std::uint32_t element = ElementTable::kNone;
  malformed_ += parse_nested_keyed(text, [&](auto name, auto key, auto word) {
    if (axis == Axis::node) return add_node(target, name, key, word);
    if (name.data() != line.data()) {
      line = name;
      ++lines_;
      element =
          axis == Axis::device_resource ? ElementTable::kNone : element_of_line(target.kind, name);
      if (element == ElementTable::kNone && axis != Axis::device_resource) return false;
    }
    for (const Binding& binding : target.kind.bindings) {
      if (axis == Axis::device_resource) {
        element = elements_.named(name, key);
      } else if (binding.key != key) {
        continue;
      }
      const Value value = parse_limit_word(word);
      if (value.is_absent() || element == ElementTable::kNone) return false;
      if (within_bound()) add(target, binding, element, value);
    }
    return true;
  });
}

/// "file=7 N0=7 N1=0" of v1, "file N0=28672" of v2.
bool CgroupReader::add_node(const Target& target, std::string_view name, std::string_view key,
                            std::string_view word) {
  const std::string_view kind = name.substr(0, name.find('='));
  for (const Binding& binding : target.kind.bindings) {
    if (binding.key != kind) continue;
    const std::string_view node = node_of(key);
    const auto number = parse_number(word);
    if (node.empty() || !number) return false;
    const std::uint32_t element = elements_.named(node);
    if (element == ElementTable::kNone) return false;
    add(target, binding, element, Value::of(*number));
  }
  return true;
}

void CgroupReader::parse_named(const Target& target, std::string_view text) {
  const CountingRole role = target.kind.counting;
  malformed_ += parse_named_values(text, [&](std::string_view name, std::string_view word) {
    const Value value = parse_limit_word(word);
    if (value.is_absent()) return false;
    ++lines_;
    if (role == CountingRole::read_rule || role == CountingRole::write_rule) {
      const auto device = parse_device_number(name);
      if (!device) return false;
      counting_.rule(target.slot, *device,
                     role == CountingRole::read_rule ? IoDirection::read : IoDirection::write);
    }
    for (const Binding& binding : target.kind.bindings) {
      if (!name.ends_with(binding.key)) continue;
      const std::uint32_t element =
          element_of_line(target.kind, name.substr(0, name.size() - binding.key.size()));
      if (element == ElementTable::kNone) return false;
      if (within_bound()) add(target, binding, element, value);
    }
    return true;
  });
}

void CgroupReader::parse_operations_of(const Target& target, std::string_view text) {
  const FileKind& kind = target.kind;
  if (kind.counting == CountingRole::bytes) counting_.read(target.slot);
  std::string_view line;
  std::optional<DeviceNumber> device;
  std::uint32_t element = ElementTable::kNone;
  malformed_ += parse_operations(text, [&](auto name, auto operation, std::uint64_t value) {
    if (name != line) {  // a device has a line for each operation
      line = name;
      ++lines_;
      device = parse_device_number(name);
      element = device ? elements_.device(*device) : ElementTable::kNone;
      if (element == ElementTable::kNone) ++malformed_;
    }
    if (element == ElementTable::kNone) return;
    if (kind.counting == CountingRole::bytes && operation == "Read") {
      counting_.observe(target.slot, *device, IoDirection::read, value);
    } else if (kind.counting == CountingRole::bytes && operation == "Write") {
      counting_.observe(target.slot, *device, IoDirection::write, value);
    }
    for (const Binding& binding : kind.bindings) {
      if (binding.key == operation && within_bound()) {
        add(target, binding, element, Value::of(value));
      }
    }
  });
}

}  // namespace cgmon
