#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cgmon {

/// Appends JSON (RFC 8259) to a text. Strings may hold any bytes: what JSON cannot have is escaped,
/// what is no UTF-8 becomes U+FFFD. Numbers are written digit by digit, so that 64-bit integers and
/// their decimal fractions stay exact. The caller closes what it opens.
class JsonWriter {
 public:
  /// `indented`: for people; else without blanks.
  explicit JsonWriter(std::string& out, bool indented = false) : out_(out), indented_(indented) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  /// Of the next value, within an object.
  void key(std::string_view name);

  void string(std::string_view value);
  void boolean(bool value) { plain(value ? "true" : "false"); }
  /// `number` has `decimals` places behind the point, as in the text formats.
  void number(std::uint64_t number, unsigned decimals = 0, bool is_signed = false);

  void member(std::string_view name, std::string_view value) {
    key(name);
    string(value);
  }
  void member(std::string_view name, const char* value) { member(name, std::string_view(value)); }
  void member(std::string_view name, bool value) {
    key(name);
    boolean(value);
  }
  void member(std::string_view name, std::uint64_t value) {
    key(name);
    number(value);
  }

 private:
  void open(char bracket);
  void close(char bracket);
  void plain(std::string_view text);
  void before_value();
  void new_line();
  void append_string(std::string_view value);

  std::string& out_;
  bool indented_;
  bool is_first_ = true;  // within the innermost object or array
  bool has_key_ = false;
  std::size_t depth_ = 0;
};

}  // namespace cgmon
