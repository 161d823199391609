#include "collectors/identity/metadata_thread.h"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

namespace cgmon {
namespace {

/// Questions that wait while a disk hangs; more than the cgroups that are followed by default.
constexpr std::size_t kMaxQuestions = 32'768;

/// Runtimes by static names, so that answers can hold views.
std::string_view source_named(std::string_view runtime) {
  return runtime == "docker" ? "docker" : "unknown";
}

}  // namespace

MetadataAnswer to_answer(std::uint64_t key, std::string_view runtime,
                         Result<ContainerMetadata> result) {
  MetadataAnswer answer;
  answer.key = key;
  answer.source = source_named(runtime);
  answer.found = result.has_value();
  if (result) {
    answer.metadata = *std::move(result);
  } else {
    const int error = result.error().error;
    answer.reason = error == EBADMSG ? "malformed"
                    : error == EFBIG ? "too_large"
                                     : errno_name(error);
  }
  return answer;
}

struct MetadataThread::State {
  struct Question {
    std::uint64_t key;
    std::string runtime, id;
  };

  Read read;
  std::mutex mutex;  // guards what follows
  std::condition_variable asked, answered;
  std::deque<Question> questions;
  std::vector<MetadataAnswer> answers;
  bool busy = false, stop = false;
};

MetadataThread::MetadataThread(Read read) : state_(std::make_shared<State>()) {
  state_->read = std::move(read);
  thread_ = std::thread([state = state_] { run(*state); });
}

MetadataThread::~MetadataThread() {
  bool busy = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
    state_->questions.clear();
    busy = state_->busy;
  }
  state_->asked.notify_all();
  if (busy) {
    thread_.detach();  // it ends when its reader returns, if ever
  } else {
    thread_.join();
  }
}

void MetadataThread::ask(std::uint64_t key, std::string_view runtime, std::string_view id) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->questions.size() >= kMaxQuestions) {
      state_->answers.push_back(to_answer(key, runtime, failure("too many questions", {}, EAGAIN)));
      return;
    }
    state_->questions.push_back({key, std::string(runtime), std::string(id)});
  }
  state_->asked.notify_one();
}

void MetadataThread::wait(std::int64_t max_ns) {
  std::unique_lock lock(state_->mutex);
  state_->answered.wait_for(lock, std::chrono::nanoseconds(max_ns),
                            [this] { return state_->questions.empty() && !state_->busy; });
}

void MetadataThread::take(std::vector<MetadataAnswer>& answers) {
  const std::lock_guard lock(state_->mutex);
  for (MetadataAnswer& answer : state_->answers) answers.push_back(std::move(answer));
  state_->answers.clear();
}

void MetadataThread::run(State& state) {
  std::unique_lock lock(state.mutex);
  while (true) {
    state.asked.wait(lock, [&] { return state.stop || !state.questions.empty(); });
    if (state.stop) return;
    const State::Question question = std::move(state.questions.front());
    state.questions.pop_front();
    state.busy = true;
    lock.unlock();
    MetadataAnswer answer =
        to_answer(question.key, question.runtime, state.read(question.runtime, question.id));
    lock.lock();
    state.answers.push_back(std::move(answer));
    state.busy = false;
    if (state.questions.empty()) state.answered.notify_all();
  }
}

}  // namespace cgmon
