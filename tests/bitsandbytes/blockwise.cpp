#include <bitgauge/bitsandbytes/blockwise.hpp>
#include <bitgauge/grid/codebook_tables.hpp>

#include "support/eigen_vectors.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using namespace bitgauge;

// Catches a wrong absmax, a code that is not the nearest, or a wrong tie; blocks run over rows, the last is
// short.
TEST(blockwise, agrees_with_the_reference) {
  for (const auto& entry : test::cases_of("nf4", "quantize_blockwise_8bit")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto x = test::load_matrix<float>("nf4", entry["inputs"]["x"]);
    const auto& outputs = entry["outputs"];
    const auto expected_codes = test::load_matrix<std::uint8_t>("nf4", outputs["q"]);
    const auto expected_absmax = test::load_matrix<float>("nf4", outputs["absmax"]);
    const auto expected_values = test::load_matrix<float>("nf4", outputs["dequant"]);
    const codebook_grid& map =
        entry["params"]["map"] == "dynamic_signed" ? dynamic8::codebook : dynamic8_unsigned::codebook;
    const auto found =
        bitsandbytes::quantize_blockwise({x.data(), static_cast<std::size_t>(x.size())},
                                         entry["params"]["blocksize"].get<bitgauge::index_t>(), map);
    ASSERT_EQ(std::ssize(found.absmax), expected_absmax.size());
    for (bitgauge::index_t i = 0; i < expected_absmax.size(); ++i)
      EXPECT_EQ(found.absmax[static_cast<std::size_t>(i)], expected_absmax.data()[i]);
    std::vector<float> values(found.codes.size());
    bitsandbytes::dequantize_blockwise(found, map, values.data());
    for (bitgauge::index_t i = 0; i < x.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      EXPECT_EQ(found.codes[at], expected_codes.data()[i]) << i;
      EXPECT_NEAR(values[at], expected_values.data()[i], std::fabs(values[at]) * 0x1p-22) << i;
    }
  }
}

// Catches zeros becoming NaN by division, and values that no block can hold going unnoticed.
TEST(blockwise, edges) {
  const std::vector<float> zeros(5);
  const auto found = bitsandbytes::quantize_blockwise(zeros, 4, dynamic8::codebook);
  EXPECT_EQ(found.absmax, (std::vector<float>{0, 0}));
  for (const auto code : found.codes) EXPECT_EQ(dynamic8{}.level(code), 0.0f);
  const std::vector<float> bad{1, std::numeric_limits<float>::infinity()};
  EXPECT_EQ(
      test::message_of<data_error>([&] { bitsandbytes::quantize_blockwise(bad, 4, dynamic8::codebook); }),
      "element 1 is not finite: expected finite values");
  EXPECT_EQ(test::message_of<invalid_scheme>(
                [&] { bitsandbytes::quantize_blockwise(zeros, 0, dynamic8::codebook); }),
            "block size: expected at least 1, found 0");
}

}  // namespace
