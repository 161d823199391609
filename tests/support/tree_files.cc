#include "tests/support/tree_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace cgmon {
namespace {

constexpr std::size_t kPathMax = 4096, kNameMax = 255;  // linux/limits.h, terminating 0 aside
constexpr int kMaxLinks = 40;                           // linux/namei.h, MAXSYMLINKS

bool fails_to_open(int error) { return error == EACCES || error == EPERM; }

}  // namespace

bool TreeFiles::Node::is(std::uint32_t type) const { return (mode & S_IFMT) == type; }

const TreeFiles::Node& TreeFiles::Node::mount_point() const {
  const Node* node = this;
  while (node->magic == 0 && node->parent != nullptr) node = node->parent;
  return *node;
}

std::string TreeFiles::Node::path() const {
  if (removed) return name + " (removed)";
  if (parent == nullptr) return "/";
  return parent->parent == nullptr ? "/" + name : parent->path() + "/" + name;
}

TreeFiles::Found TreeFiles::walk(Node& base, Node& root, std::string_view path, Last last) const {
  if (path.empty()) return {nullptr, -ENOENT};
  if (path.size() >= kPathMax) return {nullptr, -ENAMETOOLONG};
  Node* node = path.front() == '/' ? &root : &base;
  int links = 0;
  while (true) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    if (path.empty()) return {node, 0};
    if (!node->is(S_IFDIR)) return {nullptr, -ENOTDIR};
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name == ".") continue;
    if (node->removed) return {nullptr, -ENOENT};
    if (name == "..") {
      if (node != &root && node->parent != nullptr) node = node->parent;
      continue;
    }
    if (name.size() > kNameMax) return {nullptr, -ENAMETOOLONG};
    const auto found = node->children.find(name);
    if (found == node->children.end()) return {nullptr, -ENOENT};
    Node& child = *found->second;
    // What has a slash behind it is a directory or leads to one.
    if (!child.is(S_IFLNK) || (path.empty() && last == Last::keep)) {
      if (!path.empty() && !child.is(S_IFDIR)) return {nullptr, -ENOTDIR};
      node = &child;
      continue;
    }
    if (++links > kMaxLinks) return {nullptr, -ELOOP};
    if (child.error != 0) return {nullptr, -child.error};
    if (child.content.starts_with('/')) node = &root;
    std::string& rest = link_paths_[static_cast<std::size_t>(links % 2)];
    rest.assign(child.content).append(path);
    path = rest;
  }
}

TreeFiles::Found TreeFiles::look_up(int dir, std::string_view path, Last last) {
  if (dir == kAbsolute || path.starts_with('/')) return walk(*root_, *root_, path, last);
  Handle* const handle = handle_of(dir);
  if (handle == nullptr) return {nullptr, -EBADF};
  if (handle->node == nullptr || !handle->node->is(S_IFDIR)) return {nullptr, -ENOTDIR};
  return walk(*handle->node, *root_, path, last);
}

TreeFiles::Handle* TreeFiles::handle_of(int number) {
  const auto index = static_cast<std::size_t>(number);
  if (number >= 0 && index < handles_.size()) {
    Handle& handle = handles_[index];
    if (handle.node != nullptr || handle.watch != nullptr) return &handle;
  }
  ++bad_handles_;
  return nullptr;
}

TreeFiles::Watch* TreeFiles::watch_of(int number) {
  Handle* const handle = handle_of(number);
  return handle == nullptr ? nullptr : handle->watch.get();
}

int TreeFiles::take_handle(Handle handle) {
  while (first_free_ < handles_.size() &&
         (handles_[first_free_].node != nullptr || handles_[first_free_].watch != nullptr)) {
    ++first_free_;
  }
  if (first_free_ == handles_.size()) handles_.emplace_back();
  handles_[first_free_] = std::move(handle);
  ++open_handles_;
  return static_cast<int>(first_free_++);
}

int TreeFiles::open_directory(int dir, const char* path) {
  if (full()) return -EMFILE;
  const auto [node, error] = look_up(dir, path, Last::follow);
  if (error != 0) return error;
  if (!node->is(S_IFDIR)) return -ENOTDIR;
  return take_handle({node->shared_from_this(), nullptr, true});
}

int TreeFiles::open(int dir, const char* path) {
  if (full()) return -EMFILE;
  const auto [node, error] = look_up(dir, path, Last::keep);
  if (error != 0) return error;
  if (node->is(S_IFLNK)) return -ELOOP;
  if (fails_to_open(node->error)) return -node->error;
  if (node->is(S_IFSOCK)) return -ENXIO;
  if (node->is(S_IFIFO)) return -EDEADLK;
  return take_handle({node->shared_from_this(), nullptr});
}

TreeFiles::Found TreeFiles::look_up_beneath(int dir, std::string_view path) {
  if (full()) return {nullptr, -EMFILE};
  Node* top = root_.get();
  if (dir != kAbsolute) {
    const Handle* const handle = handle_of(dir);
    if (handle == nullptr) return {nullptr, -EBADF};
    if (handle->node == nullptr || !handle->node->is(S_IFDIR)) return {nullptr, -ENOTDIR};
    top = handle->node.get();
  }
  return walk(*top, *top, path, Last::follow);
}

int TreeFiles::open_beneath(int dir, const char* path) {
  const auto [node, error] = look_up_beneath(dir, path);
  if (error != 0) return error;
  if (fails_to_open(node->error)) return -node->error;
  if (node->is(S_IFSOCK)) return -ENXIO;
  if (!node->is(S_IFREG)) return -EINVAL;
  return take_handle({node->shared_from_this(), nullptr});
}

std::int64_t TreeFiles::read(int file, std::span<char> buffer, std::uint64_t offset) {
  const Handle* const handle = handle_of(file);
  if (handle == nullptr) return -EBADF;
  if (handle->node == nullptr) return -ESPIPE;  // pread of an inotify descriptor
  if (handle->path_only) return -EBADF;
  const Node& node = *handle->node;
  if (node.is(S_IFDIR)) return -EISDIR;
  if (node.removed && node.gone != 0) return -node.gone;
  if (node.error != 0) return -node.error;
  if (offset >= node.content.size()) return 0;
  const std::string_view rest =
      std::string_view(node.content).substr(offset).substr(0, buffer.size());
  std::ranges::copy(rest, buffer.begin());
  return static_cast<std::int64_t>(rest.size());
}

void TreeFiles::close(int handle) {
  Handle* const closed = handle_of(handle);
  if (closed == nullptr) return;
  *closed = {};
  --open_handles_;
  first_free_ = std::min(first_free_, static_cast<std::size_t>(handle));
}

int TreeFiles::status(int dir, const char* path, FileStatus& status) {
  const auto [node, error] = look_up(dir, path, Last::keep);
  if (error != 0) return error;
  status.device = node->mount_point().device;
  status.inode = node->inode;
  status.links = node->is(S_IFDIR) ? 2 + node->directories : 1;
  status.mode = node->mode;
  status.mtime_ns = node->mtime_ns;
  return 0;
}

int TreeFiles::read_link(int dir, const char* path, std::string& target) {
  target.clear();
  const auto [node, error] = look_up(dir, path, Last::keep);
  if (error != 0) return error;
  if (!node->is(S_IFLNK)) return -EINVAL;
  if (node->error != 0) return -node->error;
  target = node->content;
  return 0;
}

std::int64_t TreeFiles::filesystem(const char* path) {
  const auto [node, error] = look_up(kAbsolute, path, Last::follow);
  if (error != 0) return error;
  return node->mount_point().magic;
}

int TreeFiles::readable(int dir, const char* path) {
  const auto [node, error] = look_up(dir, path, Last::follow);
  if (error != 0) return error;
  return fails_to_open(node->error) ? -node->error : 0;
}

int TreeFiles::list_directories(int dir, const char* path, DirectoryListing& listing) {
  listing.clear();
  if (full()) return -EMFILE;
  const auto [node, error] = look_up(dir, path, Last::keep);
  if (error != 0) return error;
  if (!node->is(S_IFDIR)) return -ENOTDIR;
  if (fails_to_open(node->error)) return -node->error;
  if (node->removed) return -ENOENT;
  // NOLINTNEXTLINE(modernize-loop-convert): clang 14 cannot read libstdc++'s views.
  for (auto child = node->children.rbegin(); child != node->children.rend(); ++child) {
    if (child->second->is(S_IFDIR)) listing.add(child->first, child->second->inode);
  }
  return 0;
}

int TreeFiles::list_beneath(int dir, const char* path, bool directories, std::size_t most,
                            DirectoryListing& listing) {
  listing.clear();
  const auto [node, error] = look_up_beneath(dir, path);
  if (error != 0) return error;
  if (!node->is(S_IFDIR)) return -ENOTDIR;
  if (fails_to_open(node->error)) return -node->error;
  if (node->removed) return -ENOENT;
  // NOLINTNEXTLINE(modernize-loop-convert): clang 14 cannot read libstdc++'s views.
  for (auto child = node->children.rbegin(); child != node->children.rend(); ++child) {
    if (listing.entries().size() == most) break;
    if (!directories || child->second->is(S_IFDIR)) {
      listing.add(child->first, child->second->inode);
    }
  }
  return 0;
}

int TreeFiles::count_links(int dir, const char* path, LinkCounts& counts) {
  counts = {};
  if (full()) return -EMFILE;
  const auto [node, error] = look_up(dir, path, Last::keep);
  if (error != 0) return error;
  if (!node->is(S_IFDIR)) return -ENOTDIR;
  if (fails_to_open(node->error)) return -node->error;
  for (const auto& [name, child] : node->children) {
    if (!child->is(S_IFLNK)) continue;
    ++counts.links;
    if (child->error == EACCES) {
      counts.hidden = true;  // it is listed; where it leads is not said
      continue;
    }
    counts.sockets += child->content.starts_with("socket:") ? 1 : 0;
  }
  return 0;
}

int TreeFiles::open_watch() {
  if (open_watch_error_ != 0) return -open_watch_error_;
  if (full()) return -EMFILE;
  Handle handle;
  handle.watch = std::make_unique<Watch>();
  return take_handle(std::move(handle));
}

int TreeFiles::watch_directory(int watch, int dir, const char* path) {
  Found found = look_up(dir, path, Last::keep);
  if (found.error == 0 && !found.node->is(S_IFDIR)) found.error = -ENOTDIR;
  return add_watch(watch, found, false);
}

int TreeFiles::watch_file(int watch, int dir, const char* path) {
  return add_watch(watch, look_up(dir, path, Last::keep), true);
}

int TreeFiles::add_watch(int watch, const Found& found, bool files) {
  Handle* const handle = handle_of(watch);
  if (handle == nullptr) return -EBADF;
  if (handle->watch == nullptr) return -EINVAL;
  if (found.error != 0) return found.error;
  if (found.node->removed) return -ENOENT;
  const auto [place, added] = handle->watch->numbers.try_emplace(found.node, Watched{0, files});
  if (!added) return place->second.number;
  if (watch_error_ != 0) {
    handle->watch->numbers.erase(place);
    return -watch_error_;
  }
  return place->second.number = ++handle->watch->last_number;
}

void TreeFiles::unwatch(int watch, int number) {
  if (Watch* const from = watch_of(watch)) {
    std::erase_if(from->numbers, [&](const auto& entry) { return entry.second.number == number; });
  }
}

int TreeFiles::read_watch(int watch, WatchEvents& events) {
  events.clear();
  Handle* const handle = handle_of(watch);
  if (handle == nullptr) return -EBADF;
  if (handle->path_only) return -EBADF;
  if (handle->watch == nullptr) return handle->node->is(S_IFDIR) ? -EISDIR : -EINVAL;
  events = handle->watch->events;
  handle->watch->events.clear();
  return 0;
}

}  // namespace cgmon
