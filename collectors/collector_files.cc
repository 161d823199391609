#include <algorithm>
#include <cerrno>
#include <utility>

#include "collectors/collector.h"

namespace cgmon {

/// Whether a file may fill what others of its rows left empty.
bool Collector::may_read(std::size_t file, const Cgroup& cgroup, bool failed) const {
  if (root_lacks_[file] != 0 && !tree_.is_host_root(cgroup)) return false;
  const std::size_t replaced = plan_.files[file].replaces;
  if (replaced != FileKind::kNoFile && served_[replaced] == cgroup.slot) return false;
  // Another source stands in for one that this host lacks. For one that failed it would be a
  // counter that jumps to and fro between two counts.
  if (failed && reader_->is_fallback(file)) return false;
  // Nor does it take turns with one that comes and goes, as cpuacct does under systemd: the one
  // that first yielded stays.
  const Pin pin = pins_[cgroup.slot];
  return pin == Pin::fallback ? has_fallback_[file] == 0
                              : pin != Pin::preferred || !takes_turns(file);
}

/// Whether a file has numbers only in place of another's, and of whole cgroups.
bool Collector::takes_turns(std::size_t file) const {
  return reader_->is_fallback(file) && !plan_.files[file].over_axis();
}

void Collector::note_outcome(std::size_t file, const Cgroup& cgroup, bool is_root,
                             ReadOutcome outcome) {
  const FileKind& kind = plan_.files[file];
  limits_.note(kind, cgroup.slot, outcome);
  if (kind.root_tells && is_root) {
    root_lacks_[file] =
        outcome == ReadOutcome::absent || (outcome == ReadOutcome::ok && !reader_->had_lines()) ? 1
                                                                                                : 0;
  }
  const bool known = outcome == ReadOutcome::ok || outcome == ReadOutcome::absent;
  if (kind.is_rule() && !known) reader_->rules_unknown(cgroup.slot);
  served_[file] = outcome == ReadOutcome::ok ? cgroup.slot : kNoSlot;
  if (outcome != ReadOutcome::ok) return;
  if (kind.root_tells) {
    blkio_read_ = true;
    disk_lines_ |= reader_->had_lines();
  }
  if (has_fallback_[file] != 0) pins_[cgroup.slot] = Pin::preferred;
  if (takes_turns(file)) pins_[cgroup.slot] = Pin::fallback;
}

/// The cgroup is not in the file's hierarchy, as far as that was walked.
void Collector::note_missing(std::size_t file, const Cgroup& cgroup) {
  if (tree_.is_whole(walked_of_file_[file])) return;
  limits_.note(plan_.files[file], cgroup.slot, ReadOutcome::failed);
}

ReadOutcome Collector::read_file(std::size_t file, const Cgroup& cgroup, bool is_root,
                                 Snapshot& snapshot) {
  const std::size_t h = walked_of_file_[file];
  if (h == kProcFile) {
    if (proc_ < 0) return ReadOutcome::failed;
    return reader_->read(file, {proc_, ".", -1}, cgroup.slot, is_root, snapshot);
  }
  if (lacks_[file] != 0 && lacks_others_too(file, cgroup.slot)) return ReadOutcome::absent;
  if (!plan_.files[file].written) return read_kept_or_open(file, cgroup, is_root, snapshot);
  if (const auto text = written_.text(file, cgroup)) {
    return read_known(file, *text, cgroup, cgroup.slot, is_root, snapshot);
  }
  const ReadOutcome outcome = read_kept_or_open(file, cgroup, is_root, snapshot);
  if (outcome != ReadOutcome::ok) written_.forget(file, cgroup.slot);
  if (outcome == ReadOutcome::ok) written_.keep(file, cgroup.slot, reader_->text());
  return outcome;
}

/// Reads what is kept open of a few cgroups, for read_kept().
void Collector::read_ahead(std::span<const std::size_t> files, std::span<const Slot> slots,
                           const Snapshot& snapshot) {
  constexpr std::size_t kMost = 16384;  // what is longer is read in its turn
  ahead_text_.resize(kMost * 4);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Slot slot = slots[i];
    for (const std::size_t file : files) {
      if (!short_[file].ahead) continue;
      Ahead& ahead = ahead_[file * kBatch + i];
      ahead.slot = kNoSlot;
      const int handle = kept_->get(file, slot);
      if (handle < 0 || begin + kMost > ahead_text_.size()) continue;
      if (slot == root_slot_ || snapshot.alive[slot] == 0) continue;
      const std::int64_t size =
          reader_->fetch(handle, std::span(ahead_text_).subspan(begin, kMost));
      if (size == kMost) continue;
      ahead = {slot, static_cast<std::int32_t>(size), static_cast<std::uint32_t>(begin)};
      if (size > 0) begin += static_cast<std::size_t>(size);
    }
  }
}

/// Reads a file of which all is at hand, as nearly all are; nothing where it takes more than that.
/// What is kept of a cgroup is dropped when its directory goes: it is in the file's hierarchy.
std::optional<ReadOutcome> Collector::read_at_once(std::size_t file, const Cgroup& cgroup,
                                                   Slot slot, Snapshot& snapshot) {
  const Short& brief = short_[file];
  if (!brief.plain) return std::nullopt;
  if (lacks_[file] != 0 && lacks_others_too(file, slot)) return ReadOutcome::absent;
  auto outcome = ReadOutcome::ok;
  if (brief.written) {
    const auto text = written_.known(file, slot);
    if (!text) return std::nullopt;
    outcome = read_known(file, *text, cgroup, slot, false, snapshot);
  } else {
    const int handle = kept_->get(file, slot);
    if (handle < 0) return std::nullopt;
    outcome = read_kept(file, cgroup, slot, handle, false, snapshot);
  }
  if (outcome != ReadOutcome::ok) return outcome;
  seen_[slot] |= part_of_file_[file];
  if (brief.limited < kLimitedResources.size()) limits_.has(brief.limited, slot);
  return outcome;
}

ReadOutcome Collector::read_known(std::size_t file, std::string_view text, const Cgroup& cgroup,
                                  Slot slot, bool is_root, Snapshot& snapshot) {
  const ReadOutcome outcome = reader_->read_text(file, text, slot, is_root, snapshot);
  if (outcome != ReadOutcome::ok) {
    reader_->count_failure(file, tree_.relative(cgroup, walked_of_file_[file]));
  }
  return outcome;
}

ReadOutcome Collector::read_kept_or_open(std::size_t file, const Cgroup& cgroup, bool is_root,
                                         Snapshot& snapshot) {
  const std::size_t h = walked_of_file_[file];
  CgroupReader::Place place{tree_.directory(h), tree_.relative(cgroup, h), -1};
  int handle = -1;
  if (kept_->keeps(file)) {
    handle = kept_->get(file, cgroup.slot);
    if (handle < 0) handle = kept_->open(file, cgroup.slot, place.directory, place.relative);
  }
  if (handle >= 0) return read_kept(file, cgroup, cgroup.slot, handle, is_root, snapshot);
  // Out of descriptors, a file is still read without keeping it.
  const bool refused = handle < -1 && handle != -EMFILE && handle != -ENFILE;
  const ReadOutcome outcome = refused ? reader_->failed(file, -handle, place.relative)
                                      : reader_->read(file, place, cgroup.slot, is_root, snapshot);
  return outcome == ReadOutcome::absent ? really_absent(file, cgroup) : outcome;
}

ReadOutcome Collector::read_kept(std::size_t file, const Cgroup& cgroup, Slot slot, int handle,
                                 bool is_root, Snapshot& snapshot) {
  Ahead& ahead = ahead_[file * kBatch + in_batch_];
  const bool is_read = std::exchange(ahead.slot, kNoSlot) == slot;
  ReadOutcome outcome = is_read ? reader_->take(file, ahead.size, ahead_text_.data() + ahead.begin,
                                                slot, is_root, snapshot)
                                : reader_->read_kept(file, handle, slot, is_root, snapshot);
  if (outcome == ReadOutcome::ok) return outcome;
  const std::size_t h = walked_of_file_[file];
  const CgroupReader::Place place{tree_.directory(h), tree_.relative(cgroup, h), -1};
  reader_->count_failure(file, place.relative);
  kept_->drop(file, cgroup.slot);
  // A controller that was taken away and handed down again has other files in the same cgroup.
  if (outcome == ReadOutcome::gone && is_there(cgroup, h)) {
    outcome = reader_->read(file, place, cgroup.slot, is_root, snapshot);
  }
  return outcome == ReadOutcome::absent ? really_absent(file, cgroup) : outcome;
}

/// Whether the cgroup's directory is there and the known one.
bool Collector::is_there(const Cgroup& cgroup, std::size_t h) {
  FileStatus status;
  const int error = files_.status(tree_.directory(h), tree_.relative(cgroup, h), status);
  return error == 0 ? status.inode == cgroup.places[h].inode : error != -ENOENT;
}

/// Whether a cgroup lacked a file before and has others of its kind now. A kernel makes all files
/// of a controller or none: where it is so of one cgroup in this pass, the others are not asked
/// again. (Asking takes 3 us, more than reading.) One is, in each pass: a module may bring files
/// along.
bool Collector::lacks_others_too(std::size_t file, Slot slot) const {
  return absent_[file][slot] != 0 && (seen_[slot] & part_of_file_[file]) != 0;
}

/// ENOENT is said of a missing file and of a missing cgroup alike: the directory tells which. Asked
/// once for a file that stays away, as the next walk notices a cgroup that went.
ReadOutcome Collector::really_absent(std::size_t file, const Cgroup& cgroup) {
  if (absent_[file][cgroup.slot] != 0) {
    const bool tells = !tree_.is_host_root(cgroup) && lacks_others_too(file, cgroup.slot);
    if (tells) lacks_[file] = 1;
    return ReadOutcome::absent;
  }
  if (!is_there(cgroup, walked_of_file_[file])) return ReadOutcome::gone;
  absent_[file][cgroup.slot] = 1;
  return ReadOutcome::absent;
}

/// What this pass reads and shows.
void Collector::choose() {
  chosen_.clear();
  others_.clear();
  for (const Cgroup* const cgroup : tree_.in_order()) {
    const auto [verdict, changed] = judge(*cgroup);
    if (changed) oom_.choose(*cgroup, verdict == Selection::Verdict::shown);
    (verdict != Selection::Verdict::hidden ? chosen_ : others_).push_back(cgroup);
  }
  above_.clear();
  std::vector<std::uint8_t>& seen = is_above_;
  seen.assign(others_.empty() ? 0 : tree_.slots(), 0);
  for (const Cgroup* const cgroup : chosen_) {
    if (others_.empty()) break;
    for (const Cgroup* at = cgroup; at != nullptr && at->slot != kNoSlot; at = at->parent) {
      if (seen[at->slot] != 0) break;
      seen[at->slot] = 1;
    }
  }
  for (const Cgroup* const cgroup : others_) {
    if (seen[cgroup->slot] != 0) above_.push_back(cgroup);
  }
  kept_->fit(chosen_.size(), tree_.slots());
}

Selection::Judgement Collector::judge(const Cgroup& cgroup) {
  const Slot slot = cgroup.slot;
  return selection_.judge({.slot = slot,
                           .parent = cgroup.parent != nullptr ? cgroup.parent->slot : kNoSlot,
                           .named = identifier_.named(slot),
                           .may_be_container = identifier_.may_be_container(slot)},
                          identifier_.labels(slot));
}

/// What was read because its engine had still to say who it is: now it has, or is not waited for.
void Collector::hide_unnamed(Snapshot& snapshot) {
  std::erase_if(chosen_, [&](const Cgroup* cgroup) {
    const auto [verdict, changed] = judge(*cgroup);
    const bool is_shown = verdict == Selection::Verdict::shown;
    if (changed) oom_.choose(*cgroup, is_shown);
    if (is_shown) return false;
    snapshot.alive[cgroup->slot] = 0;
    above_.push_back(cgroup);  // it may be an ancestor of what is shown
    return true;
  });
}

}  // namespace cgmon
