#pragma once

/// \file
/// What observers of extents have in common.

#include <bitgauge/range/fit_interval.hpp>
#include <bitgauge/range/observer/channels.hpp>
#include <bitgauge/range/observer/extent.hpp>
#include <bitgauge/range/range.hpp>
#include <bitgauge/scale/codec.hpp>

#include <memory>
#include <string>
#include <vector>

namespace bitgauge::detail {

/// The library's view of any grid.
template <grid Grid>
std::unique_ptr<const any_grid> model_of(const Grid& g) {
  if constexpr (integer_grid_like<Grid>) {
    return std::make_unique<any_grid_of<integer_grid>>(static_cast<integer_grid>(g));
  } else {
    return std::make_unique<any_grid_of<Grid>>(g);
  }
}

/// Observers must have seen something: raises data_error that names the channel.
inline void require_data(bool has_data, std::size_t channel) {
  if (!has_data)
    raise(data_error("observer: channel " + std::to_string(channel) +
                     " has seen no finite value: observe a batch first"));
}

/// One extent a channel, and the parameters that cover it.
class observed_ranges {
 public:
  /// Smallest and largest value of each channel so far. Throws data_error where one has seen no finite value.
  std::vector<interval> ranges() const {
    std::vector<interval> all;
    require_data(!extents_.empty(), 0);
    for (std::size_t c = 0; c < extents_.size(); ++c) {
      require_data(!extents_[c].empty(), c);
      all.push_back({extents_[c].low, extents_[c].high});
    }
    return all;
  }

  /// The parameters of each channel: the range widened to include zero. Throws data_error where a channel has
  /// seen no finite value, or where the storage cannot hold a scale.
  template <grid Grid>
  std::vector<parameters> finish(const Grid& g, const scale_codec& storage = {}) const {
    const auto model = model_of(g);
    std::vector<parameters> all;
    for (const interval& range : ranges())
      all.push_back(parameters_for(including_zero(range), *model, storage));
    return all;
  }

 protected:
  explicit observed_ranges(granularity groups) : channels_(groups) {}
  extent& at(std::size_t channel) {
    if (extents_.size() < channels_.count()) extents_.resize(channels_.count());
    return extents_[channel];
  }

  channels channels_;
  std::vector<extent> extents_;
};

}  // namespace bitgauge::detail
