#include "collectors/identity/containerd.h"
#include "collectors/identity/containers_storage.h"
#include "collectors/identity/libpod.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

void check_life(const ContainerLife& life) {
  require(life.created_at_ns >= 0 && life.started_at_ns >= 0 && life.finished_at_ns >= 0,
          "no time is before the epoch");
  const bool over = life.state == ContainerState::exited;
  require(over || !life.exit_code, "only what has ended has a code");
  require(!over || life.started_at_ns == 0, "what has ended does not run");
}

bool fits(const std::string& text) { return is_utf8(text) && text.size() <= kMaxLabelBytes; }

}  // namespace

/// One text to all that read the state of a container.
void check_input(std::string_view input) {
  if (const auto life = parse_cri_status(input)) {
    check_life(*life);
    require(life->state != ContainerState::unknown, "a status says what is");
  }
  if (const auto life = parse_crio_state(input)) check_life(*life);
  const AllowedKeys all{.labels = {"*"}, .env = {"*"}};
  ContainerMetadata metadata{.name = "before"};
  const bool known = parse_libpod_config(input, all, metadata);
  require(!metadata.name.empty() && (known || metadata.name == "before"),
          "a name is kept until there is another");
  for (const std::string* const text :
       {&metadata.name, &metadata.image, &metadata.image_id, &metadata.pod_uid}) {
    require(fits(*text), "texts are bounded UTF-8");
  }
  require(metadata.log_path.empty() || metadata.log_path.starts_with('/'), "a log has a path");
  require(metadata.log_path.size() <= 4096, "of a bounded size");
  for (const auto* const pairs : {&metadata.labels, &metadata.env}) {
    require(pairs->size() <= kMaxContainerLabels, "labels are bounded");
    for (const auto& [key, value] : *pairs) require(fits(key) && fits(value), "and so is each");
  }
  ContainerMetadata state;
  if (parse_libpod_state(input, state)) {
    check_life(state.life);
    require(state.life.restarts.has_value(), "podman leaves out a count of 0");
  }
}

}  // namespace cgmon
