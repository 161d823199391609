#include "collectors/identity/oci_bundle.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {

void check_input(std::string_view input) {
  const auto fits = [](const std::string& text) {
    return is_utf8(text) && text.size() <= kMaxLabelBytes;
  };
  if (const auto read = parse_bundle(input, "id")) {
    for (const std::string* const text :
         {&read->name, &read->image, &read->image_id, &read->container, &read->pod,
          &read->namespace_name, &read->pod_uid}) {
      require(fits(*text), "texts are bounded UTF-8");
    }
    require(read->complete == !read->name.empty(), "what is complete has a name");
  }
  if (const auto list = parse_stored_containers(input)) {
    for (const StoredContainer& each : *list) {
      require(!each.id.empty() && fits(each.id) && fits(each.name) && fits(each.image),
              "entries have an id, texts are bounded UTF-8");
    }
  }
  const PodLogName parts = parse_pod_log_name(input);
  if (parts.uid.empty()) return;
  require(std::string(parts.namespace_name)
                  .append("_")
                  .append(parts.pod)
                  .append("_")
                  .append(parts.uid) == input,
          "the parts make up the name");
}

}  // namespace cgmon
