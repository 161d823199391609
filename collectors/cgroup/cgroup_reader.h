#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/cgroup/block_io_counting.h"
#include "collectors/cgroup/element_table.h"
#include "collectors/cgroup/read_plan.h"
#include "collectors/kernel/files.h"
#include "collectors/metrics/snapshot.h"
#include "collectors/parse/flat_keyed.h"

namespace cgmon {

/// How one read ended. `absent` and `gone` are normal life; what lies behind `failed` is counted.
enum class ReadOutcome : std::uint8_t {
  ok,
  absent,       ///< no such file: not of this kernel, controller or cgroup
  gone,         ///< the cgroup died (ENODEV)
  unsupported,  ///< EOPNOTSUPP: PSI is off, or a threaded cgroup
  denied,       ///< EACCES, EPERM
  failed,
};

struct ReaderOptions {
  std::uint32_t ticks_per_second = 100;  ///< USER_HZ, the unit of cpuacct.stat
  std::uint32_t page_bytes = 4096;       ///< the unit of v1's memory.numa_stat
  std::string procfs = "/proc";          ///< the host's, for the names of block devices
};

/// Reads the files of a plan for one cgroup and sets its values in a snapshot. Used by the host's
/// pass (hierarchy's descriptor and relative path) and for a single cgroup (its own directory). It
/// owns no descriptor. One-thread; allocates nothing once its buffers have grown.
class CgroupReader {
 public:
  /// More devices of one cgroup than these are left out and counted.
  static constexpr std::size_t kMaxDevices = 64;

  /// The plan must outlive the reader.
  CgroupReader(Files& files, const ReadPlan& plan, const ReaderOptions& options);

  /// Before the first read() of a pass: what elements of axes are called may have changed.
  void begin_pass(std::size_t slots);
  /// After the last: takes numbers out that the kernel did not count, and gives the snapshot the
  /// names of its elements. Returns how many cgroups of `order` it took something from.
  std::uint32_t end_pass(std::span<const Cgroup* const> order, std::size_t walked_blkio,
                         Snapshot& snapshot);
  void forget(std::span<const Slot> removed) { counting_.forget(removed); }
  /// The throttle rules of a cgroup could not be read.
  void rules_unknown(Slot slot) { counting_.rules_unknown(slot); }

  /// Where a file is to be found.
  struct Place {
    int directory = -1;          ///< handle of a directory
    const char* relative = ".";  ///< cgroup's path below it
    int kept = -1;               ///< an open handle of the file itself, -1: open it now
  };

  /// Reads file `index` of the plan for the cgroup in `slot`. `is_root`: the host's root, which has
  /// other sources. Values that the file does not give stay as they are.
  ReadOutcome read(std::size_t index, const Place& place, Slot slot, bool is_root,
                   Snapshot& snapshot);

  /// The same by an open handle of the file, but counts nothing: where it is not `ok`,
  /// count_failure() is to be called. So nobody has to make up a path for the usual case.
  ReadOutcome read_kept(std::size_t index, int kept, Slot slot, bool is_root, Snapshot& snapshot);
  /// The same in two steps: bytes or a negative errno, and what they say. What fills all of `into`
  /// may be longer.
  std::int64_t fetch(int kept, std::span<char> into);
  ReadOutcome take(std::size_t index, std::int64_t size, const char* bytes, Slot slot, bool is_root,
                   Snapshot& snapshot);
  /// Counts what the last read_kept(), take() or read_text() failed with, if that is to be counted;
  /// `relative` as in Place.
  void count_failure(std::size_t index, const char* relative);

  /// The same with what the file said when it was read last.
  ReadOutcome read_text(std::size_t index, std::string_view text, Slot slot, bool is_root,
                        Snapshot& snapshot);
  /// What the last read() read; until the next.
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), text_size_}; }
  /// Whether disks may be others than in the pass before.
  [[nodiscard]] bool devices_changed() const { return elements_.devices_changed(); }

  /// The outcome of a file that could not be opened, counted as read() counts it.
  ReadOutcome failed(std::size_t index, int error, const char* relative) {
    const ReadOutcome outcome = outcome_of(error);
    count_failure(index, relative);
    return outcome;
  }

  /// Whether file `index` can add anything for this cgroup now: it belongs to root or non-root, its
  /// condition holds, and as a fallback it is still needed.
  [[nodiscard]] bool wanted(std::size_t index, Slot slot, bool is_root,
                            const Snapshot& snapshot) const;

  /// The row without which file `index` has nothing to say of this cgroup, kNoRow if it has.
  [[nodiscard]] std::size_t lacks(std::size_t index, Slot slot, const Snapshot& snapshot) const;

  /// Whether file `index` has something to say of every cgroup but the root, whatever others say.
  [[nodiscard]] bool is_unconditional(std::size_t index) const {
    return prepared_[index].elsewhere && prepared_[index].only_if == kNoRow;
  }

  /// Whether file `index` has nothing but what another file of the plan has first.
  [[nodiscard]] bool is_fallback(std::size_t index) const { return prepared_[index].only_fallback; }

  /// Computes derived rows of one cgroup. Call after its files were read. A row that has a source
  /// for this cgroup is not derived, whatever became of its file: a number that is now read, now
  /// computed from others would be two numbers under one name.
  void derive(Slot slot, bool is_root, Snapshot& snapshot) const;

  [[nodiscard]] const std::vector<ReadError>& errors() const { return errors_; }
  [[nodiscard]] std::uint64_t reads() const { return reads_; }
  /// Goes on counting where the reader of another plan stopped.
  void count_on(const CgroupReader& before) {
    errors_ = before.errors_;
    reads_ = before.reads_;
    counting_ = before.counting_;
  }
  /// Samples left out by kMaxDevices in this pass.
  [[nodiscard]] std::uint64_t devices_dropped() const { return devices_dropped_; }
  /// Whether the file just read had a line of any device or name.
  [[nodiscard]] bool had_lines() const { return lines_ != 0; }
  /// The elements of the pass, for numbers that others read.
  [[nodiscard]] ElementTable& elements() { return elements_; }

 private:
  /// A binding as nearly all numbers need it: one that is `plain` has no condition, no other source
  /// and no axis, so that its number goes straight to its column.
  struct Store {
    const Binding* binding = nullptr;
    std::uint64_t factor = 1;  ///< from the file's unit to the row's
    std::uint64_t bound = 0;   ///< from this number on it takes a closer look
    std::uint32_t row = 0;
    bool plain_at_root = false, plain_elsewhere = false;
  };

  struct Prepared {
    const FileKind* kind = nullptr;
    FlatKeyedParser keyed;
    std::vector<Store> stores;                ///< bindings in the order of the keys of `keyed`
    std::vector<std::uint32_t> first_of_key;  ///< index into stores, and their number at the end
    bool only_fallback = false;               ///< every binding is
    std::size_t only_if = kNoRow;             ///< the condition that all bindings share
    bool nearest = false;                     ///< it may hold by a cgroup above
    bool at_root = false, elsewhere = false;
  };

  /// The file being parsed, and where its numbers go.
  struct Target {
    const FileKind& kind;
    Slot slot;
    bool is_root;
    Snapshot& snapshot;
  };

  struct Derivable {
    bool at_root = true, elsewhere = true;
    // Of the row, as in Binding.
    Derivation derive = nullptr;
    bool zero_is_none = false;
    std::bitset<8> nearest, optional;  ///< by input
  };

  const char* compose(const char* relative, const std::string& file);
  std::int64_t fetch(int handle);
  void parse(Prepared& prepared, std::string_view text, const Target& target);
  void parse_word(const Target& target, std::string_view text);
  [[nodiscard]] Store store_of(const Binding& binding) const;
  [[nodiscard]] std::uint64_t factor_of(FileUnit unit) const;
  void store(const Target& target, const Store& store, Value value);
  void set(const Target& target, const Binding& binding, Value value);
  [[nodiscard]] Value converted(const Binding& binding, Value value);

  // cgroup_reader_axes.cc
  void parse_nested(const Target& target, std::string_view text);
  bool add_node(const Target& target, std::string_view name, std::string_view key,
                std::string_view word);
  void parse_named(const Target& target, std::string_view text);
  void parse_operations_of(const Target& target, std::string_view text);
  std::uint32_t element_of_line(const FileKind& kind, std::string_view name);
  bool within_bound();
  void add(const Target& target, const Binding& binding, std::uint32_t element, Value value);
  ReadOutcome outcome_of(int error);
  void count_error(std::string_view name, std::string_view reason, const char* relative,
                   const std::string& file);

  Files& files_;
  const ReadPlan& plan_;
  std::uint64_t ns_per_tick_, page_bytes_;
  std::vector<Prepared> prepared_;
  std::vector<Derivable> derivable_;  ///< by derived row of the plan
  std::vector<char> buffer_;
  std::size_t text_size_ = 0;
  std::string path_;
  std::string_view failure_;   ///< what the last read failed with, as it is counted
  std::size_t malformed_ = 0;  ///< in the file just parsed
  std::size_t lines_ = 0;      ///< of elements, in the file just parsed
  ElementTable elements_;
  BlockIoCounting counting_;
  std::uint64_t devices_dropped_ = 0;
  std::vector<Slot> not_counted_;  ///< in the pass that ends
  std::vector<ReadError> errors_;
  std::uint64_t reads_ = 0;
};

}  // namespace cgmon
