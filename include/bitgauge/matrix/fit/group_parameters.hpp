#pragma once

/// \file
/// The parameters of all groups while they are found, from several threads, as the storage holds them.

#include <bitgauge/error.hpp>
#include <bitgauge/grid/grid.hpp>
#include <bitgauge/grid/parameters.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/scale/storage.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace bitgauge::detail {

class group_parameters {
 public:
  group_parameters(const scale_storage& storage, const any_grid& grid, index_t groups)
      : grid_(grid),
        scales_(storage, groups),
        zero_points_(grid.has_zero_point() ? static_cast<std::size_t>(groups) : 0) {
    if (grid.has_signed_scales() && storage.type > scale_type::bf16)
      raise_message<invalid_scheme>(
          {"scales: expected f32, f16 or bf16, as this grid's scales have a sign, found ",
           storage.type == scale_type::e8m0 ? "e8m0" : "scales that are quantized themselves"});
  }

  const scale_array& scales() const noexcept { return scales_; }
  /// The scales; to be called once, in the end.
  scale_array take_scales() { return std::move(scales_); }
  std::vector<std::uint8_t> packed_zero_points() const { return packed_zero_points(0, scales_.size()); }
  /// Those of the groups first .. first + count - 1; empty where all groups share one.
  std::vector<std::uint8_t> packed_zero_points(index_t first, index_t count) const {
    if (zero_points_.empty()) return {};
    return packing::packed_dense(reinterpret_cast<const std::uint8_t*>(zero_points_.data()) + first, count,
                                 grid_.bits());
  }

  /// How the scale of a group is rounded.
  scale_array::rounding rounding_of(index_t group) const { return {scales_, group}; }
  void store(index_t group, parameters p) {
    set_scale(group, p.scale);
    set_zero_point(group, p.zero_point);
  }
  /// Rounds the scales of groups from `first` on to what is stored.
  void round_and_set(index_t first, std::span<float> scales) { scales_.round_and_set(first, scales); }
  /// `scale` is one that is stored as it is.
  void set_scale(index_t group, float scale) { scales_.set(group, scale); }
  void set_zero_point(index_t group, int zero_point) {
    if (!zero_points_.empty())
      zero_points_[static_cast<std::size_t>(group)] = static_cast<std::int8_t>(zero_point);
  }
  /// Those of groups from `first` on.
  void set_zero_points(index_t first, std::span<const std::int32_t> zero_points) {
    std::int8_t* const to = zero_points_.data() + first;
    for (std::size_t i = 0; i < zero_points.size(); ++i) to[i] = static_cast<std::int8_t>(zero_points[i]);
  }
  parameters stored(index_t group) const {
    return {scales_[group], zero_points_.empty() ? grid_.constant_zero_point() : zero_point_of(group)};
  }

  /// Finds the second level that suits scales that are quantized themselves.
  void prepare(std::span<const float> wanted) { scales_.prepare(wanted); }
  /// Takes over the scales of the same groups.
  void assign(scale_array scales) { scales_ = std::move(scales); }

 private:
  int zero_point_of(index_t group) const {
    const int byte = zero_points_[static_cast<std::size_t>(group)];
    return grid_.integer()->is_signed() ? byte : byte & 0xff;
  }

  const any_grid& grid_;
  scale_array scales_;
  std::vector<std::int8_t> zero_points_;  ///< one byte each while groups are written from several threads
};

}  // namespace bitgauge::detail
