#include "plan_of.hpp"

#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/layer/activation_scheme.hpp>
#include <bitgauge/matrix/scheme/text.hpp>
#include <bitgauge/matrix/trellis/trellis_scheme.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/transform/stored/transform_scheme.hpp>

#include "name_filter.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace program {
namespace {

using bitgauge::gguf::tensor_type;

bitgauge::row_rule read_rows(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  auto rows = bitgauge::row_dimensions::first;
  if (equals == std::string::npos ||
      !bitgauge::read_row_dimensions(std::string_view(text).substr(equals + 1), rows))
    bitgauge::raise(bitgauge::invalid_scheme("--rows: expected REGEX=first or REGEX=last, found \"" +
                                             bitgauge::excerpt(text) + "\""));
  return {name_expression("--rows", text.substr(0, equals)).found(), rows};
}

/// True where a text begins with what formats can be called.
bool begins_with_format(std::string_view text) {
  if (bitgauge::is_trellis_text(text)) return true;
  std::string_view name = text.substr(0, text.find(':'));
  if (name.starts_with(bitgauge::detail::ggml_prefix))
    name.remove_prefix(bitgauge::detail::ggml_prefix.size());
  return name == "copy" || bitgauge::is_grid_name(name) || bitgauge::detail::is_block_type_name(name);
}

/// Both the expression and the format may hold '=': the last one before the name of a format counts.
bitgauge::rule read_rule(const std::string& text, bitgauge::shared_names names) {
  std::size_t equals = text.rfind('=');
  while (equals != std::string::npos && equals > 0 &&
         !begins_with_format(std::string_view(text).substr(equals + 1)))
    equals = text.rfind('=', equals - 1);
  if (equals == std::string::npos || equals == 0)
    bitgauge::raise(bitgauge::invalid_scheme(
        "--rule: expected REGEX=FORMAT, such as ffn_down=q6_k, found \"" + bitgauge::excerpt(text) + "\""));
  return {.names = name_expression("--rule", text.substr(0, equals)).found(),
          .to = bitgauge::parse_format(std::string_view(text).substr(equals + 1), names),
          .why = "--rule " + text};
}

std::vector<tensor_type> read_fallbacks(const std::string& list) {
  std::vector<tensor_type> types;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    const std::string name = list.substr(at, comma - at);
    const auto* found = bitgauge::gguf::find_tensor_type(name);
    if (found == nullptr || !bitgauge::is_format(*found))
      bitgauge::raise(
          bitgauge::invalid_scheme("--fallback: expected a ggml type, or some in the order of preference "
                                   "such as q4_0,q8_0,f16, found \"" +
                                   bitgauge::excerpt(name) + "\""));
    types.push_back(found->type);
    at = comma + 1;
  }
  return types;
}

}  // namespace

bitgauge::shared_names names_by(const std::string& path) {
  return path.ends_with(".gguf") ? bitgauge::shared_names::blocks : bitgauge::shared_names::grids;
}

budget_formats read_formats(const std::string& list, bitgauge::shared_names names) {
  std::vector<std::string> texts;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    const std::string piece = list.substr(at, comma - at);
    const bool is_key = piece.find('=') < piece.find(':') && !texts.empty();  // of the format before it
    if (is_key) {
      texts.back() += "," + piece;
    } else {
      texts.push_back(piece);
    }
    at = comma + 1;
  }
  budget_formats all;
  for (const std::string& text : texts) {
    if (!begins_with_format(text))
      bitgauge::raise(bitgauge::invalid_scheme(
          "--formats: expected formats such as q2_k,q4_k,affine:bits=4,group=64, found \"" +
          bitgauge::excerpt(text) + "\""));
    all.formats.push_back(bitgauge::parse_format(text, names));
    if (bitgauge::is_trellis_text(text) && text.find("bits") == std::string::npos)
      all.of_any_rate.push_back(*all.formats.back().trellis());
  }
  return all;
}

plan_request request_of(const model_inputs& inputs, const quantize_options& options) {
  plan_request asked;
  bitgauge::plan_options& how = asked.how;
  how.requantize = options.requantize;
  how.calibration = inputs.calibration();
  how.importance = inputs.importance();
  how.words = {.calibration = "--calibration",
               .activations = "--activations",
               .transform = "--transform",
               .fallback = "--fallback",
               .copy = "--exclude",
               .drop = "--drop",
               .rows = "--rows"};
  const name_filter filter(options.include, options.exclude);
  for (const std::string& text : options.rows) how.rows.push_back(read_rows(text));
  if (!options.drop.empty()) how.drop.push_back(name_expression("--drop", options.drop).found());
  if (filter.included()) require_match(*filter.included(), inputs.file());
  if (!options.activations.empty()) how.activations = bitgauge::parse_activation_scheme(options.activations);
  if (!options.transform.empty()) how.transform = bitgauge::parse_transform_scheme(options.transform);
  if (!options.fallback.empty()) how.fallbacks = read_fallbacks(options.fallback);
  asked.names = names_by(options.output.empty() ? options.input : options.output);
  asked.rules = filter.rules();
  for (const std::string& text : options.rules) asked.rules.push_back(read_rule(text, asked.names));
  if (options.plan.empty())
    for (bitgauge::rule& each : inputs.defaults()) asked.rules.push_back(std::move(each));
  return asked;
}

bitgauge::quantization_plan plan_of(const bitgauge::io::tensor_file& file, const plan_request& asked,
                                    const std::string& scheme) {
  std::vector<bitgauge::rule> rules = asked.rules;
  const auto format = bitgauge::is_trellis_text(scheme)
                          ? bitgauge::tensor_format(bitgauge::parse_trellis(scheme))
                          : bitgauge::tensor_format(bitgauge::parse_scheme(scheme), asked.names);
  rules.push_back({.names = "*", .to = format, .is_remarked = false});
  return plan(file, rules, asked.how);
}

}  // namespace program
