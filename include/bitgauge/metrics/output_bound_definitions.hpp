#pragma once

/// \file
/// What output_bound.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/metrics/output_bound.hpp>

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace bitgauge {

BITGAUGE_DEFINE void output_bound::set(const hessian& h, const row_source& rows) {
  const index_t m = rows.rows(), n = rows.cols();
  if (h.inputs() != n)
    detail::raise_message<shape_error>(
        {"output_bound: expected a Hessian of ", n, " inputs, found ", h.inputs()});
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(h.matrix(), Eigen::EigenvaluesOnly);
  // what rounding leaves of an eigenvalue of 0 is none
  const double least = 1e-14 * static_cast<double>(n) * solver.eigenvalues()(n - 1);
  std::vector<double> values;
  for (index_t k = n; k-- > 0;)
    if (solver.eigenvalues()(k) > least) values.push_back(solver.eigenvalues()(k));
  sums_.assign(values.size() + 1, 0.0);
  for (std::size_t k = values.size(); k-- > 0;) sums_[k] = sums_[k + 1] + values[k];
  log_sums_.assign(1, 0.0);
  for (const double value : values) {
    logarithms_.push_back(std::log2(value));
    log_sums_.push_back(log_sums_.back() + logarithms_.back());
  }
  std::vector<float> scratch;
  for (index_t r = 0; r < m; ++r) {
    const auto panel = rows.read(r, 1, scratch);
    double sum = 0;
    for (index_t c = 0; c < n; ++c)
      sum += static_cast<double>(panel.row(0)[c]) * static_cast<double>(panel.row(0)[c]);
    if (!(sum > 0)) continue;
    row_logarithms_.push_back(std::log2(sum / static_cast<double>(n)));
    energy_ += sum / static_cast<double>(n) * sums_[0];
  }
  elements_ = static_cast<double>(m) * static_cast<double>(n);
}

BITGAUGE_DEFINE output_bound::point output_bound::at(double log_level) const {
  point all{0, 0};
  for (const double row : row_logarithms_) {
    const auto end =
        std::upper_bound(logarithms_.begin(), logarithms_.end(), log_level - row, std::greater<>());
    const auto above = static_cast<std::size_t>(end - logarithms_.begin());
    const double count = static_cast<double>(above);
    all.error += count * std::exp2(log_level) + std::exp2(row) * sums_[above];
    all.bits += (log_sums_[above] + count * (row - log_level)) / 2;
  }
  all.bits /= std::max(elements_, 1.0);
  return all;
}

/// Where one of the two is as wanted: by halving the water level's range, on which both depend monotonically.
BITGAUGE_DEFINE output_bound::point output_bound::search(double wanted, double point::*what) const {
  double low = -1200, high = 1200;
  const bool grows = what == &point::error;
  for (int i = 0; i < 64; ++i) {
    const double middle = (low + high) / 2;
    ((at(middle).*what < wanted) == grows ? low : high) = middle;
  }
  return at((low + high) / 2);
}

BITGAUGE_DEFINE double output_bound::error(double bits) const {
  if (!(bits > 0) || !(energy_ > 0)) return energy_;
  return search(bits, &point::bits).error;
}

BITGAUGE_DEFINE double output_bound::bits(double error) const {
  if (error >= energy_) return 0;
  if (!(error > 0)) return std::numeric_limits<double>::infinity();
  return search(error, &point::error).bits;
}

}  // namespace bitgauge
