#pragma once

#include <functional>
#include <string_view>

namespace cgmon {

/// Hands each `key = "text"` or `key = 'text'` line of a TOML file to `visit(table, key, text)`;
/// `table` is what stands between the brackets of the last `[table]`. For the few paths that
/// engines' configurations hold: other values, escapes and lines that go on are skipped, and so is
/// what a broken line says. Views live as long as the text.
void visit_toml(
    std::string_view text,
    const std::function<void(std::string_view, std::string_view, std::string_view)>& visit);

}  // namespace cgmon
