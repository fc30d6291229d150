#pragma once

/// \file
/// The extent of a stream.

#include <bitgauge/range/observer/observed_ranges.hpp>

#include <vector>

namespace bitgauge {

/// The smallest and largest value of each channel of a stream of batches (torch: MinMaxObserver,
/// PerChannelMinMaxObserver). The result depends on the values alone, not on their order or batches.
///
///     minmax_observer seen;                                  // per_tensor; or seen(per_column{})
///     for (const auto& x : batches) seen.observe(x);         // samples x in
///     parameters p = seen.finish(affine<8>{}).front();
class minmax_observer : public detail::observed_ranges {
 public:
  explicit minmax_observer(granularity channels = per_tensor{}) : observed_ranges(channels) {}

  /// Reads a batch: any Eigen matrix, evaluated once. NaN and infinity are left out. Throws shape_error for
  /// another number of channels than before.
  template <class Derived>
  void observe(const Eigen::DenseBase<Derived>& batch) {
    channels_.visit(batch, [&](std::size_t channel, std::span<const float> values) {
      at(channel).widen(detail::extent::of(values));
    });
  }

  /// As if this observer had seen the other's batches too.
  void merge(const minmax_observer& other) {
    channels_.match(other.channels_);
    for (std::size_t c = 0; c < other.extents_.size(); ++c) at(c).widen(other.extents_[c]);
  }
};

}  // namespace bitgauge
