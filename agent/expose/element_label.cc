#include "agent/expose/element_label.h"

#include <charconv>
#include <cstring>

namespace cgmon {

std::string_view element_label(Axis axis, std::uint32_t element, std::array<char, 48>& buffer) {
  char* at = buffer.data();
  const auto text = [&](std::string_view part) {
    std::memcpy(at, part.data(), part.size());
    at += part.size();
  };
  if (axis != Axis::cpu) return {};
  text("cpu=\"cpu");
  if (element < 10) text("0");  // cpu00, as cAdvisor writes it
  at = std::to_chars(at, buffer.data() + buffer.size(), element).ptr;
  text("\",");
  return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
}

}  // namespace cgmon
