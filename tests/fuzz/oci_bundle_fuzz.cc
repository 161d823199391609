#include <algorithm>

#include "collectors/identity/containers_storage.h"
#include "collectors/identity/oci_bundle.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {

void check_input(std::string_view input) {
  const auto fits = [](const std::string& text) {
    return is_utf8(text) && text.size() <= kMaxLabelBytes;
  };
  if (const auto read = parse_bundle(input, "id", {.labels = {"*"}, .env = {"*"}})) {
    for (const std::string* const text :
         {&read->name, &read->image, &read->image_id, &read->container, &read->pod,
          &read->namespace_name, &read->pod_uid}) {
      require(fits(*text), "texts are bounded UTF-8");
    }
    require(read->complete == !read->name.empty(), "what is complete has a name");
    const auto known = {"", "own", "pod", "container", "host"};
    require(std::ranges::find(known, read->network) != known.end(), "a network is one of a few");
    require(fits(read->sandbox_id), "so is the sandbox' id");
    require(read->cgroup_path.size() <= 4096, "a path is bounded");
    for (const auto* const pairs : {&read->labels, &read->env}) {
      require(pairs->size() <= kMaxContainerLabels, "labels are bounded");
      for (const auto& [key, value] : *pairs) require(fits(key) && fits(value), "and so is each");
    }
  }
  if (const auto list = parse_stored_containers(input)) {
    for (const StoredContainer& each : *list) {
      require(!each.id.empty() && fits(each.id) && fits(each.name) && fits(each.image) &&
                  fits(each.container) && fits(each.namespace_name),
              "entries have an id, texts are bounded UTF-8");
    }
  }
}

}  // namespace cgmon
