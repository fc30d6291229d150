#pragma once

// Regular expressions over the names of tensors: --include, --exclude.

#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>

#include <memory>
#include <optional>
#include <re2/re2.h>
#include <string>

namespace program {

/// A regular expression that is searched for in names. RE2's language, which has no look-ahead and no
/// back-references: a search takes time linear in the name's length and no stack, whatever the expression.
/// Throws invalid_scheme, with RE2's reason, for a text that is none.
class name_pattern {
 public:
  /// \param option what the user typed it behind, such as "--include"
  name_pattern(const std::string& option, const std::string& text) {
    RE2::Options how;
    how.set_log_errors(false);
    how.set_dot_nl(true);  // a name is one text, whatever stands in it
    expression_ = std::make_shared<const RE2>(text, how);
    if (expression_->ok()) return;
    bitgauge::raise(bitgauge::invalid_scheme(
        option + ": \"" + bitgauge::excerpt(text) +
        "\" is no regular expression that RE2 takes: " + bitgauge::excerpt(expression_->error())));
  }

  bool is_found_in(const std::string& name) const { return RE2::PartialMatch(name, *expression_); }

 private:
  std::shared_ptr<const RE2> expression_;
};

/// Which tensors a pair of regular expressions selects: a search, not a whole match. Throws invalid_scheme
/// for an expression that is none.
class name_filter {
 public:
  name_filter(const std::string& include, const std::string& exclude)
      : include_(compile("--include", include)), exclude_(compile("--exclude", exclude)) {}

  /// Why `name` is left out, or nothing where it is selected.
  std::optional<std::string> reason_to_skip(const std::string& name) const {
    if (include_ && !include_->is_found_in(name)) return "not matched by --include";
    if (exclude_ && exclude_->is_found_in(name)) return "matched by --exclude";
    return std::nullopt;
  }

 private:
  static std::optional<name_pattern> compile(const char* option, const std::string& text) {
    if (text.empty()) return std::nullopt;
    return name_pattern(option, text);
  }

  std::optional<name_pattern> include_, exclude_;
};

}  // namespace program
