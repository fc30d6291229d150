#pragma once

// Regular expressions over the names of tensors: --include, --exclude, --drop, --rows.

#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/model/plan/rule.hpp>

#include <memory>
#include <optional>
#include <re2/re2.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace program {

/// A regular expression that is searched for in names. RE2's language, which has no look-ahead and no
/// back-references: a search takes time linear in the name's length and no stack, whatever the expression.
/// Throws invalid_scheme, with RE2's reason, for a text that is none.
class name_expression {
 public:
  /// \param option what the user typed it behind, such as "--include"
  name_expression(std::string option, std::string text) : option_(std::move(option)), text_(std::move(text)) {
    RE2::Options how;
    how.set_log_errors(false);
    how.set_dot_nl(true);  // a name is one text, whatever stands in it
    expression_ = std::make_shared<const RE2>(text_, how);
    if (expression_->ok()) return;
    bitgauge::raise(bitgauge::invalid_scheme(
        option_ + ": \"" + bitgauge::excerpt(text_) +
        "\" is no regular expression that RE2 takes: " + bitgauge::excerpt(expression_->error())));
  }

  /// The names that it is found in, or those that it is not found in.
  bitgauge::name_pattern found(bool wanted = true) const {
    return {option_, text_, [expression = expression_, wanted](std::string_view name) {
              return RE2::PartialMatch(name, *expression) == wanted;
            }};
  }

 private:
  std::string option_, text_;
  std::shared_ptr<const RE2> expression_;
};

/// Which tensors a pair of regular expressions selects: a search, not a whole match; an empty text selects
/// all. Throws invalid_scheme for an expression that is none.
class name_filter {
 public:
  name_filter(const std::string& include, const std::string& exclude) {
    if (!include.empty()) {
      const name_expression expression("--include", include);
      included_ = expression.found();
      rules_.push_back({.names = expression.found(false),
                        .to = bitgauge::tensor_format::copy(),
                        .why = "not matched by --include",
                        .is_remarked = false});
    }
    if (!exclude.empty())
      rules_.push_back({.names = name_expression("--exclude", exclude).found(),
                        .to = bitgauge::tensor_format::copy(),
                        .why = "matched by --exclude"});
  }

  /// The names that are selected, where --include says so: some tensor must have one.
  const std::optional<bitgauge::name_pattern>& included() const { return included_; }
  /// Rules that copy what is left out.
  const std::vector<bitgauge::rule>& rules() const { return rules_; }

  /// Why `name` is left out, or nothing where it is selected.
  std::optional<std::string> reason_to_skip(const std::string& name) const {
    for (const bitgauge::rule& rule : rules_)
      if (rule.names.matches(name)) return rule.why;
    return std::nullopt;
  }

 private:
  std::optional<bitgauge::name_pattern> included_;
  std::vector<bitgauge::rule> rules_;
};

}  // namespace program
