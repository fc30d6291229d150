#pragma once

/// \file
/// What load.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/kernel/pack/pack_blocks.hpp>
#include <bitgauge/kernel/packed_weights.hpp>
#include <bitgauge/layer/float_linear.hpp>
#include <bitgauge/layer/linear.hpp>
#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/model/llama/config.hpp>
#include <bitgauge/model/llama/load.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/llama/tensor_names.hpp>
#include <bitgauge/model/tensors/locate_failures.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <Eigen/Core>

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace bitgauge::llama {
namespace detail {

/// Reads the tensors of a llama one after the other.
class loader {
 public:
  loader(const tensor_source& source, const config& c, const load_options& o)
      : source_(source), c_(c), options_(o), names_(names_in(source)) {
    for (std::size_t i = 0; i < source.tensor_count(); ++i) places_.emplace(source.info(i).name, i);
  }

  std::vector<float> rope_factors() const {
    if (!c_.rope_factors.empty() || !find(names_.rope_factors())) return c_.rope_factors;
    const Eigen::VectorXf values = vector(names_.rope_factors(), c_.rope_size / 2);
    return {values.begin(), values.end()};
  }
  /// Raises where a tensor is missing or of another shape, before any is read.
  void check_tensors() const {
    of_shape(names_.embedding(), c_.vocabulary, c_.width);
    const auto shapes = matrix_shapes();
    for (index_t l = 0; l < c_.layers; ++l) {
      of_shape(names_.attention_norm(l), 1, c_.width);
      of_shape(names_.feed_forward_norm(l), 1, c_.width);
      for (std::size_t i = 0; i < shapes.size(); ++i)
        of_shape(names_.matrix(l, static_cast<matrix_of>(i)), shapes[i].first, shapes[i].second);
    }
    of_shape(names_.output_norm(), 1, c_.width);
    if (find(names_.output())) of_shape(names_.output(), c_.vocabulary, c_.width);
  }
  embedding tokens() const {
    const std::size_t place = of_shape(names_.embedding(), c_.vocabulary, c_.width);
    stored_matrix rows = stored(place);
    if (rows.entry && rows.entry->transform) rows.values = floats(place);
    source_.forget(place);
    return std::visit([](auto& values) { return embedding(std::move(values)); }, rows.values);
  }
  block read_block(index_t l) const {
    block b;
    b.attention_norm = vector(names_.attention_norm(l), c_.width);
    b.feed_forward_norm = vector(names_.feed_forward_norm(l), c_.width);
    const auto shapes = matrix_shapes();
    for (std::size_t i = 0; i < b.matrices.size(); ++i) {
      const auto which = static_cast<matrix_of>(i);
      b.matrices[i] =
          matrix(names_.matrix(l, which), names_.bias(l, which), shapes[i].first, shapes[i].second);
    }
    return b;
  }

  output_head output() const {
    const bool is_tied = !find(names_.output());
    return {vector(names_.output_norm(), c_.width),
            matrix(is_tied ? names_.embedding() : names_.output(), "", c_.vocabulary, c_.width)};
  }

 private:
  /// Rows and columns of the matrices of a block.
  std::array<std::pair<index_t, index_t>, std::size(block_matrices)> matrix_shapes() const {
    return {{{c_.query_width(), c_.width},
             {c_.key_width(), c_.width},
             {c_.key_width(), c_.width},
             {c_.width, c_.query_width()},
             {c_.feed_forward, c_.width},
             {c_.feed_forward, c_.width},
             {c_.width, c_.feed_forward}}};
  }
  std::optional<std::size_t> find(const std::string& name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t at(const std::string& name) const {
    if (const auto place = find(name)) return *place;
    bitgauge::detail::raise_message<data_error>(
        {source_.source_name(), ": expected the tensor ", name, " of a llama, found none of this name"});
  }

  /// The place of a tensor; raises shape_error, naming it, where it is of another shape.
  std::size_t of_shape(const std::string& name, index_t rows, index_t cols) const {
    const std::size_t place = at(name);
    const tensor_info& tensor = source_.info(place);
    const auto [found_rows, found_cols] = matrix_shape(source_, tensor, tensor.rows);
    if (found_rows != rows || found_cols != cols)
      bitgauge::detail::raise_message<shape_error>({source_.source_name(), ": tensor ", name, ": expected ",
                                                    rows, " x ", cols, ", found ", found_rows, " x ",
                                                    found_cols});
    return place;
  }
  row_matrix floats(std::size_t place) const { return floats_of(source_, place, source_.info(place).rows); }
  /// Vectors are one row.
  Eigen::VectorXf vector(const std::string& name, index_t size) const {
    const row_matrix values = floats(of_shape(name, 1, size));
    return Eigen::Map<const Eigen::VectorXf>(values.data(), size);
  }
  /// None where there is no such tensor.
  Eigen::VectorXf bias(const std::string& name, index_t size) const {
    return name.empty() || !find(name) ? Eigen::VectorXf() : vector(name, size);
  }

  /// A tensor as it is stored: floats, or what is quantized, with what is said of codes.
  struct stored_matrix {
    std::variant<row_matrix, any_quantized> values;
    std::optional<quantized_entry> entry{};
  };
  stored_matrix stored(std::size_t place) const {
    const tensor_info& tensor = source_.info(place);
    if (!tensor.is_quantized()) return {floats(place)};
    const stored_tensor_data data = source_.stored(place);
    if (const auto* codes = std::get_if<stored_codes>(&data))
      return {any_quantized(codes->read()), codes->entry};
    if (const auto* levels = std::get_if<stored_trellis>(&data))
      return {any_quantized(levels->read()), levels->entry};
    const auto& blocks = std::get<stored_blocks>(data);
    const auto [rows, cols] = matrix_shape(source_, tensor, tensor.rows);
    return {any_quantized(gguf::block_matrix(
        blocks.type, rows, cols, std::vector<std::byte>(blocks.bytes.begin(), blocks.bytes.end())))};
  }
  projection matrix(const std::string& name, const std::string& bias_name, index_t rows, index_t cols) const {
    const std::size_t place = of_shape(name, rows, cols);
    projection loaded = read_matrix(place, name, bias_name);
    source_.forget(place);  // what is multiplied is a copy
    return loaded;
  }
  projection read_matrix(std::size_t place, const std::string& name, const std::string& bias_name) const {
    const index_t rows = matrix_shape(source_, source_.info(place), source_.info(place).rows).first;
    return locate_failures(source_.source_name(), name, [&] {
      const Eigen::VectorXf b = bias(bias_name, rows);
      stored_matrix weights = stored(place);
      if (auto* values = std::get_if<row_matrix>(&weights.values))
        return projection(float_linear(*values, options_.threads), b);
      linear_options o{.activations = options_.activations, .threads = options_.threads};
      const any_quantized& q = std::get<any_quantized>(weights.values);
      if (const auto* blocks = q.get_if<gguf::block_matrix>())
        return projection(linear(packed_weights(*blocks), o), b);
      const quantized_entry& entry = *weights.entry;
      if (!o.activations && entry.activations)
        o.activations = make_activation_quantizer(entry.activations->scheme, entry.activations->frozen);
      const auto projected = [&](linear layer) {
        return entry.transform ? projection(std::move(layer), b, *entry.transform)
                               : projection(std::move(layer), b);
      };
      const auto* levels = q.get_if<trellis_matrix>();
      if (levels == nullptr) return projected(linear(*q.get_if<quantized_matrix>(), o));
      std::vector<linear> layers;
      for (const quantized_matrix& digits : expand_digits(*levels, options_.threads))
        layers.emplace_back(digits, o);
      projection whole = projected(std::move(layers.front()));
      layers.erase(layers.begin());
      return std::move(whole).with_more(std::move(layers));
    });
  }

  const tensor_source& source_;
  const config& c_;
  const load_options& options_;
  tensor_names names_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace detail

BITGAUGE_DEFINE embedding load_embedding(const tensor_source& source, const config& c) {
  const load_options o;
  return detail::loader(source, c, o).tokens();
}

BITGAUGE_DEFINE block load_block(const tensor_source& source, const config& c, index_t layer,
                                 const load_options& o) {
  return detail::loader(source, c, o).read_block(layer);
}

BITGAUGE_DEFINE output_head load_output(const tensor_source& source, const config& c, const load_options& o) {
  return detail::loader(source, c, o).output();
}

BITGAUGE_DEFINE config complete(const tensor_source& source, config c) {
  const load_options o;
  c.rope_factors = detail::loader(source, c, o).rope_factors();
  check(c, source.source_name());
  detail::loader(source, c, o).check_tensors();
  return c;
}

BITGAUGE_DEFINE model load(const tensor_source& source, const config& c, const load_options& o) {
  config whole = complete(source, c);
  const detail::loader parts(source, whole, o);
  weights w;
  w.tokens = parts.tokens();
  for (index_t l = 0; l < whole.layers; ++l) w.blocks.push_back(parts.read_block(l));
  w.output = parts.output();
  return model(std::move(whole), std::move(w));
}

}  // namespace bitgauge::llama
