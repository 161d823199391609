#include "collectors/base/result.h"

#include <cstring>
#include <system_error>

namespace cgmon {

std::string Error::message() const {
  std::string text = path;
  if (line != 0) text += ':' + std::to_string(line);
  if (!text.empty()) text += ": ";
  text += what;
  if (error != 0) text += ": " + std::generic_category().message(error);
  return text;
}

std::string_view errno_name(int error) {
  const char* const name = strerrorname_np(error);
  return name != nullptr ? name : "unknown";
}

}  // namespace cgmon
