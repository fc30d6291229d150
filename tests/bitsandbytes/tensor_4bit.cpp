#include <bitgauge/bitsandbytes/tensor_4bit.hpp>

#include "support/eigen_vectors.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace bitgauge;

bitsandbytes::options_4bit options_of(const nlohmann::json& params) {
  return {params["quant_type"] == "nf4" ? bitsandbytes::quant_type::nf4 : bitsandbytes::quant_type::fp4,
          params["blocksize"].get<bitgauge::index_t>(), params.contains("blocksize2")};
}

double mean_square_difference(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b) {
  return (a.cast<double>() - b.cast<double>()).squaredNorm() / static_cast<double>(a.size());
}

/// The decoded values: as stored, or where a case brings its codes alone, what those stand for.
Eigen::MatrixXf reference_values(const nlohmann::json& outputs, bitsandbytes::tensor_4bit tensor,
                                 const test::row_major<std::uint8_t>& packed) {
  if (outputs.contains("dequant")) return test::load_matrix<float>("nf4", outputs["dequant"]);
  tensor.packed.assign(packed.data(), packed.data() + packed.size());
  return bitsandbytes::dequantize(tensor);
}

// Catches a wrong code, nibble order, block border or padding. FP4 has two codes of zero: decoded values are
// compared.
TEST(tensor_4bit, agrees_with_the_reference) {
  for (const auto& entry : test::cases_of("nf4", "quantize_4bit")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto x = test::load_matrix<float>("nf4", entry["inputs"]["x"]);
    const auto& outputs = entry["outputs"];
    const auto how = options_of(entry["params"]);
    const auto found = bitsandbytes::quantize_4bit(x, how);
    const auto absmax = test::load_matrix<float>("nf4", outputs["absmax"]);
    EXPECT_TRUE(
        std::equal(found.absmax.begin(), found.absmax.end(), absmax.data(), absmax.data() + absmax.size()));
    const auto packed = test::load_matrix<std::uint8_t>("nf4", outputs["packed"]);
    if (how.type == bitsandbytes::quant_type::nf4) {
      EXPECT_TRUE(
          std::equal(found.packed.begin(), found.packed.end(), packed.data(), packed.data() + packed.size()));
    }
    const Eigen::MatrixXf expected = reference_values(outputs, found, packed);
    const Eigen::MatrixXf values = bitsandbytes::dequantize(found);
    for (Eigen::Index r = 0; r < x.rows(); ++r)
      for (Eigen::Index c = 0; c < x.cols(); ++c)
        EXPECT_NEAR(values(r, c), expected(r, c), std::fabs(expected(r, c)) * 0x1p-22f) << r << " " << c;
    EXPECT_NEAR(mean_square_difference(values, x) / outputs["mse"].get<double>(), 1, 1e-5);
  }
}

// Catches codes chosen with the nested absmax, a wrong offset or second block size, or a contracted
// restoration.
TEST(tensor_4bit, nests_as_the_reference) {
  for (const auto& entry : test::cases_of("nf4", "quantize_4bit_nested")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto x = test::load_matrix<float>("nf4", entry["inputs"]["x"]);
    const auto& outputs = entry["outputs"];
    const auto found = bitsandbytes::quantize_4bit(x, options_of(entry["params"]));
    ASSERT_TRUE(found.nested.has_value());
    const auto packed = test::load_matrix<std::uint8_t>("nf4", outputs["packed"]);
    EXPECT_TRUE(
        std::equal(found.packed.begin(), found.packed.end(), packed.data(), packed.data() + packed.size()));
    EXPECT_NEAR(found.nested->offset / outputs["offset"].get<double>(), 1, 1e-6);
    const auto codes = test::load_matrix<std::uint8_t>("nf4", outputs["qabsmax"]);
    const auto restored = test::load_matrix<float>("nf4", outputs["absmax_restored"]);
    const auto absmax = bitsandbytes::restore_absmax(*found.nested);
    int moved = 0;
    for (Eigen::Index i = 0; i < codes.size(); ++i) {
      const int difference = found.nested->codes.codes[static_cast<std::size_t>(i)] - codes.data()[i];
      EXPECT_LE(std::abs(difference), 1);
      moved += difference != 0;
      if (difference != 0) continue;
      EXPECT_NEAR(absmax[static_cast<std::size_t>(i)], restored.data()[i], restored.data()[i] * 1e-6f);
    }
    EXPECT_LE(moved, 2);  // an offset that differs in its last bit moves what lies on a border
    const Eigen::MatrixXf values = bitsandbytes::dequantize(found);
    EXPECT_NEAR(mean_square_difference(values, x) / outputs["mse"].get<double>(), 1, 1e-4);
  }
}

// Catches an odd number of elements, or a short last block, read or written past its end; and damaged
// buffers.
TEST(tensor_4bit, odd_shapes_and_damage) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Constant(3, 5, -2);
  auto found = bitsandbytes::quantize_4bit(x, {.block_size = 4});
  EXPECT_EQ(found.packed.size(), 8u);
  EXPECT_EQ(found.absmax.size(), 4u);
  EXPECT_EQ(found.packed.back(), 0x07);  // -1 and the padding's 0
  EXPECT_EQ(bitsandbytes::dequantize(found), x);
  EXPECT_EQ(bitsandbytes::dequantize(bitsandbytes::quantize_4bit(Eigen::MatrixXf(0, 7))).size(), 0);
  found.packed.pop_back();
  EXPECT_EQ(test::message_of<shape_error>([&] { bitsandbytes::dequantize(found); }),
            "tensor_4bit: bytes: expected 8, found 7");
  found.packed.push_back(0);
  found.absmax.push_back(0);
  EXPECT_EQ(test::message_of<shape_error>([&] { bitsandbytes::dequantize(found); }),
            "tensor_4bit: absmax: expected 4, found 5");
}

}  // namespace
