#pragma once

/// \file
/// Which class and which shape of distributions code given levels in the fewest bits.

#include <bitgauge/base/config.hpp>
#include <bitgauge/base/parallel.hpp>
#include <bitgauge/numeric/dense/view.hpp>
#include <bitgauge/rounding/trellis/symbol_costs.hpp>
#include <bitgauge/rounding/trellis/trellis_pass.hpp>

#include <cstdint>
#include <vector>

namespace bitgauge::detail {

/// The levels of a pass, and the tiles that it ran over.
class coded_columns {
 public:
  static constexpr int least_class = -30, most_class = 60;

  coded_columns(const numeric::row_major_matrix<std::int32_t>& levels,
                const std::vector<std::int8_t>& row_classes, const std::vector<trellis_tile>& tiles)
      : levels_(levels), row_classes_(row_classes), tiles_(tiles) {}

  index_t cols() const { return levels_.rows(); }
  /// Numbers of a column that the pass ran over.
  double count() const {
    double sum = 0;
    for (const trellis_tile& tile : tiles_) sum += static_cast<double>(tile.count);
    return sum;
  }

  /// Moves `quarters`, the class of column j, to one of fewer bits, by no more than `reach`; returns the bits.
  double fit(index_t j, const symbol_costs& costs, int reach, std::int8_t& quarters) const {
    int best = quarters;
    double least = bits(j, best, costs);
    for (const int direction : {-1, 1})
      for (int i = 1, c = quarters + direction; i <= reach && c >= least_class && c <= most_class;
           ++i, c += direction) {
        const double found = bits(j, c, costs);
        if (!(found < least)) break;
        least = found;
        best = c;
      }
    quarters = static_cast<std::int8_t>(best);
    return least;
  }
  /// The same of all columns; returns the bits of each.
  std::vector<double> fit(const symbol_costs& costs, int reach, int threads,
                          std::vector<std::int8_t>& classes) const {
    std::vector<double> found(classes.size());
    parallel_for(cols(), threads, [&](index_t j) {
      const auto at = static_cast<std::size_t>(j);
      found[at] = fit(j, costs, reach, classes[at]);
    });
    return found;
  }

 private:
  double bits(index_t j, int quarters, const symbol_costs& costs) const {
    double sum = 0;
    for (const trellis_tile& tile : tiles_)
      for (index_t r = tile.first; r < tile.first + tile.count; ++r)
        sum += static_cast<double>(
            costs.bits(quarters + row_classes_[static_cast<std::size_t>(r)], levels_(j, r)));
    return sum;
  }

  const numeric::row_major_matrix<std::int32_t>& levels_;
  const std::vector<std::int8_t>& row_classes_;
  const std::vector<trellis_tile>& tiles_;
};

}  // namespace bitgauge::detail
