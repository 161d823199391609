#include "agent/expose/metric_words.h"

namespace cgmon {

std::string_view word(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::info:
      return "info";
    case Kind::stateset:
      break;
  }
  return "stateset";
}

std::string_view word(Unit unit) {
  switch (unit) {
    case Unit::count:
      return "count";
    case Unit::bytes:
      return "bytes";
    case Unit::seconds:
      return "seconds";
    case Unit::cores:
      return "cores";
    case Unit::ratio:
      return "ratio";
    case Unit::microseconds:
      return "microseconds";
    case Unit::unix_seconds:
      break;
  }
  return "seconds since 1970";
}

}  // namespace cgmon
