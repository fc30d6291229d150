#pragma once

/// \file
/// Between bitsandbytes' 4-bit tensors and quantized matrices: the same codes and the same scales, stored in
/// another order.

#include <bitgauge/bitsandbytes/tensor_4bit.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/packing/dense.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge::bitsandbytes {
namespace detail {

inline const std::array<float, 16>& levels_of(quant_type type) noexcept {
  return type == quant_type::nf4 ? nf4_levels : fp4_levels;
}

/// Groups of a matrix do not run on from row to row, as blocks of a tensor do.
inline void require_blocks_within_rows(index_t rows, index_t cols, index_t block) {
  if (rows > 1 && cols % block != 0)
    raise(shape_error("bitsandbytes blocks of " + std::to_string(block) +
                      ": expected rows of a multiple of that many elements, found " + std::to_string(cols)));
}

/// The nested scales in the order of scale_array: codes, offset, the absmax of each block.
inline std::vector<std::uint8_t> nested_bytes(const nested_absmax& nested) {
  std::vector<float> parameters{nested.offset};
  parameters.insert(parameters.end(), nested.codes.absmax.begin(), nested.codes.absmax.end());
  std::vector<std::uint8_t> bytes = nested.codes.codes;
  bytes.resize(bytes.size() + 4 * parameters.size());
  std::memcpy(bytes.data() + nested.codes.codes.size(), parameters.data(), 4 * parameters.size());
  return bytes;
}

inline nested_absmax nested_of(const scale_array& scales) {
  const auto count = static_cast<std::size_t>(scales.size());
  const std::vector<std::uint8_t>& bytes = scales.bytes();
  std::vector<float> parameters((bytes.size() - count) / 4);
  std::memcpy(parameters.data(), bytes.data() + count, 4 * parameters.size());
  nested_absmax nested;
  nested.codes.block_size = scales.storage().block;
  nested.codes.codes.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
  if (parameters.empty()) return nested;
  nested.offset = parameters.front();
  nested.codes.absmax.assign(parameters.begin() + 1, parameters.end());
  return nested;
}

/// The codebook whose levels these are, bit for bit.
inline std::optional<quant_type> type_of(const std::vector<float>& levels) {
  for (const quant_type type : {quant_type::nf4, quant_type::fp4})
    if (std::equal(levels.begin(), levels.end(), levels_of(type).begin(), levels_of(type).end())) return type;
  return std::nullopt;
}

}  // namespace detail

/// The same matrix in groups of block_size along its rows, scales in f32, or in dynamic8 where the tensor's
/// are nested; it dequantizes to the same values. Throws shape_error where blocks run on from row to row
/// (rows > 1 and not a multiple of the block long), or a buffer's size is not what the shape needs.
///
///     auto q = bitsandbytes::to_quantized_matrix(io::read_bitsandbytes(file, name).tensor);
inline quantized_matrix to_quantized_matrix(const tensor_4bit& tensor) {
  if (tensor.block_size < 1) raise(invalid_scheme("tensor_4bit: block size: expected at least 1"));
  detail::require_blocks_within_rows(tensor.rows, tensor.cols, tensor.block_size);
  const grouping groups(per_block{tensor.block_size}, tensor.rows, tensor.cols);
  code_encoding encoding;
  encoding.bits = 4;
  encoding.levels.assign(detail::levels_of(tensor.type).begin(), detail::levels_of(tensor.type).end());
  scale_array scales;
  if (tensor.nested) {
    scales = scale_array(double_quantized{tensor.nested->codes.block_size}, groups.count(),
                         detail::nested_bytes(*tensor.nested));
  } else {
    std::vector<std::uint8_t> bytes(4 * tensor.absmax.size());
    if (!bytes.empty()) std::memcpy(bytes.data(), tensor.absmax.data(), bytes.size());
    scales = scale_array(f32_scales, groups.count(), std::move(bytes));
  }
  const std::vector<std::uint8_t> flat = detail::unpacked_4bit(tensor);
  const index_t row_bytes = packing::dense_bytes(tensor.cols, 4);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(tensor.rows * row_bytes));
  for (index_t r = 0; r < tensor.rows; ++r)
    packing::pack_dense(flat.data() + r * tensor.cols, tensor.cols, 4, codes.data() + r * row_bytes);
  return {groups, std::move(encoding), std::move(codes), std::move(scales), {}};
}

/// The same matrix as bitsandbytes stores it. Scales that are not f32 or dynamic8 become the f32 numbers that
/// they stand for. Throws invalid_scheme unless the grid is nf4 or fp4 with a scale for each row or for each
/// group of a row, shape_error where groups would run on from row to row.
inline tensor_4bit to_bitsandbytes(const quantized_matrix& q) {
  const std::optional<quant_type> type =
      q.encoding().levels_by_row ? std::nullopt : detail::type_of(q.encoding().levels);
  if (!type) raise(invalid_scheme("to_bitsandbytes: expected the grid nf4 or fp4, found another"));
  const grouping& groups = q.groups();
  if (!groups.within_rows())
    raise(invalid_scheme("to_bitsandbytes: expected groups within rows, found groups that span rows"));
  const bool whole_rows = groups.granularity().what == granularity::kind::row;
  const index_t block = whole_rows ? std::max<index_t>(groups.cols(), 1) : groups.granularity().size;
  detail::require_blocks_within_rows(groups.rows(), groups.cols(), block);
  std::vector<std::uint8_t> flat(static_cast<std::size_t>(q.size()));
  for (index_t r = 0; r < groups.rows(); ++r)
    packing::unpack_dense(q.codes().data() + r * q.row_bytes(), groups.cols(), 4,
                          flat.data() + r * groups.cols());
  tensor_4bit tensor{*type, q.rows(), q.cols(), block, detail::packed_4bit(std::move(flat), *type), {}, {}};
  if (q.scales().type() == scale_type::dynamic8) {
    tensor.nested = detail::nested_of(q.scales());
  } else {
    for (index_t g = 0; g < groups.count(); ++g) tensor.absmax.push_back(q.scale(g));
  }
  return tensor;
}

}  // namespace bitgauge::bitsandbytes
