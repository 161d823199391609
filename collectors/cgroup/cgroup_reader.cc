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
    for (const std::string_view key : keys) {
      prepared.first_of_key.push_back(static_cast<std::uint32_t>(prepared.stores.size()));
      for (const Binding& binding : kind.bindings) {
        if (binding.key == key) prepared.stores.push_back(store_of(binding));
      }
    }
    prepared.first_of_key.push_back(static_cast<std::uint32_t>(prepared.stores.size()));
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
  int handle = place.kept;
  if (handle < 0) {
    handle = files_.open(place.directory, compose(place.relative, prepared_[index].kind->file));
    if (handle < 0) return failed(index, -handle, place.relative);
  }
  const ReadOutcome outcome = read_kept(index, handle, slot, is_root, snapshot);
  if (place.kept < 0) files_.close(handle);
  if (outcome != ReadOutcome::ok) count_failure(index, place.relative);
  return outcome;
}

ReadOutcome CgroupReader::read_kept(std::size_t index, int kept, Slot slot, bool is_root,
                                    Snapshot& snapshot) {
  const std::int64_t size = fetch(kept);
  if (size < 0) return outcome_of(static_cast<int>(-size));
  text_size_ = static_cast<std::size_t>(size);
  return read_text(index, text(), slot, is_root, snapshot);
}

std::int64_t CgroupReader::fetch(int kept, std::span<char> into) {
  ++reads_;
  return files_.read(kept, into, 0);
}

ReadOutcome CgroupReader::take(std::size_t index, std::int64_t size, const char* bytes, Slot slot,
                               bool is_root, Snapshot& snapshot) {
  if (size < 0) return outcome_of(static_cast<int>(-size));
  return read_text(index, {bytes, static_cast<std::size_t>(size)}, slot, is_root, snapshot);
}

ReadOutcome CgroupReader::read_text(std::size_t index, std::string_view text, Slot slot,
                                    bool is_root, Snapshot& snapshot) {
  Prepared& prepared = prepared_[index];
  malformed_ = lines_ = 0;
  parse(prepared, text, {*prepared.kind, slot, is_root, snapshot});
  if (malformed_ == 0) return ReadOutcome::ok;
  failure_ = "malformed";
  return ReadOutcome::failed;
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
        const std::uint32_t end = prepared.first_of_key[key + 1];
        for (std::uint32_t i = prepared.first_of_key[key]; i < end; ++i) {
          store(target, prepared.stores[i], Value::of(number));
        }
      });
      return;
    case FileFormat::single: {
      const Value value = parse_single(text);
      if (value.is_absent()) ++malformed_;
      for (const Store& each : prepared.stores) store(target, each, value);
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
      for (const Store& each : prepared.stores) {
        const auto& total = each.binding->key == "some" ? psi.some_usec : psi.full_usec;
        if (total) store(target, each, Value::of(*total));
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

CgroupReader::Store CgroupReader::store_of(const Binding& binding) const {
  const bool plain = binding.only_if == kNoRow && !binding.over_axis && !binding.fallback &&
                     !binding.zero_is_none && binding.unit != FileUnit::bytes_of_pages;
  return {.binding = &binding,
          .factor = factor_of(binding.unit),
          .bound = binding.unit == FileUnit::bytes ? kNoLimitBytes : UINT64_MAX,
          .row = static_cast<std::uint32_t>(binding.row),
          .plain_at_root = plain && applies(binding.when, true),
          .plain_elsewhere = plain && applies(binding.when, false)};
}

void CgroupReader::store(const Target& target, const Store& store, Value value) {
  const bool plain = target.is_root ? store.plain_at_root : store.plain_elsewhere;
  std::uint64_t number = 0;
  if (plain && value.is_number() && !__builtin_mul_overflow(value.number, store.factor, &number) &&
      number < store.bound) {
    target.snapshot.columns[store.row].set(target.slot, Value::of(number));
    return;
  }
  set(target, *store.binding, value);
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
  if (binding.unit == FileUnit::bytes_of_pages) {
    return value.is_number() ? Value::of(value.number / page_bytes_) : value;
  }
  if (binding.unit == FileUnit::bytes && value.is_number() && value.number >= kNoLimitBytes) {
    return Value::unlimited();
  }
  const Value stored = scaled(value, factor_of(binding.unit));
  if (stored.is_absent() && !value.is_absent()) ++malformed_;
  return stored;
}

std::uint64_t CgroupReader::factor_of(FileUnit unit) const {
  switch (unit) {
    case FileUnit::count:
    case FileUnit::bytes:
    case FileUnit::nanoseconds:
    case FileUnit::bytes_of_pages:
      break;
    case FileUnit::kibibytes:
      return 1024;
    case FileUnit::microseconds:
      return 1000;
    case FileUnit::percent:
      return 100;
    case FileUnit::user_ticks:
      return ns_per_tick_;
    case FileUnit::pages:
      return page_bytes_;
  }
  return 1;
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

ReadOutcome CgroupReader::outcome_of(int error) {
  failure_ = {};
  switch (error) {
    case ENOENT:
      return ReadOutcome::absent;
    case ENODEV:
      return ReadOutcome::gone;
    case EOPNOTSUPP:
      return ReadOutcome::unsupported;
    case EFBIG:
      failure_ = "too_large";
      return ReadOutcome::failed;
    default:
      break;
  }
  failure_ = errno_name(error);
  return error == EACCES || error == EPERM ? ReadOutcome::denied : ReadOutcome::failed;
}

void CgroupReader::count_failure(std::size_t index, const char* relative) {
  const FileKind& kind = *prepared_[index].kind;
  if (!failure_.empty()) count_error(kind.name, failure_, relative, kind.file);
}

void CgroupReader::count_error(std::string_view name, std::string_view reason, const char* relative,
                               const std::string& file) {
  count_read_error(errors_, name, reason, [&] { return std::string(compose(relative, file)); });
}

}  // namespace cgmon
