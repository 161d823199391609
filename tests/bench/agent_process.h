#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace cgmon {

/// The real agent as a child process on a loopback port, scraped over one kept connection.
class AgentProcess {
 public:
  /// Starts `program` with flags besides --web.listen-address and waits until it is ready; ends
  /// this program with a message if that does not come.
  AgentProcess(const std::string& program, std::vector<std::string> flags);
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;
  ~AgentProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// One GET of the path, with further header lines (each with its end); returns the size of the
  /// body.
  std::size_t get(const std::string& path, const std::string& headers = {});
  /// User and system time of the process so far, in microseconds.
  [[nodiscard]] double cpu_us() const;
  [[nodiscard]] long resident_kib() const;

 private:
  bool connect_once();

  pid_t pid_ = -1;
  int port_ = 0, socket_ = -1;
  std::vector<char> buffer_;
};

}  // namespace cgmon
