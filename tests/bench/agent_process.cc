#include "tests/bench/agent_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string_view>

namespace cgmon {
namespace {

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "bench: %s\n", what);
  std::exit(1);
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(probe, generic, length) != 0 || ::getsockname(probe, generic, &length) != 0) {
    die("no free port");
  }
  ::close(probe);
  return ntohs(address.sin_port);
}

}  // namespace

AgentProcess::AgentProcess(const std::string& program, std::vector<std::string> flags)
    : port_(free_port()), buffer_(1U << 20U) {
  flags.insert(flags.begin(), program);
  flags.push_back("--web.listen-address=127.0.0.1:" + std::to_string(port_));
  std::vector<char*> arguments;
  for (std::string& flag : flags) arguments.push_back(flag.data());
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDERR_FILENO);
    ::execv(program.c_str(), arguments.data());
    ::_exit(127);
  }
  for (int i = 0; i < 1000; ++i) {
    if (connect_once()) return;
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) die("the agent ended at once");
    ::usleep(10'000);
  }
  die("the agent does not listen");
}

AgentProcess::~AgentProcess() {
  if (socket_ >= 0) ::close(socket_);
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

bool AgentProcess::connect_once() {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port_);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
  }
  ::close(socket_);
  socket_ = -1;
  return false;
}

std::size_t AgentProcess::get(const std::string& path, const std::string& headers) {
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n";
  if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) < 0) die("cannot send");
  std::string head;
  std::size_t body = 0, expected = 0;
  while (true) {
    const ssize_t size = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (size <= 0) die("the connection ended within an answer");
    if (expected == 0) {
      head.append(buffer_.data(), static_cast<std::size_t>(size));
      const std::size_t end = head.find("\r\n\r\n");
      if (end == head.npos) continue;
      const std::size_t length = head.find("Content-Length: ");
      if (!head.starts_with("HTTP/1.1 200") || length == head.npos) die("not a page");
      expected = std::strtoul(head.c_str() + length + 16, nullptr, 10);
      body = head.size() - end - 4;
    } else {
      body += static_cast<std::size_t>(size);
    }
    if (body >= expected) return body;
  }
}

double AgentProcess::cpu_us() const {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
    die("no CPU clock of the agent");
  }
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

long AgentProcess::resident_kib() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtol(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

}  // namespace cgmon
