#pragma once

#include <string>
#include <string_view>

#include "collectors/base/result.h"
#include "collectors/identity/host_files.h"
#include "collectors/identity/metadata.h"

namespace cgmon {

/// A machine as systemd-machined keeps it in /run/systemd/machines/NAME: lines `KEY=VALUE`, values
/// bare or in quotes (systemd, machine.c): NAME, SERVICE (who made it), CLASS, REALTIME (when, in
/// microseconds since the epoch). Sets name, runtime and time. EBADMSG for text without a NAME.
[[nodiscard]] Result<ContainerMetadata> parse_machine(std::string_view text);

/// Machines by their systemd unit: /run/systemd/machines/unit:UNIT leads to the machine's file.
class Machines {
 public:
  explicit Machines(HostFiles& host) : host_(host) {}
  [[nodiscard]] Result<ContainerMetadata> read(std::string_view unit);

 private:
  HostFiles& host_;
  std::string text_;
};

}  // namespace cgmon
