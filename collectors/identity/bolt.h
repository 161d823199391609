#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// Reads a bolt database (bbolt, file format 2) while its owner writes it: a tree of pages with
/// named buckets in buckets, of which only the pages on the way to a key are read. A write leaves
/// the pages of the state before untouched, and the one after it may use them again: a reader looks
/// whether unchanged() after it has read. Every number in the file is hostile. One-thread.
class Bolt {
 public:
  /// Fills all of the buffer from an offset of the file; false where that is not there.
  using Read = std::function<bool(std::uint64_t offset, std::span<char> buffer)>;
  using Path = std::initializer_list<std::string_view>;
  /// A key and its value, or the name of a bucket; false ends the visit.
  using Visit = std::function<bool(std::string_view key, bool is_bucket, std::string_view value)>;

  /// Takes the newest whole state; is_open() tells whether there is one.
  explicit Bolt(Read read);
  [[nodiscard]] bool is_open() const { return page_bytes_ != 0; }

  /// The value of a key in a bucket in buckets: the names from the outside, the key last.
  bool get(Path path, std::string& value);
  /// All that is in a bucket, in the order of its keys; false if there is no such bucket, or the
  /// file is broken or holds more than is looked at.
  bool each(Path bucket, const Visit& visit);
  /// Whether the state that was read from is still the newest or the one before, so that what was
  /// read is whole.
  [[nodiscard]] bool unchanged();

 private:
  struct Meta {
    std::uint64_t page_bytes = 0, root = 0, transaction = 0;
  };
  /// A bucket: the page of its root, or the page itself where it is small enough to lie in the
  /// value.
  struct Bucket {
    std::uint64_t root = 0;
    std::string page;
  };

  [[nodiscard]] Meta read_meta(std::uint64_t offset);
  [[nodiscard]] Meta newest();
  bool load(std::uint64_t number, std::string& page);
  bool find(const Bucket& bucket, std::string_view key, bool bucket_wanted, std::string& value);
  bool open(std::span<const std::string_view> names, Bucket& bucket);
  bool walk(const std::string& page, std::size_t depth, std::size_t& budget, const Visit& visit,
            bool& more);

  Read read_;
  std::uint64_t page_bytes_ = 0, root_ = 0, transaction_ = 0;
  std::uint64_t loaded_ = 0;  // bytes of pages
};

}  // namespace cgmon
