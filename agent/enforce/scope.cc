#include "agent/enforce/scope.h"

#include <dlfcn.h>
#include <systemd/sd-bus.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

namespace cgmon {
namespace {

constexpr const char* kLibrary = "libsystemd.so.0";
constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kObject = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr std::uint64_t kPatienceUsec = 30'000'000;
constexpr const char* kRemedy =
    "; --driver=cgroupfs --force makes cgroups beside those of systemd all the same";

/// The functions of libsystemd that are called here.
struct Library {
  decltype(&::sd_bus_open_system) open_system = nullptr;
  decltype(&::sd_bus_open_user) open_user = nullptr;
  decltype(&::sd_bus_flush_close_unref) close = nullptr;
  decltype(&::sd_bus_message_new_method_call) new_call = nullptr;
  decltype(&::sd_bus_message_append) append = nullptr;
  decltype(&::sd_bus_message_append_array) append_array = nullptr;
  decltype(&::sd_bus_message_open_container) open = nullptr;
  decltype(&::sd_bus_message_close_container) close_container = nullptr;
  decltype(&::sd_bus_message_read) read = nullptr;
  decltype(&::sd_bus_message_unref) unref = nullptr;
  decltype(&::sd_bus_call) call = nullptr;
  decltype(&::sd_bus_call_method) call_method = nullptr;
  decltype(&::sd_bus_match_signal) match_signal = nullptr;
  decltype(&::sd_bus_process) process = nullptr;
  decltype(&::sd_bus_wait) wait = nullptr;
  decltype(&::sd_bus_error_free) free_error = nullptr;

  /// False where one is missing. Never unloaded: it registers handlers of its own.
  bool load() {
    void* const handle = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return false;
    bool complete = true;
    const auto find = [&](auto& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
      complete = complete && function != nullptr;
    };
    find(open_system, "sd_bus_open_system");
    find(open_user, "sd_bus_open_user");
    find(close, "sd_bus_flush_close_unref");
    find(new_call, "sd_bus_message_new_method_call");
    find(append, "sd_bus_message_append");
    find(append_array, "sd_bus_message_append_array");
    find(open, "sd_bus_message_open_container");
    find(close_container, "sd_bus_message_close_container");
    find(read, "sd_bus_message_read");
    find(unref, "sd_bus_message_unref");
    find(call, "sd_bus_call");
    find(call_method, "sd_bus_call_method");
    find(match_signal, "sd_bus_match_signal");
    find(process, "sd_bus_process");
    find(wait, "sd_bus_wait");
    find(free_error, "sd_bus_error_free");
    return complete;
  }
};

/// How the job of our unit ended; systemd tells of all jobs.
struct Job {
  const Library& library;
  std::string unit, result;
};

int on_job_removed(sd_bus_message* message, void* data, sd_bus_error* /*error*/) {
  Job& job = *static_cast<Job*>(data);
  std::uint32_t id = 0;
  const char *path = nullptr, *unit = nullptr, *result = nullptr;
  if (job.library.read(message, "uoss", &id, &path, &unit, &result) < 0) return 0;
  if (job.unit == unit) job.result = result;
  return 0;
}

/// One conversation with systemd.
class Manager {
 public:
  explicit Manager(const Library& library) : library_(library), job_{library, {}, {}} {}
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() {
    if (bus_ != nullptr) library_.close(bus_);
  }

  Result<void> connect(bool of_user) {
    const int error = of_user ? library_.open_user(&bus_) : library_.open_system(&bus_);
    if (error >= 0) return {};
    return failure(std::string("cannot reach ") + (of_user ? "this user's " : "") +
                       "systemd by D-Bus (package " + (of_user ? "dbus-user-session" : "dbus") +
                       ')' + kRemedy,
                   {}, -error);
  }

  Result<void> attach(const std::string& unit, const std::string& below, pid_t pid) {
    sd_bus_error reason = SD_BUS_ERROR_NULL;
    const int error = library_.call_method(
        bus_, kService, kObject, kManager, "AttachProcessesToUnit", &reason, nullptr, "ssau",
        unit.c_str(), below.c_str(), 1, static_cast<std::uint32_t>(pid));
    const std::string said = reason.message == nullptr ? "" : std::string(": ") + reason.message;
    library_.free_error(&reason);
    if (error >= 0) return {};
    return failure("systemd does not move the command into its scope" + said, unit, -error);
  }

  Result<void> start(const UnitPlan& unit, pid_t pid) {
    job_.unit = unit.name;
    // Before the call: the job may have ended when its answer comes.
    int error = library_.match_signal(bus_, nullptr, kService, kObject, kManager, "JobRemoved",
                                      on_job_removed, &job_);
    if (error >= 0)
      error = library_.call_method(bus_, kService, kObject, kManager, "Subscribe", nullptr, nullptr,
                                   "");
    if (error < 0) return failure("systemd tells of no jobs", {}, -error);
    if (Result<void> called = call(unit, pid); !called) return called;
    return wait();
  }

  void stop(const std::string& unit) {
    library_.call_method(bus_, kService, kObject, kManager, "StopUnit", nullptr, nullptr, "ss",
                         unit.c_str(), "replace");
  }

 private:
  Result<void> call(const UnitPlan& unit, pid_t pid) {
    sd_bus_message* message = nullptr;
    int error =
        library_.new_call(bus_, &message, kService, kObject, kManager, "StartTransientUnit");
    if (error >= 0) error = library_.append(message, "ss", unit.name.c_str(), "fail");
    if (error >= 0) error = library_.open(message, 'a', "(sv)");
    if (error >= 0) {
      // Accounting makes systemd create the scope in v1's hierarchies of these controllers, too.
      error = library_.append(message, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s",
                              "agent run", "Slice", "s", unit.slice.c_str(), "CollectMode", "s",
                              "inactive-or-failed", "Delegate", "b", 1, "CPUAccounting", "b", 1,
                              "MemoryAccounting", "b", 1, "TasksAccounting", "b", 1, "IOAccounting",
                              "b", 1, "PIDs", "au", 1, static_cast<std::uint32_t>(pid));
    }
    for (const UnitProperty& property : unit.properties) {
      if (error >= 0) error = append(message, property);
    }
    if (error >= 0) error = library_.close_container(message);
    if (error >= 0) error = library_.append(message, "a(sa(sv))", 0);
    sd_bus_error reason = SD_BUS_ERROR_NULL;
    if (error >= 0) error = library_.call(bus_, message, kPatienceUsec, &reason, nullptr);
    const std::string said = reason.message == nullptr ? "" : std::string(": ") + reason.message;
    library_.free_error(&reason);
    if (message != nullptr) library_.unref(message);
    if (error >= 0) return {};
    return failure("systemd does not make the scope" + said + kRemedy, unit.name, -error);
  }

  int append(sd_bus_message* message, const UnitProperty& property) {
    int error = library_.open(message, 'r', "sv");
    if (error >= 0) error = library_.append(message, "s", property.name.c_str());
    if (error < 0) return error;
    if (const auto* const number = std::get_if<std::uint64_t>(&property.value)) {
      error = library_.append(message, "v", "t", *number);
    } else if (const auto* const word = std::get_if<std::string>(&property.value)) {
      error = library_.append(message, "v", "s", word->c_str());
    } else if (const auto* const bytes = std::get_if<std::vector<std::uint8_t>>(&property.value)) {
      error = library_.open(message, 'v', "ay");
      if (error >= 0) error = library_.append_array(message, 'y', bytes->data(), bytes->size());
      if (error >= 0) error = library_.close_container(message);
    } else {
      error = library_.open(message, 'v', "a(st)");
      if (error >= 0) error = library_.open(message, 'a', "(st)");
      for (const auto& [path, each] : std::get<UnitProperty::Devices>(property.value)) {
        if (error >= 0) error = library_.append(message, "(st)", path.c_str(), each);
      }
      if (error >= 0) error = library_.close_container(message);
      if (error >= 0) error = library_.close_container(message);
    }
    return error < 0 ? error : library_.close_container(message);
  }

  // The answer to the call does not mean that the process has moved; the job's end does.
  Result<void> wait() {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::microseconds(kPatienceUsec);
    while (job_.result.empty()) {
      const int done = library_.process(bus_, nullptr);
      if (done < 0) return failure("systemd has gone", job_.unit, -done);
      if (done > 0) continue;
      if (std::chrono::steady_clock::now() >= deadline) {
        return failure("systemd does not make the scope within 30 s", job_.unit);
      }
      library_.wait(bus_, 1'000'000);
    }
    if (job_.result == "done") return {};
    return failure("systemd does not make the scope: its job ended as " + job_.result, job_.unit);
  }

  const Library& library_;
  sd_bus* bus_ = nullptr;
  Job job_;
};

}  // namespace

std::string text_of(const UnitPlan& unit) {
  std::string text = "Slice=" + unit.slice + " Delegate=yes CollectMode=inactive-or-failed";
  for (const UnitProperty& property : unit.properties) {
    text += ' ' + property.name + '=';
    if (const auto* const number = std::get_if<std::uint64_t>(&property.value)) {
      text += std::to_string(*number);
    } else if (const auto* const word = std::get_if<std::string>(&property.value)) {
      text += *word;
    } else if (const auto* const bytes = std::get_if<std::vector<std::uint8_t>>(&property.value)) {
      for (const std::uint8_t byte : *bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
      }
    } else {
      const char* separator = "";
      for (const auto& [path, each] : std::get<UnitProperty::Devices>(property.value)) {
        text += separator + path + ':' + std::to_string(each);
        separator = ",";
      }
    }
  }
  return text;
}

Result<Scope> Scope::start(const UnitPlan& unit) {
  Library library;
  if (!library.load()) {
    return failure(std::string("cannot load ") + kLibrary + " (package libsystemd0)" + kRemedy);
  }
  Manager manager(library);
  if (Result<void> fine = manager.connect(unit.of_user); !fine) return tl::unexpected(fine.error());
  Result<Holder> holder = Holder::start();
  if (!holder) return tl::unexpected(holder.error());
  Scope scope(*std::move(holder));
  scope.name_ = unit.name;
  scope.of_user_ = unit.of_user;
  if (Result<void> fine = manager.start(unit, scope.holder()); !fine) {
    return tl::unexpected(fine.error());
  }
  return scope;
}

void Scope::stop() {
  holder_.end();
  Library library;
  if (!library.load()) return;
  Manager manager(library);
  if (manager.connect(of_user_)) manager.stop(name_);
}

Result<void> Scope::attach(const std::string& below, pid_t pid) {
  Library library;
  if (!library.load()) return failure(std::string("cannot load ") + kLibrary);
  Manager manager(library);
  if (Result<void> fine = manager.connect(of_user_); !fine) return fine;
  return manager.attach(name_, below, pid);
}

}  // namespace cgmon
