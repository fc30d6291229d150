// Catches descriptions of block formats that nothing could encode, and ones that disagree with ggml's sizes.
#include <bitgauge/gguf/format/formats.hpp>

using namespace bitgauge::gguf;

/// 4 bits for each element, in blocks of any size.
template <int Elements>
using nibbles = integer_levels<code_layout<plane(2, 4, Elements / 2, Elements)>, 8, -8, 7>;
using scale = half_scale<code_layout<single(0, 16)>>;
using sub_scales = super_scale<code_layout<single(0, 16)>, code_layout<plane(2, 8, 2, 2)>>;

void block_formats() {
  block_layout<scale, nibbles<32>>::bytes;
  block_layout<scale, nibbles<32>, scale>::bytes;
  block_format<tensor_type::q4_0, scale, nibbles<32>>::bytes;

  // error: a block has at most 16 sub-blocks of a multiple of 16 elements
  block_layout<scale, nibbles<8>>::bytes;
  // error: a block with a minimum has evenly spaced levels
  block_layout<scale, table_levels<code_layout<plane(2, 4, 16, 32)>, iq4_levels>, scale>::bytes;
  // error: vectors of levels have super-scales and no minima
  block_layout<scale, iq2_xxs::levels>::bytes;
  // error: one binary16 scale goes with one binary16 minimum
  block_layout<sub_scales, nibbles<32>, sub_scales>::bytes;
  // error: the description of a ggml type and tensor_types differ in its sizes
  block_format<tensor_type::q4_1, scale, nibbles<32>>::bytes;
}
