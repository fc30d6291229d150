#pragma once

/// \file
/// The plainest matrix that error feedback can round: integer codes 0 .. 15 with a scale and a zero point
/// from the extent of each group, nothing stored but what was chosen.

#include <bitgauge/rounding/feedback/target.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <vector>

namespace test {

class integer_target final : public bitgauge::feedback_target {
 public:
  using index_t = bitgauge::index_t;

  integer_target(const Eigen::MatrixXf& w, index_t group) : w_(w), group_(group), real_(w.rows(), w.cols()) {
    for (int i = 0; i < 16; ++i) levels_.push_back({static_cast<float>(i), static_cast<std::uint8_t>(i)});
  }

  /// The numbers that the stored codes stand for.
  const Eigen::MatrixXf& real() const { return real_; }

  index_t rows() const override { return w_.rows(); }
  index_t cols() const override { return w_.cols(); }
  index_t block_width() const override { return group_; }
  index_t group_width() const override { return group_; }
  std::span<const level> levels() const override { return levels_; }
  void read(index_t first, index_t count, float* out) const override {
    for (index_t r = 0; r < count; ++r)
      for (index_t c = 0; c < cols(); ++c) *out++ = w_(first + r, c);
  }
  void fit(index_t, index_t, std::span<const float> values, std::span<const float>,
           bitgauge::affine_map* maps) override {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const float scale = (std::max(*high, 0.0f) - std::min(*low, 0.0f)) / 15;
    *maps = {scale, scale > 0 ? std::nearbyint(-std::min(*low, 0.0f) / scale) : 0};
  }
  bool fitted_beforehand() const override { return false; }
  int nearest(float units, const bitgauge::affine_map& map) const override {
    return static_cast<int>(std::clamp(std::nearbyint(units) + map.zero_point, 0.0f, 15.0f));
  }
  bool adjustable() const override { return true; }
  bitgauge::affine_map storable(index_t, index_t, bitgauge::affine_map wanted) const override {
    wanted.zero_point = std::clamp(wanted.zero_point, 0.0f, 15.0f);
    return wanted;
  }
  void store(index_t row, const std::uint8_t* fields, const bitgauge::affine_map* maps) override {
    for (index_t c = 0; c < cols(); ++c) real_(row, c) = maps[c / group_].real(levels_[fields[c]].value);
  }

 private:
  const Eigen::MatrixXf& w_;
  index_t group_;
  std::vector<level> levels_;
  Eigen::MatrixXf real_;
};

}  // namespace test
