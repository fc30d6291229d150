#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/simd/small_floats.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <vector>

namespace {

using namespace bitgauge;

/// Finite floats of every exponent and of every pattern of the upper fraction bits, with lower bits on both
/// sides of each tie; both signs.
const std::vector<float>& values() {
  static const std::vector<float> all = [] {
    std::vector<float> found;
    for (std::uint32_t upper = 0; upper < 0x10000u; ++upper)
      for (const std::uint32_t lower : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
        const float value = std::bit_cast<float>(upper << 16 | lower);
        if (numeric::is_finite(value)) found.push_back(value);
      }
    return found;
  }();
  return all;
}

template <class Float>
class small_floats : public testing::Test {};
using formats = testing::Types<numeric::e4m3, numeric::e5m2, numeric::e4m3_fnuz, numeric::e5m2_fnuz,
                               numeric::e3m2, numeric::e2m3, numeric::e2m1>;
TYPED_TEST_SUITE(small_floats, formats);

// Catches a tie, a subnormal, an overflow or a zero's sign that an instruction set treats another way than
// the conversion of one value does, which is compared with the reference's tables; products of infinity too.
TYPED_TEST(small_floats, encode_as_one_is_converted) {
  std::vector<std::uint8_t> codes(values().size());
  for (const auto set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    for (const float factor : {1.0f, 0x1.8p100f}) {
      simd::encode_small_floats<TypeParam>(values().data(), std::ssize(values()), factor, codes.data());
      for (std::size_t i = 0; i < codes.size(); ++i)
        ASSERT_EQ(codes[i], TypeParam::from_float(values()[i] * factor).code)
            << simd::name_of(set) << " " << values()[i];
    }
  }
}

// Catches a tail that is left out or written past its end.
TYPED_TEST(small_floats, tails_end_where_they_should) {
  const std::vector<float> x(40, -1.0f);
  for (const auto set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    for (bitgauge::index_t n = 0; n <= 40; ++n) {
      std::vector<std::uint8_t> codes(40, 0xee);
      simd::encode_small_floats<TypeParam>(x.data(), n, 2.0f, codes.data());
      for (bitgauge::index_t i = 0; i < 40; ++i)
        ASSERT_EQ(codes[static_cast<std::size_t>(i)], i < n ? TypeParam::from_float(-2.0f).code : 0xee);
    }
  }
}

}  // namespace
