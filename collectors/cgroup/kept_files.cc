#include "collectors/cgroup/kept_files.h"

#include <algorithm>

namespace cgmon {

KeptFiles::KeptFiles(Files& files, const ReadPlan& plan, std::size_t budget)
    : files_(files), plan_(plan), budget_(budget), kinds_(plan.files.size()) {
  for (std::size_t i = 0; i < plan.files.size(); ++i) {
    // A file below /proc is read once a pass: nothing worth a descriptor.
    if (plan.files[i].hierarchy != FileKind::kProc) by_rank_.push_back(i);
  }
  std::ranges::stable_sort(by_rank_, {}, [&](std::size_t i) { return plan.files[i].keep_rank; });
}

KeptFiles::~KeptFiles() {
  for (Kind& kind : kinds_) release(kind);
}

void KeptFiles::fit(std::size_t cgroups, std::size_t slots) {
  std::size_t wanted = 0;
  for (const std::size_t file : by_rank_) {
    Kind& kind = kinds_[file];
    wanted += cgroups;
    if (kind.kept ? wanted > budget_ : wanted + wanted / 8 > budget_) {
      if (kind.kept) release(kind);
      kind.kept = false;
    } else {
      kind.kept = true;
      if (kind.handles.size() < slots) kind.handles.resize(slots, -1);
    }
  }
}

void KeptFiles::put(std::size_t file, Slot slot, int handle) {
  kinds_[file].handles[slot] = handle;
  ++open_;
}

void KeptFiles::drop(std::size_t file, Slot slot) {
  Kind& kind = kinds_[file];
  if (slot >= kind.handles.size() || kind.handles[slot] < 0) return;
  files_.close(kind.handles[slot]);
  kind.handles[slot] = -1;
  --open_;
}

void KeptFiles::drop_cgroup(Slot slot, int hierarchy) {
  for (std::size_t file = 0; file < kinds_.size(); ++file) {
    if (hierarchy < 0 || plan_.files[file].hierarchy == hierarchy) drop(file, slot);
  }
}

void KeptFiles::release(Kind& kind) {
  for (const int handle : kind.handles) {
    if (handle < 0) continue;
    files_.close(handle);
    --open_;
  }
  kind.handles.clear();
  kind.handles.shrink_to_fit();
}

}  // namespace cgmon
