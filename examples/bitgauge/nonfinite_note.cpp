#include "nonfinite_note.hpp"

#include <bitgauge/numeric/bits.hpp>

#include <fmt/core.h>

#include <bit>

namespace program {
namespace {

namespace numeric = bitgauge::numeric;

bool same(float a, float b) {
  return (numeric::is_nan(a) && numeric::is_nan(b)) ||
         std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

}  // namespace

void nonfinite_pairs::counts::add(float x) {
  nan += numeric::is_nan(x);
  infinite += numeric::is_infinite(x);
}

std::string nonfinite_pairs::counts::text() const {
  return fmt::format("{} NaN and {} infinite", nan, infinite);
}

void nonfinite_pairs::add(const matrix& original, const matrix& approximation) {
  for (bitgauge::index_t i = 0; i < original.size(); ++i) {
    const float x = original.data()[i], y = approximation.data()[i];
    if (numeric::is_finite(x) && numeric::is_finite(y)) {
      rest_.add(&x, &y, 1);
      continue;
    }
    original_.add(x);
    approximation_.add(y);
    ++places_;
    equal_ += same(x, y);
  }
}

std::string nonfinite_pairs::text() const {
  return fmt::format("{} in the original, {} in the other, the same in {} of {} places; elsewhere {}",
                     original_.text(), approximation_.text(), equal_, places_,
                     rest_.is_zero() ? "no error" : fmt::format("mse {:.4g}", rest_.mse()));
}

}  // namespace program
