#pragma once

/// \file
/// What projection.hpp declares.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/model/llama/projection.hpp>
#include <bitgauge/transform/transform.hpp>

#include <variant>

namespace bitgauge::llama::detail {

BITGAUGE_DEFINE row_matrix project(const projection& p, const row_matrix& x) {
  row_matrix changed;
  if (p.transform() != nullptr) changed = change_inputs(*p.transform(), x);
  const row_matrix& inputs = p.transform() != nullptr ? changed : x;
  row_matrix y = std::visit([&](const auto& l) -> row_matrix { return l(inputs); }, p.layer());
  for (const linear& each : p.more_layers()) y += each(inputs);
  if (p.output_factors().size() > 0) y.array().rowwise() *= p.output_factors().transpose().array();
  if (p.bias().size() > 0) y.rowwise() += p.bias().transpose();
  return y;
}

}  // namespace bitgauge::llama::detail
