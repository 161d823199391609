#include "collectors/cgroup/cgroup_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "collectors/metrics/read_errors.h"
#include "collectors/parse/cpu_list.h"
#include "collectors/parse/limit.h"
#include "collectors/parse/meminfo.h"
#include "collectors/parse/per_cpu.h"
#include "collectors/parse/percent.h"
#include "collectors/parse/psi.h"

namespace cgmon {
namespace {

constexpr std::size_t kFirstBuffer = 16384;
constexpr std::size_t kLargestFile = 1U << 20U;

std::vector<std::string_view> keys_of(const FileKind& kind) {
  std::vector<std::string_view> keys;
  for (const Binding& binding : kind.bindings) {
    if (std::ranges::find(keys, binding.key) == keys.end()) keys.push_back(binding.key);
  }
  return keys;
}

/// Whether a row that others depend on has a number, for this cgroup or (`nearest`) above it.
bool holds(std::size_t only_if, bool nearest, Slot slot, const Snapshot& snapshot) {
  if (only_if == kNoRow) return true;
  return (nearest ? snapshot.nearest(only_if, slot) : snapshot.value(only_if, slot)).is_number();
}

bool is_zero(Value value) { return value.is_number() && value.number == 0; }

/// A product beyond 64 bits is absent.
Value scaled(Value value, std::uint64_t factor) {
  if (!value.is_number() || factor == 1) return value;
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(value.number, factor, &product)) return Value::absent();
  return Value::of(product);
}

}  // namespace

CgroupReader::CgroupReader(Files& files, const ReadPlan& plan, const ReaderOptions& options)
    : files_(files),
      plan_(plan),
      ns_per_tick_(1'000'000'000 / options.ticks_per_second),
      page_bytes_(options.page_bytes),
      buffer_(kFirstBuffer),
      elements_(files, options.procfs + "/partitions") {
  prepared_.reserve(plan.files.size());
  for (const FileKind& kind : plan.files) {
    const std::vector<std::string_view> keys = keys_of(kind);
    Prepared prepared{.kind = &kind, .keyed = FlatKeyedParser(keys)};
    prepared.by_key.resize(keys.size());
    for (std::size_t i = 0; i < kind.bindings.size(); ++i) {
      const auto key = std::ranges::find(keys, kind.bindings[i].key) - keys.begin();
      prepared.by_key[static_cast<std::size_t>(key)].push_back(i);
    }
    prepared.only_fallback = std::ranges::all_of(kind.bindings, &Binding::fallback);
    prepared.only_if = kind.bindings.front().only_if;
    prepared.nearest = kind.bindings.front().nearest;
    for (const Binding& binding : kind.bindings) {
      if (binding.only_if != prepared.only_if) prepared.only_if = kNoRow;
      prepared.at_root |= applies(binding.when, true);
      prepared.elsewhere |= applies(binding.when, false);
    }
    prepared_.push_back(std::move(prepared));
  }
  for (const DerivedRow& derived : plan.derived) {
    const Row& row = kRows[derived.row];
    Derivable& derivable = derivable_.emplace_back();
    derivable.derive = row.derive;
    derivable.zero_is_none = row.zero_is_none;
    for (std::size_t i = 0; i < derived.inputs.size; ++i) {
      derivable.nearest.set(i, row.inputs.items[i].nearest);
      derivable.optional.set(i, row.inputs.items[i].optional);
    }
    for (const FileKind& kind : plan.files) {
      for (const Binding& binding : kind.bindings) {
        if (binding.row != derived.row) continue;
        if (applies(binding.when, true)) derivable.at_root = false;
        if (applies(binding.when, false)) derivable.elsewhere = false;
      }
    }
  }
}

bool CgroupReader::wanted(std::size_t index, Slot slot, bool is_root,
                          const Snapshot& snapshot) const {
  const Prepared& prepared = prepared_[index];
  if (!(is_root ? prepared.at_root : prepared.elsewhere)) return false;
  if (!holds(prepared.only_if, prepared.nearest, slot, snapshot)) return false;
  // Beside what another file has of one device, this one may have another device.
  if (!prepared.only_fallback || prepared.kind->over_axis()) return true;
  return std::ranges::any_of(prepared.kind->bindings, [&](const Binding& binding) {
    return snapshot.value(binding.row, slot).is_absent();
  });
}

std::size_t CgroupReader::lacks(std::size_t index, Slot slot, const Snapshot& snapshot) const {
  const Prepared& prepared = prepared_[index];
  return holds(prepared.only_if, prepared.nearest, slot, snapshot) ? kNoRow : prepared.only_if;
}

ReadOutcome CgroupReader::read(std::size_t index, const Place& place, Slot slot, bool is_root,
                               Snapshot& snapshot) {
  const FileKind& kind = *prepared_[index].kind;
  int handle = place.kept;
  if (handle < 0) {
    handle = files_.open(place.directory, compose(place.relative, kind.file));
    if (handle < 0) return fail(kind, -handle, place.relative);
  }
  const std::int64_t size = fetch(handle);
  if (place.kept < 0) files_.close(handle);
  if (size < 0) return fail(kind, static_cast<int>(-size), place.relative);
  text_size_ = static_cast<std::size_t>(size);
  return read_text(index, text(), place.relative, slot, is_root, snapshot);
}

ReadOutcome CgroupReader::read_text(std::size_t index, std::string_view text, const char* relative,
                                    Slot slot, bool is_root, Snapshot& snapshot) {
  Prepared& prepared = prepared_[index];
  const FileKind& kind = *prepared.kind;
  malformed_ = lines_ = 0;
  parse(prepared, text, {kind, slot, is_root, snapshot});
  if (malformed_ != 0) {
    count_error(kind.name, "malformed", relative, kind.file);
    return ReadOutcome::failed;
  }
  return ReadOutcome::ok;
}

/// "RELATIVE/FILE" in the reused buffer; "." is left out, which saves the kernel a step.
const char* CgroupReader::compose(const char* relative, const std::string& file) {
  if (std::strcmp(relative, ".") == 0) return file.c_str();
  path_.assign(relative);
  path_ += '/';
  path_ += file;
  return path_.c_str();
}

/// The whole file: one call, as cgroup files give all they have at once; a full buffer grows.
std::int64_t CgroupReader::fetch(int handle) {
  while (true) {
    ++reads_;
    const std::int64_t size = files_.read(handle, buffer_, 0);
    if (size < static_cast<std::int64_t>(buffer_.size())) return size;
    if (buffer_.size() >= kLargestFile) return -EFBIG;
    buffer_.resize(buffer_.size() * 2);
  }
}

void CgroupReader::parse(Prepared& prepared, std::string_view text, const Target& target) {
  const FileKind& kind = *prepared.kind;
  switch (kind.format) {
    case FileFormat::flat_keyed:
      malformed_ += prepared.keyed.parse(text, [&](std::size_t key, std::uint64_t number) {
        for (const std::size_t binding : prepared.by_key[key]) {
          set(target, kind.bindings[binding], Value::of(number));
        }
      });
      return;
    case FileFormat::single: {
      const Value value = parse_single(text);
      if (value.is_absent()) ++malformed_;
      for (const Binding& binding : kind.bindings) set(target, binding, value);
      return;
    }
    case FileFormat::fields: {
      const bool whole = text.ends_with('\n');
      if (!whole) ++malformed_;
      for (const Binding& binding : kind.bindings) {
        std::string_view rest = whole ? text.substr(0, text.size() - 1) : std::string_view();
        for (char skip = binding.key[0]; skip > '0'; --skip) take_word(rest);
        const Value value = parse_limit_word(take_word(rest));
        if (value.is_absent() && whole) ++malformed_;
        set(target, binding, value);
      }
      return;
    }
    case FileFormat::psi: {
      const Psi psi = parse_psi(text);
      malformed_ += psi.malformed;
      for (const Binding& binding : kind.bindings) {
        const auto& total = binding.key == "some" ? psi.some_usec : psi.full_usec;
        if (total) set(target, binding, Value::of(*total));
      }
      return;
    }
    case FileFormat::meminfo:
      for (const Binding& binding : kind.bindings) {
        const auto kib = parse_meminfo(text, binding.key);
        if (!kib) ++malformed_;
        if (kib) set(target, binding, Value::of(*kib));
      }
      return;
    case FileFormat::per_cpu:
      for (const Binding& binding : kind.bindings) {
        auto& samples = target.snapshot.axes[binding.row];
        const bool good = parse_per_cpu(text, [&](std::uint32_t cpu, std::uint64_t value) {
          // As cAdvisor: idle CPUs are left out.
          if (value != 0) samples.push_back({target.slot, cpu, value});
        });
        if (!good) ++malformed_;
      }
      return;
    case FileFormat::cpu_list:
    case FileFormat::percent:
    case FileFormat::word:
      parse_word(target, text);
      return;
    case FileFormat::nested_keyed:
      parse_nested(target, text);
      return;
    case FileFormat::named_values:
      parse_named(target, text);
      return;
    case FileFormat::operations:
      parse_operations_of(target, text);
      return;
  }
}

/// One value that is no plain number.
void CgroupReader::parse_word(const Target& target, std::string_view text) {
  const FileFormat format = target.kind.format;
  Value value;
  if (format == FileFormat::percent) {
    value = parse_percent(text);
  } else if (format == FileFormat::cpu_list) {
    if (const auto count = count_cpu_list(text)) value = Value::of(*count);
  }
  const bool is_word = format == FileFormat::word && text.size() > 1 && text.ends_with('\n');
  if (value.is_absent() && !is_word) ++malformed_;
  for (const Binding& binding : target.kind.bindings) {
    if (is_word) value = Value::of(text.substr(0, text.size() - 1) == binding.key ? 1 : 0);
    set(target, binding, value);
  }
}

void CgroupReader::set(const Target& target, const Binding& binding, Value value) {
  if (!applies(binding.when, target.is_root)) return;
  if (!holds(binding.only_if, binding.nearest, target.slot, target.snapshot)) return;
  if (binding.over_axis) {
    // The file is one element's: of a page size, or (a weight) of devices without their own.
    const std::uint32_t element = elements_.named(target.kind.page_size);
    if (element != ElementTable::kNone) add(target, binding, element, value);
    return;
  }
  Column& column = target.snapshot.columns[binding.row];
  if (binding.fallback && !column.get(target.slot).is_absent()) return;
  const Value stored = converted(binding, value);
  const bool is_none = binding.zero_is_none && is_zero(stored);
  if (!stored.is_absent() && !is_none) column.set(target.slot, stored);
}

/// From the file's unit to the row's base unit. A product beyond 64 bits is malformed.
Value CgroupReader::converted(const Binding& binding, Value value) {
  std::uint64_t factor = 1;
  switch (binding.unit) {
    case FileUnit::count:
    case FileUnit::nanoseconds:
      break;
    case FileUnit::bytes:
      if (value.is_number() && value.number >= kNoLimitBytes) value = Value::unlimited();
      break;
    case FileUnit::kibibytes:
      factor = 1024;
      break;
    case FileUnit::microseconds:
      factor = 1000;
      break;
    case FileUnit::percent:
      factor = 100;
      break;
    case FileUnit::user_ticks:
      factor = ns_per_tick_;
      break;
    case FileUnit::pages:
      factor = page_bytes_;
      break;
    case FileUnit::bytes_of_pages:
      return value.is_number() ? Value::of(value.number / page_bytes_) : value;
  }
  const Value stored = scaled(value, factor);
  if (stored.is_absent() && !value.is_absent()) ++malformed_;
  return stored;
}

void CgroupReader::derive(Slot slot, bool is_root, Snapshot& snapshot) const {
  for (std::size_t i = 0; i < plan_.derived.size(); ++i) {
    const Derivable& derivable = derivable_[i];
    if (!(is_root ? derivable.at_root : derivable.elsewhere)) continue;
    const DerivedRow& derived = plan_.derived[i];
    Column& column = snapshot.columns[derived.row];
    if (!holds(derived.only_if, derived.nearest, slot, snapshot)) continue;
    std::array<Value, 8> inputs;
    std::size_t count = 0;
    bool complete = true;
    for (const std::size_t input : derived.inputs) {
      inputs[count] =
          derivable.nearest[count] ? snapshot.nearest(input, slot) : snapshot.value(input, slot);
      complete &= derivable.optional[count] || !inputs[count].is_absent();
      ++count;
    }
    if (!complete) continue;
    const Value value = derivable.derive(std::span(inputs).first(count));
    column.set(slot, derivable.zero_is_none && is_zero(value) ? Value::absent() : value);
  }
}

ReadOutcome CgroupReader::fail(const FileKind& kind, int error, const char* relative) {
  switch (error) {
    case ENOENT:
      return ReadOutcome::absent;
    case ENODEV:
      return ReadOutcome::gone;
    case EOPNOTSUPP:
      return ReadOutcome::unsupported;
    case EFBIG:
      count_error(kind.name, "too_large", relative, kind.file);
      return ReadOutcome::failed;
    default:
      break;
  }
  count_error(kind.name, errno_name(error), relative, kind.file);
  return error == EACCES || error == EPERM ? ReadOutcome::denied : ReadOutcome::failed;
}

void CgroupReader::count_error(std::string_view name, std::string_view reason, const char* relative,
                               const std::string& file) {
  count_read_error(errors_, name, reason, [&] { return std::string(compose(relative, file)); });
}

}  // namespace cgmon
