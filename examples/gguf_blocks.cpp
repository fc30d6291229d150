// Blocks inside super-blocks, first by hand and then as GGUF files hold them:
//
//     gguf_blocks
//
// By hand: two rows of a 4 x 4 matrix share a super-scale, their largest magnitude; each 2 x 2 sub-block
// has the share of it that it needs, in 6 bits, and codes -7..7. Then the same numbers in a block of Q4_K:
// 256 elements in 8 sub-blocks of 32, each with a 6-bit scale and a 6-bit minimum under two binary16
// super-scales, and codes 0..15.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace bg = bitgauge;

namespace {

using sub_block = std::array<float, 4>;

/// Sub-block `s` of the matrix: those of rows 0 and 1 are 0 and 1, those of rows 2 and 3 are 2 and 3.
sub_block sub_block_of(const Eigen::Matrix4f& m, int s) {
  const auto part = m.block<2, 2>(s / 2 * 2, s % 2 * 2);
  return {part(0, 0), part(0, 1), part(1, 0), part(1, 1)};
}

float largest_magnitude(const sub_block& x) {
  return std::abs(
      *std::max_element(x.begin(), x.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
}

void quantize_by_hand(const Eigen::Matrix4f& m) {
  fmt::print("By hand: two rows share a super-scale; value = super-scale * share / 63 * code / 7\n");
  double squares = 0;
  for (int super = 0; super < 2; ++super) {
    const float super_scale = m.middleRows<2>(2 * super).cwiseAbs().maxCoeff();
    fmt::print("super-block {}: super-scale {:.1f}\n", super, super_scale);
    for (int s = 2 * super; s < 2 * super + 2; ++s) {
      const sub_block x = sub_block_of(m, s);
      const float share = std::rint(largest_magnitude(x) / super_scale * 63);
      const float scale = super_scale * share / 63 / 7;
      std::array<float, 4> codes;
      for (std::size_t j = 0; j < 4; ++j) {
        codes[j] = std::clamp(std::rint(x[j] / scale), -7.0f, 7.0f);
        squares += std::pow(x[j] - scale * codes[j], 2.0);
      }
      fmt::print("  sub-block {}: share {}/63, codes [{}, {}, {}, {}]\n", s, share, codes[0], codes[1],
                 codes[2], codes[3]);
    }
  }
  fmt::print("error, root mean square: {:.4f}\n\n", std::sqrt(squares / 16));
}

void quantize_as_q4_k(const Eigen::Matrix4f& m) {
  // Sub-block s of the block holds the four numbers of sub-block s of the matrix, eight times; with
  // only four of them the block is half full, so they come twice.
  Eigen::RowVectorXf row(256);
  for (int j = 0; j < 256; ++j) row[j] = sub_block_of(m, j / 32 % 4)[static_cast<std::size_t>(j % 4)];
  const bg::gguf::block_matrix q = bg::quantize(row, bg::gguf::q4_k{}, bg::effort::reference);

  bg::gguf::block_codes<bg::gguf::q4_k> block;
  bg::gguf::unpack(reinterpret_cast<const std::uint8_t*>(q.blocks().data()), block);
  fmt::print("Q4_K, {} bytes for 256 elements: value = d * scale * code - dmin * minimum\n",
             q.storage_bytes());
  fmt::print("d {:.7g}\ndmin {:.7g}\n", block.scale.super, block.minimum.super);
  const Eigen::RowVectorXf decoded = q.dequantize();
  for (int s = 0; s < 4; ++s) {
    const auto at = static_cast<std::size_t>(s);
    fmt::print("sub-block {}: scale {}, minimum {}\n", s, block.scale.sub[at], block.minimum.sub[at]);
    for (int j = 32 * s; j < 32 * s + 4; ++j) {
      fmt::print("  {:4.1f}: code {:2}, decoded {:10.7f}\n", row[j],
                 block.elements[static_cast<std::size_t>(j)], decoded[j]);
    }
  }
  fmt::print("error, root mean square: {:.4f}\n", std::sqrt((row - decoded).squaredNorm() / 256));
}

}  // namespace

int main() {
  const Eigen::Matrix4f m{
      {.5f, -.2f, .8f, -.6f}, {-.1f, .4f, -.7f, .3f}, {.9f, -.4f, .2f, -.5f}, {.7f, .1f, -.3f, .6f}};
  quantize_by_hand(m);
  quantize_as_q4_k(m);
}
