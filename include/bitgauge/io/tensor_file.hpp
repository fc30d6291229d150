#pragma once

/// \file
/// One view of every container: .npy, .safetensors (and shards through index.json), .gguf.

#include <bitgauge/error.hpp>
#include <bitgauge/fresh_memory.hpp>
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/io/gguf_reader.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/quantized_safetensors.hpp>
#include <bitgauge/io/safetensors_model.hpp>
#include <bitgauge/io/tensor_view.hpp>
#include <bitgauge/matrix/row_source.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

  bool is_quantized() const noexcept { return plain == nullptr; }
  /// True where matrix() can give its values as floats without changing their meaning.
  bool is_real() const noexcept { return is_quantized() || is_floating(plain->type); }
  /// Stored bits over elements; 0 for an empty tensor.
  double bits_per_weight() const noexcept {
    double size = 1;
    for (const std::uint64_t extent : shape) size *= static_cast<double>(extent);
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
    } else if (ending == ".safetensors" || ending == ".json") {
      model_ = std::make_unique<safetensors_model>(path);
      views_ = model_->tensors();
      quantized_.emplace(*model_, path_);
    } else if (ending == ".gguf") {
      gguf_ = std::make_unique<gguf_file>(path);
      views_ = plain_views(*gguf_);
    } else {
      raise(io_error(path_ + ": expected a file ending in .npy, .safetensors, .index.json or .gguf"));
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
  /// The GGUF file behind this one, or null.
  const gguf_file* gguf() const noexcept { return gguf_.get(); }
  /// The texts that a .safetensors file carries beside its tensors, without our own description.
  std::vector<metadata_entry> texts() const {
    std::vector<metadata_entry> result;
    if (model_)
      for (const metadata_entry& text : model_->metadata())
        if (text.name != detail::description_key) result.push_back(text);
    return result;
  }

  /// Rows and columns of matrix(t): a vector is one row. Of more dimensions than two, a GGUF tensor's rows
  /// are all but the last, as its blocks run along that; another's are the first, an output channel each.
  std::pair<index_t, index_t> shape_of(const stored_tensor& t) const {
    if (!gguf_ || t.shape.size() < 3) return matrix_shape(subject(t), t.shape);
    // the same rule, read from the other end
    const auto [cols, rows] = matrix_shape(subject(t), {t.shape.rbegin(), t.shape.rend()});
    return {rows, cols};
  }

  /// The values as floats.
  float_matrix matrix(const stored_tensor& t) const {
    if (t.quantized != nullptr) return quantized_->read(*t.quantized).dequantize<float_matrix>();
    const auto [rows, cols] = shape_of(t);
    float_matrix values(rows, cols);
    bitgauge::detail::expect_writing(values);
    if (t.blocks != nullptr) {
      const auto row_bytes = static_cast<index_t>(gguf::row_bytes(t.blocks->type, cols));
      parallel_for(rows, 0, [&, cols = cols](index_t r) {
        gguf::decode_row(t.blocks->type, t.blocks->data.data() + r * row_bytes, cols, values.row(r).data());
      });
      return values;
    }
    if (t.plain->order == storage_order::column_major && t.shape.size() > 1) {
      if (t.shape.size() > 2)
        raise(shape_error(subject(t) + ": an array in Fortran order has at most 2 dimensions here"));
      return to_matrix<float_matrix>(*t.plain);
    }
    convert_to(t.plain->type, t.plain->data.data(), static_cast<std::size_t>(values.size()), values.data());
    return values;
  }

  /// The values as rows of float, read where they lie in the file: of plain floats of any width nothing but
  /// some rows at a time is in memory. Anything else is restored into `whole`, which must live as long as
  /// the rows are used.
  bitgauge::detail::row_source source(const stored_tensor& t, float_matrix& whole) const {
    if (t.plain != nullptr && (t.plain->order == storage_order::row_major || t.shape.size() < 2)) {
      const auto [rows, cols] = shape_of(t);
      const void* data = t.plain->data.data();
      const auto rows_of = [&, rows = rows, cols = cols]<class Scalar>(Scalar) {
        return bitgauge::detail::row_source(static_cast<const Scalar*>(data), rows, cols, cols, 1);
      };
      const bool aligned = reinterpret_cast<std::uintptr_t>(data) % size_of(t.plain->type) == 0;
      if (aligned && std::endian::native == std::endian::little) switch (t.plain->type) {
          case dtype::f32:
            return rows_of(float());
          case dtype::f64:
            return rows_of(double());
          case dtype::f16:
            return rows_of(Eigen::half());
          case dtype::bf16:
            return rows_of(Eigen::bfloat16());
          default:
            break;
        }
    }
    whole = matrix(t);
    return {whole.data(), whole.rows(), whole.cols(), whole.cols(), 1};
  }

  /// The quantized tensor itself. `t.quantized` must be set.
  quantized_matrix quantized(const stored_tensor& t) const { return quantized_->read(*t.quantized); }

 private:
  std::string subject(const stored_tensor& t) const { return path_ + ": tensor " + t.name; }

  static std::vector<tensor_view> plain_views(const gguf_file& file) {
    std::vector<tensor_view> views;
    for (const gguf_tensor& tensor : file.tensors())
      if (const auto type = plain_dtype(tensor.type))
        views.push_back({tensor.name, *type, tensor.shape(), tensor.data});
    return views;
  }

  void list() {
    std::size_t next_plain = 0;
    const auto add_plain = [&](const tensor_view& view) {
      tensors_.push_back({view.name, view.shape, std::string(name_of(view.type)), view.data.size(), &view});
    };
    if (gguf_) {  // in the order of the file, which files made from this one keep
      for (const gguf_tensor& tensor : gguf_->tensors()) {
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
      if (!quantized_ || !quantized_->is_part(view.name)) add_plain(view);
    if (!quantized_) return;
    for (const quantized_entry& entry : quantized_->entries())
      tensors_.push_back({entry.name, entry.shape, entry.scheme,
                          static_cast<std::uint64_t>(entry.layout.storage_bytes()), nullptr, &entry});
  }

  std::string path_;
  std::optional<npy_file> array_;
  std::unique_ptr<safetensors_model> model_;
  std::unique_ptr<gguf_file> gguf_;
  std::vector<tensor_view> views_;
  std::optional<quantized_reader> quantized_;
  std::vector<stored_tensor> tensors_;
};

}  // namespace bitgauge::io
