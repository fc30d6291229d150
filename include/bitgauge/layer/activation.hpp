#pragma once

/// \file
/// Activations in 8 bits, for products of quantized weights with quantized activations (W8A8).

#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/given.hpp>

#include <string>
#include <vector>

namespace bitgauge {

/// Turns batches of activations into 8-bit matrices, each a quantized_matrix. Samples are rows (or, with
/// per_column, columns).
///
/// dynamic: the scale comes from the batch at hand, one for all (per_tensor) or one a token (per_row,
/// per_column), by min-max. One extreme row spoils all others per tensor, only itself per token. Cost: one
/// pass per token, two per tensor.
///
/// static: the scale is frozen, from an observer that has seen representative batches; what lies outside is
/// clipped. Cost: one pass, no reduction.
///
///     const auto tokens = activation_quantizer::dynamic(per_row{});
///     histogram_observer seen;
///     for (const auto& x : batches) seen.observe(x);
///     const auto frozen = activation_quantizer::frozen(seen.finish(affine<8>{},
///     percentile_range{99.99}).front()); const quantized_matrix q = frozen(x);
class activation_quantizer {
 public:
  /// Throws invalid_scheme unless the grid has 8 bits and the granularity is per tensor, row or column.
  static activation_quantizer dynamic(granularity groups = per_row{}, integer_grid grid = make_affine(8)) {
    if (groups.what == granularity::kind::group)
      raise(invalid_scheme("activations: expected per_tensor, per_row or per_column, found per_group"));
    return {groups, grid, false, {}};
  }
  /// One scale and zero point for every batch, per tensor: integer products need a scale that is the same
  /// along the inner dimension, hence not one per channel. The scale 0, which an observer of zeros alone
  /// gives, becomes 1: any scale holds zeros, and products with it stay 0. Throws invalid_scheme unless the
  /// grid has 8 bits, and data_error unless the scale is finite and not negative.
  static activation_quantizer frozen(parameters p, integer_grid grid = make_affine(8)) {
    if (p.scale == 0) p.scale = 1;
    if (!numeric::is_finite(p.scale) || !(p.scale > 0))
      raise(data_error("activations: expected a finite scale from 0 up to freeze, found " +
                       std::to_string(p.scale)));
    return {per_tensor{}, grid, true, p};
  }

  bool is_static() const noexcept { return is_static_; }
  const integer_grid& grid() const noexcept { return grid_; }
  /// Who shares a scale: per tensor, row or column.
  const granularity& groups() const noexcept { return groups_; }
  /// Of a static quantizer: its scale and zero point.
  const parameters& frozen_parameters() const noexcept { return frozen_; }

  /// Quantizes a batch: any Eigen matrix, see quantize() for what is read in place, for NaN and for threads.
  template <class Derived>
  quantized_matrix operator()(const Eigen::DenseBase<Derived>& batch, const options& how = {}) const {
    if (!is_static_) return quantize(batch, grid_, groups_, how);
    const given_parameters range({frozen_.scale}, {frozen_.zero_point});
    return quantize(batch, grid_, groups_, range, how);
  }

 private:
  activation_quantizer(granularity groups, integer_grid grid, bool is_static, parameters p)
      : groups_(groups), grid_(grid), is_static_(is_static), frozen_(p) {
    if (grid.width != 8)
      raise(invalid_scheme("activations: expected a grid of 8 bits, found " + std::to_string(grid.width)));
  }

  granularity groups_;
  integer_grid grid_;
  bool is_static_;
  parameters frozen_;
};

}  // namespace bitgauge
