#include "planner.hpp"

#include <bitgauge/gguf/block_importance.hpp>
#include <bitgauge/gguf/scheme_type.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/scheme/check.hpp>
#include <bitgauge/matrix/scheme/named_grids.hpp>
#include <bitgauge/matrix/scheme/text.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>

#include "failure.hpp"

#include <fmt/core.h>

namespace program {
namespace {

namespace io = bitgauge::io;
using bitgauge::gguf::tensor_type;

std::optional<tensor_type> type_named(std::string_view name) {
  const auto* traits = bitgauge::gguf::find_tensor_type(name);
  if (traits == nullptr) return std::nullopt;
  const auto plain = io::plain_dtype(traits->type);  // of these, only the 16 and 32-bit floats are targets
  if (plain && (!io::is_floating(*plain) || *plain == io::dtype::f64)) return std::nullopt;
  return traits->type;
}

/// Some names stand for a grid and for a ggml type: the container decides.
std::optional<tensor_type> blocks_of(const bitgauge::scheme& scheme, const std::string& output) {
  const std::string_view name = scheme.grid.view();
  if (!output.ends_with(".gguf") && bitgauge::is_grid_name(name)) return std::nullopt;
  return type_named(name);
}

/// The element type that a tensor's values had before anything was quantized.
io::dtype original_of(const io::stored_tensor& tensor) {
  if (tensor.plain != nullptr) return tensor.plain->type;
  return tensor.quantized != nullptr ? tensor.quantized->original : io::dtype::f32;
}

/// Says how many blocks have no weight above 0; wholly without are matrices that have a note of their own.
void note_empty_blocks(plan_row& row) {
  const bitgauge::importance& all = row.importance;
  const auto elements = static_cast<bitgauge::index_t>(bitgauge::gguf::traits_of(*row.blocks).elements);
  bitgauge::index_t empty = 0, blocks = 0;
  for (bitgauge::index_t m = 0; m < all.matrices && !all.weights.empty(); ++m) {
    const auto weights = all.of_row(m, all.matrices);
    const auto count = (static_cast<bitgauge::index_t>(weights.size()) + elements - 1) / elements;
    const bitgauge::index_t found = bitgauge::gguf::blocks_without_importance(weights, elements);
    blocks += count;
    empty += found < count ? found : 0;
  }
  if (empty > 0)
    row.notes.push_back(fmt::format(
        "importance 0 in {} of {} blocks of columns: the plain error decides there", empty, blocks));
}

}  // namespace

bool feeds_back(const bitgauge::scheme& scheme, const plan_row& row) {
  return scheme.rounding == bitgauge::rounding_kind::gptq && !(row.blocks && io::plain_dtype(*row.blocks));
}

planner::planner(const io::tensor_file& file, const quantize_options& options, const bitgauge::scheme& scheme,
                 const calibration& samples, const column_weights& weights)
    : file_(file),
      options_(options),
      scheme_(scheme),
      samples_(samples),
      weights_(weights),
      choices_(options, file),
      type_(blocks_of(scheme, options.output)) {
  if (type_) bitgauge::gguf::tensor_type_of(scheme);  // refuses what a ggml type has no use for
  if (!options.activations.empty()) set_activations();
  if (!options.fallback.empty()) read_fallbacks();
}

quantization_plan planner::plan() const {
  quantization_plan all{{}, choices_.remarks(), type_};
  std::size_t dropped = 0;
  for (const io::stored_tensor& tensor : file_.tensors()) {
    if (choices_.is_dropped(tensor.name)) {
      ++dropped;
    } else {
      all.rows.push_back(plan_one(tensor));
    }
  }
  if (dropped > 0) all.remarks.push_back(fmt::format("{} tensors left out by --drop", dropped));
  if (all.rows.empty() && dropped > 0)
    bitgauge::raise(bitgauge::data_error(file_.path() + ": --drop leaves no tensor"));
  return all;
}

void planner::read_fallbacks() {
  for (std::size_t at = 0; at <= options_.fallback.size();) {
    const std::size_t comma = std::min(options_.fallback.find(',', at), options_.fallback.size());
    const std::string name = options_.fallback.substr(at, comma - at);
    const std::optional<tensor_type> type = type_named(name);
    if (!type)
      bitgauge::raise(
          bitgauge::invalid_scheme("--fallback: expected a ggml type, or some in the order of preference "
                                   "such as q4_0,q8_0,f16, found \"" +
                                   bitgauge::excerpt(name) + "\""));
    fallbacks_.push_back(*type);
    at = comma + 1;
  }
}

void planner::set_activations() {
  activations_ = bitgauge::parse_activation_scheme(options_.activations);
  if (activations_->is_static && options_.calibration.empty())
    bitgauge::raise(bitgauge::invalid_scheme(
        "--activations static: expected --calibration, whose activations the scale is frozen from"));
  if (type_)
    bitgauge::raise(bitgauge::invalid_scheme(
        "--activations: expected codes and scales in a .safetensors, found blocks of type " +
        std::string(bitgauge::gguf::traits_of(*type_).name)));
}

/// GPTQ needs the activations of every tensor; where there are some, they have one value for each column.
void planner::check_samples(const std::string& name, bitgauge::index_t cols, bool required) const {
  const std::optional<bitgauge::index_t> found = samples_.columns(name);
  const std::string where = file_.path() + ": tensor " + name + ": " + (required ? "rounding=gptq: " : "");
  if (!found && !required) return;
  if (!found)
    bitgauge::raise(bitgauge::invalid_scheme(
        where +
        "expected calibration data by --calibration, found none for it (or leave it out with --exclude)"));
  if (*found != cols)
    bitgauge::raise(bitgauge::shape_error(where + "expected calibration data of " + std::to_string(cols) +
                                          " columns, found " + std::to_string(*found) + " in " +
                                          samples_.path()));
}

/// How the inputs of a tensor are to be quantized; a static scale needs its calibration data.
std::optional<io::stored_activations> planner::make_activation_quantizer(
    const std::string& name, std::vector<std::string>& notes) const {
  if (!activations_) return std::nullopt;
  if (!activations_->is_static) return io::stored_activations{*activations_};
  const std::optional<calibration::matrix> x = samples_.samples(name);
  if (!x) {
    notes.emplace_back("no calibration data, hence no static activations");
    return std::nullopt;
  }
  bitgauge::histogram_observer seen;
  seen.observe(*x);
  if ((x->array() == 0).all()) notes.emplace_back("all activations are zero: scale 1, zero point 0");
  return io::stored_activations{*activations_,
                                bitgauge::make_activation_quantizer(*activations_, seen).frozen_parameters()};
}

std::optional<std::string> planner::reason_to_copy(const io::stored_tensor& tensor) const {
  if (tensor.is_quantized() && !options_.requantize) return "already quantized";
  if (!tensor.is_real()) return tensor.format + " elements";
  if (!tensor.owner.empty()) return "scales or other parameters of " + bitgauge::excerpt(tensor.owner);
  if (tensor.shape.size() < 2) return std::to_string(tensor.shape.size()) + "-D";
  return choices_.reason_to_skip(tensor.name);
}

plan_row planner::plan_one(const io::stored_tensor& tensor) const {
  plan_row row{&tensor, reason_to_copy(tensor)};
  if (row.copied) return row;
  if (tensor.scales != nullptr && !tensor.scales->problem.empty())
    bitgauge::raise(bitgauge::data_error(file_.path() + ": tensor " + bitgauge::excerpt(tensor.name) + ": " +
                                         tensor.scales->problem + " (or copy both with --exclude)"));
  if (!tensor.remark.empty()) row.notes.push_back(tensor.remark);
  if (tensor.is_quantized())
    row.notes.push_back("requantized from " + tensor.format + ", whose values the error is against");
  choose_rows(row);
  const auto [rows, cols] = file_.shape_of(tensor, row.rows);
  if (type_) {
    row.blocks = fitting_type(tensor, row.notes);
  } else {
    row.entry = io::quantized_entry{
        tensor.name, tensor.shape, original_of(tensor), to_text(scheme_), layout_of(scheme_, rows, cols),
        false};
    row.entry->has_levels = !row.entry->layout.meaning.levels.empty();
    row.entry->rows = row.rows;
    row.entry->activations = make_activation_quantizer(tensor.name, row.notes);
  }
  if (weights_.given()) weigh(row, cols);
  check_samples(tensor.name, cols, feeds_back(scheme_, row));
  return row;
}

void planner::choose_rows(plan_row& row) const {
  const std::optional<io::row_dimensions> wanted = choices_.rows_of(row.tensor->name);
  row.rows = wanted.value_or(file_.rows_of(*row.tensor));
  if (row.tensor->shape.size() < 3) return;
  const auto [rows, cols] = file_.shape_of(*row.tensor, row.rows);
  row.notes.push_back(fmt::format("{}-D, as {} x {}{}", row.tensor->shape.size(), rows, cols,
                                  wanted ? fmt::format(" by --rows {}", name_of(row.rows)) : ""));
}

/// Finds the importance of a tensor, and says where it has none or it changes nothing.
void planner::weigh(plan_row& row, bitgauge::index_t cols) const {
  tensor_importance found = naming(file_.path(), row.tensor->name, [&] {
    return weights_.of(row.tensor->name, io::stacked_matrices(row.tensor->shape, row.rows), cols);
  });
  if (row.blocks && io::plain_dtype(*row.blocks))
    return row.notes.push_back("importance changes nothing in floats");
  if (row.blocks && feeds_back(scheme_, row))
    return row.notes.push_back("importance not used: with gptq a ggml type takes the Hessian's diagonal");
  if (!row.blocks && !bitgauge::uses_importance(scheme_))
    return row.notes.push_back("importance changes nothing with range=minmax");
  row.importance = std::move(found.weights);
  if (row.blocks) note_empty_blocks(row);
  for (std::string& note : found.notes) row.notes.push_back(std::move(note));
}

/// Blocks run along the innermost dimension, whatever the rows are.
tensor_type planner::fitting_type(const io::stored_tensor& tensor, std::vector<std::string>& notes) const {
  const std::uint64_t width = tensor.shape.back();
  const auto fits = [&](tensor_type type) { return width % bitgauge::gguf::traits_of(type).elements == 0; };
  if (fits(*type_)) return *type_;
  const auto& traits = bitgauge::gguf::traits_of(*type_);
  const std::string why =
      fmt::format("{} columns are no multiple of {}'s blocks of {}", width, traits.name, traits.elements);
  const auto fallback = std::find_if(fallbacks_.begin(), fallbacks_.end(), fits);
  if (fallback == fallbacks_.end())
    bitgauge::raise(bitgauge::shape_error(
        file_.path() + ": tensor " + bitgauge::excerpt(tensor.name) + ": " + why +
        (fallbacks_.empty() ? " (choose another type with --fallback, or --exclude it)"
                            : ", nor of the blocks of --fallback " + options_.fallback)));
  notes.push_back("fallback: " + why);
  return *fallback;
}

}  // namespace program
