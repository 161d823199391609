#include "collectors/host/disk_threads.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "collectors/host/host_disks.h"
#include "collectors/kernel/system_files.h"

namespace cgmon {
namespace {

using std::chrono::steady_clock;

/// Questions that wait; more than the containers of a host.
constexpr std::size_t kMaxQuestions = 32'768;

std::int64_t since_epoch_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::nanoseconds(now).count();
}

}  // namespace

LayerAnswer measure_layer(DiskFiles& files, const std::string& root, const LayerQuestion& question,
                          DiskWalker::Pace pace) {
  const auto began = steady_clock::now();
  LayerAnswer answer{.key = question.key};
  DiskWalker walker(files, std::move(pace));
  const int directory = files.open_directory(root.c_str(), question.directory.c_str());
  if (directory < 0) {
    answer.usage.error = directory;
    return answer;
  }
  answer.usage = walker.walk(directory);
  DiskSpace space;
  if (files.space(directory, space) == 0) answer.space = space;
  files.close(directory);
  const std::size_t slash = question.log.rfind('/');
  if (slash != question.log.npos) {
    const std::string beside = question.log.substr(0, slash + 1);
    const int logs = files.open_directory(root.c_str(), beside.c_str());
    if (logs >= 0) {
      const DiskUsage log = walker.add_up_log(logs, question.log.substr(slash + 1));
      if (log.complete) answer.log = log;
      files.close(logs);
    }
  }
  answer.ended_ns = since_epoch_ns();
  answer.duration_ns = std::chrono::nanoseconds(steady_clock::now() - began).count();
  return answer;
}

struct DiskThreads::State {
  explicit State(const DiskThreadOptions& the_options) : options(the_options) {}

  void walk_layers();
  void ask_for_space();
  bool rest(std::size_t entries, steady_clock::time_point& next);

  DiskThreadOptions options;
  mutable std::mutex mutex;  // guards what follows
  std::condition_variable asked, answered;
  std::deque<LayerQuestion> questions;
  std::vector<LayerAnswer> answers;
  std::optional<HostDisks> host;
  bool host_asked = false, stop = false;
  bool layers_busy = false, host_busy = false;
  bool layers_begun = false, host_begun = false;
  std::thread layers_thread, host_thread;
  Counters counters;
};

DiskThreads::DiskThreads(const DiskThreadOptions& options)
    : state_(std::make_shared<State>(options)) {}

DiskThreads::~DiskThreads() {
  bool layers_hang = false, host_hangs = false;
  {
    std::unique_lock lock(state_->mutex);
    state_->stop = true;
    state_->questions.clear();
    state_->asked.notify_all();
    // A walk ends at its next rest, unless the disk hangs.
    state_->answered.wait_for(lock, std::chrono::milliseconds(500),
                              [&] { return !state_->layers_busy && !state_->host_busy; });
    layers_hang = state_->layers_busy;
    host_hangs = state_->host_busy;
  }
  const auto end = [](std::thread& thread, bool hangs) {
    if (!thread.joinable()) return;
    if (hangs) {
      thread.detach();
    } else {
      thread.join();
    }
  };
  end(state_->layers_thread, layers_hang);
  end(state_->host_thread, host_hangs);
}

void DiskThreads::ask(LayerQuestion question) {
  const std::lock_guard lock(state_->mutex);
  if (state_->questions.size() >= kMaxQuestions) {
    state_->answers.push_back({.key = question.key, .usage = {.error = -EAGAIN}});
    return;
  }
  state_->questions.push_back(std::move(question));
  if (!std::exchange(state_->layers_begun, true)) {
    state_->layers_thread = std::thread([state = state_] { state->walk_layers(); });
  }
  state_->asked.notify_all();
}

void DiskThreads::ask_host() {
  const std::lock_guard lock(state_->mutex);
  state_->host_asked = true;
  if (!std::exchange(state_->host_begun, true)) {
    state_->host_thread = std::thread([state = state_] { state->ask_for_space(); });
  }
  state_->asked.notify_all();
}

void DiskThreads::wait(std::int64_t max_ns) {
  std::unique_lock lock(state_->mutex);
  state_->answered.wait_for(lock, std::chrono::nanoseconds(max_ns), [this] {
    return state_->questions.empty() && !state_->layers_busy && !state_->host_asked &&
           !state_->host_busy;
  });
}

void DiskThreads::take(std::vector<LayerAnswer>& layers, std::optional<HostDisks>& host) {
  const std::lock_guard lock(state_->mutex);
  for (LayerAnswer& answer : state_->answers) layers.push_back(answer);
  state_->answers.clear();
  if (state_->host) host = std::exchange(state_->host, std::nullopt);
}

DiskQueue::Counters DiskThreads::counters() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counters;
}

/// Sleeps as long as the entries looked at should have taken; false when the agent ends.
bool DiskThreads::State::rest(std::size_t entries, steady_clock::time_point& next) {
  const auto now = steady_clock::now();
  next = std::max(next, now - std::chrono::milliseconds(100)) +
         std::chrono::nanoseconds(1'000'000'000 / options.files_per_second) * entries;
  std::unique_lock lock(mutex);
  counters.files += entries;
  // Short rests are saved up: a timer is not worth less than a millisecond.
  if (next - now > std::chrono::milliseconds(5)) asked.wait_until(lock, next, [&] { return stop; });
  return !stop;
}

void DiskThreads::State::walk_layers() {
  yield_to_all_others();
  SystemDiskFiles files;
  std::unique_lock lock(mutex);
  while (true) {
    asked.wait(lock, [&] { return stop || !questions.empty(); });
    if (stop) return;
    const LayerQuestion question = std::move(questions.front());
    questions.pop_front();
    layers_busy = true;
    lock.unlock();
    auto next = steady_clock::now();
    LayerAnswer answer = measure_layer(files, options.roots.rootfs, question,
                                       [&](std::size_t entries) { return rest(entries, next); });
    lock.lock();
    if (!answer.usage.complete) ++counters.incomplete;
    answers.push_back(answer);
    layers_busy = false;
    answered.notify_all();
  }
}

void DiskThreads::State::ask_for_space() {
  SystemDiskFiles disks;
  SystemFiles files;
  std::unique_lock lock(mutex);
  while (true) {
    asked.wait(lock, [&] { return stop || host_asked; });
    if (stop) return;
    host_asked = false;
    host_busy = true;
    lock.unlock();
    HostDisks found = read_host_disks(files, disks, options.roots.procfs, options.roots.rootfs);
    lock.lock();
    host = std::move(found);
    host_busy = false;
    answered.notify_all();
  }
}

}  // namespace cgmon
