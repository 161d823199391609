#include "collectors/identity/metadata_thread.h"

#include <cerrno>
#include <chrono>

namespace cgmon {
namespace {

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
    answer.reason = error == EBADMSG ? "malformed" : error == EFBIG ? "too_large" : errno_name(error);
  }
  return answer;
}

MetadataThread::MetadataThread(Read read)
    : read_(std::move(read)), thread_([this] { run(); }) {}

MetadataThread::~MetadataThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  asked_.notify_all();
  thread_.join();
}

void MetadataThread::ask(std::uint64_t key, std::string_view runtime, std::string_view id) {
  {
    const std::lock_guard lock(mutex_);
    questions_.push_back({key, std::string(runtime), std::string(id)});
  }
  asked_.notify_one();
}

void MetadataThread::wait(std::int64_t max_ns) {
  std::unique_lock lock(mutex_);
  answered_.wait_for(lock, std::chrono::nanoseconds(max_ns),
                     [this] { return questions_.empty() && !busy_; });
}

void MetadataThread::take(std::vector<MetadataAnswer>& answers) {
  const std::lock_guard lock(mutex_);
  for (MetadataAnswer& answer : answers_) answers.push_back(std::move(answer));
  answers_.clear();
}

void MetadataThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    asked_.wait(lock, [this] { return stop_ || !questions_.empty(); });
    if (stop_) return;
    const Question question = std::move(questions_.front());
    questions_.pop_front();
    busy_ = true;
    lock.unlock();
    MetadataAnswer answer =
        to_answer(question.key, question.runtime, read_(question.runtime, question.id));
    lock.lock();
    answers_.push_back(std::move(answer));
    busy_ = false;
    if (questions_.empty()) answered_.notify_all();
  }
}

}  // namespace cgmon
