// Catches stored elements that would be converted to integers, and small floats that fit no byte.
#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/numeric/small_float.hpp>

using namespace bitgauge;

void elements(const std::byte* bytes, float* floats, int* integers) {
  io::convert_to(io::dtype::f16, bytes, 1, floats);
  numeric::small_float<4, 3, 7, numeric::special_codes::none>::bits;

  // error: elements are converted to float or double
  io::convert_to(io::dtype::f16, bytes, 1, integers);
  // error: 1 + ExponentBits + FractionBits <= 8
  numeric::small_float<5, 3, 15, numeric::special_codes::none>::bits;
}
