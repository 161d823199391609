#include "collectors/cgroup/kept_files.h"

#include <algorithm>
#include <bitset>

#include "collectors/cgroup/layout.h"

namespace cgmon {

KeptFiles::KeptFiles(Files& files, const ReadPlan& plan, std::size_t budget)
    : files_(files),
      plan_(plan),
      budget_(budget),
      kinds_(plan.files.size()),
      directories_(kMaxHierarchies) {
  for (std::size_t i = 0; i < plan.files.size(); ++i) {
    // A file below /proc is read once a pass, one that only writes change once a minute: nothing
    // worth a descriptor.
    if (plan.files[i].hierarchy != FileKind::kProc && !plan.files[i].written) by_rank_.push_back(i);
  }
  std::ranges::stable_sort(by_rank_, {}, [&](std::size_t i) { return plan.files[i].keep_rank; });
}

KeptFiles::~KeptFiles() {
  for (Kind& kind : kinds_) release(kind.handles, open_files_);
  for (std::vector<int>& handles : directories_) release(handles, open_directories_);
}

void KeptFiles::fit(std::size_t cgroups, std::size_t slots) {
  std::size_t wanted = 0;
  bool full = false;
  std::bitset<kMaxHierarchies> with_directories;
  for (const std::size_t file : by_rank_) {
    Kind& kind = kinds_[file];
    const auto hierarchy = static_cast<std::size_t>(plan_.files[file].hierarchy);
    wanted += cgroups;
    full |=
        wanted + (kind.given_up ? wanted / 8 : 0) > budget_;  // then none that saves less, either
    if (full) {
      kind.given_up |= kind.kept;
      kind.kept = false;
      release(kind.handles, open_files_);
      continue;
    }
    kind.kept = true;
    kind.given_up = false;
    with_directories.set(hierarchy);
    if (kind.handles.size() < slots) kind.handles.resize(slots, -1);
    if (directories_[hierarchy].size() < slots) directories_[hierarchy].resize(slots, -1);
  }
  for (std::size_t i = 0; i < directories_.size(); ++i) {
    if (!with_directories[i]) release(directories_[i], open_directories_);
  }
}

int KeptFiles::open(std::size_t file, Slot slot, int top, const char* relative) {
  int& directory = directories_of(file)[slot];
  if (directory < 0) {
    const int opened = files_.open_directory(top, relative);
    if (opened < 0) return opened;
    directory = opened;
    ++open_directories_;
  }
  const int opened = files_.open(directory, plan_.files[file].file.c_str());
  if (opened >= 0) {
    kinds_[file].handles[slot] = opened;
    ++open_files_;
  }
  return opened;
}

void KeptFiles::drop(std::size_t file, Slot slot) {
  Kind& kind = kinds_[file];
  if (slot >= kind.handles.size() || kind.handles[slot] < 0) return;
  // A living file opens once more, a dead one is forgotten by this (see the class).
  const int again = files_.open(directories_of(file)[slot], plan_.files[file].file.c_str());
  if (again >= 0) files_.close(again);
  close(kind.handles[slot], open_files_);
}

void KeptFiles::drop_cgroup(Slot slot, int hierarchy) {
  for (std::size_t file = 0; file < kinds_.size(); ++file) {
    if (hierarchy < 0 || plan_.files[file].hierarchy == hierarchy) drop(file, slot);
  }
  for (std::size_t i = 0; i < directories_.size(); ++i) {
    const bool meant = hierarchy < 0 || static_cast<std::size_t>(hierarchy) == i;
    if (meant && slot < directories_[i].size() && directories_[i][slot] >= 0) {
      close(directories_[i][slot], open_directories_);
    }
  }
}

void KeptFiles::close(int& handle, std::size_t& open) {
  files_.close(handle);
  handle = -1;
  --open;
}

void KeptFiles::release(std::vector<int>& handles, std::size_t& open) {
  for (int& handle : handles) {
    if (handle >= 0) close(handle, open);
  }
  handles.clear();
  handles.shrink_to_fit();
}

}  // namespace cgmon
