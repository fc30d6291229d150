#pragma once

// What the user says of tensors by their names: --include, --exclude, --drop, --rows.

#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/io/matrix_shape.hpp>
#include <bitgauge/io/tensor_file.hpp>

#include "commands.hpp"
#include "name_filter.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace program {

/// Throws invalid_scheme for a text that is no regular expression, or no REGEX=first|last. A pattern that was
/// given for something and matches no tensor of the file is data_error: a mistyped name would change nothing
/// in silence.
class tensor_choices {
 public:
  tensor_choices(const quantize_options& options, const bitgauge::io::tensor_file& file)
      : filter_(options.include, options.exclude) {
    for (const std::string& text : options.rows) rows_.push_back(read_rows(text));
    if (!options.drop.empty()) drop_.emplace("--drop", options.drop);
    if (!options.include.empty()) require_match("--include", options.include, file);
    if (!options.drop.empty()) require_match("--drop", options.drop, file);
    for (const row_choice& choice : rows_) require_match("--rows", choice.text, file);
    if (!options.exclude.empty() && !matches_any(name_pattern("--exclude", options.exclude), file))
      remarks_.push_back("--exclude \"" + options.exclude + "\" matches no tensor");
  }

  bool is_dropped(const std::string& name) const { return drop_ && drop_->is_found_in(name); }
  /// Why `name` is copied, or nothing where it is to be quantized.
  std::optional<std::string> reason_to_skip(const std::string& name) const {
    return filter_.reason_to_skip(name);
  }
  /// How the rows of `name` are counted, where the user says so: the first match wins.
  std::optional<bitgauge::io::row_dimensions> rows_of(const std::string& name) const {
    for (const row_choice& choice : rows_)
      if (choice.pattern.is_found_in(name)) return choice.rows;
    return std::nullopt;
  }
  /// What the user should know before the work.
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  struct row_choice {
    std::string text;
    name_pattern pattern;
    bitgauge::io::row_dimensions rows;
  };

  static row_choice read_rows(const std::string& text) {
    const std::size_t equals = text.rfind('=');
    auto rows = bitgauge::io::row_dimensions::first;
    if (equals == std::string::npos ||
        !bitgauge::io::read_row_dimensions(std::string_view(text).substr(equals + 1), rows))
      bitgauge::raise(bitgauge::invalid_scheme("--rows: expected REGEX=first or REGEX=last, found \"" +
                                               bitgauge::excerpt(text) + "\""));
    const std::string expression = text.substr(0, equals);
    return {expression, name_pattern("--rows", expression), rows};
  }

  static bool matches_any(const name_pattern& pattern, const bitgauge::io::tensor_file& file) {
    return std::any_of(file.tensors().begin(), file.tensors().end(),
                       [&](const auto& tensor) { return pattern.is_found_in(tensor.name); });
  }
  static void require_match(const char* option, const std::string& text,
                            const bitgauge::io::tensor_file& file) {
    if (matches_any(name_pattern(option, text), file)) return;
    std::string known;
    constexpr std::size_t shown = 3;
    for (std::size_t i = 0; i < std::min(shown, file.tensors().size()); ++i)
      known += (i > 0 ? ", " : ": ") + bitgauge::excerpt(file.tensors()[i].name);
    bitgauge::raise(bitgauge::data_error(file.path() + ": " + option + " \"" + bitgauge::excerpt(text) +
                                         "\": expected a tensor of this name, found " +
                                         std::to_string(file.tensors().size()) + " others" + known +
                                         (file.tensors().size() > shown ? ", ..." : "")));
  }

  name_filter filter_;
  std::optional<name_pattern> drop_;
  std::vector<row_choice> rows_;
  std::vector<std::string> remarks_;
};

}  // namespace program
