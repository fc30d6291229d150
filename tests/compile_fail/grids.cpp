// Catches grids of a size that no code has, and one of a user's own that lacks what the concept asks.
#include <bitgauge/matrix/quantize.hpp>

using namespace bitgauge;

/// -1, -1/2, 1/2 and 1.
struct halves {
  int bits() const { return 2; }
  int nearest(float value) const { return value < -0.75f ? 0 : value < 0 ? 1 : value < 0.75f ? 2 : 3; }
  float scale_for(interval range) const { return range.magnitude(); }
  float level(int field) const {
    return field < 2 ? -1.0f + 0.5f * static_cast<float>(field) : 0.5f * static_cast<float>(field - 1);
  }
};
struct without_levels {
  int bits() const { return 2; }
  int nearest(float value) const { return halves{}.nearest(value); }
  float scale_for(interval range) const { return range.magnitude(); }
};

void grids(const Eigen::MatrixXf& W) {
  quantize(W, symmetric<8>{}, per_group{1});
  quantize(W, affine<1>{});
  quantize(W, halves{});

  // error: Bits <= 8
  symmetric<9> nine_bits;
  // error: Bits >= 1
  affine<0> no_bits;
  // error: what a type of your own must offer
  quantize(W, without_levels{});
  // error: invalid_scheme
  constexpr granularity empty_group = per_group{0};
}
