#pragma once

/// \file
/// How a product with packed weights is computed.

#include <bitgauge/base/config.hpp>
#include <bitgauge/grid/integer.hpp>
#include <bitgauge/grid/parameters.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace bitgauge {

/// What happens to the activations of a product.
enum class product_precision : std::uint8_t {
  exact,    ///< they stay floats, weights become floats in registers, sums are in float
  integer,  ///< they become 8-bit codes, sums of products of codes are in int32, scales in float
  /// They are rounded to bfloat16, and so are the weights where they are not multiplied as they are packed (of up
  /// to a few samples); sums are in float. The fastest with floats where the processor has tiles of bfloat16.
  bfloat16,
};

/// An activation_block that no sample exceeds: one scale a sample.
inline constexpr index_t whole_sample = std::numeric_limits<index_t>::max();

/// How Y = P X is computed.
///
///     P.multiply(x, y);                                             // float activations
///     P.multiply(x, y, {.precision = product_precision::integer});  // 8-bit activations
struct product_options {
  product_precision precision = product_precision::exact;
  /// Of integer precision: elements of a sample that share a scale. 0: those that share a scale of the
  /// weights (a whole sample where a row of weights has one scale, a super-group where groups have factors of its
  /// scale, as in K-quants). Otherwise whole groups of weights, or a multiple of 8 that divides a group, or
  /// whole_sample.
  index_t activation_block = 0;
  /// Of integer precision: the grid of 8 bits that activations are rounded to.
  integer_grid activations = make_symmetric(8);
  /// Of integer precision: a scale and zero point for every sample, from calibration; what lies outside is
  /// clipped. Otherwise each block has its own, from its extent.
  std::optional<parameters> frozen{};
  /// Added to every sample: one value a row of the weights, or none.
  std::span<const float> bias{};
  int threads = 0;  ///< at most; 0: as many as parallel_for likes
};

}  // namespace bitgauge
