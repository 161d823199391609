#include "collectors/identity/kubernetes_logs.h"
#include "collectors/identity/machines.h"
#include "collectors/identity/users.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

bool fits(const std::string& text) { return is_utf8(text) && text.size() <= kMaxLabelBytes; }

}  // namespace

/// One text to all that read names of users, machines, pods and paths.
void check_input(std::string_view input) {
  for (const User& user : parse_passwd(input)) {
    require(!user.name.empty() && fits(user.name), "users have a name of bounded UTF-8");
    require(user.home.empty() || (user.home.starts_with('/') && !user.home.ends_with('/')),
            "a home is a path");
  }
  if (const auto machine = parse_machine(input)) {
    require(!machine->name.empty() && fits(machine->name), "machines have a name");
    require(machine->life.created_at_ns >= 0, "and were made after the epoch");
  }
  const ContainerLogName log = parse_container_log_name(input);
  if (!log.id.empty()) {
    const std::string made =
        joined({log.pod, "_", log.namespace_name, "_", log.container, "-", log.id, ".log"});
    require(made == input && log.id.size() == 64, "the parts make up the name");
  }
  if (const auto number = parse_log_number(input)) {
    require(input.find(".log") != input.npos, "a log is called so");
  }
  const PodLogName pod = parse_pod_log_name(input);
  require(pod.uid.empty() || joined({pod.namespace_name, "_", pod.pod, "_", pod.uid}) == input,
          "likewise a pod's");
}

}  // namespace cgmon
