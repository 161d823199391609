#pragma once

#include <string_view>

#include "collectors/identity/metadata.h"

namespace cgmon {

/// Keeps a label of a container where it is allowed, bounded; counts what is left out of those.
void take_allowed_label(std::string_view key, std::string_view value, const AllowedKeys& allowed,
                        ContainerMetadata& metadata);

/// The same of a variable, `NAME=VALUE`.
void take_allowed_variable(std::string_view text, const AllowedKeys& allowed,
                           ContainerMetadata& metadata);

}  // namespace cgmon
