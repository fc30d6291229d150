#pragma once

/// \file
/// The distribution of a stream.

#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/kl.hpp>
#include <bitgauge/range/observer/channels.hpp>
#include <bitgauge/range/observer/observed_ranges.hpp>
#include <bitgauge/range/observer/stream_histogram.hpp>
#include <bitgauge/scale/codec.hpp>

#include <string>
#include <vector>

namespace bitgauge {

/// A histogram of each channel of a stream of batches, from which any range is chosen in the end.
///
///     histogram_observer seen;
///     for (const auto& x : batches) seen.observe(x);
///     parameters p = seen.finish(affine<8>{}, percentile_range{99.99}).front();
///
/// Bins are powers of two wide and double when a larger value comes, by adding up neighbours: counts do not
/// depend on how the stream was cut, nor on the order of merges. A value is known to within one bin: at most
/// 2 / bins of the largest magnitude. Memory: 16 bytes times bins a channel, whatever the length of the
/// stream.
class histogram_observer {
 public:
  /// `bins` a side of zero, rounded up to a power of two. Throws invalid_scheme unless 2 <= bins <= 2^20.
  explicit histogram_observer(granularity channels = per_tensor{}, int bins = 2048)
      : channels_(channels), bins_(bins) {
    if (bins < 2 || bins > 1 << 20)
      raise(invalid_scheme("histogram: expected 2 to 1048576 bins, found " + std::to_string(bins)));
  }

  /// Reads a batch: any Eigen matrix, evaluated once. NaN and infinity are left out and counted. Throws
  /// shape_error for another number of channels than before.
  template <class Derived>
  void observe(const Eigen::DenseBase<Derived>& batch) {
    channels_.visit(batch,
                    [&](std::size_t channel, std::span<const float> values) { at(channel).observe(values); });
  }

  /// As if this observer had seen the other's batches too. Throws shape_error for other channels or bins.
  void merge(const histogram_observer& other) {
    channels_.match(other.channels_);
    if (bins_ != other.bins_)
      raise(shape_error("merge: expected a histogram of " + std::to_string(bins_) + " bins, found " +
                        std::to_string(other.bins_)));
    for (std::size_t c = 0; c < other.histograms_.size(); ++c) at(c).merge(other.histograms_[c]);
  }

  /// The parameters of each channel for a grid, by mse_range, percentile_range, kl_range, a range of the
  /// user's own or (the default) the extent. Bins count as values at their centres. Throws data_error where a
  /// channel has seen no finite value.
  template <grid Grid, class Range = minmax_range>
  std::vector<parameters> finish(const Grid& g, const Range& range = {},
                                 const scale_codec& storage = {}) const {
    const auto model = detail::model_of(g);
    std::vector<parameters> all;
    detail::require_data(!histograms_.empty(), 0);
    for (std::size_t c = 0; c < histograms_.size(); ++c) {
      detail::require_data(!histograms_[c].empty(), c);
      all.push_back(fit(histograms_[c], static_cast<index_t>(c), *model, range, storage));
    }
    return all;
  }

  /// The histogram of a channel: equal bins on both sides of zero.
  histogram counts(std::size_t channel = 0) const {
    detail::require_data(channel < histograms_.size() && !histograms_[channel].empty(), channel);
    return histograms_[channel].on_both_sides();
  }
  /// Values of a channel that were NaN or infinite.
  std::uint64_t ignored(std::size_t channel = 0) const {
    return channel < histograms_.size() ? histograms_[channel].ignored() : 0;
  }
  /// Bytes of counts held.
  std::size_t memory() const {
    std::size_t bytes = 0;
    for (const auto& h : histograms_) bytes += h.memory();
    return bytes;
  }

 private:
  detail::stream_histogram& at(std::size_t channel) {
    if (histograms_.size() < channels_.count())
      histograms_.resize(channels_.count(), detail::stream_histogram(bins_));
    return histograms_[channel];
  }

  template <class Range>
  static parameters fit(const detail::stream_histogram& h, index_t channel, const any_grid& grid,
                        const Range& range, const scale_codec& storage) {
    if constexpr (requires { range.fit(h.on_both_sides(), grid, storage); }) {
      return range.fit(h.on_both_sides(), grid, storage);
    } else if constexpr (std::same_as<Range, minmax_range> || std::same_as<Range, absmax_range>) {
      const detail::extent_model extent(std::same_as<Range, absmax_range>);
      return detail::parameters_for(extent.widen(detail::including_zero(h.range())), grid, storage);
    } else {
      std::vector<float> values, weights;
      h.values(values, weights);
      return detail::any_range_of<Range>(range).fit({values, weights, channel}, grid, storage);
    }
  }

  detail::channels channels_;
  int bins_;
  std::vector<detail::stream_histogram> histograms_;
};

}  // namespace bitgauge
