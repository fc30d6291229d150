#pragma once

/// \file
/// One view of every container: .npy, .safetensors (and shards through index.json), .gguf (and its parts).

#include <bitgauge/base/uninitialized_memory.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/io/bytes/tensor_view.hpp>
#include <bitgauge/io/gguf/model.hpp>
#include <bitgauge/io/gguf/texts.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/safetensors/quantized.hpp>
#include <bitgauge/io/safetensors/shards.hpp>
#include <bitgauge/io/weight_scales.hpp>
#include <bitgauge/matrix/row_source.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// A tensor as a file lists it. One of the three pointers says how it is stored.
struct stored_tensor {
  std::string name;
  std::vector<std::uint64_t> shape;  ///< outermost first
  std::string format;       ///< F32, I64 ..., a ggml type such as q4_K, or the scheme of a quantized tensor
  std::uint64_t bytes = 0;  ///< all that is stored for it
  const tensor_view* plain = nullptr;          ///< plain numbers
  const quantized_entry* quantized = nullptr;  ///< codes, scales and zero points
  const gguf_tensor* blocks = nullptr;         ///< ggml's blocks
  const weight_scales* scales =
      nullptr;           ///< what plain 8-bit floats are multiplied by, where they have scales
  std::string owner{};   ///< the tensor of another program's format that this holds scales of, if any
  std::string remark{};  ///< what to know before its values are used, if anything

  bool is_quantized() const noexcept { return plain == nullptr; }
  /// True where matrix() gives other numbers than the elements that are stored.
  bool is_encoded() const noexcept { return is_quantized() || scales != nullptr; }
  /// True where matrix() can give its values as floats without changing their meaning.
  bool is_real() const noexcept { return is_quantized() || is_floating(plain->type); }
  /// The product of the shape; the readers have seen to it that it fits.
  std::uint64_t element_count() const noexcept {
    std::uint64_t count = 1;
    for (const std::uint64_t extent : shape) count *= extent;
    return count;
  }
  /// Stored bits over elements; 0 for an empty tensor.
  double bits_per_weight() const noexcept {
    const auto size = static_cast<double>(element_count());
    return size > 0 ? 8.0 * static_cast<double>(bytes) / size : 0;
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
      views_.push_back(array_->array());
      views_.front().name = path.stem().string();
      if (views_.front().order == storage_order::column_major) {
        turned_ = row_major_bytes(views_.front());
        views_.front().data = turned_;
        views_.front().order = storage_order::row_major;
      }
    } else if (ending == ".safetensors" || ending == ".json") {
      model_ = std::make_unique<safetensors_model>(path);
      views_ = model_->tensors();
      quantized_.emplace(*model_);
      scales_.emplace(views_);
    } else if (ending == ".gguf") {
      constexpr int array_depth = 4;  // of metadata: more than ggml's own reader takes
      gguf_ = std::make_unique<gguf_model>(path, gguf_options{0, array_depth});
      blocks_ = gguf_->tensors();
      views_ = plain_views(blocks_);
    } else {
      raise(io_error(path_ + ": expected a file ending in .npy, .safetensors, .index.json or .gguf"));
    }
    list();
    for (std::size_t i = 0; i < tensors_.size(); ++i) places_.emplace(tensors_[i].name, i);
  }

  const std::string& path() const noexcept { return path_; }
  const std::vector<stored_tensor>& tensors() const noexcept { return tensors_; }
  /// The tensor called `name`, or null; of two, the first. Constant time.
  const stored_tensor* find(std::string_view name) const {
    const auto place = places_.find(name);
    return place == places_.end() ? nullptr : &tensors_[place->second];
  }
  /// The GGUF file behind this one, the first part of a split one, or null.
  const gguf_file* gguf() const noexcept { return gguf_ ? &gguf_->front() : nullptr; }
  /// What the file says beside its tensors, without what this library itself needs there: the metadata of a
  /// GGUF, the texts of a .safetensors with the types that they had in a GGUF. Raises parse_error for a text
  /// that is not of its type.
  std::vector<gguf_entry> metadata() const {
    if (gguf_) return gguf_->metadata();
    std::vector<metadata_entry> texts;
    if (model_)
      for (const metadata_entry& text : model_->metadata())
        if (text.name != detail::description_key || !detail::is_description(text.value))
          texts.push_back(text);
    return detail::gguf_texts_reader(texts, path_).read();
  }
  /// The same as the texts of a .safetensors, from which a file that holds them gives it back with its types:
  /// see gguf_texts.hpp. Raises data_error for a key that is not UTF-8.
  std::vector<metadata_entry> texts() const { return detail::texts_of(metadata(), path_); }

  /// Which dimensions are rows: what a quantized tensor was made with, else default_row_dimensions().
  row_dimensions rows_of(const stored_tensor& t) const {
    return t.quantized != nullptr ? t.quantized->rows : default_row_dimensions(t.shape);
  }
  /// Rows and columns of matrix(t): matrix_shape() by rows_of(t), the same in every container.
  std::pair<index_t, index_t> shape_of(const stored_tensor& t) const { return shape_of(t, rows_of(t)); }
  std::pair<index_t, index_t> shape_of(const stored_tensor& t, row_dimensions how) const {
    return matrix_shape(subject(t), t.shape, how);
  }

  /// The values as floats, in the order in which they lie; `how` only says where rows end. 8-bit floats with
  /// scales are their products. Raises data_error where a quantized tensor restores NaN or infinity, where
  /// elements are no numbers and where scales do not fit; plain numbers are what they are.
  float_matrix matrix(const stored_tensor& t) const { return matrix(t, rows_of(t)); }
  float_matrix matrix(const stored_tensor& t, row_dimensions how) const {
    const auto [rows, cols] = shape_of(t, how);
    if (t.quantized != nullptr) {
      float_matrix values = quantized_->read(*t.quantized).dequantize<float_matrix>();
      values.resize(rows, cols);  // as many elements: nothing moves
      return values;
    }
    float_matrix values(rows, cols);
    if (values.size() == 0) return values;  // whatever the other extent is
    bitgauge::detail::advise_huge_pages(values);
    if (t.blocks != nullptr) {
      // blocks run along the innermost dimension, whatever the rows are
      const auto [lines, width] = shape_of(t, row_dimensions::all_but_last);
      const auto line_bytes = static_cast<index_t>(gguf::row_bytes(t.blocks->type, width));
      parallel_for(lines, 0, [&, width = width](index_t i) {
        float* const line = values.data() + i * width;
        gguf::decode_row(t.blocks->type, t.blocks->data.data() + i * line_bytes, width, line);
        const float* const fault = std::find_if_not(line, line + width, numeric::is_finite);
        if (fault != line + width)
          raise(data_error(subject(t) + ": row " + std::to_string(i) + ", column " +
                           std::to_string(fault - line) + ": expected blocks of finite values, found " +
                           std::to_string(*fault)));
      });
      return values;
    }
    convert_to(t.plain->type, t.plain->data.data(), static_cast<std::size_t>(values.size()), values.data());
    if (t.scales != nullptr) apply_scales(*t.scales, t.shape, values.data());
    return values;
  }

  /// The same as rows of float, read where they lie in the file: of plain floats of any width nothing but
  /// some rows at a time is in memory. Anything else is restored into `whole`, which must live as long as
  /// the rows are used.
  bitgauge::row_source source(const stored_tensor& t, row_dimensions how, float_matrix& whole) const {
    if (t.plain != nullptr && t.scales == nullptr) {
      const auto [rows, cols] = shape_of(t, how);
      const std::span<const std::byte> bytes = t.plain->data;
      const auto lies_as = [&]<class Scalar>(Scalar) {
        return std::endian::native == std::endian::little &&
               reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(Scalar) == 0;
      };
      const auto rows_of = [&, rows = rows, cols = cols]<class Scalar>(Scalar) {
        return bitgauge::row_source(reinterpret_cast<const Scalar*>(bytes.data()), rows, cols, cols, 1);
      };
      if (t.plain->type == dtype::f32 && lies_as(float())) return rows_of(float());
      if (t.plain->type == dtype::f64 && lies_as(double())) return rows_of(double());
      if (t.plain->type == dtype::f16 && lies_as(Eigen::half())) return rows_of(Eigen::half());
      if (t.plain->type == dtype::bf16 && lies_as(Eigen::bfloat16())) return rows_of(Eigen::bfloat16());
    }
    whole = matrix(t, how);
    return {whole.data(), whole.rows(), whole.cols(), whole.cols(), 1};
  }

  /// The quantized tensor itself. `t.quantized` must be set.
  quantized_matrix quantized(const stored_tensor& t) const { return quantized_->read(*t.quantized); }

 private:
  std::string subject(const stored_tensor& t) const { return path_ + ": tensor " + excerpt(t.name); }

  static std::vector<tensor_view> plain_views(const std::vector<gguf_tensor>& tensors) {
    std::vector<tensor_view> views;
    for (const gguf_tensor& tensor : tensors)
      if (const auto type = plain_dtype(tensor.type))
        views.push_back({tensor.name, *type, tensor.shape(), tensor.data});
    return views;
  }

  void list() {
    std::size_t next_plain = 0;
    const auto add_plain = [&](const tensor_view& view) {
      tensors_.push_back({view.name, view.shape, std::string(name_of(view.type)), view.data.size(), &view});
      if (scales_) add_scales(view, tensors_.back());
    };
    if (gguf_) {  // in the order of the file, which files made from this one keep
      for (const gguf_tensor& tensor : blocks_) {
        if (plain_dtype(tensor.type)) {
          add_plain(views_[next_plain++]);
        } else {
          tensors_.push_back({tensor.name, tensor.shape(), std::string(gguf::traits_of(tensor.type).name),
                              tensor.data.size(), nullptr, nullptr, &tensor});
        }
      }
      return;
    }
    for (const tensor_view& view : views_)
      if (!quantized_ || !(quantized_->is_part(view.name) || scales_->is_applied(view.name))) add_plain(view);
    if (!quantized_) return;
    for (const quantized_entry& entry : quantized_->entries())
      tensors_.push_back({entry.name, entry.shape, entry.scheme,
                          static_cast<std::uint64_t>(entry.layout.storage_bytes()), nullptr, &entry});
  }

  void add_scales(const tensor_view& view, stored_tensor& tensor) const {
    tensor.owner = scales_->owner_of(view.name);
    tensor.scales = scales_->scales_of(view.name);
    if (tensor.scales != nullptr) {
      const tensor_view& scales = *tensor.scales->tensor;
      tensor.bytes += scales.data.size();
      tensor.format +=
          " scaled by " + std::string(name_of(scales.type)) + " " + detail::shape_text(scales.shape);
    } else if (scales_->has_scales() && tensor.owner.empty() && view.shape.size() > 1 &&
               is_floating(view.type) && size_of(view.type) == 1) {
      tensor.remark = "read without scales: the file holds none for it, though some for others";
    }
  }

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
