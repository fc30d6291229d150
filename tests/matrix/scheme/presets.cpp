#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/lookup.hpp>
#include <bitgauge/grid/signed_normal_float.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/matrix/scheme/presets.hpp>
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;

static_assert(named_scheme("mxfp4").groups == granularity(per_block{32}));
static_assert(named_scheme("affine") == scheme{});

// Catches a name that stands for another grid, block or scale than its format has.
TEST(scheme_presets, names_are_their_formats) {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Random(8, 130);
  const auto expect_same = [&](const char* text, const auto&... answers) {
    EXPECT_EQ(quantize(w, parse_scheme(text)), quantize(w, answers...)) << text;
  };
  expect_same("nf4", nf4{}, per_block{64});
  expect_same("normal_float", nf4{}, per_block{64});
  expect_same("normal_float:signed=1", signed_normal_float(4, 64), per_block{64});
  expect_same("lookup", lookup<4>{}, per_row{});
  expect_same("nf4:double=256", nf4{}, per_block{64}, double_quantized{256});
  expect_same("fp4:group=32", fp4{}, per_block{32});
  expect_same("dynamic8", dynamic8{}, per_block{256});
  expect_same("fp8_e4m3", fp8_e4m3{});
  expect_same("fp8_e5m2:group=tensor", fp8_e5m2{}, per_tensor{});
  expect_same("fp6_e2m3:scale=f16", fp6_e2m3{}, f16_scales);
  expect_same("mxfp4", mxfp4{}, per_block{32}, e8m0_scales);
  expect_same("mxfp6_e3m2", mxfp6_e3m2{}, per_block{32}, e8m0_scales);
  expect_same("mxfp8_e5m2", mxfp8_e5m2{}, per_block{32}, e8m0_scales);
  expect_same("mxint8", mxint8{}, per_block{32}, e8m0_scales);
  expect_same("nvfp4", fp4_e2m1{}, per_block{16}, e4m3_scales);
  expect_same("nvfp4:scale=e4m3_divided", fp4_e2m1{}, per_block{16}, e4m3_divided_scales);
  expect_same("symmetric:bits=4,group=64,double=256", symmetric<4>{}, per_group{64}, double_quantized{256});
}

}  // namespace
