// The entries of README's "How do I ..." about matrices and activations. What stands between a line
// "// README: ..." and "// end" is the entry's code, letter for letter (tests/house/readme.sh compares them);
// the expectations beside it say what the entry promises.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/packing/dense.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace bg = bitgauge;

// out x in, as in y = W x
const Eigen::MatrixXf W = test::random_matrix(256, 256, 1);

// Catches an answer that an entry names and that has no effect.
TEST(how_do_i_quantize, quantize_with_types) {
  // README: quantize with types
  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{128});
  const auto p = bg::quantize(W, bg::per_group{32}, bg::symmetric<4>{}, bg::mse_range{}, bg::f16_scales);
  const Eigen::MatrixXf back = q.dequantize();
  const Eigen::VectorXf y = q * Eigen::VectorXf::Ones(256);
  // end
  EXPECT_EQ(q.bits_per_weight(), 4 + (32 + 4) / 128.0);
  EXPECT_EQ(p.bits_per_weight(), 4 + 16 / 32.0);
  EXPECT_LT((back * Eigen::VectorXf::Ones(256) - y).norm(), 1e-4f * y.norm());
}

// Catches figures of another matrix, and a bound that 4 bits with 128 elements a group cannot miss.
TEST(how_do_i_quantize, measure_the_error) {
  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{128});
  const Eigen::MatrixXf X = test::random_matrix(300, 256, 2);
  // README: measure the error of the result
  const bg::error_sums error = bg::measure_error(W, q);
  const double sqnr = error.sqnr_db(), nmse = error.nmse(), largest = error.max_abs_error();
  const double gap = error.gap_db(q.bits_per_weight());  // dB to the rate-distortion bound: less is better

  bg::hessian H(W.cols());  // of the layer's outputs, on samples x in activations
  H.accumulate(X);
  const double of_outputs = bg::measure_output_error(W, q, H).relative();
  // end
  EXPECT_NEAR(nmse, (W - q.dequantize()).squaredNorm() / W.squaredNorm(), 1e-6);
  EXPECT_NEAR(sqnr, -10 * std::log10(nmse), 1e-6);
  EXPECT_NEAR(gap, 6.0206 * (4 + 36 / 128.0) - sqnr, 1e-3);
  EXPECT_GT(largest, 0);
  EXPECT_NEAR(of_outputs,
              (X * (W - q.dequantize()).transpose()).squaredNorm() / (X * W.transpose()).squaredNorm(), 1e-5);
}

// Catches sizes that are not those of the result.
TEST(how_do_i_quantize, ask_for_sizes_before) {
  // README: know the size before
  const bg::scheme s = bg::parse_scheme("affine:bits=4,group=128,scale=f16");
  const bg::index_t bytes = bg::storage_bytes(s, 4096, 4096);         // of one matrix, padding included
  const double gigabytes = bg::estimate_memory(70e9, s).gigabytes();  // of a model of 70 billion weights
  // end
  EXPECT_EQ(bytes, 4096 * (4096 / 2 + 32 * 2 + 32 / 2));
  EXPECT_NEAR(gigabytes, 70 * (4 + (16 + 4) / 128.0) / 8, 1e-6);
  EXPECT_EQ(bg::storage_bytes(s, W.rows(), W.cols()), bg::quantize(W, s).storage_bytes());
}

// Catches a tail that is refused, padded or merged with the group before it.
TEST(how_do_i_quantize, choose_groups) {
  const Eigen::MatrixXf w = test::random_matrix(16, 300, 3);
  // README: choose who shares a scale
  const auto tensor = bg::quantize(w, bg::symmetric<8>{}, bg::per_tensor{});  // one scale
  const auto row = bg::quantize(w, bg::symmetric<8>{});  // one for each output: per_row{}
  const auto column = bg::quantize(w, bg::symmetric<8>{}, bg::per_column{});  // one for each input
  const auto group = bg::quantize(w, bg::symmetric<8>{}, bg::per_group{128});
  const Eigen::MatrixXf scales = group.scales_as_matrix();  // 16 x 3: of 300 columns, 128, 128 and 44
  // end
  EXPECT_EQ(tensor.groups().count(), 1);
  EXPECT_EQ(row.groups().count(), 16);
  EXPECT_EQ(column.groups().count(), 300);
  ASSERT_EQ(scales.cols(), 3);
  EXPECT_EQ(scales(5, 2), w.row(5).tail(44).cwiseAbs().maxCoeff() / 127);
}

// Catches a scale per token that depends on other tokens, and a frozen one that follows the batch.
TEST(how_do_i_quantize, quantize_activations) {
  const std::vector<Eigen::MatrixXf> batches{test::random_matrix(8, 256, 4), test::random_matrix(8, 256, 5)};
  const Eigen::MatrixXf X = test::random_matrix(8, 256, 6);
  // README: quantize activations
  const auto tokens = bg::activation_quantizer::dynamic(bg::per_row{});  // a scale for each row of a batch
  const bg::quantized_matrix a = tokens(X);

  bg::histogram_observer seen;  // static: one scale, from batches that are typical
  for (const auto& batch : batches) seen.observe(batch);
  const auto scheme = bg::parse_activation_scheme("static:affine:range=percentile,percentile=99.99");
  const bg::activation_quantizer frozen = bg::make_activation_quantizer(scheme, seen);
  const bg::quantized_matrix b = frozen(X);
  // end
  EXPECT_EQ(a.scale(3), tokens(X.middleRows(3, 1)).scale(0));
  EXPECT_EQ(b.scale(0), frozen(2 * X).scale(0));
  EXPECT_GT(bg::measure_error(X, a).sqnr_db(), 35);
}

// Catches codes, scales or zero points of another place or sign: the equation by hand.
TEST(how_do_i_quantize, raw_codes_and_back) {
  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{128});
  // README: get codes, scales and zero points, and go back
  const Eigen::MatrixXi codes = q.codes_as();                     // 256 x 256, from 0 to 15
  const Eigen::MatrixXf scales = q.scales_as_matrix();            // 256 x 2: a column for each group of a row
  const Eigen::MatrixXi zero_points = q.zero_points_as_matrix();  // real = scale * (code - zero_point)
  const auto same = bg::from_codes(codes, scales, zero_points, bg::affine<4>{}, bg::per_group{128});
  // end
  EXPECT_EQ(same, q);
  EXPECT_EQ(q.dequantize()(7, 200), scales(7, 1) * static_cast<float>(codes(7, 200) - zero_points(7, 1)));
}

// Catches another order of bits than the one that packing/dense.hpp draws.
TEST(how_do_i_quantize, pack_bits) {
  // README: pack codes densely
  const std::vector<std::uint8_t> codes{1, 0, 3, 2, 3};  // of 2 bits, one a byte
  const std::vector<std::uint8_t> bytes = bg::packing::packed_dense(codes.data(), 5, 2);  // 177, 3
  std::vector<std::uint8_t> unpacked(5);
  bg::packing::unpack_dense(bytes.data(), 5, 2, unpacked.data());
  // end
  EXPECT_EQ(bytes, (std::vector<std::uint8_t>{1 + 0 * 4 + 3 * 16 + 2 * 64, 3}));
  EXPECT_EQ(unpacked, codes);
}

// Catches scales that are not quantized themselves: 4 bits, 8 for each 64 elements, 32 for each 256 scales
// and 32 for all.
TEST(how_do_i_quantize, nf4_double_quantized) {
  // README: quantize to NF4 with double quantization
  const auto q = bg::quantize(W, bg::nf4{}, bg::per_block{64}, bg::double_quantized{256});
  // end
  EXPECT_EQ(q.bits_per_weight(), 4 + 8 / 64.0 + (4 + 1) * 32 / (256.0 * 256));
}

// Catches levels that are sorted or scaled before they are stored.
TEST(how_do_i_quantize, own_grid) {
  // README: use a grid of my own
  constexpr std::array<float, 4> levels{-1, -0.25f, 0.25f, 1};  // up to 256 numbers, in any order
  const auto q = bg::quantize(W, bg::codebook_grid(levels), bg::per_group{64}, bg::mse_range{});
  // end
  EXPECT_EQ(q.bits(), 2);
  const float in_scales = q.dequantize()(3, 70) / q.scale(3 * 4 + 1);
  EXPECT_NEAR(in_scales, levels[static_cast<std::size_t>(q.code(3, 70))], 1e-6f);
}

// Catches work that goes around the hook, and bytes that depend on threads.
TEST(how_do_i_quantize, threads) {
  std::atomic<int> calls = 0;
  // README: say how many threads, or bring a pool
  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{128}, bg::options{.threads = 2});

  // without OpenMP, or where the program has threads already: any function that runs body(0) .. body(count -
  // 1)
  bg::parallel_for_hook() = [&](bg::index_t count, int /*threads*/, const auto& body) {
    ++calls;
    std::thread half([&] {
      for (bg::index_t i = 0; i < count / 2; ++i) body(i);
    });
    for (bg::index_t i = count / 2; i < count; ++i) body(i);
    half.join();
  };
  const auto same = bg::quantize(W, bg::affine<4>{}, bg::per_group{128});  // the same bytes
  bg::parallel_for_hook() = {};                                            // the built-in one again
  // end
  EXPECT_EQ(q, same);
  EXPECT_GT(calls, 0);
}

// Catches a callback that is not called, and a call that ends as if nothing had been asked.
TEST(how_do_i_quantize, progress_and_cancel) {
  std::atomic<bool> stop = true;
  int percent = -1;
  // README: show progress and cancel
  bg::options how;
  how.progress = [&](bg::index_t done, bg::index_t total) { percent = static_cast<int>(100 * done / total); };
  const auto q = bg::quantize(W, bg::nf4{}, how);

  how.cancel = [&] { return stop.load(); };  // a std::atomic<bool> that another thread sets
  try {
    bg::quantize(W, bg::nf4{}, how);
  } catch (const bg::cancelled&) {
    // no result, and nothing that was passed in has changed
  }
  // end
  EXPECT_EQ(percent, 100);
  EXPECT_THROW(bg::quantize(W, bg::nf4{}, how), bg::cancelled);
}

// Catches NaN that passes in silence, and infinity that stretches the scale.
TEST(how_do_i_quantize, not_finite) {
  Eigen::MatrixXf w = W;
  w(1, 2) = std::bit_cast<float>(0x7fc00000u);
  w(1, 3) = std::bit_cast<float>(0x7f800000u);
  std::string message;
  // README: quantize data with NaN or infinity
  try {
    bg::quantize(w, bg::symmetric<8>{});  // the default refuses
  } catch (const bg::data_error& failure) {
    message = failure.what();  // "... row 1, column 2 is NaN ..."
  }
  const auto q = bg::quantize(w, bg::symmetric<8>{}, bg::options{.on_nonfinite = bg::nonfinite::saturate});
  // NaN has become 0 and infinity the outermost code; the scale is that of the finite numbers
  // end
  EXPECT_NE(message.find("row 1, column 2 is NaN"), std::string::npos) << message;
  EXPECT_EQ(q.code(1, 2), 0);
  EXPECT_EQ(q.code(1, 3), 127);
  w(1, 2) = w(1, 3) = 0;
  EXPECT_EQ(q.scale(1), w.row(1).cwiseAbs().maxCoeff() / 127);
}

// Catches bytes that depend on the instruction set, and a choice that outlives its scope.
TEST(how_do_i_quantize, pin_the_instruction_set) {
  const auto same = bg::quantize(W, bg::affine<4>{});
  const auto before = bg::simd::selected();
  {
    // README: pin the instruction set
    const bg::simd::scoped_instruction_set pinned(
        bg::simd::instruction_set::portable);         // while `pinned` lives
    const auto q = bg::quantize(W, bg::affine<4>{});  // the same bytes as with any other
    // end
    EXPECT_EQ(bg::simd::selected(), bg::simd::instruction_set::portable);
    EXPECT_EQ(q, same);
  }
  EXPECT_EQ(bg::simd::selected(), before);
}

}  // namespace
