#pragma once

/// \file
/// What tensor_file.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/base/uninitialized_memory.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/gguf/rows/decode_row.hpp>
#include <bitgauge/io/gguf/texts.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/transform/stored/any_transform.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::io {
namespace detail {

inline std::vector<tensor_view> plain_views(const std::vector<gguf_tensor>& tensors) {
  std::vector<tensor_view> views;
  for (const gguf_tensor& tensor : tensors)
    if (const auto type = plain_dtype(tensor.type))
      views.push_back({tensor.name, *type, tensor.shape(), tensor.data});
  return views;
}

/// True for floats whose bytes are those of this machine.
inline bool lies_as_rows(const stored_tensor& t) {
  constexpr dtype types[] = {dtype::f64, dtype::f32, dtype::f16, dtype::bf16};
  return t.scales == nullptr &&
         std::find(std::begin(types), std::end(types), t.plain->type) != std::end(types) &&
         std::endian::native == std::endian::little &&
         reinterpret_cast<std::uintptr_t>(t.plain->data.data()) % size_of(t.plain->type) == 0;
}

inline bool has_trellis(const stored_tensor& t) noexcept {
  return t.quantized != nullptr && t.quantized->trellis_bytes.has_value();
}

inline void add_scales(const weight_scale_index& index, const tensor_view& view, stored_tensor& tensor) {
  tensor.owner = index.owner_of(view.name);
  tensor.scales = index.scales_of(view.name);
  if (tensor.scales != nullptr) {
    tensor.is_scaled = true;
    tensor.problem = tensor.scales->problem;
    const tensor_view& scales = *tensor.scales->tensor;
    tensor.bytes += scales.data.size();
    tensor.format += " scaled by " + std::string(name_of(scales.type)) + " " + shape_text(scales.shape);
  } else if (index.has_scales() && tensor.owner.empty() && view.shape.size() > 1 && is_floating(view.type) &&
             size_of(view.type) == 1) {
    tensor.remark = "read without scales: the file holds none for it, though some for others";
  }
}

}  // namespace detail

BITGAUGE_DEFINE tensor_file::tensor_file(const std::filesystem::path& path) : path_(path.string()) {
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
    views_ = detail::plain_views(blocks_);
  } else {
    raise(io_error(path_ + ": expected a file ending in .npy, .safetensors, .index.json or .gguf"));
  }
  list();
  for (std::size_t i = 0; i < tensors_.size(); ++i) places_.emplace(tensors_[i].name, i);
}

BITGAUGE_DEFINE std::vector<gguf_entry> tensor_file::metadata() const {
  if (gguf_) return gguf_->metadata();
  std::vector<metadata_entry> texts;
  if (model_)
    for (const metadata_entry& text : model_->metadata())
      if (text.name != detail::description_key || !detail::is_description(text.value)) texts.push_back(text);
  return detail::gguf_texts_reader(texts, path_).read();
}

BITGAUGE_DEFINE std::vector<metadata_entry> tensor_file::texts() const {
  return detail::texts_of(metadata(), path_);
}

BITGAUGE_DEFINE row_matrix tensor_file::matrix(const stored_tensor& t, row_dimensions dimensions) const {
  const auto [rows, cols] = shape_of(t, dimensions);
  if (t.quantized != nullptr) {
    float_matrix values = detail::has_trellis(t) ? trellis(t).dequantize<float_matrix>()
                                                 : quantized(t).dequantize<float_matrix>();
    if (const std::optional<stored_transform> rewritten = transform(t)) restore_weights(*rewritten, values);
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

BITGAUGE_DEFINE bitgauge::row_source tensor_file::source(const stored_tensor& t, row_dimensions dimensions,
                                                         float_matrix& whole) const {
  if (t.lies_as_rows) {
    const auto [rows, cols] = shape_of(t, dimensions);
    const auto rows_of = [&, rows = rows, cols = cols]<class Scalar>(Scalar) {
      return bitgauge::row_source(reinterpret_cast<const Scalar*>(t.plain->data.data()), rows, cols, cols, 1);
    };
    if (t.plain->type == dtype::f32) return rows_of(float());
    if (t.plain->type == dtype::f64) return rows_of(double());
    if (t.plain->type == dtype::f16) return rows_of(Eigen::half());
    if (t.plain->type == dtype::bf16) return rows_of(Eigen::bfloat16());
  }
  whole = matrix(t, dimensions);
  return {whole.data(), whole.rows(), whole.cols(), whole.cols(), 1};
}

BITGAUGE_DEFINE quantized_matrix tensor_file::quantized(const stored_tensor& t) const {
  if (!quantized_ || t.quantized == nullptr)
    raise(data_error(subject(t) + ": expected a quantized tensor of this file, found " + t.format));
  return quantized_->read(*t.quantized);
}

BITGAUGE_DEFINE trellis_matrix tensor_file::trellis(const stored_tensor& t) const {
  if (!quantized_ || !detail::has_trellis(t))
    raise(data_error(subject(t) + ": expected levels of a trellis of this file, found " + t.format));
  return quantized_->read_trellis(*t.quantized);
}

BITGAUGE_DEFINE stored_tensor_data tensor_file::stored_data(const stored_tensor& t) const {
  if (t.blocks != nullptr) return stored_blocks{t.blocks->type, t.blocks->data};
  if (detail::has_trellis(t)) {
    stored_trellis levels{*t.quantized, [this, &t] { return trellis(t); }};
    levels.entry.transform = transform(t);
    return levels;
  }
  if (t.quantized != nullptr) {
    stored_codes codes{*t.quantized, [this, &t] { return quantized(t); }};
    codes.entry.transform = transform(t);
    return codes;
  }
  std::vector<stored_numbers> parts;
  for (const tensor_view* view : {t.plain, t.scales != nullptr ? t.scales->tensor : nullptr})
    if (view != nullptr) parts.push_back({view->name, name_of(view->type), view->shape, view->data});
  return parts;
}

BITGAUGE_DEFINE void tensor_file::forget_data(const stored_tensor& t) const {
  const auto forget_bytes = [this](std::span<const std::byte> bytes) {
    if (array_) array_->forget(bytes);
    if (gguf_ != nullptr) gguf_->forget(bytes);
    if (model_ != nullptr)
      for (const safetensors_file& file : model_->files()) file.forget(bytes);
  };
  if (t.blocks != nullptr) return forget_bytes(t.blocks->data);
  for (const tensor_view* view : {t.plain, t.scales != nullptr ? t.scales->tensor : nullptr})
    if (view != nullptr) forget_bytes(view->data);
}

BITGAUGE_DEFINE void tensor_file::list() {
  std::size_t next_plain = 0;
  const auto add_plain = [&](const tensor_view& view) {
    stored_tensor t;
    t.name = view.name;
    t.shape = view.shape;
    t.format = t.original = name_of(view.type);
    t.bytes = view.data.size();
    t.rows = default_row_dimensions(t.shape);
    t.is_floating = is_floating(view.type);
    t.plain = &view;
    if (scales_) detail::add_scales(*scales_, view, t);
    t.lies_as_rows = detail::lies_as_rows(t);
    tensors_.push_back(std::move(t));
  };
  if (gguf_) {  // in the order of the file, which files made from this one keep
    for (const gguf_tensor& tensor : blocks_) {
      if (plain_dtype(tensor.type)) {
        add_plain(views_[next_plain++]);
      } else {
        add_blocks(tensor);
      }
    }
    return;
  }
  for (const tensor_view& view : views_) {
    const bool belongs_to_another =
        (quantized_ && quantized_->is_part(view.name)) || (scales_ && scales_->is_applied(view.name));
    if (!belongs_to_another) add_plain(view);
  }
  if (!quantized_) return;
  for (const quantized_entry& entry : quantized_->entries()) add_codes(entry);
}

BITGAUGE_DEFINE void tensor_file::add_blocks(const gguf_tensor& tensor) {
  stored_tensor t;
  t.name = tensor.name;
  t.shape = tensor.shape();
  t.format = gguf::traits_of(tensor.type).name;
  t.bytes = tensor.data.size();
  t.stored_as = tensor_info::storage::blocks;
  t.rows = default_row_dimensions(t.shape);
  t.blocks = &tensor;
  tensors_.push_back(std::move(t));
}

BITGAUGE_DEFINE void tensor_file::add_codes(const quantized_entry& entry) {
  stored_tensor t;
  t.name = entry.name;
  t.shape = entry.shape;
  t.format = entry.scheme;
  t.bytes = static_cast<std::uint64_t>(entry.storage_bytes());
  t.stored_as = tensor_info::storage::codes;
  t.original = entry.original;
  t.rows = entry.rows;
  t.quantized = &entry;
  tensors_.push_back(std::move(t));
}

}  // namespace bitgauge::io
