#pragma once

// --include and --exclude.

#include <bitgauge/error.hpp>

#include <optional>
#include <regex>
#include <string>

namespace program {

/// Which tensors a pair of regular expressions selects: a search, not a whole match. Throws invalid_scheme
/// for an expression that is none.
class name_filter {
 public:
  name_filter(const std::string& include, const std::string& exclude)
      : include_(compile("--include", include)), exclude_(compile("--exclude", exclude)) {}

  /// Why `name` is left out, or nothing where it is selected.
  std::optional<std::string> reason_to_skip(const std::string& name) const {
    if (include_ && !std::regex_search(name, *include_)) return "not matched by --include";
    if (exclude_ && std::regex_search(name, *exclude_)) return "matched by --exclude";
    return std::nullopt;
  }

 private:
  static std::optional<std::regex> compile(const char* option, const std::string& text) {
    if (text.empty()) return std::nullopt;
    try {
      return std::regex(text);
    } catch (const std::regex_error&) {
      bitgauge::raise(
          bitgauge::invalid_scheme(std::string(option) + ": \"" + text + "\" is no regular expression"));
    }
  }

  std::optional<std::regex> include_, exclude_;
};

}  // namespace program
