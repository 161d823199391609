#include "agent/expose/prometheus_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace cgmon {
namespace {

constexpr std::size_t kLongestNumber = 24;

bool is_of_containers(LabelSet set) {
  return set == LabelSet::incarnation || set == LabelSet::restarts;
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
void make_block(const CgroupLabels& labels, LabelSet set, std::string& text) {
  text.clear();
  append_label(text, "container", labels.container);
  if (set == LabelSet::identity || set == LabelSet::all) append_label(text, "id", labels.id);
  if (set != LabelSet::restarts) append_label(text, "image", labels.image);
  append_label(text, "name", labels.name);
  append_label(text, "namespace", labels.namespace_name);
  append_label(text, "pod", labels.pod);
  const bool in_pod = !labels.pod.empty() || !labels.namespace_name.empty();
  if (set == LabelSet::incarnation || (set == LabelSet::restarts && !in_pod)) {
    append_label(text, "container_id", labels.container_id);
  }
  if (set == LabelSet::all) {
    for_each_info_label(labels, [&](std::string_view name, std::string_view value) {
      append_label(text, name, value);
    });
  }
  text += "} ";
}

}  // namespace

SampleType sample_type(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return SampleType::counter;
    case Kind::gauge:
      return SampleType::gauge;
    case Kind::info:
      return SampleType::info;
    case Kind::stateset:
      break;
  }
  return SampleType::stateset;
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

PrometheusText::PrometheusText(const PageBounds& bounds) : bounds_(bounds) {
  for (std::size_t i = 0; i < kRowCount; ++i) {
    std::string prefix(kRows[i].family);
    prefix += '{';
    prefix += kRows[i].labels;
    if (!kRows[i].labels.empty()) prefix += ',';
    prefixes_.push_back(std::move(prefix));
    const Family& family = family_of(i);
    for (const TextFormat format : {TextFormat::prometheus, TextFormat::openmetrics}) {
      std::string header;
      append_header(header, format, family.name, sample_type(family.kind), family.help);
      headers_.at(static_cast<std::size_t>(format)).push_back(std::move(header));
    }
  }
}

PrometheusText::Stats PrometheusText::render(const Snapshot& snapshot, std::string& page,
                                             TextFormat format, TemplateGzip* gzip,
                                             GroupSet groups) {
  refresh_blocks(snapshot);
  stats_ = {};
  page_ = &page;
  format_ = format;
  gzip_ = gzip;
  length_ = 0;
  family_written_ = kFamilies.size();
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (!snapshot.served[i] || (groups & bit(group_of(i))) == 0) continue;
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
    if (!block.labels) continue;
    for (std::size_t set = 0; set < kLabelSets; ++set) {
      const bool used =
          !is_of_containers(static_cast<LabelSet>(set)) || is_container(block.labels->kind);
      Block::Text& text = block.texts.at(set);
      text.text.clear();  // of the one that had the slot before
      if (used) make_text(*block.labels, static_cast<LabelSet>(set), text);
    }
  }
}

void PrometheusText::make_text(const CgroupLabels& labels, LabelSet set, Block::Text& text) {
  make_block(labels, set, text.text);
  text.number = ++blocks_made_;
}

void PrometheusText::write_row(const Snapshot& snapshot, std::size_t row_index) {
  const Column& column = snapshot.columns[row_index];
  if (!column.in_use()) return;
  const LabelSet set = family_of(row_index).labels;
  for (const Slot slot : snapshot.order) {
    const Value value = column.get(slot);
    const Block::Text& block = blocks_[slot].of(set);
    if (value.is_absent() || block.text.empty()) continue;  // no such labels: no container
    write_sample(row_index, slot, block, value, {});
  }
}

void PrometheusText::write_axis_row(const Snapshot& snapshot, std::size_t row_index) {
  if (snapshot.axes[row_index].empty()) return;
  element_labels_.set_axis(kRows[row_index].axis, snapshot);
  for (const AxisSample& sample : snapshot.axes[row_index]) {
    if (snapshot.alive[sample.slot] == 0) continue;
    write_sample(row_index, sample.slot, blocks_[sample.slot].of(LabelSet::identity),
                 Value::of(sample.value), element_labels_.of(sample.element));
  }
}

void PrometheusText::write_loose(const Snapshot& snapshot, std::size_t row_index) {
  // Not std::ranges::equal_range: clang 14 cannot compile what that returns.
  auto sample = std::ranges::lower_bound(snapshot.loose, row_index, {}, &LooseSample::row);
  for (; sample != snapshot.loose.end() && sample->row == row_index; ++sample) {
    make_text(*sample->labels, family_of(row_index).labels, loose_block_);
    write_sample(row_index, kNoSlot, loose_block_, Value::of(sample->value), {});
  }
}

void PrometheusText::write_sample(std::size_t row_index, Slot slot, const Block::Text& block,
                                  Value value, std::string_view element) {
  if (!value.is_number()) {
    if (kRows[row_index].unlimited == Unlimited::print_nothing) return;
    value = Value::of(0);
  }
  if (stats_.samples >= bounds_.samples) {
    ++stats_.beyond_samples;
    return;
  }
  const std::string& prefix = prefixes_[row_index];
  const std::size_t size = prefix.size() + element.size() + block.text.size() + kLongestNumber + 16;
  const bool is_first = family_written_ != kFamilyOfRow[row_index];
  if (length_ + size + (is_first ? header(row_index).size() : 0) > bounds_.bytes) {
    ++stats_.beyond_bytes;
    return;
  }
  if (is_first) write_header(row_index);
  reserve(size);
  const std::size_t line = length_;
  put(prefix);
  put(element);
  put(block.text);
  const std::size_t value_at = length_;
  const Family& family = family_of(row_index);
  char* const begin = page_->data() + length_;
  char* const end = write_number(begin, value.number, decimals(family.unit), family.is_signed);
  *end = '\n';
  length_ += static_cast<std::size_t>(end - begin) + 1;
  ++stats_.samples;
  if (gzip_ == nullptr) return;
  gzip_->line(*page_, {.begin = line,
                       .element = line + prefix.size(),
                       .block = value_at - block.text.size(),
                       .value = value_at,
                       .end = length_,
                       .row = row_index,
                       .slot = slot,
                       .block_number = block.number});
}

void PrometheusText::write_header(std::size_t row_index) {
  family_written_ = kFamilyOfRow[row_index];
  const std::string& text = header(row_index);
  reserve(text.size());
  const std::size_t begin = length_;
  put(text);
  constexpr std::size_t kNameAt = std::string_view("# HELP ").size();
  if (gzip_ != nullptr) gzip_->text(*page_, begin, length_, begin + kNameAt);
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
