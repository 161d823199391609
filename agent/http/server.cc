#include "agent/http/server.h"

#include <civetweb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "agent/http/listen_address.h"
#include "agent/http/response_head.h"

namespace cgmon {
namespace {

/// Responses go out in pieces of this size, the head in the first.
constexpr std::size_t kPiece = 262'144;  // in 64 KiB a page of 1 MB takes 0.1 ms more
constexpr std::string_view kLastResort =
    "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The library counts its users.
class LibraryUse {
 public:
  LibraryUse() { mg_init_library(MG_FEATURES_DEFAULT); }
  ~LibraryUse() { mg_exit_library(); }
  LibraryUse(const LibraryUse&) = delete;
  LibraryUse& operator=(const LibraryUse&) = delete;
};

/// Threads inherit the mask: signals are for the thread that waits for them, not for workers.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

std::int64_t thread_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string_view view(const char* text) {
  return text == nullptr ? std::string_view{} : std::string_view(text);
}

std::string_view header(const mg_connection* connection, const char* name) {
  return view(mg_get_header(connection, name));
}

/// `give_up` is looked at between pieces; a piece's own end is the library's request_timeout after
/// the client has last taken any of it.
bool write_all(mg_connection* connection, std::string_view bytes,
               std::chrono::steady_clock::time_point give_up) {
  while (!bytes.empty()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    const std::size_t size = std::min(bytes.size(), kPiece);
    const int written = mg_write(connection, bytes.data(), size);
    if (written < 0 || static_cast<std::size_t>(written) != size) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

bool send_response(mg_connection* connection, const Response& response, bool keep_alive,
                   bool with_body, std::chrono::milliseconds timeout) {
  const auto give_up = std::chrono::steady_clock::now() + timeout;
  std::string_view body =
      response.body == nullptr ? std::string_view{} : std::string_view(*response.body);
  std::string head = response_head(response, body.size(), keep_alive, std::time(nullptr));
  if (!with_body) return write_all(connection, head, give_up);
  // A head of its own would wake the client before there is anything for it to read.
  const std::string_view first = body.substr(0, kPiece - head.size());
  body.remove_prefix(first.size());
  return write_all(connection, head += first, give_up) && write_all(connection, body, give_up);
}

/// Every option that bears on what we serve. Files, scripts and TLS are not compiled in.
std::vector<std::pair<std::string, std::string>> library_options(const ServerOptions& options,
                                                                 std::string ports) {
  // The begin_request callback answers everything before the library looks at paths or CORS.
  return {
      {"listening_ports", std::move(ports)},
      {"num_threads", std::to_string(options.threads)},
      {"connection_queue", "64"},
      {"listen_backlog", "128"},
      {"max_request_size", "8192"},
      {"request_timeout_ms", std::to_string(options.request_timeout.count())},
      {"enable_keep_alive", "yes"},
      {"keep_alive_timeout_ms", std::to_string(options.keep_alive_timeout.count())},
      {"tcp_nodelay", "1"},
      // -1: close() returns at once and the kernel delivers what is left.
      {"linger_timeout_ms", "-1"},
      {"decode_url", "no"},
      {"decode_query_string", "no"},
      {"enable_auth_domain_check", "no"},
      {"access_control_allow_origin", ""},
      {"access_control_allow_methods", ""},
      {"access_control_allow_headers", ""},
  };
}

Error listen_failure(const std::vector<ListenAddress>& places, std::string_view library_words) {
  for (const ListenAddress& place : places) {
    const int error = listen_errno(place);
    if (error == 0) continue;
    std::string_view remedy;
    if (error == EADDRINUSE) remedy = " (something else listens there: stop it or choose another)";
    if (error == EACCES) remedy = " (ports below 1024 need CAP_NET_BIND_SERVICE)";
    if (error == EADDRNOTAVAIL) remedy = " (no interface of this host has that address)";
    if (error == EAFNOSUPPORT) remedy = " (this host has no IPv6)";
    if (error == EINVAL) remedy = " (an address that begins with fe80 belongs to one interface)";
    return Error{.what = "cannot listen on " + place.text() + std::string(remedy), .error = error};
  }
  std::string all;
  for (const ListenAddress& place : places) all += (all.empty() ? "" : ", ") + place.text();
  return Error{.what = "cannot listen on " + all + ": " + std::string(library_words)};
}

Result<std::vector<ListenAddress>> understand(const ServerOptions& options) {
  if (options.listen_addresses.empty()) return failure("no address to listen on");
  if (options.threads == 0) return failure("a server needs at least one thread");
  std::vector<ListenAddress> places;
  for (const std::string& text : options.listen_addresses) {
    Result<ListenAddress> place = parse_listen_address(text);
    if (!place) return tl::unexpected<Error>(place.error());
    places.push_back(*std::move(place));
  }
  return places;
}

}  // namespace

/// The library's context and what its callbacks touch: at a fixed address, unlike the Server.
class Server::Connections {
 public:
  Connections(ServerOptions options, Handler handler, ServerEvents events)
      : options_(std::move(options)), handler_(std::move(handler)), events_(std::move(events)) {}
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  ~Connections() { stop(); }

  Result<std::vector<std::uint16_t>> listen(const std::vector<ListenAddress>& places);
  void stop();
  std::uint32_t in_flight() const {
    const std::scoped_lock lock(mutex_);
    return in_flight_;
  }

 private:
  /// Counts a request from its header to its last byte; not entered while stopping.
  class UnderWay;

  static Connections& of(const mg_connection* connection) {
    return *static_cast<Connections*>(mg_get_user_data(mg_get_context(connection)));
  }
  static int on_request(mg_connection* connection);
  static int on_error(mg_connection* connection, int status, const char* message);
  static int on_log(const mg_connection* connection, const char* line);
  int answer(mg_connection* connection);
  int reject(mg_connection* connection, std::string_view reason, const Response& response,
             bool with_body = true);
  bool is_crowded_or_stopping() const;
  void wake_accepting_thread() const;

  const ServerOptions options_;
  const Handler handler_;
  const ServerEvents events_;
  const LibraryUse library_;
  mg_context* context_ = nullptr;
  std::vector<ListenAddress> listening_;
  std::atomic<std::uint32_t> open_connections_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::uint32_t in_flight_ = 0;
  bool stopping_ = false;
  /// While the library starts, its words are kept for the Error.
  bool starting_ = false;
  std::string start_words_;
};

class Server::Connections::UnderWay {
 public:
  explicit UnderWay(Connections& owner) : owner_(owner) {
    const std::scoped_lock lock(owner_.mutex_);
    entered_ = !owner_.stopping_;
    if (entered_) ++owner_.in_flight_;
  }
  ~UnderWay() {
    if (!entered_) return;
    const std::scoped_lock lock(owner_.mutex_);
    if (--owner_.in_flight_ == 0) owner_.idle_.notify_all();
  }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;
  [[nodiscard]] bool entered() const { return entered_; }

 private:
  Connections& owner_;
  bool entered_ = false;
};

Result<std::vector<std::uint16_t>> Server::Connections::listen(
    const std::vector<ListenAddress>& places) {
  std::string ports;
  for (const ListenAddress& place : places) {
    if (!ports.empty()) ports += ',';
    // Its word for one socket that takes IPv4 and IPv6.
    ports += place.host.empty() ? '+' + std::to_string(place.port) : place.text();
  }
  const auto library = library_options(options_, std::move(ports));
  std::vector<const char*> words;
  for (const auto& [name, value] : library) {
    words.push_back(name.c_str());
    words.push_back(value.c_str());
  }
  words.push_back(nullptr);

  mg_callbacks callbacks{};
  callbacks.begin_request = on_request;
  callbacks.http_error = on_error;
  callbacks.log_message = on_log;
  callbacks.init_connection = [](const mg_connection* connection, void**) {
    of(connection).open_connections_.fetch_add(1);
    return 0;
  };
  callbacks.connection_closed = [](const mg_connection* connection) {
    of(connection).open_connections_.fetch_sub(1);
  };
  {
    const std::scoped_lock lock(mutex_);
    starting_ = true;
  }
  {
    const AllSignalsBlocked blocked;
    context_ = mg_start(&callbacks, this, words.data());
  }
  const std::scoped_lock lock(mutex_);
  starting_ = false;
  if (context_ == nullptr) return tl::unexpected<Error>(listen_failure(places, start_words_));
  std::vector<mg_server_port> found(places.size());
  mg_get_server_ports(context_, static_cast<int>(found.size()), found.data());
  listening_ = places;
  std::vector<std::uint16_t> numbers;
  for (std::size_t i = 0; i < places.size(); ++i) {
    listening_[i].port = static_cast<std::uint16_t>(found[i].port);
    numbers.push_back(listening_[i].port);
  }
  return numbers;
}

void Server::Connections::stop() {
  if (context_ == nullptr) return;
  {
    // The library drops what is still to be written once it is told to stop: wait before.
    std::unique_lock lock(mutex_);
    stopping_ = true;
    idle_.wait_for(lock, options_.drain_timeout, [this] { return in_flight_ == 0; });
  }
  std::atomic<bool> stopped = false;
  std::thread waker;
  try {
    waker = std::thread([this, &stopped] {
      while (!stopped.load()) {
        wake_accepting_thread();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): it only takes longer then
  }
  mg_stop(context_);
  stopped.store(true);
  if (waker.joinable()) waker.join();
  context_ = nullptr;
}

/// The library's accepting thread looks at its stop flag every two seconds, or when it has
/// something to accept.
void Server::Connections::wake_accepting_thread() const {
  ListenAddress place = listening_.front();
  if (place.host.empty())
    place.host = "0.0.0.0";  // where IPv6 is off for loopback, that still works
  const SocketAddress there = socket_address(place);
  const int fd = socket(there.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  // Connecting to 0.0.0.0 or :: reaches this host. Whether it worked shows in mg_stop's return.
  static_cast<void>(connect(fd, there.get(), there.size));
  close(fd);
}

int Server::Connections::on_request(mg_connection* connection) {
  // What is thrown for lack of memory must not unwind through the library.
  try {
    return of(connection).answer(connection);
  } catch (...) {
    mg_disable_connection_keep_alive(connection);
    mg_write(connection, kLastResort.data(), kLastResort.size());
    return 500;
  }
}

int Server::Connections::answer(mg_connection* connection) {
  const mg_request_info& info = *mg_get_request_info(connection);
  const Request request{
      .method = view(info.request_method),
      .path = view(info.local_uri_raw),
      .query = view(info.query_string),
      .accept = header(connection, "Accept"),
      .accept_encoding = header(connection, "Accept-Encoding"),
      .scrape_timeout = header(connection, "X-Prometheus-Scrape-Timeout-Seconds")};
  const UnderWay under_way(*this);
  if (!under_way.entered()) {
    return reject(connection, "stopping", text_response(503, "503: the agent is stopping\n"),
                  request.method != "HEAD");
  }
  const Response response = handler_(request);
  const std::int64_t cpu_started = thread_cpu_ns();
  const bool keep_alive =
      !is_crowded_or_stopping() &&
      may_keep_alive({.http_version = view(info.http_version),
                      .connection = header(connection, "Connection"),
                      .upgrade = header(connection, "Upgrade"),
                      .transfer_encoding = header(connection, "Transfer-Encoding"),
                      .content_length = header(connection, "Content-Length")});
  // Also keeps the library from reading on through a request's body, however long it says it is.
  if (!keep_alive) mg_disable_connection_keep_alive(connection);
  if (!send_response(connection, response, keep_alive, request.method != "HEAD",
                     options_.send_timeout)) {
    mg_disable_connection_keep_alive(connection);
  }
  if (events_.sent) events_.sent(thread_cpu_ns() - cpu_started);
  return response.status;
}

bool Server::Connections::is_crowded_or_stopping() const {
  if (open_connections_.load() > options_.threads / 2) return true;
  const std::scoped_lock lock(mutex_);
  return stopping_;
}

int Server::Connections::reject(mg_connection* connection, std::string_view reason,
                                const Response& response, bool with_body) {
  mg_disable_connection_keep_alive(connection);
  send_response(connection, response, false, with_body, options_.send_timeout);
  if (events_.rejected) events_.rejected(reason, response.status);
  return response.status;
}

/// What the library could not understand; its message is of its own making.
int Server::Connections::on_error(mg_connection* connection, int status, const char* message) {
  try {
    std::string text = std::to_string(status) + ": " + std::string(view(message)) + '\n';
    of(connection).reject(connection, "malformed", text_response(status, std::move(text)));
  } catch (...) {
    mg_disable_connection_keep_alive(connection);
  }
  return 0;
}

int Server::Connections::on_log(const mg_connection* connection, const char* line) {
  Connections& self = of(connection);
  try {
    {
      const std::scoped_lock lock(self.mutex_);
      if (self.starting_) (self.start_words_ += self.start_words_.empty() ? "" : "; ") += line;
    }
    if (self.events_.log) self.events_.log(line);
  } catch (...) {  // NOLINT(bugprone-empty-catch): a lost line is the least of what is wrong then
  }
  return 1;
}

Server::Server() = default;

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler handler,
                                              ServerEvents events) {
  Result<std::vector<ListenAddress>> places = understand(options);
  if (!places) return tl::unexpected<Error>(places.error());
  std::unique_ptr<Server> server(new Server);
  server->connections_ =
      std::make_unique<Connections>(options, std::move(handler), std::move(events));
  Result<std::vector<std::uint16_t>> ports = server->connections_->listen(*places);
  if (!ports) return tl::unexpected<Error>(ports.error());
  server->ports_ = *std::move(ports);
  for (std::size_t i = 0; i < places->size(); ++i) {
    (*places)[i].port = server->ports_[i];
    server->addresses_.push_back((*places)[i].text());
  }
  return server;
}

std::uint32_t Server::in_flight() const { return connections_->in_flight(); }

void Server::stop() {
  if (connections_ != nullptr) connections_->stop();
}

}  // namespace cgmon
