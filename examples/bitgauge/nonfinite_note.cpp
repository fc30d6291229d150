#include "nonfinite_note.hpp"

#include <bitgauge/numeric/bits.hpp>

#include "report.hpp"

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

void nonfinite_pairs::add(const float* original, const float* approximation, bitgauge::index_t count) {
  const auto note = [](counts& of, float x) {
    of.nan += numeric::is_nan(x);
    of.infinite += numeric::is_infinite(x);
  };
  for (bitgauge::index_t i = 0; i < count; ++i) {
    const float x = original[i], y = approximation[i];
    if (numeric::is_finite(x) && numeric::is_finite(y)) {
      rest_.add(&x, &y, 1);
      continue;
    }
    note(original_, x);
    note(other_, y);
    ++places_;
    equal_ += same(x, y);
  }
}

std::string nonfinite_pairs::note() const {
  return fmt::format(
      "{} NaN and {} infinite in the original, {} NaN and {} infinite in the other, the same in {} of {} "
      "places; "
      "elsewhere {}",
      original_.nan, original_.infinite, other_.nan, other_.infinite, equal_, places_,
      rest_.is_zero() ? "no error" : fmt::format("mse {:.4g}", rest_.mse()));
}

}  // namespace program
