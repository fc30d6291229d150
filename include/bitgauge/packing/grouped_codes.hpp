#pragma once

/// \file
/// What the foreign containers of group-quantized weights hold once their bits are unpacked.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace bitgauge::packing {

/// Codes, one a byte; row-major as in the files.
using code_matrix = Eigen::Matrix<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// Words of 32 bits that codes are packed into.
using word_matrix = Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// Words of 16 bits that codes are packed into.
using short_matrix = Eigen::Matrix<std::int16_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// Scales.
using float_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Weights of y = W x, W out x in, whose columns fall into groups:
/// W(o, i) = scales(o, g) * (codes(o, i) - zero_points(o, g)) with g = group_of_input[i].
struct grouped_codes {
  int bits = 4;
  code_matrix codes;                         ///< out x in, each below 2^bits
  code_matrix zero_points;                   ///< out x groups, each below 2^bits
  float_matrix scales;                       ///< out x groups
  std::vector<std::int32_t> group_of_input;  ///< in entries

  index_t out_features() const noexcept { return codes.rows(); }
  index_t in_features() const noexcept { return codes.cols(); }
  index_t groups() const noexcept { return scales.cols(); }

  /// The weights, out x in; one rounding each, as the difference of two codes is exact.
  float_matrix dequantize() const {
    float_matrix weights(codes.rows(), codes.cols());
    for (index_t o = 0; o < codes.rows(); ++o) {
      for (index_t i = 0; i < codes.cols(); ++i) {
        const index_t g = group_of_input[static_cast<std::size_t>(i)];
        weights(o, i) = scales(o, g) * static_cast<float>(codes(o, i) - zero_points(o, g));
      }
    }
    return weights;
  }
};

/// Consecutive groups of `group_size` columns: 0 0 .. 0 1 1 .. , the order where no column was moved.
inline std::vector<std::int32_t> consecutive_groups(index_t in_features, index_t group_size) {
  if (group_size < 1)
    raise(invalid_scheme("group size: expected at least 1, found " + std::to_string(group_size)));
  std::vector<std::int32_t> groups(static_cast<std::size_t>(in_features));
  for (std::size_t i = 0; i < groups.size(); ++i)
    groups[i] = static_cast<std::int32_t>(static_cast<index_t>(i) / group_size);
  return groups;
}

namespace detail {

inline std::string shape_text(index_t rows, index_t cols) {
  return std::to_string(rows) + " x " + std::to_string(cols);
}

inline void require_shape(const char* what, index_t rows, index_t cols, index_t expected_rows,
                          index_t expected_cols) {
  if (rows != expected_rows || cols != expected_cols)
    raise(shape_error(std::string(what) + ": expected " + shape_text(expected_rows, expected_cols) +
                      ", found " + shape_text(rows, cols)));
}

/// Refuses a count that does not fill whole words.
inline void require_multiple(const char* what, index_t count, index_t multiple) {
  if (count % multiple != 0)
    raise(shape_error(std::string(what) + ": expected a multiple of " + std::to_string(multiple) +
                      ", found " + std::to_string(count)));
}

/// Refuses a code of more than `bits` bits, which packing would spill into its neighbours.
inline void require_codes(const char* what, const code_matrix& codes, int bits) {
  for (index_t r = 0; r < codes.rows(); ++r)
    for (index_t c = 0; c < codes.cols(); ++c)
      if (codes(r, c) >> bits != 0)
        raise(data_error(std::string(what) + " at row " + std::to_string(r) + ", column " +
                         std::to_string(c) + ": expected below " + std::to_string(1 << bits) + ", found " +
                         std::to_string(codes(r, c))));
}

/// Checks that the parts of `weights` fit together.
inline void require_consistent(const grouped_codes& weights) {
  const index_t groups = weights.groups();
  require_shape("scales", weights.scales.rows(), groups, weights.out_features(), groups);
  require_shape("zero points", weights.zero_points.rows(), weights.zero_points.cols(), weights.out_features(),
                groups);
  require_codes("code", weights.codes, weights.bits);
  require_codes("zero point", weights.zero_points, weights.bits);
  if (static_cast<index_t>(weights.group_of_input.size()) != weights.in_features())
    raise(shape_error("group index: expected " + std::to_string(weights.in_features()) + " entries, found " +
                      std::to_string(weights.group_of_input.size())));
  for (std::size_t i = 0; i < weights.group_of_input.size(); ++i)
    if (weights.group_of_input[i] < 0 || weights.group_of_input[i] >= groups)
      raise(data_error("group index of column " + std::to_string(i) + ": expected below " +
                       std::to_string(groups) + ", found " + std::to_string(weights.group_of_input[i])));
}

}  // namespace detail
}  // namespace bitgauge::packing
