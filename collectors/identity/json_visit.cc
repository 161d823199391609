#include "collectors/identity/json_visit.h"

#include <array>
#include <nlohmann/json.hpp>

namespace cgmon {
namespace {

using Json = nlohmann::json;

class Visitor final : public nlohmann::json_sax<Json> {
 public:
  explicit Visitor(const std::function<void(JsonKeys, const JsonValue&)>& visit) : visit_(visit) {}

  [[nodiscard]] JsonTop top() const { return top_; }

  bool null() override { return true; }
  bool boolean(bool value) override {
    return report({.kind = JsonValue::Kind::boolean, .yes = value});
  }
  bool number_integer(number_integer_t value) override {
    return report({.kind = JsonValue::Kind::number, .number = value});
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > INT64_MAX) return true;
    return report({.kind = JsonValue::Kind::number, .number = static_cast<std::int64_t>(value)});
  }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t& value) override { return report({.text = value}); }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(JsonTop::object); }
  bool key(string_t& name) override {
    if (depth_ <= keys_.size()) keys_[depth_ - 1] = name;
    return true;
  }
  bool end_object() override {
    --depth_;
    return report({.kind = JsonValue::Kind::object_end});
  }
  bool start_array(std::size_t) override { return enter(JsonTop::array); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool enter(JsonTop kind) {
    if (depth_ == 0) top_ = kind;
    ++depth_;
    if (depth_ <= keys_.size()) keys_[depth_ - 1].clear();  // elements of an array have no key
    return true;
  }
  bool report(const JsonValue& value) {
    if (depth_ <= keys_.size()) visit_(JsonKeys(keys_).first(depth_), value);
    return true;
  }

  const std::function<void(JsonKeys, const JsonValue&)>& visit_;
  std::array<std::string, 5> keys_;  // of the members under way, from the outside
  std::size_t depth_ = 0;
  JsonTop top_ = JsonTop::other;
};

}  // namespace

JsonTop visit_json(std::string_view json,
                   const std::function<void(JsonKeys, const JsonValue&)>& visit) {
  Visitor visitor(visit);
  return Json::sax_parse(json, &visitor) ? visitor.top() : JsonTop::broken;
}

}  // namespace cgmon
