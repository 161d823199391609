#include "collectors/host/machine_thread.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace cgmon {

struct MachineThread::State {
  Read read;
  std::mutex mutex;  // guards what follows
  std::condition_variable asked, answered;
  std::shared_ptr<const Machine> latest;
  bool wanted = false, topology = false, stop = false;  // wanted until it was read
};

MachineThread::MachineThread(Read read) : state_(std::make_shared<State>()) {
  state_->read = std::move(read);
  thread_ = std::thread([state = state_] { run(*state); });
}

MachineThread::~MachineThread() {
  bool busy = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
    busy = state_->wanted;
  }
  state_->asked.notify_all();
  if (busy) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

bool MachineThread::ask(bool topology) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->wanted) return false;
    state_->wanted = true;
    state_->topology = topology;
  }
  state_->asked.notify_one();
  return true;
}

void MachineThread::wait(std::int64_t max_ns) {
  std::unique_lock lock(state_->mutex);
  state_->answered.wait_for(lock, std::chrono::nanoseconds(max_ns),
                            [this] { return !state_->wanted; });
}

std::shared_ptr<const Machine> MachineThread::latest() const {
  const std::lock_guard lock(state_->mutex);
  return state_->latest;
}

void MachineThread::run(State& state) {
  std::unique_lock lock(state.mutex);
  while (true) {
    state.asked.wait(lock, [&] { return state.stop || state.wanted; });
    if (state.stop) return;
    const bool topology = state.topology;
    lock.unlock();
    auto machine = std::make_shared<const Machine>(state.read(topology));
    lock.lock();
    state.latest = std::move(machine);
    state.wanted = false;
    state.answered.notify_all();
  }
}

}  // namespace cgmon
