#pragma once

/// \file
/// What output_bound.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/metrics/output_bound.hpp>

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

namespace bitgauge {

BITGAUGE_DEFINE void output_bound::set(const hessian& h, const row_source& rows) {
  const index_t n = rows.cols();
  if (h.inputs() != n)
    detail::raise_message<shape_error>(
        {"output_bound: expected a Hessian of ", n, " inputs, found ", h.inputs()});
  add(eigenvalues(h), row_energies(rows));
}

BITGAUGE_DEFINE std::vector<double> output_bound::eigenvalues(const hessian& h) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(h.matrix(), Eigen::EigenvaluesOnly);
  return {solver.eigenvalues().data(), solver.eigenvalues().data() + solver.eigenvalues().size()};
}

BITGAUGE_DEFINE std::vector<double> output_bound::row_energies(const row_source& rows, int threads) {
  std::vector<double> energies(static_cast<std::size_t>(rows.rows()));
  constexpr index_t height = 32;
  parallel_for((rows.rows() + height - 1) / height, threads, [&](index_t p) {
    std::vector<float> scratch;
    const index_t begin = p * height, count = std::min(height, rows.rows() - begin);
    const auto panel = rows.read(begin, count, scratch);
    for (index_t r = 0; r < count; ++r) {
      double sum = 0;
      for (index_t c = 0; c < rows.cols(); ++c)
        sum += static_cast<double>(panel.row(r)[c]) * static_cast<double>(panel.row(r)[c]);
      energies[static_cast<std::size_t>(begin + r)] = sum;
    }
  });
  return energies;
}

BITGAUGE_DEFINE void output_bound::add(std::vector<double> eigenvalues, std::span<const double> energies) {
  const double columns = static_cast<double>(eigenvalues.size());
  elements_ += columns * static_cast<double>(energies.size());
  std::sort(eigenvalues.begin(), eigenvalues.end(), std::greater<>());
  // what rounding leaves of an eigenvalue of 0 is none
  const double least = eigenvalues.empty() ? 0 : 1e-14 * columns * eigenvalues.front();
  std::erase_if(eigenvalues, [&](double value) { return !(value > least); });
  part rows;
  rows.sums.assign(eigenvalues.size() + 1, 0.0);
  for (std::size_t k = eigenvalues.size(); k-- > 0;) rows.sums[k] = rows.sums[k + 1] + eigenvalues[k];
  rows.log_sums.assign(1, 0.0);
  for (const double value : eigenvalues) {
    rows.logarithms.push_back(std::log2(value));
    rows.log_sums.push_back(rows.log_sums.back() + rows.logarithms.back());
  }
  for (const double sum : energies) {
    if (!(sum > 0)) continue;
    rows.row_logarithms.push_back(std::log2(sum / columns));
    energy_ += sum / columns * rows.sums[0];
  }
  parts_.push_back(std::move(rows));
}

BITGAUGE_DEFINE void output_bound::add(const importance& v, index_t cols, std::span<const double> energies) {
  if (v.weights.empty()) return add(std::vector<double>(static_cast<std::size_t>(cols), 1.0), energies);
  const std::size_t matrices = static_cast<std::size_t>(v.matrices), rows = energies.size() / matrices;
  for (std::size_t m = 0; m < matrices; ++m) {
    const auto own = v.of_row(static_cast<index_t>(m), v.matrices);
    add(std::vector<double>(own.begin(), own.end()), energies.subspan(m * rows, rows));
  }
}

BITGAUGE_DEFINE output_bound::point output_bound::at(double log_level) const {
  point all{0, 0};
  const double level = std::exp2(log_level);
  for (const part& rows : parts_)
    for (const double row : rows.row_logarithms) {
      const auto end =
          std::upper_bound(rows.logarithms.begin(), rows.logarithms.end(), log_level - row, std::greater<>());
      const auto above = static_cast<std::size_t>(end - rows.logarithms.begin());
      const double count = static_cast<double>(above);
      all.error += count * level + std::exp2(row) * rows.sums[above];
      all.bits += (rows.log_sums[above] + count * (row - log_level)) / 2;
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
