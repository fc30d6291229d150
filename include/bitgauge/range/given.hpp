#pragma once

/// \file
/// Re-quantizing onto given parameters.

#include <bitgauge/range/range.hpp>
#include <bitgauge/scale/codec.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {

/// Parameters that are already known, one per group in the order of `grouping`: from a file, another
/// library, or a matrix quantized before. One scale (and one zero point) may stand for all groups.
class given_parameters {
 public:
  static constexpr bool uses_importance = false;

  explicit given_parameters(std::vector<float> scales, std::vector<std::int32_t> zero_points = {})
      : scales_(std::move(scales)), zero_points_(std::move(zero_points)) {}
  /// From the parameters themselves, as an observer's finish() returns them.
  static given_parameters of(std::span<const parameters> groups) {
    std::vector<float> scales;
    std::vector<std::int32_t> zero_points;
    for (const parameters& p : groups) {
      scales.push_back(p.scale);
      zero_points.push_back(p.zero_point);
    }
    return given_parameters(std::move(scales), std::move(zero_points));
  }

  /// Throws shape_error for a group that has no scale, data_error for a scale that is negative or not finite,
  /// invalid_scheme for a zero point outside the grid's codes, or on a grid without zero points another one
  /// than its own.
  parameters fit(const group_values& group, const any_grid& grid, const scale_codec& storage) const {
    const float scale = pick(scales_, group.group, "scale");
    if (!numeric::is_finite(scale) || scale < 0)
      detail::raise_message<data_error>(
          {"given scale of group ", group.group, ": expected a finite value from 0 up, found ", scale});
    parameters p{storage.nearest(scale), grid.constant_zero_point()};
    if (zero_points_.empty()) return p;
    p.zero_point = pick(zero_points_, group.group, "zero point");
    const int lowest = grid.has_zero_point() ? grid.integer()->lowest : grid.constant_zero_point(),
              highest = grid.has_zero_point() ? grid.integer()->highest : grid.constant_zero_point();
    if (p.zero_point < lowest || p.zero_point > highest)
      raise(invalid_scheme("given zero point of group " + std::to_string(group.group) + ": expected " +
                           std::to_string(lowest) + " to " + std::to_string(highest) + ", found " +
                           std::to_string(p.zero_point)));
    return p;
  }

 private:
  template <class T>
  static T pick(const std::vector<T>& from, index_t group, const char* what) {
    if (from.size() == 1) return from.front();
    if (static_cast<std::size_t>(group) >= from.size())
      raise(shape_error(std::string("given ") + what + "s: group " + std::to_string(group) +
                        " has none of the " + std::to_string(from.size())));
    return from[static_cast<std::size_t>(group)];
  }

  std::vector<float> scales_;
  std::vector<std::int32_t> zero_points_;
};

}  // namespace bitgauge
