#pragma once

#include <cstdint>
#include <string_view>

#include "agent/expose/json_writer.h"
#include "collectors/metrics/labels.h"

namespace cgmon {

/// A member with seconds since the epoch; none where `ns` is 0, which is not known.
void write_time(JsonWriter& json, std::string_view name, std::int64_t ns);

/// What an engine says of a container's life, as members of the object under way. What it does not
/// say is left out, and how it ended unless it has ended.
void write_life(JsonWriter& json, const ContainerLife& life);

}  // namespace cgmon
