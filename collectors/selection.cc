#include "collectors/selection.h"

#include <algorithm>
#include <utility>

#include "collectors/base/glob.h"

namespace cgmon {
namespace {

bool matches_any(const std::vector<std::string>& patterns, std::string_view text) {
  return !text.empty() && std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return matches_glob(pattern, text);
  });
}

}  // namespace

bool Patterns::let_pass(std::string_view text) const {
  return (include.empty() || matches_any(include, text)) && !matches_any(exclude, text);
}

void Selection::reconfigure(Only only, Filters filters) {
  only_ = only;
  filters_ = std::move(filters);
  seen_.clear();
}

void Selection::remove(Slot slot) {
  if (slot < seen_.size()) seen_[slot] = {};
}

bool Selection::wants(CgroupKind kind) const {
  if (only_.all) return true;
  return (only_.containers && (is_container(kind) || kind == CgroupKind::machine)) ||
         (only_.pods && kind == CgroupKind::pod) || (only_.units && kind == CgroupKind::unit);
}

Selection::Judgement Selection::judge(const Cgroup& cgroup,
                                      const std::shared_ptr<const CgroupLabels>& labels) {
  if (cgroup.slot >= seen_.size()) seen_.resize(cgroup.slot + 1);
  Seen& seen = seen_[cgroup.slot];
  const bool inside = !labels->outer.empty();
  if (seen.labels == labels && seen.named == cgroup.named && !inside) return {seen.verdict, false};
  const bool is_new = seen.labels == nullptr;
  if (is_new) seen.path = filters_.paths.let_pass(labels->id);
  const bool other_kind = is_new || seen.labels->kind != labels->kind;
  const Verdict before = seen.verdict;
  seen.labels = labels;
  seen.named = cgroup.named;
  seen.verdict = decide(cgroup, *labels, seen);
  return {seen.verdict, other_kind || before != seen.verdict};
}

Selection::Verdict Selection::decide(const Cgroup& cgroup, const CgroupLabels& labels,
                                     Seen& seen) const {
  const bool by_names = !filters_.runtimes.empty() || !filters_.namespaces.empty();
  const bool inside = !labels.outer.empty() && cgroup.parent < seen_.size();
  const bool is_open = !cgroup.named && !inside;
  // A parent that is not judged yet, or not to its end, lets nothing pass.
  seen.names = inside ? seen_[cgroup.parent].names
                      : !is_open && filters_.runtimes.let_pass(labels.runtime) &&
                            filters_.namespaces.let_pass(labels.namespace_name);
  if (labels.kind == CgroupKind::root) {
    seen.names = true;
    return Verdict::shown;
  }
  if (!seen.path) return Verdict::hidden;
  const bool wanted = wants(labels.kind);
  if (is_open && (by_names || cgroup.may_be_container)) {
    if (wanted && !by_names) return Verdict::shown;
    return wanted || (cgroup.may_be_container && only_.containers) ? Verdict::open
                                                                   : Verdict::hidden;
  }
  return wanted && (!by_names || seen.names) ? Verdict::shown : Verdict::hidden;
}

bool Selection::shows_ended(std::string_view runtime, std::string_view name_space) const {
  return wants(CgroupKind::container) && filters_.paths.include.empty() &&
         filters_.runtimes.let_pass(runtime) && filters_.namespaces.let_pass(name_space);
}

}  // namespace cgmon
