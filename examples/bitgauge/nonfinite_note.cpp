#include "nonfinite_note.hpp"

#include <bitgauge/numeric/bits.hpp>

#include "report.hpp"

#include <fmt/core.h>

#include <bit>

namespace program {
namespace {

namespace numeric = bitgauge::numeric;

struct counts {
  std::int64_t nan = 0, infinite = 0;

  void add(float x) {
    nan += numeric::is_nan(x);
    infinite += numeric::is_infinite(x);
  }
  std::string text() const { return fmt::format("{} NaN and {} infinite", nan, infinite); }
};

bool same(float a, float b) {
  return (numeric::is_nan(a) && numeric::is_nan(b)) ||
         std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

}  // namespace

std::string nonfinite_note(const bitgauge::io::tensor_file::float_matrix& original,
                           const bitgauge::io::tensor_file::float_matrix& approximation) {
  counts a, b;
  std::int64_t places = 0, equal = 0;
  bitgauge::error_sums rest;
  for (bitgauge::index_t i = 0; i < original.size(); ++i) {
    const float x = original.data()[i], y = approximation.data()[i];
    if (numeric::is_finite(x) && numeric::is_finite(y)) {
      rest.add(&x, &y, 1);
      continue;
    }
    a.add(x);
    b.add(y);
    ++places;
    equal += same(x, y);
  }
  const std::string others = rest.is_zero() ? "no error" : fmt::format("mse {:.4g}", rest.mse());
  return fmt::format("{} in the original, {} in the other, the same in {} of {} places; elsewhere {}",
                     a.text(), b.text(), equal, places, others);
}

}  // namespace program
