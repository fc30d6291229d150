#pragma once

/// \file
/// What awq.hpp declares.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/matrix/fit/finite_rows.hpp>
#include <bitgauge/metrics/quadratic_form.hpp>
#include <bitgauge/numeric/bits.hpp>
#include <bitgauge/numeric/power.hpp>
#include <bitgauge/transform/awq.hpp>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// The loss of one scaling after the other.
class awq_losses {
 public:
  awq_losses(std::span<const row_source> layers, const hessian& h, const awq_options& o,
             const run_trial& trial)
      : trial_(trial), threads_(o.threads), samples_(std::max<index_t>(h.samples(), 1)) {
    for (const row_source& layer : layers) {
      const index_t rows = o.rows > 0 ? std::min(o.rows, layer.rows()) : layer.rows();
      row_matrix& own = layers_.emplace_back(rows, layer.cols());
      for (index_t r = 0; r < rows; ++r)
        read_finite_rows(layer, r * layer.rows() / rows, 1, false, own.data() + r * layer.cols());
      rows_ += rows;
    }
    Eigen::VectorXf largest = Eigen::VectorXf::Zero(h.inputs());
    magnitudes_.setZero(h.inputs());
    for (const row_matrix& w : layers_)
      for (index_t r = 0; r < w.rows(); ++r)
        for (index_t j = 0; j < w.cols(); ++j) {
          const float magnitude = std::fabs(w(r, j));
          largest(j) = std::max(largest(j), magnitude);
          magnitudes_(j) += static_cast<double>(magnitude);
        }
    form_.emplace(h, 0, h.inputs(),
                  std::span<const float>(largest.data(), static_cast<std::size_t>(h.inputs())));
  }

  /// Sum of |W_j| over all rows of all layers.
  const Eigen::VectorXd& magnitudes() const noexcept { return magnitudes_; }

  double of(const channel_scaling& scaling) const {
    double sum = 0;
    for (const row_matrix& weights : layers_) {
      if (weights.rows() == 0) continue;
      const row_matrix scaled = change_weights(scaling, weights, threads_);
      if (!scaled.allFinite()) return std::numeric_limits<double>::infinity();
      sum += error(weights, trial_(scaled, scaling), scaling);
    }
    return rows_ > 0 ? sum / static_cast<double>(samples_) / static_cast<double>(rows_) : 0;
  }

 private:
  /// tr(D H D^T), by panels of rows.
  double error(const row_matrix& weights, const decode_trial& decode, const channel_scaling& scaling) const {
    constexpr index_t height = 96;
    const index_t rows = weights.rows(), n = weights.cols(), stride = form_->stride();
    std::vector<double> errors(static_cast<std::size_t>(rows));
    parallel_for((rows + height - 1) / height, threads_, [&](index_t panel) {
      const index_t first = panel * height, count = std::min(height, rows - first);
      std::vector<float> decoded(static_cast<std::size_t>(n)), d(static_cast<std::size_t>(count * stride));
      for (index_t r = 0; r < count; ++r) {
        decode(first + r, decoded.data());
        scaling.restore_weights(std::span(decoded));
        form_->weigh(weights.data() + (first + r) * n, decoded.data(), d.data() + r * stride);
      }
      form_->add_values(d.data(), count, errors.data() + first);
    });
    return std::accumulate(errors.begin(), errors.end(), 0.0) * form_->unit();
  }

  const run_trial& trial_;
  int threads_;
  index_t samples_, rows_ = 0;
  std::vector<row_matrix> layers_;
  Eigen::VectorXd magnitudes_;
  std::optional<quadratic_form> form_;
};

/// Tries factors and keeps the best.
class awq_search {
 public:
  awq_search(const activation_stats& stats, const awq_losses& losses)
      : losses_(losses),
        activations_(stats.mean_magnitude()),
        weights_(losses.magnitudes()),
        found_{channel_scaling(Eigen::VectorXf::Ones(stats.inputs())), {}, 0} {
    // beside the mean of columns that are not all zero; those do not care
    const auto columns = static_cast<double>((weights_.array() > 0).count());
    const double mean = weights_.sum() / std::max(columns, 1.0);
    for (double& w : weights_) w = w > 0 ? std::max(w / mean, 1e-4) : 1;
  }

  /// Floors that make a difference: the authors' and one relative to the largest magnitude.
  void try_floors(double a, double b, bool relative) {
    constexpr double floor = 1e-4;
    const double largest = activations_.maxCoeff();
    attempt(a, b, floor);
    if (!relative || !(largest > 0) || largest >= 1) return;
    const double lower = floor * numeric::portable_power(largest, a);
    if (factors(a, b, lower) != factors(a, b, floor)) attempt(a, b, lower);
  }

  /// Steps along one exponent at a time as long as that helps, then steps half as long.
  void refine(index_t most) {
    index_t left = most;
    for (double step = 0.2; step > 0.01; step /= 2)
      for (bool better = true; better;) {
        better = false;
        const awq_candidate from = found_.candidates[found_.best];
        for (const auto& [da, db] :
             {std::pair(0.0, step), std::pair(0.0, -step), std::pair(step, 0.0), std::pair(-step, 0.0)}) {
          const double a = from.activation_exponent + da, b = from.weight_exponent + db;
          if (tried(a, b)) continue;
          if (left-- == 0) return;
          better |= attempt(a, b, from.floor);
        }
      }
  }

  awq_factors result() && { return std::move(found_); }

 private:
  bool tried(double a, double b) const {
    return std::ranges::any_of(found_.candidates, [&](const awq_candidate& c) {
      return std::fabs(c.activation_exponent - a) + std::fabs(c.weight_exponent - b) < 1e-6;
    });
  }

  bool attempt(double a, double b, double floor) {
    channel_scaling scaling(factors(a, b, floor));
    const double loss = losses_.of(scaling);
    found_.candidates.push_back({a, b, floor, loss});
    const bool better = found_.candidates.size() > 1 && loss < found_.loss();
    if (!better) return false;
    found_.best = found_.candidates.size() - 1;
    found_.scaling = std::move(scaling);
    return true;
  }

  Eigen::VectorXf factors(double a, double b, double floor) const {
    const index_t n = activations_.size();
    Eigen::VectorXd s(n);
    for (index_t j = 0; j < n; ++j) {
      const double x = activations_(j) > 0 ? numeric::portable_power(activations_(j), a) : a > 0 ? 0 : 1;
      s(j) = std::max(b == 0 ? x : x * numeric::portable_power(weights_(j), -b), floor);
    }
    const double middle = std::sqrt(s.maxCoeff()) * std::sqrt(s.minCoeff());
    return (s / middle).cwiseMax(1e-30).cwiseMin(1e30).cast<float>();
  }

  const awq_losses& losses_;
  Eigen::VectorXd activations_, weights_;
  awq_factors found_;
};

BITGAUGE_DEFINE awq_factors search_awq_factors(std::span<const row_source> layers,
                                               const activation_stats& stats, const hessian& h,
                                               const awq_options& o, const run_trial& trial) {
  if (layers.empty()) raise(shape_error("awq: expected at least one layer, found none"));
  if (o.steps < 1 || o.refinements < 0 || o.rows < 0)
    raise_message<shape_error>({"awq: expected at least 1 step and refinements and rows from 0 up, found ",
                                o.steps, ", ", o.refinements, " and ", o.rows});
  if (stats.inputs() != h.inputs())
    raise_message<shape_error>(
        {"awq: expected statistics of ", h.inputs(), " inputs, as the Hessian has, found ", stats.inputs()});
  for (const row_source& layer : layers) require_awq_hessian("awq", layer.cols(), h);
  const awq_losses losses(layers, h, o, trial);
  awq_search search(stats, losses);
  for (index_t i = 0; i < o.steps + (o.includes_one ? 1 : 0); ++i)
    search.try_floors(static_cast<double>(i) / static_cast<double>(o.steps), 0, o.relative_floor);
  search.refine(o.refinements);
  return std::move(search).result();
}

}  // namespace bitgauge::detail
