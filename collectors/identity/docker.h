#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/identity/host_files.h"
#include "collectors/identity/metadata.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// Reads docker's own files, without its socket: DATA_ROOT/containers/ID/config.v2.json, written by
/// dockerd (moby, container.Container), mode 0600 in a directory of mode 0710, so that it takes
/// root or CAP_DAC_READ_SEARCH. Keys: Name ("/web_1"), Config.Image (as typed), Created,
/// State, RestartCount, Config.{Labels,Env}, NetworkSettings.Networks; where it is in no network
/// hostconfig.json beside it says whose it uses. Its content is in the hands of whoever may start
/// containers. One-thread.
class DockerFiles {
 public:
  /// `data_roots` are paths on the host; none means: daemon.json's data-root, else /var/lib/docker.
  /// Then snap's and rootless users' directories are searched, too.
  DockerFiles(Files& files, const Roots& roots, std::vector<std::string> data_roots,
              AllowedKeys allowed = {});

  [[nodiscard]] const std::vector<std::string>& data_roots() const { return data_roots_; }

  /// What the files say of a container. Errors: errno of the read, EFBIG beyond 1 MiB, EBADMSG for
  /// text that is no such JSON.
  [[nodiscard]] Result<ContainerMetadata> read(std::string_view id);

  /// The containers that docker still knows and that have ended.
  [[nodiscard]] EndedContainers ended(std::int64_t now_ns, const EndedBounds& bounds = {});

 private:
  void add_shared_network(std::string_view config, ContainerMetadata& metadata);

  HostFiles host_;
  std::vector<std::string> data_roots_;
  std::vector<std::string> search_;  // those, and where daemons that map users keep theirs
  AllowedKeys allowed_;
  std::string text_;
};

/// The fields of a config.v2.json; nothing usable is EBADMSG.
[[nodiscard]] Result<ContainerMetadata> parse_docker_config(std::string_view json,
                                                            const AllowedKeys& allowed = {});

/// RFC 3339 time with any fraction ("2026-11-23T22:10:03.123456789Z", also "+02:00") in nanoseconds
/// since the epoch; 0 for text that is none and for docker's zero time (year 1).
[[nodiscard]] std::int64_t parse_rfc3339(std::string_view text);

}  // namespace cgmon
