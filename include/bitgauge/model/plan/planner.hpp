#pragma once

/// \file
/// plan(): decides for every tensor of a model before anything is written, so that what cannot be done is said
/// first.

#include <bitgauge/error.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/matrix/scheme/check.hpp>
#include <bitgauge/model/plan/fitted_transform.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/plan/plan_options.hpp>
#include <bitgauge/model/plan/planned_activations.hpp>
#include <bitgauge/model/plan/planned_equalization.hpp>
#include <bitgauge/model/plan/planned_importance.hpp>
#include <bitgauge/model/plan/rule.hpp>
#include <bitgauge/model/plan/working_memory.hpp>
#include <bitgauge/model/tensors/importance_source.hpp>
#include <bitgauge/model/tensors/locate_failures.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace bitgauge {

namespace detail {

class planner {
 public:
  planner(const tensor_source& source, const std::vector<rule>& rules, const plan_options& o)
      : source_(source), rules_(rules), options_(o) {
    for (const name_pattern& pattern : o.drop) require_match(pattern, source);
    for (const row_rule& each : o.rows) require_match(each.names, source);
    for (const rule& each : rules)
      if (each.must_match) require_match(each.names, source);
    if (o.activations) check_activations();
    if (o.transform) check_transform();
  }

  quantization_plan run() const {
    quantization_plan all;
    for (const rule& each : rules_)
      if (each.is_remarked && !each.must_match && !matches_any(each.names, source_))
        all.remarks.push_back(each.names.shown() + " matches no tensor");
    std::size_t dropped = 0;
    std::map<gguf::tensor_type, double> asked;
    for (std::size_t i = 0; i < source_.tensor_count(); ++i) {
      const tensor_info& tensor = source_.info(i);
      if (is_dropped(tensor.name)) {
        ++dropped;
        continue;
      }
      std::optional<gguf::tensor_type> type;
      all.tensors.push_back(plan_one(i, type));
      if (type) asked[*type] += static_cast<double>(tensor.element_count());
    }
    if (dropped > 0)
      all.remarks.push_back(std::to_string(dropped) + " tensors left out by " + options_.words.drop);
    if (options_.transform) equalize_planned(source_, all.tensors);
    if (all.tensors.empty() && dropped > 0)
      raise(data_error(source_.source_name() + ": " + options_.words.drop + " leaves no tensor"));
    const auto most = std::max_element(asked.begin(), asked.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != asked.end()) all.main_type = most->first;
    return all;
  }

 private:
  std::string subject(const tensor_info& tensor) const {
    return source_.source_name() + ": tensor " + excerpt(tensor.name) + ": ";
  }

  void check_activations() const {
    if (options_.activations->is_static && options_.calibration == nullptr)
      raise(invalid_scheme(options_.words.activations + " static: expected " + options_.words.calibration +
                           ", whose activations the scale is frozen from"));
    require_codes(options_.words.activations);
  }
  void check_transform() const {
    if (options_.transform->needs_activations() && options_.calibration == nullptr)
      raise(invalid_scheme(options_.words.transform + " " + to_text(*options_.transform) + ": expected " +
                           options_.words.calibration + ", whose activations it is fitted to"));
    require_codes(options_.words.transform);
  }
  /// What is stored beside codes has no place beside blocks.
  void require_codes(const std::string& setting) const {
    for (const rule& each : rules_)
      if (each.to.type())
        raise(invalid_scheme(setting +
                             ": expected codes and scales in a .safetensors, found blocks of type " +
                             std::string(gguf::traits_of(*each.to.type()).name)));
  }

  bool is_dropped(const std::string& name) const {
    return std::any_of(options_.drop.begin(), options_.drop.end(),
                       [&](const name_pattern& pattern) { return pattern.matches(name); });
  }

  /// What the tensor itself says against quantizing it.
  std::optional<std::string> reason_to_copy(const tensor_info& tensor) const {
    if (tensor.is_quantized() && !options_.requantize) return "already quantized";
    if (!tensor.is_real()) return tensor.format + " elements";
    if (!tensor.owner.empty()) return "scales or other parameters of " + excerpt(tensor.owner);
    if (tensor.shape.size() < 2) return std::to_string(tensor.shape.size()) + "-D";
    return std::nullopt;
  }
  /// The format a tensor is to get, and why.
  std::pair<tensor_format, std::string> wanted(const tensor_info& tensor) const {
    if (auto reason = reason_to_copy(tensor)) return {tensor_format::copy(), *std::move(reason)};
    for (const rule& each : rules_)
      if (each.names.matches(tensor.name)) return {each.to, each.why.empty() ? each.names.shown() : each.why};
    return {tensor_format::copy(), "no rule matches it"};
  }

  /// `asked` becomes the ggml type that the rules say, whatever a fallback makes of it.
  planned_tensor plan_one(std::size_t place, std::optional<gguf::tensor_type>& asked) const {
    const tensor_info& tensor = source_.info(place);
    planned_tensor row;
    row.name = tensor.name;
    row.shape = tensor.shape;
    row.place = place;
    row.from = tensor.format;
    row.bytes_before = row.bytes_after = tensor.bytes;
    row.how_rows = tensor.rows;
    std::tie(row.to, row.why) = wanted(tensor);
    if (row.is_copied()) {
      std::tie(row.rows, row.cols) = matrix_shape(source_, tensor, row.how_rows);
      return row;
    }
    if (!tensor.problem.empty())
      raise(
          data_error(subject(tensor) + tensor.problem + " (or copy both with " + options_.words.copy + ")"));
    if (!tensor.remark.empty()) row.notes.push_back(tensor.remark);
    if (tensor.is_quantized())
      row.notes.push_back("requantized from " + tensor.format + ", whose values the error is against");
    count_rows(tensor, row);
    asked = row.to.type();
    if (asked) {
      fit_blocks(tensor, row);
    } else {
      describe_codes(tensor, row);
    }
    if (options_.importance != nullptr) weigh(*options_.importance, source_.source_name(), row);
    check_samples(tensor, row);
    row.peak_bytes = working_memory(row, tensor.lies_as_rows, samples_of(row));
    return row;
  }

  void count_rows(const tensor_info& tensor, planned_tensor& row) const {
    const auto found = std::find_if(options_.rows.begin(), options_.rows.end(),
                                    [&](const row_rule& each) { return each.names.matches(tensor.name); });
    const bool is_chosen = found != options_.rows.end();
    if (is_chosen) row.how_rows = found->rows;
    std::tie(row.rows, row.cols) = matrix_shape(source_, tensor, row.how_rows);
    if (tensor.shape.size() < 3) return;
    row.notes.push_back(
        std::to_string(tensor.shape.size()) + "-D, as " + std::to_string(row.rows) + " x " +
        std::to_string(row.cols) +
        (is_chosen ? " by " + options_.words.rows + " " + std::string(name_of(row.how_rows)) : ""));
  }

  /// Blocks run along the innermost dimension, whatever the rows are.
  void fit_blocks(const tensor_info& tensor, planned_tensor& row) const {
    const std::uint64_t width = tensor.shape.back();
    const auto fits = [&](gguf::tensor_type type) { return width % gguf::traits_of(type).elements == 0; };
    const gguf::tensor_type_traits& traits = gguf::traits_of(*row.to.type());
    if (!fits(traits.type)) {
      const std::string why = std::to_string(width) + " columns are no multiple of " +
                              std::string(traits.name) + "'s blocks of " + std::to_string(traits.elements);
      const auto fallback = std::find_if(options_.fallbacks.begin(), options_.fallbacks.end(), fits);
      if (fallback == options_.fallbacks.end()) raise(shape_error(subject(tensor) + why + no_fallback()));
      row.notes.push_back("fallback: " + why);
      row.to = row.to.with_type(*fallback);
    }
    const gguf::tensor_type_traits& chosen = gguf::traits_of(*row.to.type());
    row.bytes_after = tensor.element_count() / chosen.elements * chosen.bytes;
  }
  std::string no_fallback() const {
    const plan_words& words = options_.words;
    if (options_.fallbacks.empty())
      return " (choose another type with " + words.fallback + ", or " + words.copy + " it)";
    std::string all;
    for (const gguf::tensor_type type : options_.fallbacks)
      all += (all.empty() ? "" : ",") + scheme_name_of(type);
    return ", nor of the blocks of " + words.fallback + " " + all;
  }

  void describe_codes(const tensor_info& tensor, planned_tensor& row) const {
    if (row.to.trellis() != nullptr) {
      row.entry = quantized_entry{tensor.name, tensor.shape, tensor.original, to_text(row.to), {}};
      row.entry->layout.groups = grouping(per_column{}, row.rows, row.cols);
      row.entry->trellis_bytes = storage_bytes(row.to, row.rows, row.cols);
    } else {
      row.entry = quantized_entry{tensor.name, tensor.shape, tensor.original, to_text(row.to),
                                  layout_of(row.to.answers(), row.rows, row.cols)};
      row.entry->has_levels = row.entry->layout.encoding.has_levels();
    }
    row.entry->rows = row.how_rows;
    row.bytes_after = static_cast<std::uint64_t>(row.entry->storage_bytes());
    if (options_.transform) rewrite(row);
    row.entry->activations =
        planned_activations(options_, tensor.name, row.cols, row.entry->transform, row.notes);
  }

  /// Says that a tensor's weights are to be rewritten, where there is what that needs.
  void rewrite(planned_tensor& row) const {
    if (options_.transform->needs_activations() && !options_.calibration->columns(row.name))
      return row.notes.emplace_back("no calibration data, hence no transform"), void();
    stored_transform& t = row.entry->transform.emplace();
    t.scheme = *options_.transform;
    row.bytes_after = static_cast<std::uint64_t>(row.entry->storage_bytes());
    if (!options_.activations || !options_.activations->is_static) return;  // else fitted with the tensor
    const std::optional<row_matrix> samples = options_.calibration->samples(row.name);
    if (!samples) return;
    row_matrix whole;
    activation_stats stats(samples->cols());
    stats.observe(*samples);
    hessian h(samples->cols());
    h.accumulate(*samples);
    t = fitted_transform(t, source_.rows(row.place, row.how_rows, whole), stats, &h, row.to,
                         stored_activations{*options_.activations}, 0);
  }

  std::optional<index_t> samples_of(const planned_tensor& row) const {
    return options_.calibration == nullptr ? std::nullopt : options_.calibration->columns(row.name);
  }
  /// GPTQ needs the activations of every tensor; where there are some, they have one value for each column.
  void check_samples(const tensor_info& tensor, const planned_tensor& row) const {
    const std::optional<index_t> found = samples_of(row);
    const bool required = row.to.feeds_back();
    const std::string where = subject(tensor) + (required ? "rounding=gptq: " : "");
    if (!found && !required) return;
    if (!found)
      raise(invalid_scheme(where + "expected calibration data by " + options_.words.calibration +
                           ", found none for it (or leave it out with " + options_.words.copy + ")"));
    if (*found != row.cols)
      raise(shape_error(where + "expected calibration data of " + std::to_string(row.cols) +
                        " columns, found " + std::to_string(*found) + " in " +
                        options_.calibration->source_name()));
  }

  const tensor_source& source_;
  const std::vector<rule>& rules_;
  const plan_options& options_;
};

}  // namespace detail

/// Decides what becomes of each tensor: the first rule that matches its name says its format, and a tensor
/// that no rule matches is copied. Copied too is what is quantized already (see plan_options::requantize),
/// what are no floats, scales of other tensors, and what has fewer than two dimensions.
///
///     quantization_plan p = plan(model, {{"*norm*", tensor_format::copy()}, {"*", parse_format("q4_k")}});
///     quantize_model(model, p, *io::open_sink("q.gguf"));
///
/// Reads no values but calibration data and importance. Raises shape_error where blocks do not divide rows
/// and no fallback does, or calibration data or importance do not fit; invalid_scheme for rounding=gptq
/// without calibration data; data_error where a pattern that must match does not. Errors name source and
/// tensor.
inline quantization_plan plan(const tensor_source& source, const std::vector<rule>& rules,
                              const plan_options& o = {}) {
  return detail::planner(source, rules, o).run();
}
/// The same with one format for all tensors.
inline quantization_plan plan(const tensor_source& source, const tensor_format& format,
                              const plan_options& o = {}) {
  rule all{"*", format};
  all.is_remarked = false;  // of a model without tensors
  return plan(source, std::vector<rule>{std::move(all)}, o);
}

}  // namespace bitgauge
