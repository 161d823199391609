#pragma once

#include <string>
#include <string_view>

#include "agent/http/message.h"

namespace cgmon {

/// What the landing page tells.
struct LandingPage {
  std::string_view version;
  std::string_view telemetry_path = "/metrics";
};

/// `text` for an HTML element or a quoted attribute.
[[nodiscard]] std::string escape_html(std::string_view text);

/// `/`: what this is and where the rest is. Small, no script, loads nothing.
[[nodiscard]] Response landing_page(const LandingPage& page);

/// `/-/healthy`: the process answers.
[[nodiscard]] Response healthy_page();

/// `/-/ready`: 200, or 503 with the reason, which is one line for a person.
[[nodiscard]] Response ready_page(bool ready, std::string_view reason = {});

}  // namespace cgmon
