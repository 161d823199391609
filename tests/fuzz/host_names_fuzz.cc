#include "collectors/identity/kubernetes_logs.h"
#include "collectors/identity/machines.h"
#include "collectors/identity/toml_text.h"
#include "collectors/identity/users.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

bool fits(const std::string& text) { return is_utf8(text) && text.size() <= kMaxLabelBytes; }

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

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
  visit_toml(input, [&](std::string_view table, std::string_view key, std::string_view value) {
    for (const std::string_view part : {table, key, value}) {
      require(lies_in(part, input) && part.find('\n') == part.npos, "texts are of one line");
    }
    require(value.find('\\') == value.npos || input.find('\'') != input.npos,
            "what is escaped is skipped");
  });
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
