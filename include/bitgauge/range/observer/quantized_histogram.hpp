#pragma once

/// \file
/// What quantizing does to a distribution that is known by its histogram: the Kullback-Leibler divergence and
/// the squared error.

#include <bitgauge/grid/grid.hpp>
#include <bitgauge/numeric/uncontracted.hpp>
#include <bitgauge/range/observer/divergence.hpp>
#include <bitgauge/range/observer/histogram.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace bitgauge::detail {

/// The occupied bins of a histogram, cut to the extent of the values, and how a grid would treat them.
///
/// The bins beside zero count as much as their outer neighbours (as in TensorRT, whose bin 0 counts as much
/// as bin 1): zero is a level of every grid, so the many zeros behind a ReLU lose nothing however they merge
/// with what is near them.
///
/// A bin with more than four times the counts of its neighbours together stands alone: a constant, the lines
/// of a lattice, a tensor of few values. Nothing says where in such a bin the values lie.
class quantized_histogram {
 public:
  /// The share of the counts that Q spreads evenly over all occupied bins. Without it one value left out
  /// would make the divergence infinite; with it leaving out less than this share costs next to nothing.
  static constexpr double smoothing = 0x1p-10;

  explicit quantized_histogram(const histogram& h) {
    const auto is_beside_zero = [&](std::size_t i) { return std::fabs(h.center(i)) <= 0.75 * h.width; };
    const auto at = [&](std::size_t i) { return i < h.bins() ? h.counts[i] : 0; };
    const auto tamed = [&](std::size_t i) {
      if (i >= h.bins() || !is_beside_zero(i)) return at(i);
      const double center = h.center(i);
      const bool is_middle = std::fabs(center) < 0.25 * h.width;
      return is_middle ? std::min(at(i - 1), at(i + 1)) : at(center > 0 ? i + 1 : i - 1);
    };
    for (std::size_t i = 0; i < h.bins(); ++i) {
      const double count = tamed(i);
      if (!(count > 0)) continue;
      const double low = std::clamp<double>(h.edge(i), h.smallest, h.largest);
      const double high = std::clamp<double>(h.edge(i + 1), h.smallest, h.largest);
      centers_.push_back(static_cast<float>((low + high) / 2));
      cells_.push_back(
          {count, (high - low) / 2, is_beside_zero(i), count > 4 * (tamed(i - 1) + tamed(i + 1))});
      total_ += count;
    }
    fields_.resize(cells_.size());
    for (const cell& c : cells_) information_ += numeric::uncontracted(c.count * std::log(c.count / total_));
  }

  /// Chooses the code of every bin's centre: what the figures below are about.
  void quantize(const any_grid& quantizer, parameters p) {
    quantizer.encode(centers_.data(), static_cast<index_t>(centers_.size()), p, fields_.data());
    for (int field = 0; field < 1 << quantizer.bits(); ++field) {
      const float steps = quantizer.level(field) - static_cast<float>(p.zero_point);
      levels_[static_cast<std::size_t>(field)] = static_cast<double>(p.scale) * static_cast<double>(steps);
    }
  }

  /// D(P || Q) = sum p log(p / q) in nats. P is the histogram, all of it. Q is what is left of it once only
  /// the sum over each code is known, to which what lies beyond `limit` on either side adds as the code that
  /// it is clipped to: each code's sum, spread evenly over the occupied bins of that code within the limit,
  /// mixed with `smoothing` times the even distribution. no_divergence where more than a half lies outside.
  double divergence(double limit) const {
    std::array<double, 256> all{}, inside{}, bins{};
    double outside = 0;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const double count = cells_[i].count;
      all[fields_[i]] += count;
      if (std::fabs(static_cast<double>(centers_[i])) <= limit) {
        inside[fields_[i]] += count;
        bins[fields_[i]] += 1;
      } else {
        outside += count;
      }
    }
    if (!(total_ > 0) || outside > total_ / 2) return no_divergence;
    const double even = smoothing / static_cast<double>(cells_.size());
    double sum = information_ - numeric::uncontracted(outside * std::log(even));
    for (std::size_t f = 0; f < all.size(); ++f) {
      if (!(inside[f] > 0)) continue;
      const double q = numeric::uncontracted((1 - smoothing) * (all[f] / (total_ * bins[f]))) + even;
      sum -= numeric::uncontracted(inside[f] * std::log(q));
    }
    return sum / total_;
  }

  /// The squared error, the values of a bin taken to lie at its centre; in a bin that stands alone, where
  /// they err least and most. Values within a bin of zero are left out: they err by less than a bin.
  struct error_bounds {
    double least, most;
  };
  error_bounds squared_error() const {
    error_bounds sum{0, 0};
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (cells_[i].is_beside_zero) continue;
      const double distance = std::fabs(static_cast<double>(centers_[i]) - levels_[fields_[i]]);
      const double half = cells_[i].stands_alone ? cells_[i].half_width : 0;
      const double near = std::max(distance - half, 0.0), far = distance + half;
      sum.least += numeric::uncontracted(cells_[i].count * (near * near));
      sum.most += numeric::uncontracted(cells_[i].count * (far * far));
    }
    return sum;
  }

 private:
  struct cell {
    double count;
    double half_width;
    bool is_beside_zero, stands_alone;
  };

  std::vector<float> centers_;
  std::vector<cell> cells_;
  std::vector<std::uint8_t> fields_;  ///< the code of each bin
  std::array<double, 256> levels_{};  ///< what each code stands for
  double total_ = 0, information_ = 0;
};

}  // namespace bitgauge::detail
