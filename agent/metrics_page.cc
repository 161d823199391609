#include "agent/metrics_page.h"

#include <algorithm>

#include "agent/expose/machine_text.h"
#include "agent/expose/resource_page.h"

namespace cgmon {
namespace {

/// Two kept buffers are enough: one being sent, one being written. A larger one than this is not
/// kept, as the memory would stay with the agent for a rare large page.
constexpr std::size_t kBuffersKept = 2;
constexpr std::size_t kBufferBytesKept = 32U << 20U;

std::size_t index_of(const PageForm& form) {
  return 4 * static_cast<std::size_t>(form.view) + 2 * static_cast<std::size_t>(form.format) +
         (form.gzip ? 1U : 0U);
}

}  // namespace

std::shared_ptr<const std::string> MetricsPage::get(std::int64_t deadline_ns,
                                                    const PageForm& form) {
  const CollectionLoop::Lease lease = loop_.get(deadline_ns, form.groups);
  self_.count_collection(name_of(lease.outcome()));
  const std::lock_guard lock(render_mutex_);
  if (!lease && form.view == PageView::json) return nullptr;
  if (!lease) {
    auto page = borrow_buffer(form);
    render_stuck(form, *page);
    return page;
  }
  if (rendered_number_ != lease.number() || rendered_groups_ != form.groups) {
    for (auto& page : rendered_) page.reset();
    rendered_number_ = lease.number();
    rendered_groups_ = form.groups;
  }
  auto& rendered = rendered_.at(index_of(form));
  if (!rendered) {
    auto page = borrow_buffer(form);
    const std::int64_t cpu_started = clock_.thread_cpu_ns();
    render(*lease, form, *page);
    self_.add_cpu("render", clock_.thread_cpu_ns() - cpu_started);
    rendered = std::move(page);
  }
  return rendered;
}

void MetricsPage::render(const Snapshot& snapshot, const PageForm& form, std::string& page) {
  if (form.view == PageView::metrics) {
    render_metrics(snapshot, form, page);
    return;
  }
  std::string& plain = form.gzip ? plain_ : page;
  if (form.view == PageView::resource) {
    render_resource_page(&snapshot, form.format, plain);
  } else {
    render_snapshot_json(snapshot, host_, plain);
  }
  if (form.gzip) compress(page);
}

void MetricsPage::render_metrics(const Snapshot& snapshot, const PageForm& form,
                                 std::string& page) {
  std::string& plain = form.gzip ? plain_ : page;
  if (form.gzip) template_gzip_.begin(page);
  const PrometheusText::Stats stats = text_.render(
      snapshot, plain, form.format, form.gzip ? &template_gzip_ : nullptr, form.groups);
  const std::size_t written = plain.size();
  self_.page_written(form.gzip ? "gzip" : "identity", form.gzip ? template_gzip_.size() : written,
                     stats);
  append_end(&snapshot, form, plain);
  if (!form.gzip) return;
  template_gzip_.end(plain, written);
  plain_.resize(written);  // as the writer left it, so that it does not clear it again
  if (plain_.capacity() > kBufferBytesKept) std::string().swap(plain_);
}

void MetricsPage::render_stuck(const PageForm& form, std::string& page) {
  std::string& plain = form.gzip ? plain_ : page;
  if (form.view == PageView::resource) {
    render_resource_page(nullptr, form.format, plain);
  } else {
    plain.clear();
    append_end(nullptr, form, plain);
  }
  if (form.gzip) compress(page);
}

/// plain_ into a page.
void MetricsPage::compress(std::string& page) {
  page.clear();
  gzip_.append_file(plain_, page);
}

/// What follows the cgroups' metrics.
void MetricsPage::append_end(const Snapshot* snapshot, const PageForm& form,
                             std::string& page) const {
  if (snapshot != nullptr) append_machine_text(*snapshot, page, form.format, form.groups);
  self_.append_text(snapshot, page, form.format, form.groups);
  if (form.format == TextFormat::openmetrics) page += kOpenMetricsEnd;
}

void MetricsPage::set_bounds(const PageBounds& bounds) {
  const std::lock_guard lock(render_mutex_);
  text_.set_bounds(bounds);
}

/// The larger one for a plain page, so that one for compressed pages stays small.
std::shared_ptr<std::string> MetricsPage::borrow_buffer(const PageForm& form) {
  std::unique_ptr<std::string> buffer;
  {
    const std::lock_guard lock(buffers_->mutex);
    if (!buffers_->free.empty()) {
      const auto by_size = [](const auto& a, const auto& b) {
        return a->capacity() < b->capacity();
      };
      const auto [smallest, largest] =
          std::minmax_element(buffers_->free.begin(), buffers_->free.end(), by_size);
      const auto chosen = form.gzip ? smallest : largest;
      buffer = std::move(*chosen);
      buffers_->free.erase(chosen);
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
