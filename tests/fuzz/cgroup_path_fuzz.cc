#include <string>

#include "collectors/identity/cgroup_path.h"
#include "tests/fuzz/target.h"

namespace cgmon {
namespace {

bool is_part_of(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

void check_input(std::string_view input) {
  const PathIdentity is = identify_path(input);
  for (const std::string_view view : {is.container_id, is.unit, is.slice, is.uid, is.job_id,
                                      is.step_id, is.task_id, is.outer, is.engine_namespace}) {
    require(is_part_of(view, input), "views are of the path");
  }
  require((is.kind == CgroupKind::root) == (input == "/"), "only / is the root");
  require(is.name.size() <= input.size() && is.pod_uid.size() <= 64, "texts are bounded");
  require(input.starts_with(is.outer) && (is.outer.empty() || input[is.outer.size()] == '/'),
          "what a cgroup lies in is above it");

  const bool container = is.kind == CgroupKind::container;
  require(container == !is.container_id.empty(), "a container has an id, nothing else has");
  require(!container || !is.runtime.empty(), "a container has a runtime");
  require(is.container_id.find('/') == is.container_id.npos, "an id is of one segment");
  require((is.kind != CgroupKind::pod) || !is.pod_uid.empty(), "a pod has a uid");
  if (container || is.kind == CgroupKind::machine) {
    const std::string child = std::string(input) + "/init.scope";
    const PathIdentity inner = identify_path(child);
    require(inner.kind == CgroupKind::unit && inner.outer == input && inner.container_id.empty(),
            "what is in a container is none");
  }
  if (!is.outer.empty()) {
    const CgroupKind outer = identify_path(is.outer).kind;
    require(outer == CgroupKind::container || outer == CgroupKind::machine,
            "what a cgroup lies in is a container");
    const std::string_view rest = input.substr(is.outer.size());
    const PathIdentity alone = identify_path(rest);
    // A path that ends in a slash is no cgroup's; what is left of it would be the root.
    require(rest == "/" || (alone.kind == is.kind && alone.container_id == is.container_id &&
                            alone.pod_uid == is.pod_uid && alone.unit == is.unit),
            "what is in a container is known by its path in there");
  }
  require(is.unit.find('/') == is.unit.npos, "a unit is one segment");
  if (is.kind == CgroupKind::unit || is.kind == CgroupKind::slice) {
    require(input.ends_with(is.unit) && is.unit.find('.') != is.unit.npos, "a unit ends the path");
    require((is.kind == CgroupKind::slice) == is.unit.ends_with(".slice"), "slices are slices");
  }
}

}  // namespace cgmon
