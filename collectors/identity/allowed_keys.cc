#include "collectors/identity/allowed_keys.h"

#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

void keep(std::string_view key, std::string_view value, std::vector<LabelPair>& kept,
          LabelBounds& left_out) {
  if (kept.size() >= kMaxContainerLabels) {
    ++left_out.container_labels;
    return;
  }
  if (value.size() > kMaxLabelBytes) ++left_out.label_length;
  kept.emplace_back(repair_text(key, kMaxLabelBytes), repair_text(value, kMaxLabelBytes));
}

}  // namespace

void take_allowed_label(std::string_view key, std::string_view value, const AllowedKeys& allowed,
                        ContainerMetadata& metadata) {
  if (allows(allowed.labels, key)) keep(key, value, metadata.labels, metadata.left_out);
}

void take_allowed_variable(std::string_view text, const AllowedKeys& allowed,
                           ContainerMetadata& metadata) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos) return;
  const std::string_view key = text.substr(0, equals);
  if (!allows(allowed.env, key)) return;
  keep(key, text.substr(equals + 1), metadata.env, metadata.left_out);
}

}  // namespace cgmon
