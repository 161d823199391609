#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "collectors/base/result.h"

namespace cgmon {

/// What the manager of services waits to hear.
enum class ServicePhase : std::uint8_t {
  ready,      ///< it listens, or has read its configuration again
  reloading,  ///< it reads its configuration again; `ready` follows
  stopping,
};

/// Tells the manager that started this process how far it is, as sd_notify(3) describes the
/// protocol: each message is one datagram to the socket that $NOTIFY_SOCKET names. Own code, so
/// that no library of the manager's is linked for a hundred bytes. Thread-safe.
class ServiceManager {
 public:
  /// `socket`: a path, or a name in Linux' abstract space after an "@"; empty: nobody waits.
  explicit ServiceManager(std::string socket) : socket_(std::move(socket)) {}

  /// Does not wait for an answer. `monotonic_ns`: now by CLOCK_MONOTONIC, by which the manager
  /// tells the answer to this reload from that to an earlier one. Fails when the message cannot be
  /// handed over.
  [[nodiscard]] Result<void> tell(ServicePhase phase, std::int64_t monotonic_ns) const;

 private:
  std::string socket_;
};

}  // namespace cgmon
