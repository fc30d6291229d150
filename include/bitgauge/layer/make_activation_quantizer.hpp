#pragma once

/// \file
/// The quantizer that an activation scheme describes.

#include <bitgauge/error.hpp>
#include <bitgauge/layer/activation.hpp>
#include <bitgauge/layer/activation_scheme.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>
#include <bitgauge/range/percentile.hpp>

namespace bitgauge {

/// The quantizer of a dynamic scheme. Throws invalid_scheme for a static one, which needs an observer.
inline activation_quantizer make_activation_quantizer(const activation_scheme& s) {
  if (s.is_static)
    raise(invalid_scheme("activations \"" + to_text(s) + "\": expected an observer of calibration data"));
  return activation_quantizer::dynamic(s.answers.groups, integer_grid_of(s.answers));
}

/// The same with what a static scheme froze earlier; see activation_quantizer::frozen for what is thrown.
inline activation_quantizer make_activation_quantizer(const activation_scheme& s, parameters frozen) {
  if (!s.is_static) return make_activation_quantizer(s);
  return activation_quantizer::frozen(frozen, integer_grid_of(s.answers));
}

/// The quantizer of a scheme, a static one frozen by what an observer (per tensor) has seen: zeros alone give
/// the scale 1 and the zero point of an all-zero group. Throws data_error where it has seen nothing finite.
///
///     histogram_observer seen;
///     for (const auto& x : batches) seen.observe(x);
///     const auto quantize_inputs = make_activation_quantizer(parse_activation_scheme("static:affine:range=kl"), seen);
inline activation_quantizer make_activation_quantizer(const activation_scheme& s,
                                                      const histogram_observer& seen) {
  if (!s.is_static) return make_activation_quantizer(s);
  const integer_grid grid = integer_grid_of(s.answers);
  const auto frozen = [&](const auto& range) {
    return activation_quantizer::frozen(seen.finish(grid, range).front(), grid);
  };
  switch (s.answers.range) {
    case range_kind::percentile:
      return frozen(percentile_range{s.answers.percentile});
    case range_kind::mse:
      return frozen(mse_range{s.answers.effort});
    case range_kind::kl:
      return frozen(kl_range{});
    case range_kind::minmax:
      break;
  }
  return frozen(minmax_range{});
}

}  // namespace bitgauge
