#pragma once

#include <string_view>

#include "agent/http/message.h"

namespace cgmon {

/// `/-/healthy`: the process answers.
[[nodiscard]] Response healthy_page();

/// `/-/ready`: 200, or 503 with the reason, which is one line for a person.
[[nodiscard]] Response ready_page(bool ready, std::string_view reason = {});

}  // namespace cgmon
