#include "collectors/identity/metadata_thread.h"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

namespace cgmon {
namespace {

/// Questions that wait while a disk hangs; more than the cgroups that are followed by default.
constexpr std::size_t kMaxQuestions = 32'768;

/// What answers a question, by static names, so that answers can hold views.
std::string_view source_of(const MetadataQuestion& question) {
  for (const std::string_view name : kEnginesWithFiles) {
    if (question.runtime == name) return name;
  }
  if (!question.id.empty()) return "unknown";
  if (!question.pod_uid.empty()) return "kubernetes";
  return question.kind == CgroupKind::machine ? "machined" : "passwd";
}

/// Whether the question was no more than a guess: nobody failed who says no.
bool is_guess(const MetadataQuestion& question) {
  return question.id.empty() || question.runtime.empty();
}

}  // namespace

MetadataAnswer to_answer(const MetadataQuestion& question, Result<ContainerMetadata> result) {
  MetadataAnswer answer;
  answer.key = question.key;
  answer.source = source_of(question);
  answer.found = result.has_value();
  if (result) {
    answer.metadata = *std::move(result);
    return answer;
  }
  const int error = result.error().error;
  if (error == ENOENT && is_guess(question)) return answer;
  answer.reason = error == EBADMSG ? "malformed" : error == EFBIG ? "too_large" : errno_name(error);
  return answer;
}

struct MetadataThread::State {
  struct Question {
    explicit Question(const MetadataQuestion& asked)
        : key(asked.key),
          kind(asked.kind),
          runtime(asked.runtime),
          id(asked.id),
          path(asked.path),
          pod_uid(asked.pod_uid),
          engine_namespace(asked.engine_namespace),
          unit(asked.unit),
          uid(asked.uid) {}
    [[nodiscard]] MetadataQuestion view() const {
      return {.key = key,
              .kind = kind,
              .runtime = runtime,
              .id = id,
              .path = path,
              .pod_uid = pod_uid,
              .engine_namespace = engine_namespace,
              .unit = unit,
              .uid = uid};
    }

    std::uint64_t key;
    CgroupKind kind;
    std::string runtime, id, path, pod_uid, engine_namespace, unit, uid;
  };

  Read read;
  ListEnded list_ended;
  std::mutex mutex;  // guards what follows
  std::condition_variable asked, answered;
  std::deque<Question> questions;
  std::vector<MetadataAnswer> answers;
  std::optional<std::int64_t> list_at_ns;  ///< the ended ones are asked for
  std::optional<EndedContainers> ended;
  bool busy = false;  ///< with a question
  bool reading = false, stop = false;
};

MetadataThread::MetadataThread(Read read, ListEnded list_ended)
    : state_(std::make_shared<State>()) {
  state_->read = std::move(read);
  state_->list_ended = std::move(list_ended);
  thread_ = std::thread([state = state_] { run(*state); });
}

MetadataThread::~MetadataThread() {
  bool busy = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
    state_->questions.clear();
    busy = state_->reading;
  }
  state_->asked.notify_all();
  if (busy) {
    thread_.detach();  // it ends when its reader returns, if ever
  } else {
    thread_.join();
  }
}

void MetadataThread::ask(const MetadataQuestion& question) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->questions.size() >= kMaxQuestions) {
      state_->answers.push_back(to_answer(question, failure("too many questions", {}, EAGAIN)));
      return;
    }
    state_->questions.emplace_back(question);
  }
  state_->asked.notify_one();
}

void MetadataThread::ask_ended(std::int64_t now_ns) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->list_ended || state_->list_at_ns) return;
    state_->list_at_ns = now_ns;
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

std::optional<EndedContainers> MetadataThread::take_ended() {
  const std::lock_guard lock(state_->mutex);
  return std::exchange(state_->ended, std::nullopt);
}

void MetadataThread::run(State& state) {
  std::unique_lock lock(state.mutex);
  while (true) {
    state.asked.wait(lock,
                     [&] { return state.stop || !state.questions.empty() || state.list_at_ns; });
    if (state.stop) return;
    state.reading = true;
    if (state.questions.empty()) {  // names are waited for, so they come first
      const std::int64_t now_ns = *state.list_at_ns;
      lock.unlock();
      EndedContainers ended = state.list_ended(now_ns);
      lock.lock();
      state.ended = std::move(ended);
      state.list_at_ns.reset();
    } else {
      const State::Question question = std::move(state.questions.front());
      state.questions.pop_front();
      state.busy = true;
      lock.unlock();
      MetadataAnswer answer = to_answer(question.view(), state.read(question.view()));
      lock.lock();
      state.answers.push_back(std::move(answer));
      state.busy = false;
      if (state.questions.empty()) state.answered.notify_all();
    }
    state.reading = false;
  }
}

}  // namespace cgmon
