#pragma once

#include <string_view>

#include "collectors/base/result.h"
#include "collectors/metrics/family.h"

namespace cgmon {

/// The groups that a query asks for: `collect[]=X`, repeated, names them; `exclude[]=X` names those
/// of `on` that it can do without; neither asks for all (kAllGroups). Other parameters are
/// nobody's. An Error, for status 400, names what is known and the nearest: both at once, an
/// unknown name, or one to collect that is not on.
[[nodiscard]] Result<GroupSet> groups_asked_for(std::string_view query, GroupSet on);

}  // namespace cgmon
