#pragma once

/// \file
/// How the activations of an integer product become codes.

#include <bitgauge/base/config.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/kernel/activations/activations.hpp>
#include <bitgauge/kernel/pack/layout.hpp>
#include <bitgauge/kernel/product_options.hpp>

#include <algorithm>

namespace bitgauge::kernel {

/// A sample cut into blocks that have a scale each.
struct activation_plan {
  code_rule rule{};
  index_t blocks = 1;
  index_t block_units = 0;       ///< of a block within a group of weights, or 0
  index_t groups_per_block = 0;  ///< of a block of whole groups, or 0
  bool has_zero_points = false;  ///< other than 128
};

/// Throws invalid_scheme for blocks that do not fit the groups.
inline activation_plan plan_activations(const weights_view& w, const product_options& options) {
  activation_plan plan;
  const index_t shared = w.scale_factors != nullptr ? w.group << w.super_shift : w.group;
  const index_t wanted = options.activation_block > 0 ? options.activation_block : shared;
  plan.rule = {options.activations, options.frozen ? &*options.frozen : nullptr,
               std::max<index_t>(std::min(wanted, w.cols), 1)};
  if (options.frozen || wanted >= w.cols) {
    plan.rule.block = std::max<index_t>(w.cols, 1);
  } else if (wanted % w.group == 0) {
    plan.groups_per_block = wanted / w.group;
  } else if (w.group >= w.cols ? wanted % unit_columns == 0
                               : w.group % wanted == 0 && wanted % unit_columns == 0) {
    plan.block_units = wanted / unit_columns;
  } else {
    bitgauge::detail::raise_message<invalid_scheme>({"product: activation_block: expected a multiple of ",
                                                     w.group, ", the weights' group, or a multiple of ",
                                                     unit_columns, " that divides it, found ", wanted});
  }
  plan.blocks = (w.cols + plan.rule.block - 1) / plan.rule.block;
  const integer_grid& grid = plan.rule.grid;
  const int zero = (options.frozen ? options.frozen->zero_point : grid.center) + (grid.is_signed() ? 128 : 0);
  plan.has_zero_points = options.frozen ? zero != 128 : grid.has_zero_point || zero != 128;
  return plan;
}

}  // namespace bitgauge::kernel
