#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/identity/host_files.h"
#include "collectors/identity/libpod.h"
#include "collectors/identity/metadata.h"
#include "collectors/identity/users.h"

namespace cgmon {

/// An entry of containers/storage's containers.json. Its `metadata` is a JSON text of podman's or
/// CRI-O's.
struct StoredContainer {
  std::string id, name, image, image_id;
  std::string container, namespace_name;  ///< CRI-O's
  std::optional<std::uint64_t> restarts;  ///< likewise: its attempts
  std::int64_t created_at_ns = 0;
};
/// All entries, at most 10,000; EBADMSG for text that is no JSON array.
[[nodiscard]] Result<std::vector<StoredContainer>> parse_stored_containers(std::string_view json);

/// The life of a container as CRI-O keeps it in userdata/state.json (CRI-O, internal/oci/
/// container.go, ContainerState). EBADMSG for text that is no such object.
[[nodiscard]] Result<ContainerLife> parse_crio_state(std::string_view json);

/// containers/storage, where podman and CRI-O keep their containers: STORE/DRIVER-containers/
/// containers.json and, of each, ID/userdata/config.json. Stores are root's and each user's, those
/// of transient ones below /run, and what storage.conf says instead. One-thread.
class ContainersStorage {
 public:
  ContainersStorage(HostFiles& host, Users& users, AllowedKeys allowed);

  /// `uid`: whose the container seems to be, in decimal digits; that user's store comes first.
  [[nodiscard]] Result<ContainerMetadata> read(std::string_view id, std::string_view uid);
  /// The name of one of podman's pods, empty where it is not known.
  [[nodiscard]] std::string pod_name(std::string_view pod_id, std::string_view uid);
  /// Containers that have ended; of those that podman and CRI-O know in one store at most `most`
  /// are looked at.
  [[nodiscard]] std::vector<EndedContainer> ended(std::size_t most);
  /// The users have changed.
  void find_stores();

 private:
  struct Store {
    std::string path;
    std::string uid;  ///< whose, in decimal digits
  };
  /// What the list of a driver's directory said when it was read last.
  struct List {
    std::string path, text;
    std::vector<StoredContainer> entries;
  };

  [[nodiscard]] std::vector<const Store*> in_order(std::string_view uid) const;
  [[nodiscard]] std::vector<std::string> drivers(const Store& store);
  std::string_view network_in(std::string_view driver, const ContainerMetadata& container);
  bool find_entry(const std::string& driver, std::string_view id, ContainerMetadata& metadata);
  void add_life(const std::string& driver, std::string_view id, ContainerMetadata& metadata);
  void add_health(const std::string& driver, std::string_view id, ContainerLife& life);

  HostFiles& host_;
  Users& users_;
  AllowedKeys allowed_;
  LibpodDatabase libpod_;
  std::vector<Store> stores_;
  std::vector<List> lists_;
  std::string text_;
};

}  // namespace cgmon
