#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/identity/host_files.h"
#include "collectors/identity/metadata.h"

namespace cgmon {

/// A container's `config` in podman's database: one JSON object (libpod, container_config.go). Sets
/// name, image, labels, variables, times and which pod it is of (`pod_uid`). False for text that is
/// no such object.
bool parse_libpod_config(std::string_view json, const AllowedKeys& allowed,
                         ContainerMetadata& metadata);
/// Its `state`: where it is in its life (libpod, container.go). False likewise.
bool parse_libpod_state(std::string_view json, ContainerMetadata& metadata);

/// Podman's database where it is a bolt file: STORE/libpod/bolt_state.db, podman before 5 and
/// installations that have grown out of such. One made by podman 4.8 or newer is mostly SQLite, and
/// is not read. Asks no podman and takes no lock. One-thread.
class LibpodDatabase {
 public:
  explicit LibpodDatabase(HostFiles& host) : host_(host) {}

  /// Adds what is known of a container in a store; false where there is nothing.
  bool read(std::string_view store, std::string_view id, const AllowedKeys& allowed,
            ContainerMetadata& metadata);
  /// Whether read() was given up since the database changed again and again: what it holds is not
  /// known, which is not the same as nothing.
  [[nodiscard]] bool was_busy() const { return busy_; }
  /// Name of a pod; empty where it is not known.
  std::string pod_name(std::string_view store, std::string_view pod_id);
  /// Containers that have ended, sandboxes left out; at most `most` are looked at.
  std::vector<EndedContainer> ended(std::string_view store, const AllowedKeys& allowed,
                                    std::size_t most);

 private:
  HostFiles& host_;
  std::string text_;
  bool busy_ = false;
};

}  // namespace cgmon
