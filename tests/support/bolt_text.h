#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace cgmon {

/// A bucket of a made-up bolt database: keys with values, and buckets in it.
struct BoltBucket {
  std::map<std::string, std::string> values;
  std::map<std::string, BoltBucket> buckets;
};

struct BoltShape {
  std::size_t page_bytes = 1024;
  std::size_t keys_a_page = 4;    ///< so that a few keys make branches
  std::size_t inline_bytes = 64;  ///< buckets up to that size lie in their value
};

/// The bytes of a bolt file (bbolt, file format 2), as bolt lays it out, with two states: an older
/// one that is empty, and this.
[[nodiscard]] std::string bolt_text(const BoltBucket& root, const BoltShape& shape = {});

}  // namespace cgmon
