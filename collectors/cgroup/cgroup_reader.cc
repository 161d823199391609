#include "collectors/cgroup/cgroup_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "collectors/parse/limit.h"
#include "collectors/parse/meminfo.h"
#include "collectors/parse/per_cpu.h"
#include "collectors/parse/psi.h"

namespace cgmon {
namespace {

constexpr std::size_t kFirstBuffer = 16384;
constexpr std::size_t kLargestFile = 1U << 20U;

bool applies(When when, bool is_root) {
  return when == When::any || (when == When::root) == is_root;
}

std::vector<std::string_view> keys_of(const FileKind& kind) {
  std::vector<std::string_view> keys;
  for (const Binding& binding : kind.bindings) {
    if (std::ranges::find(keys, binding.key) == keys.end()) keys.push_back(binding.key);
  }
  return keys;
}

/// From the file's unit to the row's base unit. A product beyond 64 bits is absent.
Value scaled(Value value, std::uint64_t factor) {
  if (!value.is_number() || factor == 1) return value;
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(value.number, factor, &product)) return Value::absent();
  return Value::of(product);
}

}  // namespace

CgroupReader::CgroupReader(Files& files, const ReadPlan& plan, std::uint32_t ticks_per_second)
    : files_(files),
      plan_(plan),
      ns_per_tick_(1'000'000'000 / ticks_per_second),
      buffer_(kFirstBuffer) {
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
    for (const Binding& binding : kind.bindings) {
      if (binding.only_if != prepared.only_if) prepared.only_if = kNoRow;
      prepared.at_root |= applies(binding.when, true);
      prepared.elsewhere |= applies(binding.when, false);
    }
    prepared_.push_back(std::move(prepared));
  }
  for (const DerivedRow& derived : plan.derived) {
    Derivable& derivable = derivable_.emplace_back();
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
  if (prepared.only_if != kNoRow && !snapshot.value(prepared.only_if, slot).is_number()) {
    return false;
  }
  if (!prepared.only_fallback) return true;
  return std::ranges::any_of(prepared.kind->bindings, [&](const Binding& binding) {
    return snapshot.value(binding.row, slot).is_absent();
  });
}

ReadOutcome CgroupReader::read(std::size_t index, const Place& place, Slot slot, bool is_root,
                               Snapshot& snapshot) {
  Prepared& prepared = prepared_[index];
  const FileKind& kind = *prepared.kind;
  int handle = place.kept;
  if (handle < 0) {
    handle = files_.open(place.directory, compose(place.relative, kind.file));
    if (handle < 0) return fail(kind, -handle, place.relative);
  }
  const std::int64_t size = fetch(handle);
  if (place.kept < 0) files_.close(handle);
  if (size < 0) return fail(kind, static_cast<int>(-size), place.relative);
  malformed_ = 0;
  parse(prepared, {buffer_.data(), static_cast<std::size_t>(size)}, slot, is_root, snapshot);
  if (malformed_ != 0) {
    count_error(kind, "malformed", place.relative);
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

void CgroupReader::parse(Prepared& prepared, std::string_view text, Slot slot, bool is_root,
                         Snapshot& snapshot) {
  const FileKind& kind = *prepared.kind;
  switch (kind.format) {
    case FileFormat::flat_keyed:
      parse_keyed(prepared, text, slot, is_root, snapshot);
      return;
    case FileFormat::single: {
      const Value value = parse_single(text);
      if (value.is_absent()) ++malformed_;
      for (const Binding& binding : kind.bindings) set(binding, value, slot, is_root, snapshot);
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
        set(binding, value, slot, is_root, snapshot);
      }
      return;
    }
    case FileFormat::psi: {
      const Psi psi = parse_psi(text);
      malformed_ += psi.malformed;
      for (const Binding& binding : kind.bindings) {
        const auto& total = binding.key == "some" ? psi.some_usec : psi.full_usec;
        if (total) set(binding, Value::of(*total), slot, is_root, snapshot);
      }
      return;
    }
    case FileFormat::meminfo:
      for (const Binding& binding : kind.bindings) {
        const auto kib = parse_meminfo(text, binding.key);
        if (!kib) ++malformed_;
        if (kib) set(binding, Value::of(*kib), slot, is_root, snapshot);
      }
      return;
    case FileFormat::per_cpu:
      for (const Binding& binding : kind.bindings) {
        auto& samples = snapshot.axes[binding.row];
        const bool good = parse_per_cpu(text, [&](std::uint32_t cpu, std::uint64_t value) {
          if (value != 0) samples.push_back({slot, cpu, value});  // as cAdvisor: idle CPUs left out
        });
        if (!good) ++malformed_;
      }
      return;
  }
}

void CgroupReader::parse_keyed(Prepared& prepared, std::string_view text, Slot slot, bool is_root,
                               Snapshot& snapshot) {
  malformed_ += prepared.keyed.parse(text, [&](std::size_t key, std::uint64_t number) {
    for (const std::size_t binding : prepared.by_key[key]) {
      set(prepared.kind->bindings[binding], Value::of(number), slot, is_root, snapshot);
    }
  });
}

void CgroupReader::set(const Binding& binding, Value value, Slot slot, bool is_root,
                       Snapshot& snapshot) {
  if (!applies(binding.when, is_root)) return;
  Column& column = snapshot.columns[binding.row];
  if (binding.fallback && !column.get(slot).is_absent()) return;
  if (binding.only_if != kNoRow && !snapshot.value(binding.only_if, slot).is_number()) return;
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
    case FileUnit::user_ticks:
      factor = ns_per_tick_;
      break;
  }
  const Value stored = scaled(value, factor);
  if (stored.is_absent() && !value.is_absent()) ++malformed_;
  if (!stored.is_absent()) column.set(slot, stored);
}

void CgroupReader::derive(Slot slot, bool is_root, Snapshot& snapshot) const {
  for (std::size_t i = 0; i < plan_.derived.size(); ++i) {
    if (!(is_root ? derivable_[i].at_root : derivable_[i].elsewhere)) continue;
    const DerivedRow& derived = plan_.derived[i];
    Column& column = snapshot.columns[derived.row];
    std::array<Value, 3> inputs;
    std::size_t count = 0;
    for (const std::size_t input : derived.inputs) inputs[count++] = snapshot.value(input, slot);
    column.set(slot, kRows[derived.row].derive(std::span(inputs).first(count)));
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
      count_error(kind, "too_large", relative);
      return ReadOutcome::failed;
    default:
      break;
  }
  count_error(kind, errno_name(error), relative);
  return error == EACCES || error == EPERM ? ReadOutcome::denied : ReadOutcome::failed;
}

void CgroupReader::count_error(const FileKind& kind, std::string_view reason,
                               const char* relative) {
  for (ReadError& error : errors_) {
    if (error.file == kind.name && error.reason == reason) {
      ++error.count;
      return;
    }
  }
  errors_.push_back({kind.name, reason, 1, compose(relative, kind.file)});
}

}  // namespace cgmon
