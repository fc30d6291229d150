/// One of the units that mixed_flags.cpp links: UNIT is its name.

#include <bitgauge/bitgauge.hpp>

#include "../pseudo_random_matrix.hpp"

namespace house {

bitgauge::quantized_matrix UNIT(const char* scheme) {
  return bitgauge::quantize(pseudo_random_matrix(33, 130), bitgauge::parse_scheme(scheme));
}

}  // namespace house
