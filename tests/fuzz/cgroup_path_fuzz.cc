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
  require(is_part_of(is.container_id, input) && is_part_of(is.unit, input),
          "views are of the path");
  require((is.kind == CgroupKind::root) == (input == "/"), "only / is the root");

  const bool container = is.kind == CgroupKind::container;
  require(container == !is.container_id.empty() && container == !is.runtime.empty(),
          "a container has an id and a runtime, nothing else has");
  if (container) {
    require(is.container_id.size() == 64 &&
                is.container_id.find_first_not_of("0123456789abcdef") == std::string_view::npos,
            "an id is 64 hex digits");
    const std::string child = std::string(input) + "/init.scope";
    require(identify_path(child).kind == CgroupKind::unit, "what is in a container is none");
  }
  require(is.unit.find('/') == is.unit.npos, "a unit is one segment");
  if (is.kind == CgroupKind::unit || is.kind == CgroupKind::slice) {
    require(input.ends_with(is.unit) && is.unit.find('.') != is.unit.npos, "a unit ends the path");
    require((is.kind == CgroupKind::slice) == is.unit.ends_with(".slice"), "slices are slices");
  }
}

}  // namespace cgmon
