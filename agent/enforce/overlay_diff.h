#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"

namespace cgmon {

/// What became of one path of an overlay.
struct OverlayChange {
  enum class Kind : char { added = 'A', changed = 'C', deleted = 'D' };
  Kind kind = Kind::changed;
  std::string path;  ///< from the root of the overlay: "/etc/motd"
  char type = 'f';   ///< f file, d directory, l link, o other: as it is, or was
  std::uint64_t bytes = 0, was_bytes = 0;  ///< of files; 0 of what is or was not there
};
[[nodiscard]] std::string_view name_of(OverlayChange::Kind kind);

/// Directories of an overlay as they are on disk, the uppermost layer first.
struct OverlayLayers {
  std::vector<std::string> lowers;
  std::string upper;
  bool user_xattr = false;  ///< mounted with userxattr
};

struct OverlayDiff {
  static constexpr std::size_t kMaxChanges = 100'000;
  std::vector<OverlayChange> changes;  ///< by path
  std::string incomplete;              ///< why it is not all; empty: it is all
};

/// What differs between the layers below and what the overlay shows, made of the upper layer, as
/// `docker diff` says it: also a directory in which something differs is changed, of a directory
/// that is gone nothing below is listed. What was copied up and is as it was is no change.
/// Nobody may write to the layers meanwhile. Source: Documentation/filesystems/overlayfs.rst.
[[nodiscard]] Result<OverlayDiff> overlay_diff(const OverlayLayers& layers);

}  // namespace cgmon
