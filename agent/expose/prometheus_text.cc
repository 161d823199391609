#include "agent/expose/prometheus_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace cgmon {
namespace {

constexpr std::size_t kLongestNumber = 24;

std::string header_of(const Family& family) {
  std::string header = "# HELP ";
  header += family.name;
  header += ' ';
  header += family.help;
  header += "\n# TYPE ";
  header += family.name;
  header += family.kind == Kind::counter ? " counter\n" : " gauge\n";
  return header;
}

/// Labels of an axis' element, with a comma behind.
std::string_view element_label(Axis axis, std::uint32_t element, std::array<char, 48>& buffer) {
  char* at = buffer.data();
  const auto text = [&](std::string_view part) {
    std::memcpy(at, part.data(), part.size());
    at += part.size();
  };
  if (axis != Axis::cpu) return {};
  text("cpu=\"cpu");
  if (element < 10) text("0");  // cpu00, as cAdvisor writes it
  at = std::to_chars(at, buffer.data() + buffer.size(), element).ptr;
  text("\",");
  return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
}

void append_label(std::string& text, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!text.empty()) text += ',';
  text += name;
  text += "=\"";
  append_escaped(text, value);
  text += '"';
}

/// The labels of a sample behind those of its row, up to the value.
void make_block(const CgroupLabels& labels, std::string& text) {
  text.clear();
  append_label(text, "container", labels.container);
  append_label(text, "id", labels.id);
  append_label(text, "image", labels.image);
  append_label(text, "name", labels.name);
  append_label(text, "namespace", labels.namespace_name);
  append_label(text, "pod", labels.pod);
  text += "} ";
}

}  // namespace

void append_escaped(std::string& text, std::string_view value) {
  for (const char byte : value) {
    switch (byte) {
      case '\\':
        text += "\\\\";
        break;
      case '"':
        text += "\\\"";
        break;
      case '\n':
        text += "\\n";
        break;
      default:
        text += byte;
    }
  }
}

char* write_number(char* at, std::uint64_t number, unsigned decimals, bool is_signed) {
  if (is_signed && (number >> 63U) != 0) {
    *at++ = '-';
    number = ~number + 1;
  }
  if (decimals == 0) return std::to_chars(at, at + kLongestNumber, number).ptr;
  std::uint64_t scale = 1;
  for (unsigned i = 0; i < decimals; ++i) scale *= 10;
  at = std::to_chars(at, at + kLongestNumber, number / scale).ptr;
  std::uint64_t fraction = number % scale;
  if (fraction == 0) return at;
  while (fraction % 10 == 0) fraction /= 10, --decimals;
  *at++ = '.';
  for (unsigned i = decimals; i > 0; --i) {
    at[i - 1] = static_cast<char>('0' + fraction % 10);
    fraction /= 10;
  }
  return at + decimals;
}

PrometheusText::PrometheusText(std::size_t max_samples) : max_samples_(max_samples) {
  for (std::size_t i = 0; i < kRowCount; ++i) {
    std::string prefix(kRows[i].family);
    prefix += '{';
    prefix += kRows[i].labels;
    if (!kRows[i].labels.empty()) prefix += ',';
    prefixes_.push_back(std::move(prefix));
    headers_.push_back(header_of(family_of(i)));
  }
}

PrometheusText::Stats PrometheusText::render(const Snapshot& snapshot, std::string& page) {
  refresh_blocks(snapshot);
  stats_ = {};
  page_ = &page;
  length_ = 0;
  family_written_ = kFamilies.size();
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (!snapshot.served[i]) continue;
    if (kRows[i].axis == Axis::none) {
      write_row(snapshot, i);
    } else {
      write_axis_row(snapshot, i);
    }
    write_loose(snapshot, i);
  }
  page.resize(length_);
  return stats_;
}

void PrometheusText::refresh_blocks(const Snapshot& snapshot) {
  if (blocks_.size() < snapshot.labels.size()) blocks_.resize(snapshot.labels.size());
  for (Slot slot = 0; slot < snapshot.labels.size(); ++slot) {
    Block& block = blocks_[slot];
    if (block.labels == snapshot.labels[slot]) continue;
    block.labels = snapshot.labels[slot];
    if (block.labels) make_block(*block.labels, block.text);
  }
}

void PrometheusText::write_row(const Snapshot& snapshot, std::size_t row_index) {
  const Column& column = snapshot.columns[row_index];
  if (!column.in_use()) return;
  for (const Slot slot : snapshot.order) {
    const Value value = column.get(slot);
    if (!value.is_absent()) write_sample(row_index, blocks_[slot].text, value, {});
  }
}

void PrometheusText::write_axis_row(const Snapshot& snapshot, std::size_t row_index) {
  std::array<char, 48> label{};
  for (const AxisSample& sample : snapshot.axes[row_index]) {
    if (snapshot.alive[sample.slot] == 0) continue;
    write_sample(row_index, blocks_[sample.slot].text, Value::of(sample.value),
                 element_label(kRows[row_index].axis, sample.element, label));
  }
}

void PrometheusText::write_loose(const Snapshot& snapshot, std::size_t row_index) {
  for (const LooseSample& sample :
       std::ranges::equal_range(snapshot.loose, row_index, {}, &LooseSample::row)) {
    make_block(*sample.labels, loose_block_);
    write_sample(row_index, loose_block_, Value::of(sample.value), {});
  }
}

void PrometheusText::write_sample(std::size_t row_index, std::string_view block, Value value,
                                  std::string_view element) {
  if (!value.is_number()) {
    if (kRows[row_index].unlimited == Unlimited::print_nothing) return;
    value = Value::of(0);
  }
  if (stats_.samples >= max_samples_) {
    ++stats_.dropped;
    return;
  }
  if (family_written_ != kFamilyOfRow[row_index]) write_header(row_index);
  const std::string& prefix = prefixes_[row_index];
  reserve(prefix.size() + element.size() + block.size() + kLongestNumber + 16);
  put(prefix);
  put(element);
  put(block);
  const Family& family = family_of(row_index);
  char* const begin = page_->data() + length_;
  char* const end = write_number(begin, value.number, decimals(family.unit), family.is_signed);
  *end = '\n';
  length_ += static_cast<std::size_t>(end - begin) + 1;
  ++stats_.samples;
}

void PrometheusText::write_header(std::size_t row_index) {
  family_written_ = kFamilyOfRow[row_index];
  reserve(headers_[row_index].size());
  put(headers_[row_index]);
}

/// The page keeps its last length, so that growing zeroes only what is new.
void PrometheusText::reserve(std::size_t bytes) {
  if (length_ + bytes > page_->size()) {
    page_->resize(std::max(length_ + bytes, page_->size() + page_->size() / 8 + 4096));
  }
}

void PrometheusText::put(std::string_view text) {
  if (text.empty()) return;  // memcpy takes no null pointer, not even for nothing
  std::memcpy(page_->data() + length_, text.data(), text.size());
  length_ += text.size();
}

}  // namespace cgmon
