#include "collectors/cgroup/read_plan.h"

#include <algorithm>

namespace cgmon {
namespace {

constexpr int kNowhere = -2;

/// The hierarchy that has a source on this host.
int place_of(const Layout& layout, const Source& source) {
  if (source.controller == Controller::proc) return FileKind::kProc;
  if (source.controller == Controller::agent) return kNowhere;
  int hierarchy = layout.serving(source.controller);
  // v2 freezes without a controller; where v1 has one, engines use that.
  const bool v2_freezer = source.controller == Controller::freezer && source.version == Version::v2;
  if (v2_freezer && hierarchy < 0) hierarchy = layout.serving(Controller::core);
  if (hierarchy < 0) return kNowhere;
  const Version version = layout.hierarchies[static_cast<std::size_t>(hierarchy)].version;
  return version == source.version ? hierarchy : kNowhere;
}

bool overlap(When a, When b) { return a == When::any || b == When::any || a == b; }

/// What a kept descriptor saves (measured: open and close cost 4-6 us, most for files whose text is
/// longest to set up). Files that only writes change are read too seldom to be kept at all.
unsigned keep_rank(std::string_view file) {
  if (file == "memory.stat") return 0;
  if (file.ends_with(".pressure")) return 1;
  if (file == "cpu.stat") return 2;
  if (file.starts_with("cpuacct.")) return 3;
  if (file == "memory.events" || file == "memory.oom_control") return 4;
  // Most kernels have few of these, and a file that is not there must not take another's place.
  if (file.starts_with("blkio.") && !file.starts_with("blkio.throttle.")) return 6;
  return 5;
}

/// v1 counts I/O that has a throttle rule, or all, or none: what says which.
CountingRole counting_role(std::string_view file) {
  if (file.starts_with("blkio.throttle.io_service_bytes")) return CountingRole::bytes;
  if (file.starts_with("blkio.throttle.io_serviced")) return CountingRole::operations;
  if (file.starts_with("blkio.throttle.read_")) return CountingRole::read_rule;
  if (file.starts_with("blkio.throttle.write_")) return CountingRole::write_rule;
  return CountingRole::none;
}

bool is_judged(const Source& source) {
  const CountingRole role = counting_role(source.file);
  return role == CountingRole::bytes || role == CountingRole::operations;
}

constexpr auto kThrottleRules = std::to_array<RowName>({
    {"container_spec_io_read_bytes_per_second"},
    {"container_spec_io_write_bytes_per_second"},
    {"container_spec_io_reads_per_second"},
    {"container_spec_io_writes_per_second"},
});

class Planner {
 public:
  Planner(const Layout& layout, GroupSet groups) : layout_(layout) { plan_.groups = groups; }

  ReadPlan make() {
    for (std::size_t row_index = 0; row_index < kRowCount; ++row_index) {
      const bool chosen = (plan_.groups & bit(group_of(row_index))) != 0;
      if (chosen && family_of(row_index).reporter != Reporter::nobody) {
        plan_.served[row_index] = add(row_index, group_of(row_index));
      }
    }
    prefer_axes();
    order_files();
    find_replacements();
    for (std::size_t row_index = 0; row_index < kRowCount; ++row_index) {
      const Row& row = kRows[row_index];
      plan_.names_devices |=
          plan_.read[row_index] && (row.axis == Axis::device || row.axis == Axis::device_number);
      if (!plan_.read[row_index] || row.derive == nullptr) continue;
      DerivedRow derived{.row = row_index, .inputs = {}};
      for (const RowName& input : row.inputs) {
        derived.inputs.items[derived.inputs.size++] = find_row(input.family, input.labels);
      }
      const RowName& needed = row.only_if_number;
      if (!needed.family.empty()) derived.only_if = find_row(needed.family, needed.labels);
      derived.nearest = needed.nearest;
      plan_.derived.push_back(derived);
    }
    choose_hierarchies();
    return std::move(plan_);
  }

 private:
  /// Returns whether the row can have a value here. `reader` is the group that asks for it.
  bool add(std::size_t row_index, Group reader) {
    if (done_[row_index]) return plan_.read[row_index];
    done_[row_index] = true;
    // Read for another's sake, it still belongs to its own group where that comes first.
    if ((plan_.groups & bit(group_of(row_index))) != 0) {
      reader = std::min(reader, group_of(row_index));
    }
    const Row& row = kRows[row_index];
    bool possible = std::ranges::any_of(
        row.sources, [](const Source& source) { return source.controller == Controller::agent; });
    std::size_t needed = kNoRow;
    if (!row.only_if_number.family.empty()) {
      needed = find_row(row.only_if_number.family, row.only_if_number.labels);
      if (!add(needed, reader)) return false;
      plan_.inherited[needed] |= row.only_if_number.nearest;
    }
    possible |= bind_sources(row_index, needed, reader);
    if (!row.inputs.empty()) {
      bool all = true, first = true;
      for (const RowName& input : row.inputs) {
        const bool has = add(find_row(input.family, input.labels), reader);
        all &= has || input.optional;
        if (&input == row.inputs.begin()) first = has;
      }
      // Derived where all are there; the agent computes by the first, others help.
      possible = row.derive != nullptr ? possible || all : possible && first;
    }
    plan_.read[row_index] = possible;
    return possible;
  }

  bool bind_sources(std::size_t row_index, std::size_t needed, Group reader) {
    std::vector<When> earlier;
    for (const Source& source : kRows[row_index].sources) {
      const int place = place_of(layout_, source);
      if (place == kNowhere) continue;
      Binding binding{row_index,
                      source.key,
                      source.unit,
                      source.when,
                      false,
                      needed,
                      kRows[row_index].only_if_number.nearest,
                      kRows[row_index].axis != Axis::none,
                      kRows[row_index].zero_is_none};
      for (const When when : earlier) binding.fallback |= overlap(when, source.when);
      earlier.push_back(source.when);
      bind(place, source, binding, reader);
      if (source.reach == Reach::own_only) plan_.subtree_sums.push_back(row_index);
    }
    return !earlier.empty();
  }

  /// One file, or one for each page size.
  void bind(int place, const Source& source, const Binding& binding, Group reader) {
    const std::size_t star = source.file.find(kEachPageSize);
    if (star == source.file.npos) {
      file_kind(place, source, std::string(source.file), reader).bindings.push_back(binding);
      if (!is_judged(source)) return;
      plan_.judges_block_io = true;
      for (const RowName& rule : kThrottleRules) {
        const std::size_t index = find_row(rule.family);
        const bool chosen = (plan_.groups & bit(group_of(index))) != 0;
        add(index, chosen ? std::min(reader, group_of(index)) : reader);
      }
      return;
    }
    for (const std::string& size : layout_.page_sizes) {
      std::string file(source.file);
      file.replace(star + 1, 1, size);
      FileKind& kind = file_kind(place, source, std::move(file), reader);
      kind.page_size = size;
      kind.bindings.push_back(binding);
    }
  }

  FileKind& file_kind(int place, const Source& source, std::string file, Group reader) {
    for (FileKind& kind : plan_.files) {
      if (kind.hierarchy == place && kind.file == file) {
        kind.group = std::min(kind.group, reader);
        return kind;
      }
    }
    FileKind kind;
    kind.hierarchy = place;
    kind.controller = source.controller;
    kind.version = source.version;
    kind.file = std::move(file);
    kind.name = source.file;
    kind.format = format_of(source);
    kind.group = reader;
    kind.keep_rank = keep_rank(source.file);
    kind.counting = counting_role(source.file);
    kind.written = only_writes_change(source.file);
    kind.root_tells = kind.format == FileFormat::operations;
    return plan_.files.emplace_back(std::move(kind));
  }

  /// A family that is served over an axis here does not show its total beside it: sums would
  /// double.
  void prefer_axes() {
    for (std::size_t i = 0; i < kRowCount; ++i) {
      if (!plan_.served[i] || kRows[i].axis == Axis::none) continue;
      for (std::size_t j = 0; j < kRowCount; ++j) {
        if (kFamilyOfRow[j] == kFamilyOfRow[i] && kRows[j].axis == Axis::none) {
          plan_.served[j] = false;
        }
      }
    }
  }

  void order_files() {
    const auto only_fallback = [](const FileKind& kind) {
      return std::ranges::all_of(kind.bindings, &Binding::fallback);
    };
    std::ranges::stable_sort(plan_.files, [&](const FileKind& a, const FileKind& b) {
      return std::pair(a.group, only_fallback(a)) < std::pair(b.group, only_fallback(b));
    });
  }

  /// Older kernels' files of the same count. bfq counts the disks that it schedules: beside the
  /// others, not in their place.
  void find_replacements() {
    const auto is_bfq = [](const FileKind& kind) { return kind.name.starts_with("blkio.bfq."); };
    for (std::size_t i = 0; i < plan_.files.size(); ++i) {
      if (plan_.files[i].format != FileFormat::operations || is_bfq(plan_.files[i])) continue;
      for (std::size_t j = 0; j < i; ++j) {
        const FileKind& earlier = plan_.files[j];
        const bool same_row = std::ranges::any_of(earlier.bindings, [&](const Binding& binding) {
          return binding.row == plan_.files[i].bindings.front().row;
        });
        if (same_row && !is_bfq(earlier)) plan_.files[i].replaces = j;
      }
    }
  }

  /// Those that are read, the v2 one and systemd's own: they name cgroups that others lack.
  void choose_hierarchies() {
    for (std::size_t i = 0; i < layout_.hierarchies.size(); ++i) {
      const int index = static_cast<int>(i);
      const bool is_read = std::ranges::any_of(
          plan_.files, [&](const FileKind& kind) { return kind.hierarchy == index; });
      const bool is_v2 = layout_.hierarchies[i].version == Version::v2;
      if (is_read || is_v2 || index == layout_.named_systemd() || index == layout_.master()) {
        plan_.hierarchies.push_back(index);
      }
    }
  }

  const Layout& layout_;
  ReadPlan plan_;
  std::array<bool, kRowCount> done_{};
};

/// Marks a row of the plan and all that it is made with, for a part that has `groups`.
void mark_needed(const ReadPlan& plan, std::size_t row_index, GroupSet groups,
                 std::vector<bool>& needed) {
  if (needed[row_index] || !plan.read[row_index]) return;
  needed[row_index] = true;
  const Row& row = kRows[row_index];
  if (!row.only_if_number.family.empty()) {
    mark_needed(plan, find_row(row.only_if_number.family, row.only_if_number.labels), groups,
                needed);
  }
  for (const RowName& name : row.inputs) {
    const std::size_t input = find_row(name.family, name.labels);
    // What the agent computes after all groups were read may be left to the input's own group.
    const bool left = row.derive == nullptr && family_of(input).reporter != Reporter::nobody &&
                      (groups & bit(group_of(input))) != 0;
    if (!left) mark_needed(plan, input, groups, needed);
  }
  if (!plan.judges_block_io || std::ranges::none_of(row.sources, &is_judged)) return;
  for (const RowName& rule : kThrottleRules) {
    mark_needed(plan, find_row(rule.family), groups, needed);
  }
}

}  // namespace

bool ReadPlan::has_fallback(std::size_t index) const {
  return !files[index].over_axis() &&
         std::ranges::any_of(files[index].bindings, [&](const Binding& first) {
           return !first.fallback && std::ranges::any_of(files, [&](const FileKind& other) {
             return std::ranges::any_of(other.bindings, [&](const Binding& later) {
               return later.fallback && later.row == first.row;
             });
           });
         });
}

PlanPart part_of(const ReadPlan& plan, GroupSet groups) {
  PlanPart part;
  part.groups = groups & plan.groups;
  part.files.resize(kGroups.size());
  std::vector<bool> taken(plan.files.size());
  for (std::size_t group = 0; group < kGroups.size(); ++group) {
    if ((part.groups & bit(static_cast<Group>(group))) == 0) continue;
    std::vector<bool> needed(kRowCount);
    for (std::size_t row_index = 0; row_index < kRowCount; ++row_index) {
      if (static_cast<std::size_t>(group_of(row_index)) != group) continue;
      if (family_of(row_index).reporter == Reporter::nobody) continue;
      part.served[row_index] = plan.served[row_index];
      mark_needed(plan, row_index, part.groups, needed);
    }
    for (std::size_t file = 0; file < plan.files.size(); ++file) {
      const bool needs = std::ranges::any_of(
          plan.files[file].bindings, [&](const Binding& binding) { return needed[binding.row]; });
      if (!needs || taken[file]) continue;
      taken[file] = true;
      part.files[group].push_back(file);
    }
  }
  return part;
}

ReadPlan make_read_plan(const Layout& layout, GroupSet groups) {
  return Planner(layout, groups | bit(Group::spec)).make();
}

}  // namespace cgmon
