#include "agent/metrics_page.h"

namespace cgmon {
namespace {

/// Two kept buffers are enough: one being sent, one being written. A larger one than this is not
/// kept, as the memory would stay with the agent for a rare large page.
constexpr std::size_t kBuffersKept = 2;
constexpr std::size_t kBufferBytesKept = 32U << 20U;

}  // namespace

std::shared_ptr<const std::string> MetricsPage::get(std::int64_t deadline_ns) {
  const CollectionLoop::Lease lease = loop_.get(deadline_ns);
  self_.count_collection(name_of(lease.outcome()));
  const std::lock_guard lock(render_mutex_);
  if (!lease) {
    auto page = borrow_buffer();
    page->clear();
    self_.append_text(nullptr, *page);
    return page;
  }
  if (rendered_ && rendered_number_ == lease.number()) return rendered_;
  rendered_.reset();
  auto page = borrow_buffer();
  const PrometheusText::Stats stats = text_.render(*lease, *page);
  if (lease.number() > observed_number_) {  // else it was rendered before, then an older one
    observed_number_ = lease.number();
    self_.observe_pass(*lease);
  }
  self_.page_written(page->size(), stats.samples, stats.dropped);
  self_.append_text(&*lease, *page);
  rendered_number_ = lease.number();
  rendered_ = std::move(page);
  return rendered_;
}

std::shared_ptr<std::string> MetricsPage::borrow_buffer() {
  std::unique_ptr<std::string> buffer;
  {
    const std::lock_guard lock(buffers_->mutex);
    if (!buffers_->free.empty()) {
      buffer = std::move(buffers_->free.back());
      buffers_->free.pop_back();
    }
  }
  if (!buffer) buffer = std::make_unique<std::string>();
  const auto give_back = [buffers = buffers_](std::string* text) {
    std::unique_ptr<std::string> owned(text);
    const std::lock_guard lock(buffers->mutex);
    if (buffers->free.size() < kBuffersKept && owned->capacity() <= kBufferBytesKept) {
      buffers->free.push_back(std::move(owned));
    }
  };
  return {buffer.release(), give_back};
}

}  // namespace cgmon
