#pragma once

// What is to become of each tensor of a file, decided before anything is written.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io.hpp>

#include "calibration.hpp"
#include "commands.hpp"
#include "name_filter.hpp"

#include <fmt/core.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace program {

/// What is to become of one tensor.
struct plan_row {
  const bitgauge::io::stored_tensor* tensor;
  std::optional<std::string> copied{};                   ///< why it is copied, where it is
  std::optional<bitgauge::gguf::tensor_type> blocks{};   ///< the ggml type it gets, where it gets one
  std::optional<bitgauge::io::quantized_entry> entry{};  ///< how its codes are stored, where they are
  std::vector<std::string> notes{};
};

/// Whether a tensor is rounded by GPTQ: floats that a fallback stores as they are have nothing to feed back.
inline bool feeds_back(const bitgauge::scheme& scheme, const plan_row& row) {
  return scheme.rounding == bitgauge::rounding_kind::gptq &&
         !(row.blocks && bitgauge::io::plain_dtype(*row.blocks));
}

/// Decides for every tensor before anything is written, so that what cannot be done is said first.
class planner {
 public:
  planner(const bitgauge::io::tensor_file& file, const quantize_options& options,
          const bitgauge::scheme& scheme, const calibration& samples)
      : file_(file),
        scheme_(scheme),
        samples_(samples),
        filter_(options.include, options.exclude),
        type_(blocks_of(scheme, options.output)) {
    if (type_) check_blocks();
    if (!options.activations.empty()) set_activations(options);
    if (options.fallback.empty()) return;
    fallback_ = type_named(options.fallback);
    if (!fallback_)
      bitgauge::raise(
          bitgauge::invalid_scheme("--fallback: expected a ggml type, found \"" + options.fallback + "\""));
  }

  std::vector<plan_row> plan() const {
    std::vector<plan_row> rows;
    for (const bitgauge::io::stored_tensor& tensor : file_.tensors()) rows.push_back(plan_one(tensor));
    return rows;
  }

 private:
  /// A ggml type is its own answer to most questions.
  void check_blocks() const {
    bitgauge::scheme rest = scheme_;
    const bitgauge::scheme bare = bitgauge::named_scheme(scheme_.grid);
    rest.level = bare.level;
    if (rest.rounding == bitgauge::rounding_kind::gptq) {
      rest.rounding = bare.rounding;
      rest.act_order = bare.act_order;
      rest.damping = bare.damping;
    }
    if (rest != bare)
      bitgauge::raise(
          bitgauge::invalid_scheme("scheme \"" + to_text(scheme_) +
                                   "\": a ggml type takes effort, and rounding=gptq with damping and "
                                   "act_order; the rest is the type's own"));
  }
  void set_activations(const quantize_options& options) {
    activations_ = bitgauge::parse_activation_scheme(options.activations);
    if (activations_->is_static && options.calibration.empty())
      bitgauge::raise(bitgauge::invalid_scheme(
          "--activations static: expected --calibration, whose activations the scale is frozen from"));
    if (type_)
      bitgauge::raise(bitgauge::invalid_scheme(
          "--activations: expected codes and scales in a .safetensors, found blocks of type " +
          std::string(bitgauge::gguf::traits_of(*type_).name)));
  }
  /// GPTQ needs the activations of every tensor, one value for each of its columns.
  void check_samples(const std::string& name, bitgauge::index_t cols) const {
    const std::optional<bitgauge::index_t> found = samples_.columns(name);
    const std::string where = file_.path() + ": tensor " + name + ": rounding=gptq: ";
    if (!found)
      bitgauge::raise(bitgauge::invalid_scheme(
          where +
          "expected calibration data by --calibration, found none for it (or leave it out with "
          "--exclude)"));
    if (*found != cols)
      bitgauge::raise(bitgauge::shape_error(where + "expected calibration data of " + std::to_string(cols) +
                                            " columns, found " + std::to_string(*found)));
  }
  /// How the inputs of a tensor are to be quantized; a static scale needs its calibration data.
  std::optional<bitgauge::io::stored_activations> activations_of(const std::string& name,
                                                                 std::vector<std::string>& notes) const {
    if (!activations_) return std::nullopt;
    if (!activations_->is_static) return bitgauge::io::stored_activations{*activations_};
    const std::optional<calibration::matrix> x = samples_.samples(name);
    if (!x) {
      notes.emplace_back("no calibration data, hence no static activations");
      return std::nullopt;
    }
    bitgauge::histogram_observer seen;
    seen.observe(*x);
    if ((x->array() == 0).all()) notes.emplace_back("all activations are zero: scale 1, zero point 0");
    return bitgauge::io::stored_activations{
        *activations_, bitgauge::activations_of(*activations_, seen).frozen_parameters()};
  }

  static std::optional<bitgauge::gguf::tensor_type> type_named(std::string_view name) {
    const auto* traits = bitgauge::gguf::find_tensor_type(name);
    if (traits == nullptr) return std::nullopt;
    const auto plain =
        bitgauge::io::plain_dtype(traits->type);  // of these, only the 16 and 32-bit floats are targets
    if (plain && (!bitgauge::io::is_floating(*plain) || *plain == bitgauge::io::dtype::f64))
      return std::nullopt;
    return traits->type;
  }
  /// Some names stand for a grid and for a ggml type: the container decides.
  static std::optional<bitgauge::gguf::tensor_type> blocks_of(const bitgauge::scheme& scheme,
                                                              const std::string& output) {
    const std::string_view name = scheme.grid.view();
    if (!output.ends_with(".gguf") && bitgauge::is_grid_name(name)) return std::nullopt;
    return type_named(name);
  }

  std::optional<std::string> reason_to_copy(const bitgauge::io::stored_tensor& tensor) const {
    if (tensor.is_quantized()) return "already quantized";
    if (!tensor.is_real()) return tensor.format + " elements";
    if (tensor.shape.size() < 2) return std::to_string(tensor.shape.size()) + "-D";
    return filter_.reason_to_skip(tensor.name);
  }

  plan_row plan_one(const bitgauge::io::stored_tensor& tensor) const {
    plan_row row{&tensor, reason_to_copy(tensor)};
    if (row.copied) return row;
    const auto [rows, cols] = file_.shape_of(tensor);
    if (tensor.shape.size() > 2)
      row.notes.push_back(fmt::format("{}-D, as {} x {}", tensor.shape.size(), rows, cols));
    if (type_) {
      row.blocks = fitting_type(tensor, cols, row.notes);
    } else {
      row.entry = bitgauge::io::quantized_entry{
          tensor.name, tensor.shape, tensor.plain->type, to_text(scheme_), layout_of(scheme_, rows, cols),
          false};
      row.entry->has_levels = !row.entry->layout.meaning.levels.empty();
      row.entry->activations = activations_of(tensor.name, row.notes);
    }
    if (feeds_back(scheme_, row)) check_samples(tensor.name, cols);
    return row;
  }

  bitgauge::gguf::tensor_type fitting_type(const bitgauge::io::stored_tensor& tensor, bitgauge::index_t cols,
                                           std::vector<std::string>& notes) const {
    const auto fits = [&](bitgauge::gguf::tensor_type type) {
      return cols % bitgauge::gguf::traits_of(type).elements == 0;
    };
    if (fits(*type_)) return *type_;
    const auto& traits = bitgauge::gguf::traits_of(*type_);
    const std::string why =
        fmt::format("{} columns are no multiple of {}'s blocks of {}", cols, traits.name, traits.elements);
    if (!fallback_ || !fits(*fallback_))
      bitgauge::raise(bitgauge::shape_error(
          file_.path() + ": tensor " + tensor.name + ": " + why +
          (fallback_ ? ", nor of the fallback's" : " (choose one with --fallback, or --exclude it)")));
    notes.push_back("fallback: " + why);
    return *fallback_;
  }

  const bitgauge::io::tensor_file& file_;
  const bitgauge::scheme& scheme_;
  const calibration& samples_;
  std::optional<bitgauge::activation_scheme> activations_;
  name_filter filter_;
  std::optional<bitgauge::gguf::tensor_type> type_, fallback_;
};

}  // namespace program
