#include "collectors/identity/bolt.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace cgmon {
namespace {

// A page (bbolt, page.go): id u64, flags u16, count u16, overflow u32, then its elements.
// A branch's element: pos u32, ksize u32, child u64. A leaf's: flags u32, pos u32, ksize u32,
// vsize u32. `pos` counts from the element. A bucket's value: root u64, sequence u64; where the
// root is 0 the bucket's only page follows. A meta page: magic u32, version u32, page size u32,
// flags u32, root bucket {root u64, sequence u64}, freelist u64, high-water mark u64, transaction
// u64, checksum u64 (FNV-1a of what stands before it). All of them little-endian.
constexpr std::size_t kHeader = 16, kElement = 16, kBucketHead = 16;
constexpr std::size_t kMeta = 64, kMetaSum = 56;
constexpr std::uint16_t kBranch = 1, kLeaf = 2;
constexpr std::uint32_t kBucketFlag = 1;
constexpr std::uint32_t kMagic = 0xED0CDAED, kVersion = 2;

constexpr std::size_t kMaxDepth = 16;          // of a tree that holds billions of keys
constexpr std::size_t kMaxBuckets = 8;         // in each other
constexpr std::uint64_t kMaxPage = 64 * 1024;  // the system's page size
constexpr std::size_t kMaxLoaded = 8U << 20U;  // a page with those that go on after it
constexpr std::uint64_t kMaxLoadedInAll = 64U << 20U;
constexpr std::size_t kMaxElements = 65'536;  // of one visit

template <class Number>
Number number_at(std::string_view bytes, std::size_t offset) {
  Number number = 0;
  if (bytes.size() < sizeof number || offset > bytes.size() - sizeof number) return 0;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const char byte : bytes) {
    sum = (sum ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3;
  }
  return sum;
}

struct Element {
  std::string_view key, value;
  std::uint64_t child = 0;  ///< of a branch
  bool is_bucket = false;
};

std::uint16_t flags_of(std::string_view page) { return number_at<std::uint16_t>(page, 8); }
std::size_t count_of(std::string_view page) { return number_at<std::uint16_t>(page, 10); }

/// Nothing where it points out of its page.
std::optional<Element> element_at(std::string_view page, std::size_t index) {
  const std::size_t at = kHeader + index * kElement;
  if (page.size() < at + kElement) return std::nullopt;
  const bool leaf = (flags_of(page) & kLeaf) != 0;
  const std::size_t from = leaf ? at + 4 : at;
  const std::uint64_t begin = at + std::uint64_t{number_at<std::uint32_t>(page, from)};
  const std::uint64_t key = number_at<std::uint32_t>(page, from + 4);
  const std::uint64_t value = leaf ? number_at<std::uint32_t>(page, from + 8) : 0;
  if (begin > page.size() || key > page.size() - begin || value > page.size() - begin - key) {
    return std::nullopt;
  }
  Element element{.key = page.substr(begin, key), .value = page.substr(begin + key, value)};
  if (leaf) {
    element.is_bucket = (number_at<std::uint32_t>(page, at) & kBucketFlag) != 0;
  } else {
    element.child = number_at<std::uint64_t>(page, at + 8);
  }
  return element;
}

}  // namespace

Bolt::Bolt(Read read) : read_(std::move(read)) {
  const Meta meta = newest();
  page_bytes_ = meta.page_bytes;
  root_ = meta.root;
  transaction_ = meta.transaction;
}

Bolt::Meta Bolt::read_meta(std::uint64_t offset) {
  std::array<char, kHeader + kMeta> bytes{};
  if (!read_(offset, bytes)) return {};
  const std::string_view meta = std::string_view(bytes.data(), bytes.size()).substr(kHeader);
  if (number_at<std::uint32_t>(meta, 0) != kMagic) return {};
  if (number_at<std::uint32_t>(meta, 4) != kVersion) return {};
  if (number_at<std::uint64_t>(meta, kMetaSum) != fnv1a(meta.substr(0, kMetaSum))) return {};
  const std::uint64_t page_bytes = number_at<std::uint32_t>(meta, 8);
  if (page_bytes < 512 || page_bytes > kMaxPage) return {};
  return {.page_bytes = page_bytes,
          .root = number_at<std::uint64_t>(meta, 16),
          .transaction = number_at<std::uint64_t>(meta, 48)};
}

/// Of the two states the younger one that was written to its end.
Bolt::Meta Bolt::newest() {
  Meta best = read_meta(0);
  const std::uint64_t step = best.page_bytes != 0 ? best.page_bytes : 4096;
  const Meta other = read_meta(step);
  if (other.page_bytes != 0 && (best.page_bytes == 0 || other.transaction > best.transaction)) {
    best = other;
  }
  return best;
}

bool Bolt::unchanged() {
  const Meta now = newest();
  return now.page_bytes != 0 && now.transaction - transaction_ <= 1;
}

bool Bolt::load(std::uint64_t number, std::string& page) {
  if (number < 2 || number > UINT64_MAX / kMaxPage) return false;
  page.resize(page_bytes_);
  if (!read_(number * page_bytes_, page)) return false;
  if (number_at<std::uint64_t>(page, 0) != number) return false;
  const std::uint64_t whole = (std::uint64_t{number_at<std::uint32_t>(page, 12)} + 1) * page_bytes_;
  loaded_ += whole;
  if (whole > kMaxLoaded || loaded_ > kMaxLoadedInAll) return false;
  page.resize(whole);
  return whole == page_bytes_ ||
         read_((number + 1) * page_bytes_, std::span(page).subspan(page_bytes_));
}

bool Bolt::find(const Bucket& bucket, std::string_view key, bool bucket_wanted,
                std::string& value) {
  std::string page = bucket.page;
  if (page.empty() && !load(bucket.root, page)) return false;
  for (std::size_t depth = 0; depth < kMaxDepth; ++depth) {
    const bool leaf = (flags_of(page) & kLeaf) != 0;
    if (!leaf && (flags_of(page) & kBranch) == 0) return false;
    // The keys are in order; a file that says otherwise finds nothing, and nothing worse.
    std::optional<Element> last;
    for (std::size_t low = 0, high = count_of(page); low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      const auto element = element_at(page, middle);
      if (!element) return false;
      if (element->key <= key) {
        last = element;
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (leaf) {
      if (!last || last->key != key || last->is_bucket != bucket_wanted) return false;
      value = last->value;
      return true;
    }
    if (!last) return false;  // before the first key of all
    std::string child;
    if (!load(last->child, child)) return false;
    page.swap(child);
  }
  return false;
}

bool Bolt::open(std::span<const std::string_view> names, Bucket& bucket) {
  if (!is_open() || names.size() > kMaxBuckets) return false;
  bucket = {.root = root_, .page = {}};
  std::string value;
  for (const std::string_view name : names) {
    if (!find(bucket, name, true, value) || value.size() < kBucketHead) return false;
    bucket.root = number_at<std::uint64_t>(value, 0);
    bucket.page = bucket.root == 0 ? value.substr(kBucketHead) : std::string();
    if (bucket.root == 0 && bucket.page.size() < kHeader) return false;
  }
  return true;
}

bool Bolt::get(Path path, std::string& value) {
  const std::span<const std::string_view> names(path.begin(), path.size());
  Bucket bucket;
  return !names.empty() && open(names.first(names.size() - 1), bucket) &&
         find(bucket, names.back(), false, value);
}

bool Bolt::each(Path bucket, const Visit& visit) {
  Bucket from;
  if (!open({bucket.begin(), bucket.size()}, from)) return false;
  if (from.page.empty() && !load(from.root, from.page)) return false;
  std::size_t budget = kMaxElements;
  bool more = true;
  return walk(from.page, 0, budget, visit, more);
}

bool Bolt::walk(const std::string& page, std::size_t depth, std::size_t& budget, const Visit& visit,
                bool& more) {
  const bool leaf = (flags_of(page) & kLeaf) != 0;
  if ((!leaf && (flags_of(page) & kBranch) == 0) || depth == kMaxDepth) return false;
  for (std::size_t i = 0; i < count_of(page) && more; ++i) {
    const auto element = element_at(page, i);
    if (!element || budget == 0) return false;
    --budget;
    if (leaf) {
      more = visit(element->key, element->is_bucket, element->value);
      continue;
    }
    std::string child;
    if (!load(element->child, child) || !walk(child, depth + 1, budget, visit, more)) return false;
  }
  return true;
}

}  // namespace cgmon
