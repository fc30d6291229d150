#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "support/filled_memory.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace bg = bitgauge;
using bg::gguf::tensor_type;

Eigen::MatrixXf some_matrix(Eigen::Index rows, Eigen::Index cols) {
  std::srand(7);
  return Eigen::MatrixXf::Random(rows, cols);
}

std::vector<tensor_type> encodable_types() {
  std::vector<tensor_type> types;
  for (const auto& traits : bg::gguf::tensor_types) {
    try {
      static_cast<void>(bg::quantize(some_matrix(1, 256), traits.type, bg::effort::reference));
      types.push_back(traits.type);
    } catch (const bg::invalid_scheme&) {
    }
  }
  return types;
}

// Catches an encoder that leaves bits of its blocks as it finds them, or adds to what is there: the memory of
// a result is not zeroed.
TEST(gguf_quantize, writes_every_bit) {
  const Eigen::MatrixXf w = some_matrix(2, 256);
  const bg::importance weights(w.row(0).cwiseAbs2().array() + 0.1f);
  const auto types = encodable_types();
  EXPECT_GE(types.size(), 28u);
  for (const tensor_type type : types)
    for (const bg::effort level : {bg::effort::reference, bg::effort::normal, bg::effort::best})
      for (const bg::importance& importance : {bg::importance{}, weights}) {
        std::vector<bg::gguf::block_matrix> found;
        for (const int byte : {0, 0xff, 0x5a}) {
          test::fresh_byte = static_cast<unsigned char>(byte);
          found.push_back(bg::quantize(w, type, importance, level));
        }
        test::fresh_byte = 0;
        const std::string what = std::string(bg::gguf::traits_of(type).name) + " effort " +
                                 std::to_string(static_cast<int>(level));
        EXPECT_EQ(found[0], found[1]) << what;
        EXPECT_EQ(found[0], found[2]) << what;
      }
}

// Catches rows that threads write twice, elsewhere or never, where there are many, few or none.
TEST(gguf_quantize, gives_the_same_bytes_with_any_number_of_threads) {
  for (const Eigen::Index rows : {0, 1, 2, 31, 33, 100, 200}) {
    const Eigen::MatrixXf w = some_matrix(rows, 256);
    for (const tensor_type type : {tensor_type::q8_0, tensor_type::q4_0, tensor_type::q4_k}) {
      const auto one = bg::quantize(w, type, bg::options{.threads = 1});
      const Eigen::MatrixXf back = one.dequantize(1);
      for (const int threads : {0, 2, 3, 7}) {
        EXPECT_EQ(bg::quantize(w, type, bg::options{.threads = threads}), one) << rows << ", " << threads;
        EXPECT_EQ(one.dequantize(threads), back) << rows << ", " << threads;
      }
    }
  }
}

// Catches parts that are not the rows of the whole, rows left out or twice.
TEST(gguf_quantize, parts_are_the_rows_of_the_whole) {
  const Eigen::MatrixXf w = some_matrix(68, 131072);  // parts of 32 rows or more: see panel_height()
  const auto whole = bg::quantize(w, bg::gguf::q8_0{}, bg::effort::fast);
  std::vector<std::byte> blocks;
  Eigen::Index rows = 0, parts = 0;
  bg::quantize_in_parts(
      w,
      [&](bg::index_t first, const bg::gguf::block_matrix& part) {
        EXPECT_EQ(first, rows);
        blocks.insert(blocks.end(), part.blocks().begin(), part.blocks().end());
        rows += part.rows();
        ++parts;
      },
      bg::gguf::q8_0{}, bg::effort::fast);
  EXPECT_EQ(rows, w.rows());
  EXPECT_GT(parts, 1);
  EXPECT_TRUE(std::equal(blocks.begin(), blocks.end(), whole.blocks().begin(), whole.blocks().end()));
}

// Catches blocks that are copied on their way into a matrix, and blocks that do not fit its shape.
TEST(gguf_quantize, a_matrix_takes_over_blocks_that_fit) {
  std::vector<std::byte> blocks(2 * 34);
  const std::byte* const where = blocks.data();
  const bg::gguf::block_matrix q(tensor_type::q8_0, 2, 32, std::move(blocks));
  EXPECT_EQ(q.blocks().data(), where);
  const std::span<const std::byte> all = q.blocks();
  EXPECT_EQ(all.size(), 68u);
  EXPECT_EQ(q.dequantize(), Eigen::MatrixXf::Zero(2, 32));
  EXPECT_EQ(test::message_of<bg::shape_error>(
                [] { bg::gguf::block_matrix(tensor_type::q8_0, 2, 32, std::vector<std::byte>(67)); }),
            "q8_0 matrix of 2 x 32: expected 68 bytes, found 67");
}

// Catches blocks whose progress ends before or beyond the number of elements, and work that goes on although
// the caller wants its end: encoders, and error feedback into blocks.
TEST(gguf_quantize, tells_its_progress_and_can_be_cancelled) {
  const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> w = some_matrix(100, 256);
  bg::hessian h(256);
  h.accumulate(some_matrix(300, 256));
  const auto check = [&](const auto&... extras) {
    std::vector<Eigen::Index> heard;
    const auto listen = [&](Eigen::Index done, Eigen::Index total) {
      heard.push_back(done);
      EXPECT_EQ(total, w.size());
    };
    const auto q = bg::quantize(w, bg::gguf::q4_0{}, extras..., bg::options{.progress = listen});
    EXPECT_EQ(q, bg::quantize(w, bg::gguf::q4_0{}, extras...));
    EXPECT_GT(heard.size(), 3u);
    EXPECT_TRUE(std::is_sorted(heard.begin(), heard.end()));
    EXPECT_EQ(heard.back(), w.size());
    const bg::options stop{.cancel = [] { return true; }};
    EXPECT_THROW(bg::quantize(w, bg::gguf::q4_0{}, extras..., stop), bg::cancelled);
  };
  check();
  check(bg::gptq(h));
}

// Catches overflow that is not named by the matrix's own rows and columns, and infinities that push the rest
// of their block to zero where saturation is asked for.
TEST(gguf_quantize, what_a_format_cannot_hold_is_refused_or_cut_off) {
  Eigen::MatrixXf w = some_matrix(3, 64);
  w(2, 40) = 1e30f;
  EXPECT_EQ(
      test::message_of<bg::data_error>([&] { bg::quantize(w, bg::gguf::q4_0{}); }),
      "row 2, columns 32 to 63: magnitudes up to 1e+30 overflow the f16 scales of q4_0: scale the matrix "
      "down (or ask for nonfinite::saturate)");
  EXPECT_NO_THROW(bg::quantize(w, bg::gguf::q4_0{}, bg::effort::reference));
  const bg::options saturating{.on_nonfinite = bg::nonfinite::saturate};
  EXPECT_TRUE(bg::quantize(w, bg::gguf::q4_0{}, saturating).dequantize().allFinite());

  w(2, 40) = -std::numeric_limits<float>::infinity();
  const Eigen::MatrixXf back = bg::quantize(w, bg::gguf::q8_0{}, saturating).dequantize();
  EXPECT_LT(back(2, 40), -0.9f);
  w(2, 40) = back(2, 40);
  EXPECT_LT((back - w).cwiseAbs().maxCoeff(), 0.005f);
}

}  // namespace
