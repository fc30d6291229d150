#include <bitgauge/matrix/trellis/quantize.hpp>
#include <bitgauge/matrix/trellis/trellis_scheme.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;

/// Sums of four uniform numbers: the standard's distributions differ between libraries.
Eigen::MatrixXf bell_shaped(index_t rows, index_t cols) {
  std::mt19937 bits(3);
  return Eigen::MatrixXf::NullaryExpr(rows, cols, [&] {
    float sum = -2;
    for (int i = 0; i < 4; ++i) sum += static_cast<float>(bits() >> 8) / 16777216.0f;
    return sum;
  });
}

/// Correlations of powers of two, between inputs of different sizes.
hessian made_hessian(index_t inputs) {
  const Eigen::MatrixXd h = Eigen::MatrixXd::NullaryExpr(inputs, inputs, [](index_t i, index_t j) {
    const index_t apart = i < j ? j - i : i - j;
    return static_cast<double>(8 >> (apart < 4 ? apart : 4)) + (i == j ? 1 + static_cast<double>(i % 7) : 0);
  });
  return hessian::from_matrix(h, 400);
}

std::string hash(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t h = 1469598103934665603u;
  for (const std::uint8_t b : bytes) h = (h ^ b) * 1099511628211u;
  return std::to_string(h);
}

// Catches bytes that depend on the number of threads, the instruction set or the compiler: files are compared by them, and
// an interrupted run is taken up from them. A tile of 256 rows and a shorter one, columns that are not a multiple of lanes.
TEST(quantize_trellis, gives_the_same_bytes_everywhere) {
  const Eigen::MatrixXf w = bell_shaped(300, 37);
  const hessian h = made_hessian(37);
  const auto check = [&](int states, int threads, const char* plain, const char* with_hessian) {
    const trellis t{.bits = 2.3, .states = states};
    EXPECT_EQ(hash(quantize(w, t, options{.threads = threads}).bytes()), plain) << states;
    EXPECT_EQ(hash(quantize(w, t, h, options{.threads = threads}).bytes()), with_hessian) << states;
  };
  for (const auto set : simd::available()) {
    const simd::scoped_instruction_set use(set);
    check(8, 1, "5668348731008702251", "14955049513476566415");
  }
  check(8, 2, "5668348731008702251", "14955049513476566415");
  check(64, 2, "13183351706799258780", "1932652408165304523");
}

// Catches a matrix of one row that is refused because the bytes that it needs beside its levels would hold more bits
// than levels have, and a failure that speaks of levels to who has passed weights.
TEST(quantize_trellis, small_matrices) {
  const auto quantized = [](const Eigen::MatrixXf& w) {
    return detail::with_rows(w, [&](const row_source& rows) {
      return detail::quantize_to_size(rows, {}, storage_bytes(trellis_scheme{}, rows.rows(), rows.cols()),
                                      {});
    });
  };
  const Eigen::MatrixXf row = bell_shaped(1, 256);
  EXPECT_GT(measure_error(row, quantized(row)).sqnr_db(), 40);
  EXPECT_EQ(test::message_of<data_error>([&] { quantized(Eigen::MatrixXf::Ones(1, 1)); }),
            "trellis: expected levels up to 32767, found larger ones: the weights of 1 x 1 are too few, too "
            "small, or "
            "differ too much (choose another format, or scale them)");
}

}  // namespace
