#pragma once

/// \file
/// One view of every container: .npy, .safetensors (and shards through index.json), .gguf (and its parts).

#include <bitgauge/base/closest_word.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/tensor_view.hpp>
#include <bitgauge/io/gguf/model.hpp>
#include <bitgauge/io/gguf/value.hpp>
#include <bitgauge/io/layers/weight_scales.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/safetensors/quantized.hpp>
#include <bitgauge/io/safetensors/shards.hpp>
#include <bitgauge/io/stored_tensor.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// A file of tensors, opened by its ending. Tensors are mapped; what is asked for is converted one at a time.
class tensor_file final : public tensor_source {
 public:
  using float_matrix = row_matrix;

  /// Raises io_error for a missing file or an unknown ending, parse_error for damaged contents.
  BITGAUGE_DECLARE explicit tensor_file(const std::filesystem::path& path);

  const std::string& path() const noexcept { return path_; }
  const std::vector<stored_tensor>& tensors() const noexcept { return tensors_; }
  /// The tensor called `name`, or null; of two, the first. Constant time.
  const stored_tensor* find(std::string_view name) const {
    const auto place = places_.find(name);
    return place == places_.end() ? nullptr : &tensors_[place->second];
  }
  /// The same. Raises data_error, with what resembles the name, where there is none.
  const stored_tensor& at(std::string_view name) const {
    const stored_tensor* found = find(name);
    return found != nullptr ? *found : refuse_name(name);
  }
  /// The GGUF file behind this one, the first part of a split one, or null.
  const gguf_file* gguf() const noexcept { return gguf_ ? &gguf_->front() : nullptr; }
  /// What the file says beside its tensors, without what this library itself needs there: the metadata of a
  /// GGUF, the texts of a .safetensors with the types that they had in a GGUF. Raises parse_error for a text
  /// that is not of its type.
  BITGAUGE_DECLARE std::vector<gguf_entry> metadata() const;
  /// The same as the texts of a .safetensors, from which a file that holds them gives it back with its types:
  /// see gguf/texts.hpp. Raises data_error for a key that is not UTF-8.
  BITGAUGE_DECLARE std::vector<metadata_entry> texts() const;

  /// Rows and columns of matrix(t): matrix_shape() by t.rows, the same in every container.
  std::pair<index_t, index_t> shape_of(const stored_tensor& t) const { return shape_of(t, t.rows); }
  std::pair<index_t, index_t> shape_of(const stored_tensor& t, row_dimensions dimensions) const {
    return matrix_shape(subject(t), t.shape, dimensions);
  }

  /// The values as floats, in the order in which they lie; `dimensions` only says where rows end. 8-bit
  /// floats with scales are their products. Raises data_error where a quantized tensor restores NaN or
  /// infinity, where elements are no numbers and where scales do not fit; plain numbers are what they are.
  float_matrix matrix(const stored_tensor& t) const { return matrix(t, t.rows); }
  BITGAUGE_DECLARE float_matrix matrix(const stored_tensor& t, row_dimensions dimensions) const;

  /// The same as rows of float, read where they lie in the file: of plain floats of any width nothing but
  /// some rows at a time is in memory. Anything else is restored into `whole`, which must live as long as
  /// the rows are used.
  BITGAUGE_DECLARE bitgauge::row_source source(const stored_tensor& t, row_dimensions dimensions,
                                               float_matrix& whole) const;

  /// The quantized tensor itself. Raises data_error where `t` is none of this file, or one of levels of a trellis.
  BITGAUGE_DECLARE quantized_matrix quantized(const stored_tensor& t) const;
  /// The same of levels of a trellis: of t.quantized with trellis_bytes.
  BITGAUGE_DECLARE trellis_matrix trellis(const stored_tensor& t) const;

  /// What has rewritten the weights of quantized(t), if anything; matrix(t) undoes it. Raises parse_error.
  std::optional<stored_transform> transform(const stored_tensor& t) const {
    if (!quantized_ || t.quantized == nullptr) return std::nullopt;
    return quantized_->transform(*t.quantized);
  }

  // --- tensor_source ---

  const std::string& source_name() const noexcept override { return path_; }
  std::size_t tensor_count() const noexcept override { return tensors_.size(); }
  const tensor_info& info(std::size_t i) const override { return tensors_[i]; }
  bitgauge::row_source rows(std::size_t i, row_dimensions dimensions, row_matrix& whole) const override {
    return source(tensors_[i], dimensions, whole);
  }
  stored_tensor_data stored(std::size_t i) const override { return stored_data(tensors_[i]); }
  void forget(std::size_t i) const override { forget_data(tensors_[i]); }

 private:
  [[noreturn]] const stored_tensor& refuse_name(std::string_view name) const {
    std::vector<std::string_view> names;
    names.reserve(tensors_.size());
    for (const stored_tensor& each : tensors_) names.push_back(each.name);
    raise(data_error(path_ + ": expected a tensor \"" + excerpt(name) + "\", found " +
                     std::to_string(names.size()) + " of other names" +
                     excerpt(bitgauge::detail::did_you_mean(bitgauge::detail::closest_word(name, names)))));
  }
  std::string subject(const stored_tensor& t) const { return path_ + ": tensor " + excerpt(t.name); }

  BITGAUGE_DECLARE stored_tensor_data stored_data(const stored_tensor& t) const;
  BITGAUGE_DECLARE void forget_data(const stored_tensor& t) const;
  BITGAUGE_DECLARE void list();
  BITGAUGE_DECLARE void add_blocks(const gguf_tensor& tensor);
  BITGAUGE_DECLARE void add_codes(const quantized_entry& entry);

  std::string path_;
  std::optional<npy_file> array_;
  std::vector<std::byte> turned_;  // an array in Fortran order, in C order
  std::unique_ptr<safetensors_model> model_;
  std::unique_ptr<gguf_model> gguf_;
  std::vector<gguf_tensor> blocks_;
  std::vector<tensor_view> views_;
  std::optional<weight_scale_index> scales_;
  std::optional<quantized_reader> quantized_;
  std::vector<stored_tensor> tensors_;
  std::unordered_map<std::string_view, std::size_t> places_;  // of the names in tensors_
};

}  // namespace bitgauge::io

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/io/tensor_file_definitions.hpp>
#endif
