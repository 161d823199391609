#include "collectors/host/disk_walker.h"

#include <cerrno>
#include <string_view>

namespace cgmon {
namespace {

constexpr std::size_t kStep = 64;  // entries between two rests
constexpr std::uint64_t kBlock = 512;

/// What has just gone is no failure.
bool is_gone(int error) { return error == -ENOENT || error == -ENOTDIR || error == -ESTALE; }

}  // namespace

DiskUsage DiskWalker::walk(int directory) {
  usage_ = {.complete = true};
  linked_.clear();
  since_rest_ = 0;
  DiskEntry top;
  if (const int error = files_.entry(directory, ".", top); error != 0) {
    fail(error);
    return usage_;
  }
  usage_.device = top.device;
  usage_.bytes = top.blocks * kBlock;
  levels_.resize(1);
  levels_[0].directory = directory;
  levels_[0].names.clear();
  levels_[0].at = 0;
  bool goes_on = true;
  while (goes_on && !levels_.empty()) {
    const char* name = nullptr;
    if (next_name(levels_.back(), name)) {
      goes_on = look_at(levels_.size(), name);
      continue;
    }
    if (levels_.size() > 1) files_.close(levels_.back().directory);
    levels_.pop_back();
  }
  for (std::size_t i = 1; i < levels_.size(); ++i) files_.close(levels_[i].directory);
  levels_.clear();
  linked_ = {};  // its memory, too
  if (since_rest_ != 0) pace_(since_rest_);
  return usage_;
}

bool DiskWalker::next_name(Level& level, const char*& name) {
  if (level.at >= level.names.size()) {
    level.at = 0;
    const int count = files_.next_names(level.directory, level.names);
    if (count < 0 && !is_gone(count)) fail(count);
    if (count <= 0) return false;
  }
  name = level.names.c_str() + level.at;
  level.at += std::string_view(name).size() + 1;
  return true;
}

/// False ends the walk.
bool DiskWalker::look_at(std::size_t depth, const char* name) {
  const int directory = levels_.back().directory;
  if (!rest()) return false;
  DiskEntry entry;
  if (const int error = files_.entry(directory, name, entry); error != 0) {
    if (!is_gone(error)) fail(error);
    return true;
  }
  if (entry.device != usage_.device) return true;
  if (usage_.files >= kMaxEntries) {
    fail(-EFBIG);
    return false;
  }
  ++usage_.files;
  count(entry);
  if (!entry.is_directory) return true;
  if (depth >= kMaxDepth) {
    fail(-ELOOP);
    return true;
  }
  const int child = files_.open_child(directory, name);
  if (child < 0) {
    if (!is_gone(child) && child != -ELOOP) fail(child);  // a link stands there now
    return true;
  }
  levels_.push_back({.directory = child, .names = {}, .at = 0});
  return true;
}

void DiskWalker::count(const DiskEntry& entry) {
  std::uint64_t bytes = entry.blocks * kBlock;
  if (!entry.is_directory && entry.links > 1) {
    if (linked_.contains(entry.inode)) return;
    if (linked_.size() < kMaxLinks) {
      linked_.insert(entry.inode);
    } else {
      bytes /= entry.links;
    }
  }
  usage_.bytes += bytes;
}

bool DiskWalker::rest() {
  if (++since_rest_ < kStep) return true;
  const std::size_t entries = since_rest_;
  since_rest_ = 0;
  if (pace_(entries)) return true;
  usage_.complete = false;
  return false;
}

void DiskWalker::fail(int error) {
  usage_.complete = false;
  if (usage_.error == 0) usage_.error = error;
}

DiskUsage DiskWalker::add_up_log(int directory, const std::string& name) {
  usage_ = {.complete = true};
  linked_.clear();
  since_rest_ = 0;
  Level level{.directory = directory, .names = {}, .at = 0};
  const char* found = nullptr;
  while (next_name(level, found)) {
    if (!rest()) break;
    const std::string_view other = found;
    if (other != name && !other.starts_with(name + '.')) continue;
    DiskEntry entry;
    const int error = files_.entry(directory, found, entry);
    if (error != 0 && !is_gone(error)) fail(error);
    if (error != 0 || entry.is_directory) continue;
    usage_.device = entry.device;
    ++usage_.files;
    count(entry);
  }
  if (usage_.files == 0 && usage_.error == 0) fail(-ENOENT);
  return usage_;
}

}  // namespace cgmon
