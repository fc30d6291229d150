#pragma once

/// \file
/// One view of every container: .npy, .safetensors (and shards through index.json).

#include <bitgauge/error.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/quantized_safetensors.hpp>
#include <bitgauge/io/safetensors_model.hpp>
#include <bitgauge/io/tensor_view.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bitgauge::io {

/// A tensor as a file lists it.
struct stored_tensor {
  std::string name;
  std::vector<std::uint64_t> shape;            ///< outermost first
  std::string format;                          ///< F32, I64 ..., or the scheme of a quantized tensor
  std::uint64_t bytes = 0;                     ///< all that is stored for it
  const tensor_view* plain = nullptr;          ///< set where the elements are plain numbers
  const quantized_entry* quantized = nullptr;  ///< set where they are quantized
  /// True where matrix() can give its values as floats without changing their meaning.
  bool is_real() const noexcept {
    return quantized != nullptr || (plain != nullptr && is_floating(plain->type));
  }
};

/// A file of tensors, opened by its ending. Tensors are mapped; what is asked for is converted one at a time.
class tensor_file {
 public:
  using float_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  /// Raises io_error for a missing file or an unknown ending, parse_error for damaged contents.
  explicit tensor_file(const std::filesystem::path& path) : path_(path.string()) {
    const std::string ending = path.extension().string();
    if (ending == ".npy") {
      array_.emplace(path);
      named_.push_back(array_->array());
      named_.front().name = path.stem().string();
    } else if (ending == ".safetensors" || ending == ".json") {
      model_ = std::make_unique<safetensors_model>(path);
      quantized_.emplace(*model_, path_);
    } else {
      raise(io_error(path_ + ": expected a file ending in .npy, .safetensors or .index.json"));
    }
    list();
  }

  const std::string& path() const noexcept { return path_; }
  const std::vector<stored_tensor>& tensors() const noexcept { return tensors_; }
  /// The tensor called `name`, or null.
  const stored_tensor* find(std::string_view name) const {
    for (const stored_tensor& t : tensors_)
      if (t.name == name) return &t;
    return nullptr;
  }
  /// The texts that the file carries beside its tensors, without our own description.
  std::vector<metadata_entry> metadata() const {
    std::vector<metadata_entry> texts;
    if (model_)
      for (const metadata_entry& text : model_->metadata())
        if (text.name != detail::description_key) texts.push_back(text);
    return texts;
  }

  /// The values as floats, in the shape of matrix_shape(): a vector is one row, of more dimensions the first
  /// counts the rows.
  float_matrix matrix(const stored_tensor& t) const {
    if (t.quantized != nullptr) return quantized_->read(*t.quantized).dequantize<float_matrix>();
    const auto [rows, cols] = matrix_shape(path_ + ": tensor " + t.name, t.shape);
    float_matrix values(rows, cols);
    if (t.plain->order == storage_order::column_major && t.shape.size() > 1) {
      if (t.shape.size() > 2)
        raise(shape_error(path_ + ": an array in Fortran order has at most 2 dimensions here"));
      return to_matrix<float_matrix>(*t.plain);
    }
    convert_to(t.plain->type, t.plain->data.data(), static_cast<std::size_t>(values.size()), values.data());
    return values;
  }

  /// The quantized tensor itself. `t.quantized` must be set.
  quantized_matrix quantized(const stored_tensor& t) const { return quantized_->read(*t.quantized); }

 private:
  void list() {
    for (const tensor_view& view : model_ ? model_->tensors() : named_)
      if (!quantized_ || !quantized_->is_part(view.name))
        tensors_.push_back(
            {view.name, view.shape, std::string(name_of(view.type)), view.data.size(), &view, nullptr});
    if (!quantized_) return;
    for (const quantized_entry& entry : quantized_->entries())
      tensors_.push_back({entry.name, entry.shape, entry.scheme,
                          static_cast<std::uint64_t>(entry.layout.storage_bytes()), nullptr, &entry});
  }

  std::string path_;
  std::optional<npy_file> array_;
  std::vector<tensor_view> named_;
  std::unique_ptr<safetensors_model> model_;
  std::optional<quantized_reader> quantized_;
  std::vector<stored_tensor> tensors_;
};

}  // namespace bitgauge::io
