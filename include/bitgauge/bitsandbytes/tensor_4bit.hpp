#pragma once

/// \file
/// bitsandbytes' 4-bit tensors, NF4 and FP4, bit for bit.

#include <bitgauge/bitsandbytes/blockwise.hpp>
#include <bitgauge/bitsandbytes/nested_absmax.hpp>
#include <bitgauge/grid/codebook_tables.hpp>

#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::bitsandbytes {

/// The two codebooks of 4 bits.
enum class quant_type { nf4, fp4 };

/// Their levels.
constexpr const codebook_grid& codebook_of(quant_type type) noexcept {
  return type == quant_type::nf4 ? nf4::codebook : fp4::codebook;
}

/// How a tensor is quantized; the defaults are those of QLoRA without double quantization.
struct options_4bit {
  quant_type type = quant_type::nf4;
  index_t block_size = 64;
  bool nested = false;  ///< double quantization of the absmax
  index_t nested_block_size = 256;
};

/// A matrix of 4-bit codes in blocks of its row-major elements.
///
/// `packed`, ceil(rows * cols / 2) bytes: element 2k in the high nibble of byte k, element 2k + 1 in the low
/// nibble. `absmax`, one float a block, the last block short where block_size does not divide the elements;
/// empty where `nested` holds it instead. A tensor that has been moved from is empty: 0 x 0.
struct tensor_4bit {
  quant_type type = quant_type::nf4;
  index_t rows = 0, cols = 0;
  index_t block_size = 64;
  std::vector<std::uint8_t> packed;
  std::vector<float> absmax;
  std::optional<nested_absmax> nested;

  tensor_4bit() = default;
  tensor_4bit(quant_type kind, index_t row_count, index_t col_count, index_t elements_of_block,
              std::vector<std::uint8_t> codes, std::vector<float> scales,
              std::optional<nested_absmax> nested_scales = {})
      : type(kind),
        rows(row_count),
        cols(col_count),
        block_size(elements_of_block),
        packed(std::move(codes)),
        absmax(std::move(scales)),
        nested(std::move(nested_scales)) {}
  tensor_4bit(const tensor_4bit&) = default;
  tensor_4bit(tensor_4bit&& other) noexcept
      : tensor_4bit(other.type, std::exchange(other.rows, 0), std::exchange(other.cols, 0), other.block_size,
                    std::move(other.packed), std::move(other.absmax), std::exchange(other.nested, {})) {}
  tensor_4bit& operator=(tensor_4bit other) noexcept {
    type = other.type;
    rows = other.rows;
    cols = other.cols;
    block_size = other.block_size;
    packed.swap(other.packed);
    absmax.swap(other.absmax);
    nested.swap(other.nested);
    return *this;
  }
  ~tensor_4bit() = default;

  index_t size() const noexcept { return rows * cols; }

  friend bool operator==(const tensor_4bit&, const tensor_4bit&) = default;
};

namespace detail {

inline void require_count(const char* what, index_t expected, std::size_t found) {
  if (expected != static_cast<index_t>(found))
    raise(shape_error(std::string("tensor_4bit: ") + what + ": expected " + std::to_string(expected) +
                      ", found " + std::to_string(found)));
}

/// The codes of a flat sequence. A full block is scaled by the reciprocal of max(absmax, 1e-38), the short
/// last one by division, as bitsandbytes does.
inline std::vector<std::uint8_t> codes_4bit(std::span<const float> values, std::span<const float> absmax,
                                            index_t block_size, const codebook_grid& codebook) {
  std::vector<std::uint8_t> codes(values.size());
  const auto block = static_cast<std::size_t>(block_size);
  for (std::size_t first = 0, b = 0; first < values.size(); first += block, ++b) {
    const std::size_t count = std::min(block, values.size() - first);
    const float inverse = 1.0f / std::max(absmax[b], 1e-38f);
    for (std::size_t i = first; i < first + count; ++i) {
      float scaled = 0;
      if (absmax[b] > 0) scaled = count == block ? values[i] * inverse : values[i] / absmax[b];
      codes[i] = static_cast<std::uint8_t>(codebook.nearest(clamp_to_one(scaled)));
    }
  }
  return codes;
}

/// Two codes a byte, the first in the high nibble; an odd number is padded with the code of zero.
inline std::vector<std::uint8_t> packed_4bit(std::vector<std::uint8_t> codes, quant_type type) {
  if (codes.size() % 2 != 0) codes.push_back(static_cast<std::uint8_t>(codebook_of(type).nearest(0)));
  std::vector<std::uint8_t> packed(codes.size() / 2);
  for (std::size_t k = 0; k < packed.size(); ++k)
    packed[k] = static_cast<std::uint8_t>(codes[2 * k] << 4 | codes[2 * k + 1]);
  return packed;
}

/// The codes of a tensor, one a byte. Throws shape_error where there are not as many bytes as it needs.
inline std::vector<std::uint8_t> unpacked_4bit(const tensor_4bit& tensor) {
  require_count("bytes", (tensor.size() + 1) / 2, tensor.packed.size());
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(tensor.size()));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const int byte = tensor.packed[i / 2];
    codes[i] = static_cast<std::uint8_t>(i % 2 == 0 ? byte >> 4 : byte & 15);
  }
  return codes;
}

}  // namespace detail

/// Quantizes rows * cols values in row-major order. Codes are chosen with the absmax before it is nested, as
/// bitsandbytes chooses them. Throws shape_error where `values` has another length, invalid_scheme on a block
/// size below 1, data_error on NaN or infinity.
inline tensor_4bit quantize_4bit(std::span<const float> values, index_t rows, index_t cols,
                                 options_4bit options = {}) {
  if (std::ssize(values) != rows * cols)
    raise(shape_error("quantize_4bit: expected " + std::to_string(rows * cols) + " values, found " +
                      std::to_string(values.size())));
  tensor_4bit result{
      options.type, rows, cols, options.block_size, {}, detail::block_absmax(values, options.block_size), {}};
  result.packed = detail::packed_4bit(
      detail::codes_4bit(values, result.absmax, options.block_size, codebook_of(options.type)), options.type);
  if (options.nested) {
    result.nested = nest_absmax(result.absmax, options.nested_block_size);
    result.absmax.clear();
  }
  return result;
}

/// The same for anything of Eigen's whose elements convert to float.
template <class Derived>
tensor_4bit quantize_4bit(const Eigen::DenseBase<Derived>& matrix, options_4bit options = {}) {
  const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> values =
      matrix.derived().matrix().template cast<float>();
  return quantize_4bit({values.data(), static_cast<std::size_t>(values.size())}, values.rows(), values.cols(),
                       options);
}

/// The values, rows x cols: level(code) * absmax, by the codebooks given: a file brings its own. Throws
/// shape_error where a buffer's size is not what the shape needs.
inline Eigen::MatrixXf dequantize(const tensor_4bit& tensor, const codebook_grid& codebook,
                                  const codebook_grid& nested_codebook = dynamic8::codebook) {
  const std::vector<float> absmax =
      tensor.nested ? restore_absmax(*tensor.nested, nested_codebook) : tensor.absmax;
  if (tensor.block_size < 1) raise(invalid_scheme("tensor_4bit: block size: expected at least 1"));
  const std::vector<std::uint8_t> codes = detail::unpacked_4bit(tensor);
  detail::require_count("absmax", detail::block_count(tensor.size(), tensor.block_size), absmax.size());
  Eigen::MatrixXf values(tensor.rows, tensor.cols);
  for (index_t row = 0, i = 0; row < tensor.rows; ++row)
    for (index_t col = 0; col < tensor.cols; ++col, ++i)
      values(row, col) = codebook.level(codes[static_cast<std::size_t>(i)]) *
                         absmax[static_cast<std::size_t>(i / tensor.block_size)];
  return values;
}

/// The values by bitsandbytes' own codebooks.
inline Eigen::MatrixXf dequantize(const tensor_4bit& tensor) {
  return dequantize(tensor, codebook_of(tensor.type));
}

}  // namespace bitgauge::bitsandbytes
