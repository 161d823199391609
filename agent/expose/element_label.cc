#include "agent/expose/element_label.h"

#include "agent/expose/prometheus_text.h"

namespace cgmon {

void ElementLabels::set_axis(Axis axis, const Snapshot& snapshot) {
  axis_ = axis;
  if (axis == Axis::limited_by) {
    const auto& limiters = snapshot.limiters;
    if (texts_.size() < limiters.size()) texts_.resize(limiters.size());
    for (std::size_t i = 0; i < limiters.size(); ++i) {
      texts_[i] = "limited_by=\"";
      append_escaped(texts_[i], limiters[i]->id);
      texts_[i] += "\",";
    }
    return;
  }
  const AxisElements* const elements = snapshot.elements.get();
  if (axis == Axis::cpu || elements == nullptr) return;
  if (texts_.size() < elements->size()) texts_.resize(elements->size());
  for (std::size_t i = 0; i < elements->size(); ++i) {
    std::string& text = texts_[i];
    text.clear();
    const auto& values = (*elements)[i].values;
    const auto names = label_names(axis);
    for (std::size_t label = 0; label < names.size(); ++label) {
      if (values.at(label).empty()) continue;
      text += names[label];
      text += "=\"";
      append_escaped(text, values.at(label));
      text += "\",";
    }
  }
}

std::string_view ElementLabels::of(std::uint32_t element) {
  if (axis_ != Axis::cpu) return texts_[element];
  cpu_ = element < 10 ? "cpu=\"cpu0" : "cpu=\"cpu";  // cpu00, as cAdvisor writes it
  cpu_ += std::to_string(element);
  cpu_ += "\",";
  return cpu_;
}

}  // namespace cgmon
