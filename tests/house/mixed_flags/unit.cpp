/// One of the units that mixed_flags.cpp links: UNIT is its name.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf/fast/search.hpp>
#include <bitgauge/gguf/format/formats.hpp>

#include "../pseudo_random_matrix.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace house {

bitgauge::quantized_matrix UNIT(const char* scheme) {
  return bitgauge::quantize(pseudo_random_matrix(33, 130), bitgauge::parse_scheme(scheme));
}

/// Blocks of Q4_0, whose search is compiled for the widest vectors where the unit is optimised.
std::vector<std::uint8_t> UNIT(const Eigen::MatrixXf& row) {
  using format = bitgauge::gguf::q4_0;
  std::vector<std::uint8_t> blocks(static_cast<std::size_t>(row.size() / format::elements * format::bytes));
  bitgauge::gguf::encode_with<format, bitgauge::gguf::fast::encoder<format>>(row.data(), row.size(), {},
                                                                             blocks.data());
  return blocks;
}

}  // namespace house
