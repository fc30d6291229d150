#pragma once

/// \file
/// The factors by which tensors of a plan that follow each other get equal ranges.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/rows/row_matrix.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>
#include <bitgauge/transform/equalize.hpp>
#include <bitgauge/transform/stored/stored_transform.hpp>
#include <bitgauge/transform/transform.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace bitgauge::detail {

inline bool is_equalized(const planned_tensor& t) {
  return t.entry && t.entry->transform && t.entry->transform->has_output_factors();
}

/// Fills in the factors of tensors that are layers one after the other.
inline void equalize_chain_of(const tensor_source& source, std::span<planned_tensor> chain) {
  std::vector<row_matrix> magnitudes;
  for (const planned_tensor& t : chain) {
    row_matrix whole;
    magnitudes.push_back(changed_rows("equalize: weights", source.rows(t.place, t.how_rows, whole), t.cols, 0,
                                      [](std::span<float> row) {
                                        for (float& x : row) x = std::fabs(x);
                                      }));
  }
  const equalization found = equalizing_factors(magnitudes, {});
  for (std::size_t l = 0; l < chain.size(); ++l) {
    stored_transform& t = *chain[l].entry->transform;
    t.input_factors.assign(static_cast<std::size_t>(chain[l].cols), 1.0f);
    t.output_factors.assign(static_cast<std::size_t>(chain[l].rows), 1.0f);
    if (l > 0) {
      const Eigen::VectorXf& factors = found.factors[l - 1].factors();
      t.input_factors.assign(factors.begin(), factors.end());
    }
    if (l + 1 < chain.size()) {
      const Eigen::VectorXf& factors = found.factors[l].factors();
      t.output_factors.assign(factors.begin(), factors.end());
    }
  }
}

/// Takes tensors in the order of the plan for layers that follow each other wherever one has as many inputs as the
/// one before has outputs; what stands alone is left without a transform and told so.
inline void equalize_planned(const tensor_source& source, std::vector<planned_tensor>& all) {
  for (std::size_t first = 0; first < all.size();) {
    std::size_t end = first + 1;
    if (is_equalized(all[first]))
      while (end < all.size() && is_equalized(all[end]) && all[end].cols == all[end - 1].rows) ++end;
    if (end > first + 1) {
      equalize_chain_of(source, std::span(all).subspan(first, end - first));
    } else if (is_equalized(all[first])) {
      all[first].entry->transform.reset();
      all[first].bytes_after = static_cast<std::uint64_t>(all[first].entry->storage_bytes());
      all[first].notes.emplace_back("not equalized: it has not as many inputs or outputs as its neighbours");
    }
    first = end;
  }
}

}  // namespace bitgauge::detail
