#include "collectors/oom_watch.h"

#include <algorithm>
#include <array>
#include <memory>

#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

constexpr std::size_t kEvents = row("container_oom_events_total");
constexpr std::size_t kKills = row("container_oom_kills_total");
constexpr std::size_t kMostText = 64 * 1024;

constexpr auto kOomKill = std::to_array<std::string_view>({"oom_kill"});
constexpr auto kPopulated = std::to_array<std::string_view>({"populated"});

/// The file that the OOM row is read of on this host, nullptr if there is none.
const FileKind* file_of_kills(const ReadPlan& plan) {
  if (!plan.served[kEvents] || !plan.served[kKills]) return nullptr;
  for (const FileKind& kind : plan.files) {
    if (std::ranges::any_of(kind.bindings,
                            [](const Binding& binding) { return binding.row == kEvents; })) {
      return &kind;
    }
  }
  return nullptr;
}

/// v2 counts what is below a cgroup, too.
bool is_hierarchical(const Layout& layout) {
  const int hierarchy = layout.serving(Controller::memory);
  return hierarchy >= 0 &&
         layout.hierarchies[static_cast<std::size_t>(hierarchy)].version == Version::v2;
}

}  // namespace

OomWatch::OomWatch(Files& files, const Clock& clock, const Layout& layout, const CgroupTree& tree,
                   Identifier& identifier)
    : files_(files),
      clock_(clock),
      tree_(tree),
      identifier_(identifier),
      whole_host_(!layout.restricted()),
      kills_({}, is_hierarchical(layout)),
      count_parser_(kOomKill),
      events_parser_(kPopulated),
      host_parser_(kOomKill) {
  for (std::size_t h = 0; h < tree.walked().size(); ++h) {
    const auto hierarchy = static_cast<std::size_t>(tree.walked()[h]);
    if (layout.hierarchies[hierarchy].version == Version::v2) events_in_ = h;
  }
}

void OomWatch::follow_plan(const ReadPlan& plan, std::span<SubtreeSums> sums) {
  file_ = file_of_kills(plan);
  const auto summed = std::ranges::find(sums, kEvents, &SubtreeSums::row);
  sums_ = summed != sums.end() ? &*summed : nullptr;
  if (!active()) return;
  const auto walked = std::ranges::find(tree_.walked(), file_->hierarchy);
  counted_in_ = static_cast<std::size_t>(walked - tree_.walked().begin());
  if (events_in_ && watch_ < 0) watch_ = files_.open_watch();
}

OomWatch::~OomWatch() {
  if (watch_ >= 0) files_.close(watch_);
}

/// The host's count comes first: what it has and no cgroup has by then is nobody's.
void OomWatch::begin(int proc, std::int64_t wall_ns) {
  if (!active()) return;
  if (started_ns_ == 0) started_ns_ = wall_ns;
  proc_ = proc;
  host_kills_ = read_host();
}

std::optional<std::uint64_t> OomWatch::read_host() {
  std::optional<std::uint64_t> kills;
  if (!whole_host_ || proc_ < 0) return kills;
  if (read_file(files_, proc_, "vmstat", kMostText, text_) != 0) return kills;
  // "oom_kill N", one of some 150 lines; kernels before 4.13 have none.
  (void)host_parser_.parse(text_, [&](std::size_t, std::uint64_t number) { kills = number; });
  return kills;
}

void OomWatch::look() {
  if (!active() || watch_ < 0 || files_.read_watch(watch_, events_) != 0) return;
  if (events_.overflow) {
    for (const auto& [number, slot] : by_number_) look_at(slot);
    return;
  }
  std::ranges::sort(events_.files);
  const auto again = std::unique(events_.files.begin(), events_.files.end());
  events_.files.erase(again, events_.files.end());
  for (const int number : events_.files) {
    const auto found = by_number_.find(number);
    if (found != by_number_.end()) look_at(found->second);
  }
}

/// First whether anything runs in it: what has died before is in the count that is read then.
void OomWatch::look_at(Slot slot) {
  const Cgroup* const cgroup = tree_.at(slot);
  if (cgroup == nullptr) return;
  const auto populated = read_number(*events_in_, *cgroup, "cgroup.events", events_parser_);
  if (!populated || *populated != 0) {
    kills_.doubt(slot);
    return;
  }
  if (const auto count = count_of(*cgroup)) {
    kills_.look(slot, *count, true);
  } else {
    kills_.doubt(slot);
  }
}

/// It may have died before it was watched. If nothing has run in it yet, its count is not the last.
void OomWatch::look_at_new(const Cgroup& cgroup) {
  if (!passed_ || !is_watched(cgroup.slot)) return;
  const auto populated = read_number(*events_in_, cgroup, "cgroup.events", events_parser_);
  const auto count = count_of(cgroup);
  if (count) kills_.look(cgroup.slot, *count, *count > 0 && populated && *populated == 0);
}

/// What a cgroup and all below it count.
std::optional<std::uint64_t> OomWatch::count_of(const Cgroup& cgroup) {
  const auto own = read_number(counted_in_, cgroup, file_->file, count_parser_);
  if (!own || sums_ == nullptr) return own;
  const auto rise = [this](const auto& self, const Cgroup& at,
                           std::uint64_t count) -> std::uint64_t {
    std::uint64_t more = sums_->look(at, count);
    for (const auto& [name, child] : at.children) {
      if (child->slot == kNoSlot) continue;
      const auto own_count = read_number(counted_in_, *child, file_->file, count_parser_);
      more += self(self, *child, own_count.value_or(0));
    }
    return more;
  };
  return kills_.count(cgroup.slot) + rise(rise, cgroup, *own);
}

std::optional<std::uint64_t> OomWatch::read_number(std::size_t h, const Cgroup& cgroup,
                                                   const std::string& file,
                                                   FlatKeyedParser& parser) {
  if (!cgroup.is_in(h)) return std::nullopt;
  path_ = tree_.relative(cgroup, h);
  path_ += '/';
  path_ += file;
  if (read_file(files_, tree_.directory(h), path_.c_str(), kMostText, text_) != 0) {
    return std::nullopt;  // it is gone: what is left is what its witnesses say
  }
  std::optional<std::uint64_t> number;
  (void)parser.parse(text_, [&](std::size_t, std::uint64_t value) { number = value; });
  return number;
}

void OomWatch::remove(Slot slot) {
  if (is_watched(slot)) {
    // The kernel keeps the watch of a file that is gone.
    files_.unwatch(watch_, numbers_[slot]);
    by_number_.erase(std::exchange(numbers_[slot], -1));
  }
  std::erase(incomplete_, slot);
  kills_.remove(slot, identifier_.labels(slot), clock_.monotonic_ns());
}

void OomWatch::take_brief() {
  if (!active()) return;
  for (const CgroupTree::Brief& brief : tree_.brief()) {
    auto labels = std::make_shared<CgroupLabels>(labels_of_path(brief.path));
    kills_.add_brief(brief.parent, std::move(labels), clock_.monotonic_ns());
  }
}

void OomWatch::add(const Cgroup& cgroup, bool chosen) {
  const bool has_count = active() && cgroup.is_in(counted_in_);
  kills_.add(cgroup, has_count ? cgroup.places[counted_in_].inode : 0);
  choose(cgroup, chosen);
  look_at_new(cgroup);
  if (active() && !is_complete(cgroup)) incomplete_.push_back(cgroup.slot);
}

/// Whether it has all the directories that its kills and its end are read of. Who is woken by the
/// first of them comes before an engine has made the others.
bool OomWatch::is_complete(const Cgroup& cgroup) const {
  return cgroup.is_in(counted_in_) && (!events_in_ || cgroup.is_in(*events_in_));
}

void OomWatch::complete() {
  if (!active()) return;
  std::erase_if(incomplete_, [this](Slot slot) {
    const Cgroup& cgroup = *tree_.at(slot);
    if (cgroup.is_in(counted_in_)) kills_.place(slot, cgroup.places[counted_in_].inode);
    if (!is_complete(cgroup)) return false;
    watch_end(cgroup);
    look_at_new(cgroup);
    return true;
  });
}

void OomWatch::choose(const Cgroup& cgroup, bool chosen) {
  kills_.choose(cgroup.slot, chosen);
  watch_end(cgroup);
}

void OomWatch::watch_end(const Cgroup& cgroup) {
  const Slot slot = cgroup.slot;
  if (!active() || watch_ < 0 || !kills_.may_own(slot) || is_watched(slot) ||
      !cgroup.is_in(*events_in_) || !may_own_kills(identifier_.labels(slot)->kind)) {
    return;
  }
  path_ = tree_.relative(cgroup, *events_in_);
  path_ += "/cgroup.events";
  const int number = files_.watch_file(watch_, tree_.directory(*events_in_), path_.c_str());
  if (number < 0) return;  // no more watches: its witnesses are left
  if (slot >= numbers_.size()) numbers_.resize(slot + 1, -1);
  numbers_[slot] = number;
  by_number_[number] = slot;
}

void OomWatch::ask(OomKills::Asking asking) {
  questions_.clear();
  kills_.take_questions(asking, questions_);
  for (const OomKills::Question& question : questions_) {
    if (!identifier_.ask_departed(question.number, question.runtime, question.container_id)) {
      kills_.answer(question.number, {});
    }
  }
}

void OomWatch::settle(Snapshot& snapshot) {
  snapshot.loose.clear();
  if (!active() || !snapshot.served[kKills]) return;
  for (const MetadataAnswer& answer : identifier_.departed()) {
    kills_.answer(static_cast<std::uint32_t>(answer.key),
                  {.found = answer.found,
                   .running = answer.metadata.life.started_at_ns != 0,
                   .oom_killed = answer.metadata.life.oom_killed,
                   .name = answer.metadata.name,
                   .image = answer.metadata.image});
  }
  identifier_.departed().clear();
  kills_.settle({.order = tree_.in_order(),
                 .host = host_kills_,
                 .host_again = [this] { return read_host(); },
                 .counted_in = counted_in_,
                 .started_ns = started_ns_,
                 .now_ns = clock_.monotonic_ns()},
                snapshot);
  passed_ = true;
}

Watches OomWatch::watches() const {
  if (!active() || watch_ < 0 || !passed_) return {};
  Watches watches{.urgent = {watch_}, .patient = {}};
  const auto add = [this](std::vector<int>& to, std::size_t h) {
    const int handle = tree_.watch_of(h);
    if (handle >= 0 && std::ranges::find(to, handle) == to.end()) to.push_back(handle);
  };
  add(watches.patient, tree_.master());
  add(watches.patient, *events_in_);
  // Half of a container is there: it may be over before patience is.
  if (std::ranges::any_of(incomplete_, [this](Slot slot) {
        return is_container(identifier_.labels(slot)->kind);
      })) {
    add(watches.urgent, counted_in_);
    add(watches.urgent, *events_in_);
  }
  return watches;
}

}  // namespace cgmon
