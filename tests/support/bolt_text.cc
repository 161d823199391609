#include "tests/support/bolt_text.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace cgmon {
namespace {

constexpr std::uint16_t kBranch = 1, kLeaf = 2, kMeta = 4;

template <class Number>
void append(std::string& text, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i) {
    text += static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i));
  }
}

struct Item {
  std::string key, value;
  std::uint64_t child = 0;
  bool is_bucket = false;
};

/// Lays out one database.
class Layout {
 public:
  explicit Layout(const BoltShape& shape) : shape_(shape), pages_(4) {}

  std::string text(const BoltBucket& root) {
    pages_[2] = page(2, 16, {}, 0);  // the list of free pages
    pages_[3] = page(3, kLeaf, {}, 0);
    const std::uint64_t at = store(items_of(root));
    pages_[0] = meta(0, 3, 8);
    pages_[1] = meta(1, at, 9);
    std::string all;
    for (const std::string& each : pages_) all += each;
    return all;
  }

 private:
  std::vector<Item> items_of(const BoltBucket& bucket) {
    std::map<std::string, Item> sorted;
    for (const auto& [key, value] : bucket.values) sorted[key] = {key, value, 0, false};
    for (const auto& [key, inner] : bucket.buckets) sorted[key] = {key, embed(inner), 0, true};
    std::vector<Item> items;
    for (auto& [key, item] : sorted) items.push_back(std::move(item));
    return items;
  }

  std::string embed(const BoltBucket& bucket) {
    const auto items = items_of(bucket);
    const std::string small = page(0, kLeaf, items, 0);
    std::string value;
    const bool fits = bucket.buckets.empty() && small.size() <= shape_.inline_bytes;
    append(value, fits ? std::uint64_t{0} : store(items));
    append(value, std::uint64_t{0});  // sequence
    return fits ? value + small : value;
  }

  /// Writes leaves, and branches above them, and returns the page on top.
  std::uint64_t store(std::vector<Item> items) {
    std::uint16_t flags = kLeaf;
    while (true) {
      std::vector<Item> above;
      for (std::size_t i = 0; i == 0 || i < items.size(); i += shape_.keys_a_page) {
        const std::size_t end = std::min(items.size(), i + shape_.keys_a_page);
        const std::vector<Item> some(items.begin() + static_cast<std::ptrdiff_t>(i),
                                     items.begin() + static_cast<std::ptrdiff_t>(end));
        const std::uint64_t number = place(flags, some);
        above.push_back({some.empty() ? "" : some.front().key, "", number, false});
      }
      if (above.size() == 1) return above.front().child;
      items = std::move(above);
      flags = kBranch;
    }
  }

  std::uint64_t place(std::uint16_t flags, const std::vector<Item>& items) {
    const std::uint64_t number = pages_.size();
    std::string text = page(number, flags, items, 0);
    const std::size_t count = (text.size() + shape_.page_bytes - 1) / shape_.page_bytes;
    text = page(number, flags, items, static_cast<std::uint32_t>(count - 1));
    text.resize(count * shape_.page_bytes);
    pages_.push_back(std::move(text));
    for (std::size_t i = 1; i < count; ++i) pages_.emplace_back();  // in the one before
    return number;
  }

  std::string page(std::uint64_t number, std::uint16_t flags, const std::vector<Item>& items,
                   std::uint32_t overflow) {
    std::string head, body;
    append(head, number);
    append(head, flags);
    append(head, static_cast<std::uint16_t>(items.size()));
    append(head, overflow);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& item = items[i];
      const auto from_here = static_cast<std::uint32_t>(16 * (items.size() - i) + body.size());
      if (flags == kBranch) {
        append(head, from_here);
        append(head, static_cast<std::uint32_t>(item.key.size()));
        append(head, item.child);
      } else {
        append(head, static_cast<std::uint32_t>(item.is_bucket ? 1 : 0));
        append(head, from_here);
        append(head, static_cast<std::uint32_t>(item.key.size()));
        append(head, static_cast<std::uint32_t>(item.value.size()));
      }
      body += item.key + item.value;
    }
    std::string text = head + body;
    if (number != 0 && text.size() < shape_.page_bytes) text.resize(shape_.page_bytes);
    return text;
  }

  std::string meta(std::uint64_t number, std::uint64_t root, std::uint64_t transaction) {
    std::string fields;
    append(fields, std::uint32_t{0xED0CDAED});
    append(fields, std::uint32_t{2});
    append(fields, static_cast<std::uint32_t>(shape_.page_bytes));
    append(fields, std::uint32_t{0});
    append(fields, root);
    append(fields, std::uint64_t{0});
    append(fields, std::uint64_t{2});
    append(fields, std::uint64_t{pages_.size()});
    append(fields, transaction);
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const char byte : fields) sum = (sum ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3;
    append(fields, sum);
    std::string text;
    append(text, number);
    append(text, kMeta);
    append(text, std::uint16_t{0});
    append(text, std::uint32_t{0});
    text += fields;
    text.resize(shape_.page_bytes);
    return text;
  }

  BoltShape shape_;
  std::vector<std::string> pages_;
};

}  // namespace

std::string bolt_text(const BoltBucket& root, const BoltShape& shape) {
  return Layout(shape).text(root);
}

}  // namespace cgmon
