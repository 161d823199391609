// What a test does to a tree: the part of TreeFiles that no product code can reach.

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "tests/support/tree_files.h"
#include "tests/support/tree_text.h"

namespace cgmon {
namespace {

[[noreturn]] void misuse(std::string_view path, std::string_view what) {
  std::fprintf(stderr, "TreeFiles: %.*s: %.*s\n", static_cast<int>(path.size()), path.data(),
               static_cast<int>(what.size()), what.data());
  std::abort();
}

std::string_view without_slash(std::string_view path) {
  if (path.empty() || path.front() != '/') misuse(path, "is not absolute");
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

/// The directory that a path lies in, and its name there.
std::pair<std::string_view, std::string_view> split(std::string_view path) {
  path = without_slash(path);
  const std::size_t slash = path.rfind('/');
  return {path.substr(0, std::max<std::size_t>(slash, 1)), path.substr(slash + 1)};
}

bool made_by_kernel(std::uint32_t magic) {
  return magic == kCgroupMagic || magic == kCgroup2Magic || magic == kProcMagic;
}

/// What reading an open file says after it went: kernfs and procfs know, others read on.
int error_when_gone(std::uint32_t magic) {
  if (magic == kProcMagic) return ESRCH;
  return made_by_kernel(magic) ? ENODEV : 0;
}

}  // namespace

TreeFiles::TreeFiles() : root_(std::make_shared<Node>()) {
  root_->mode = S_IFDIR | 0755U;
  root_->inode = ++last_inode_;
  root_->mtime_ns = now_ns_;
  root_->magic = kTmpfsMagic;
  root_->device = ++last_device_;
}

Result<void> TreeFiles::load(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return failure("cannot read the tree", file, ENOENT);
  return load_text(text, file);
}

Result<void> TreeFiles::load_text(std::string_view text, std::string_view name) {
  Result<std::vector<TreeEntry>> entries = parse_tree(text, name);
  if (!entries) return tl::unexpected(std::move(entries.error()));
  std::int64_t youngest_ns = 0;
  for (TreeEntry& entry : *entries) {
    Node* node = root_.get();
    if (entry.path != "/") {
      const auto [parent_path, child_name] = split(entry.path);
      Node* const parent = walk(*root_, *root_, parent_path, Last::keep).node;
      if (parent == nullptr || !parent->is(S_IFDIR) || parent->children.contains(child_name)) {
        return failure("no directory for " + entry.path + ", or twice the same", name);
      }
      node = &make_in(*parent, child_name, entry.mode);
    }
    node->mode = entry.mode;
    node->inode = entry.inode;
    node->mtime_ns = entry.mtime_ns;
    node->magic = entry.magic != 0 || entry.path != "/" ? entry.magic : node->magic;
    node->device = entry.device != 0 || entry.magic == 0 ? entry.device : ++last_device_;
    node->error = entry.error;
    node->content = std::move(entry.content);
    last_inode_ = std::max(last_inode_, entry.inode);
    youngest_ns = std::max(youngest_ns, entry.mtime_ns);
  }
  // Making a child touched its parent: give the directories back what the file says.
  for (const TreeEntry& entry : *entries) {
    if ((entry.mode & S_IFMT) == S_IFDIR) set_mtime(entry.path, entry.mtime_ns);
  }
  now_ns_ = youngest_ns;
  return {};
}

TreeFiles::Node& TreeFiles::must_find(std::string_view path, Last last) const {
  const auto [node, error] = walk(*root_, *root_, without_slash(path), last);
  if (node == nullptr) misuse(path, "is not there: " + std::string(errno_name(-error)));
  return *node;
}

TreeFiles::Node& TreeFiles::make_directories(std::string_view path) {
  const auto [node, error] = walk(*root_, *root_, path, Last::follow);
  if (node != nullptr && !node->is(S_IFDIR)) misuse(path, "is no directory");
  if (node != nullptr) return *node;
  if (error != -ENOENT) misuse(path, "cannot be made: " + std::string(errno_name(-error)));
  return make(path, S_IFDIR | 0755U);
}

TreeFiles::Node& TreeFiles::make(std::string_view path, std::uint32_t mode) {
  const auto [parent, name] = split(path);
  return make_in(make_directories(parent), name, mode);
}

TreeFiles::Node& TreeFiles::make_in(Node& parent, std::string_view name, std::uint32_t mode) {
  if (name.empty() || name == "." || name == "..") misuse(name, "is no name");
  const auto [place, added] = parent.children.try_emplace(std::string(name));
  if (!added) misuse(place->second->path(), "exists already");
  place->second = std::make_shared<Node>();
  Node& node = *place->second;
  node.parent = &parent;
  node.name = name;
  node.mode = mode;
  node.inode = ++last_inode_;
  node.mtime_ns = now_ns_;
  parent.mtime_ns = now_ns_;
  if (node.is(S_IFDIR)) {
    ++parent.directories;
    report(parent, node, true);
  }
  return node;
}

void TreeFiles::report(const Node& directory, const Node& child, bool made) {
  if (muted_) return;
  for (const Handle& handle : handles_) {
    if (handle.watch == nullptr) continue;
    const auto found = handle.watch->numbers.find(&directory);
    if (found == handle.watch->numbers.end() || found->second.files) continue;
    const int number = found->second.number;
    WatchEvents& events = handle.watch->events;
    if (events.directories.empty() || events.directories.back() != number) {
      events.directories.push_back(number);
    }
    if (made) events.made.push_back({number, child.name});
  }
}

/// As the kernel does for what it changes itself; here for every change.
void TreeFiles::report_change(const Node& file) {
  if (muted_) return;
  for (const Handle& handle : handles_) {
    if (handle.watch == nullptr) continue;
    const auto& numbers = handle.watch->numbers;
    if (const auto found = numbers.find(&file); found != numbers.end()) {
      handle.watch->events.files.push_back(found->second.number);
    }
    const auto directory = numbers.find(file.parent);
    if (directory == numbers.end() || !directory->second.files || is_no_setting(file.name))
      continue;
    handle.watch->events.modified.push_back({directory->second.number, file.name});
  }
}

std::shared_ptr<TreeFiles::Node> TreeFiles::detach(Node& node) {
  Node& parent = *node.parent;
  std::shared_ptr<Node> detached = node.shared_from_this();
  parent.children.erase(parent.children.find(node.name));
  parent.mtime_ns = now_ns_;
  if (node.is(S_IFDIR)) {
    --parent.directories;
    report(parent, node, false);
  }
  return detached;
}

/// What is left of a node for those who have it open.
void TreeFiles::forget(Node& node) {
  node.gone = error_when_gone(node.mount_point().magic);
  const std::shared_ptr<Node> kept = detach(node);
  kept->removed = true;
  kept->parent = nullptr;
  for (const Handle& handle : handles_) {
    if (handle.watch != nullptr) handle.watch->numbers.erase(kept.get());
  }
}

TreeFiles& TreeFiles::set_file(std::string_view path, std::string_view content) {
  Node* node = walk(*root_, *root_, path, Last::follow).node;
  if (node == nullptr) node = &make(path, S_IFREG | 0644U);
  if (!node->is(S_IFREG)) misuse(path, "is no file");
  node->content = content;
  report_change(*node);
  if (!made_by_kernel(node->mount_point().magic)) node->mtime_ns = now_ns_;
  return *this;
}

TreeFiles& TreeFiles::add_directory(std::string_view path) {
  make(path, S_IFDIR | 0755U);
  return *this;
}

TreeFiles& TreeFiles::add_link(std::string_view path, std::string_view target) {
  if (target.empty()) misuse(path, "a link leads somewhere");
  make(path, S_IFLNK | 0777U).content = target;
  return *this;
}

TreeFiles& TreeFiles::add_fifo(std::string_view path) {
  make(path, S_IFIFO | 0644U);
  return *this;
}

TreeFiles& TreeFiles::remove(std::string_view path) {
  Node& node = must_find(path, Last::keep);
  if (node.is(S_IFDIR)) misuse(path, "is a directory");
  forget(node);
  return *this;
}

TreeFiles& TreeFiles::remove_directory(std::string_view path) {
  Node& node = must_find(path, Last::keep);
  if (!node.is(S_IFDIR) || node.parent == nullptr) misuse(path, "is no directory to remove");
  std::vector<Node*> order{&node};
  for (std::size_t at = 0; at < order.size(); ++at) {
    for (const auto& child : order[at]->children) order.push_back(child.second.get());
  }
  while (!order.empty()) {
    forget(*order.back());
    order.pop_back();
  }
  return *this;
}

TreeFiles& TreeFiles::rename_directory(std::string_view from, std::string_view to) {
  Node& node = must_find(from, Last::keep);
  const auto [parent_path, name] = split(to);
  Node& parent = must_find(parent_path, Last::follow);
  if (!node.is(S_IFDIR) || node.parent == nullptr) misuse(from, "is no directory to move");
  if (!parent.is(S_IFDIR) || parent.children.contains(name)) misuse(to, "cannot be moved to");
  for (const Node* above = &parent; above != nullptr; above = above->parent) {
    if (above == &node) misuse(to, "lies in what is to be moved");
  }
  std::shared_ptr<Node> moved = detach(node);
  node.parent = &parent;
  node.name = name;
  parent.children.emplace(name, std::move(moved));
  ++parent.directories;
  parent.mtime_ns = now_ns_;
  report(parent, node, true);
  return *this;
}

TreeFiles& TreeFiles::copy_directory(std::string_view from, std::string_view to) {
  const Node& source = must_find(from, Last::follow);
  if (!source.is(S_IFDIR)) misuse(from, "is no directory");
  if ((std::string(without_slash(to)) + '/').starts_with(source.path() + '/')) {
    misuse(to, "lies in what is to be copied");
  }
  copy_into(source, make(to, source.mode));
  return *this;
}

void TreeFiles::copy_into(const Node& from, Node& to) {
  for (const auto& [name, child] : from.children) {
    Node& copy = make_in(to, name, child->mode);
    copy.error = child->error;
    copy.content = child->content;
    copy_into(*child, copy);
  }
}

TreeFiles& TreeFiles::set_filesystem(std::string_view path, std::uint32_t magic) {
  Node& node = make_directories(without_slash(path));
  node.magic = magic;
  node.device = ++last_device_;
  return *this;
}

TreeFiles& TreeFiles::set_error(std::string_view path, int error) {
  must_find(path, Last::keep).error = error;
  return *this;
}

TreeFiles& TreeFiles::set_inode(std::string_view path, std::uint64_t inode) {
  must_find(path, Last::keep).inode = inode;
  last_inode_ = std::max(last_inode_, inode);
  return *this;
}

TreeFiles& TreeFiles::set_mtime(std::string_view path, std::int64_t mtime_ns) {
  must_find(path, Last::keep).mtime_ns = mtime_ns;
  return *this;
}

TreeFiles& TreeFiles::set_now(std::int64_t now_ns) {
  now_ns_ = now_ns;
  return *this;
}

const std::string& TreeFiles::content(std::string_view path) const {
  const Node& node = must_find(path, Last::follow);
  if (!node.is(S_IFREG)) misuse(path, "is no file");
  return node.content;
}

bool TreeFiles::exists(std::string_view path) const {
  return walk(*root_, *root_, path, Last::keep).node != nullptr;
}

TreeFiles& TreeFiles::overflow_watches() {
  for (const Handle& handle : handles_) {
    if (handle.watch == nullptr) continue;
    handle.watch->events.clear();
    handle.watch->events.overflow = true;
  }
  return *this;
}

TreeFiles& TreeFiles::mute_watches(bool muted) {
  muted_ = muted;
  return *this;
}

TreeFiles& TreeFiles::fail_watches(int error) {
  watch_error_ = error;
  return *this;
}

TreeFiles& TreeFiles::fail_open_watch(int error) {
  open_watch_error_ = error;
  return *this;
}

TreeFiles& TreeFiles::limit_handles(std::size_t limit) {
  handle_limit_ = limit;
  return *this;
}

std::vector<std::string> TreeFiles::open_paths() const {
  std::vector<std::string> paths;
  for (const Handle& handle : handles_) {
    if (handle.node != nullptr) paths.push_back(handle.node->path());
    if (handle.watch != nullptr) paths.emplace_back("(watch)");
  }
  return paths;
}

std::size_t TreeFiles::watched() const {
  std::size_t count = 0;
  for (const Handle& handle : handles_) {
    if (handle.watch != nullptr) count += handle.watch->numbers.size();
  }
  return count;
}

}  // namespace cgmon
