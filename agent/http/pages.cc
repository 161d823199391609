#include "agent/http/pages.h"

#include <string>

namespace cgmon {

Response healthy_page() { return text_response(200, "healthy\n"); }

Response ready_page(bool ready, std::string_view reason) {
  if (ready) return text_response(200, "ready\n");
  std::string text = "not ready";
  if (!reason.empty()) (text += ": ") += reason;
  return text_response(503, text + '\n');
}

}  // namespace cgmon
