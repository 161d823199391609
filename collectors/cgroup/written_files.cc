#include "collectors/cgroup/written_files.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr unsigned kDoubts = 3;                    // untold changes until no text is kept
constexpr std::uint64_t kUsualMostWatches = 8192;  // before Linux 5.11, and the least since

std::size_t most_watches(Files& files, const std::string& procfs) {
  std::string text;
  const std::string path = procfs + "/sys/fs/inotify/max_user_watches";
  std::uint64_t most = kUsualMostWatches;
  if (read_file(files, Files::kAbsolute, path.c_str(), 64, text) == 0) {
    std::string_view rest = text;
    most = parse_number(take_until(rest, '\n')).value_or(kUsualMostWatches);
  }
  return static_cast<std::size_t>(most / 4);
}

}  // namespace

WrittenFiles::WrittenFiles(Files& files, const CgroupTree& tree, const std::string& procfs)
    : files_(files), tree_(tree), most_watches_(most_watches(files, procfs)) {}

WrittenFiles::~WrittenFiles() {
  if (watch_ >= 0) files_.close(watch_);
}

void WrittenFiles::follow_plan(const ReadPlan& plan) {
  if (watch_ >= 0) files_.close(watch_);
  watch_ = -1;
  by_number_.clear();
  numbers_.assign(tree_.walked().size(), {});
  written_.clear();
  place_.assign(plan.files.size(), 0);
  for (std::size_t file = 0; file < plan.files.size(); ++file) {
    const FileKind& kind = plan.files[file];
    if (!kind.written) continue;
    const auto walked = std::ranges::find(tree_.walked(), kind.hierarchy);
    place_[file] = written_.size();
    written_.push_back(
        {static_cast<std::size_t>(walked - tree_.walked().begin()), kind.over_axis()});
  }
  texts_.clear();
  long_texts_.clear();
  trusted_ = !written_.empty() && untold_ < kDoubts;
  if (!trusted_) return;
  watch_ = files_.open_watch();
  if (watch_ < 0) give_up();
}

void WrittenFiles::give_up() {
  if (watch_ >= 0) files_.close(watch_);
  watch_ = -1;
  trusted_ = false;
  by_number_.clear();
  forget_all();
  ++failures_;
}

void WrittenFiles::remove(Slot slot) {
  for (std::size_t h = 0; h < numbers_.size(); ++h) remove(slot, h);
}

void WrittenFiles::remove(Slot slot, std::size_t h) {
  wrote(slot, h);
  if (slot >= numbers_[h].size()) return;
  const int number = std::exchange(numbers_[h][slot], kNotYet);
  // A renamed directory keeps its number: the cgroup of the new name may have it by now.
  const auto found = by_number_.find(number);
  if (found == by_number_.end() || found->second.slot != slot || found->second.h != h) return;
  by_number_.erase(found);
  files_.unwatch(watch_, number);
}

void WrittenFiles::take_events() {
  if (!trusted_) return;
  if (files_.read_watch(watch_, events_) != 0) events_.overflow = true;
  if (events_.overflow) {
    forget_all();
    return;
  }
  for (const WatchEvents::Modified& modified : events_.modified) {
    const auto found = by_number_.find(modified.directory);
    if (found == by_number_.end()) continue;
    const auto [slot, h] = found->second;
    wrote(slot, h);
    const Cgroup* const cgroup = tree_.at(slot);
    if (modified.name != "cgroup.subtree_control" || cgroup == nullptr) continue;
    for (const auto& [name, child] : cgroup->children) {
      if (child->slot != kNoSlot) wrote(child->slot, h);
    }
  }
}

/// A setting of the cgroup was written: whatever it says there is to be read again.
void WrittenFiles::wrote(Slot slot, std::size_t h) {
  const std::size_t first = slot * written_.size();
  if (first >= texts_.size()) return;
  for (std::size_t i = 0; i < written_.size(); ++i) {
    if (written_[i].h == h) texts_[first + i].turn = 0;
  }
}

void WrittenFiles::forget_all() {
  for (Text& text : texts_) text.turn = 0;
}

void WrittenFiles::forget_devices() {
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    if (written_[i % written_.size()].over_devices) texts_[i].turn = 0;
  }
}

void WrittenFiles::begin_pass(std::int64_t monotonic_ns) {
  now_ns_ = monotonic_ns;
  take_events();
}

/// The minute of a cgroup, which begins at another moment than its neighbours'.
std::uint32_t WrittenFiles::turn_of(Slot slot) const {
  constexpr std::uint32_t kGolden = 2654435769;  // 2^32 / golden ratio: neighbours far apart
  const std::uint64_t phase = std::uint64_t{slot * kGolden} * (kTurnNs / 1000) / (1ULL << 32U);
  const std::uint64_t at = static_cast<std::uint64_t>(now_ns_) / 1000 + phase;
  return static_cast<std::uint32_t>(at / (kTurnNs / 1000)) + 1;
}

std::optional<std::string_view> WrittenFiles::known(std::size_t file, Slot slot) const {
  const std::size_t index = index_of(file, slot);
  if (index >= texts_.size() || texts_[index].turn != turn_of(slot)) return std::nullopt;
  return view(texts_[index]);
}

std::optional<std::string_view> WrittenFiles::text(std::size_t file, const Cgroup& cgroup) {
  if (texts_.size() < tree_.slots() * written_.size()) {
    texts_.resize(tree_.slots() * written_.size());
  }
  if (const auto text = known(file, cgroup.slot)) return text;
  // First the watch, then the look: what is written between is told.
  if (trusted_) watch(cgroup, written_[place_[file]].h);
  return std::nullopt;
}

/// Watches the cgroup's directory, unless it is or cannot be.
void WrittenFiles::watch(const Cgroup& cgroup, std::size_t h) {
  auto& numbers = numbers_[h];
  if (numbers.size() <= cgroup.slot) numbers.resize(tree_.slots(), kNotYet);
  int& number = numbers[cgroup.slot];
  if (number != kNotYet) return;
  int made = -ENOSPC;
  if (by_number_.size() < most_watches_) {
    made = files_.watch_file(watch_, tree_.directory(h), tree_.relative(cgroup, h));
  }
  number = std::max(made, kRefused);
  if (made >= 0) {
    by_number_[made] = {cgroup.slot, h};
  } else if (made != -ENOENT && !short_of_watches_) {
    short_of_watches_ = true;
    ++failures_;
  }
}

std::string_view WrittenFiles::view(const Text& text) const {
  if (text.size != kLong) return {text.bytes.data(), text.size};
  return long_texts_.find(static_cast<std::size_t>(&text - texts_.data()))->second;
}

void WrittenFiles::set(Text& text, std::string_view said) {
  const auto index = static_cast<std::size_t>(&text - texts_.data());
  if (said.size() > text.bytes.size()) {
    text.size = kLong;
    long_texts_[index] = said;
    return;
  }
  if (text.size == kLong) long_texts_.erase(index);
  std::ranges::copy(said, text.bytes.begin());
  text.size = static_cast<std::uint8_t>(said.size());
}

void WrittenFiles::keep(std::size_t file, Slot slot, std::string_view text) {
  Text& kept = at(file, slot);
  if (!trusted_ || numbers_[written_[place_[file]].h][slot] < 0 || text.size() > kLongest) {
    kept.turn = 0;
    return;
  }
  if (kept.turn != 0 && view(kept) != text) {
    take_events();
    if (kept.turn == 0) return;  // written just now, perhaps again after it was read
    if (++untold_ >= kDoubts) {
      give_up();
      return;
    }
  }
  set(kept, text);
  kept.turn = turn_of(slot);
}

}  // namespace cgmon
