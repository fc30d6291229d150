#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/range/given.hpp>
#include <bitgauge/range/observer/moving_average.hpp>
#include <bitgauge/training/fake_quantize.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitgauge {
namespace test_of_fake_quantize {

using nlohmann::json;
using matrix = test::row_major<float>;

constexpr const char* topic = "fake_quantize";

matrix load(const json& file) {
  return test::load_matrix<float>(topic, file);
}

integer_grid grid_of(const json& params) {
  integer_grid grid = make_affine(8, {.signed_codes = params["quant_min"] < 0});
  grid.lowest = params["quant_min"];
  grid.highest = params["quant_max"];
  return grid;
}

void expect_as_torch(const fake_quantize& f, const json& entry) {
  SCOPED_TRACE(entry["name"].get<std::string>());
  const matrix x = load(entry["inputs"]["x"]), dy = load(entry["inputs"]["dy"]),
               y = load(entry["outputs"]["y"]);
  const matrix found = f.forward(x);
  for (index_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(found.data()[i], y.data()[i], std::fabs(y.data()[i]) * 0x1p-22f);
  EXPECT_EQ(f.backward(x, dy), load(entry["outputs"]["dx"]));
  EXPECT_EQ(f.backward(Eigen::MatrixXf(x), dy), load(entry["outputs"]["dx"]));
}

// Catches a mask that is not of the rounded code, scales and zero points of the wrong channel.
TEST(fake_quantize, values_and_gradients_of_torch) {
  for (const json& entry : test::cases_of(topic, "fake_quantize_per_tensor")) {
    const json& p = entry["params"];
    const fake_quantize f(grid_of(p), per_tensor{}, given_parameters({p["scale"]}, {p["zero_point"]}));
    expect_as_torch(f, entry);
    if (!entry["outputs"].contains("mask_in_range")) continue;
    const auto mask = test::load_matrix<std::uint8_t>(topic, entry["outputs"]["mask_in_range"]);
    EXPECT_EQ(f.mask(load(entry["inputs"]["x"])).cast<int>().matrix(), mask.cast<int>());
  }
  for (const json& entry : test::cases_of(topic, "fake_quantize_per_channel")) {
    const matrix scale = load(entry["inputs"]["scale"]);
    const auto zero = test::load_matrix<std::int32_t>(topic, entry["inputs"]["zero_point"]);
    expect_as_torch(fake_quantize(grid_of(entry["params"]), per_row{},
                                  given_parameters({scale.data(), scale.data() + scale.size()},
                                                   {zero.data(), zero.data() + zero.size()})),
                    entry);
  }
}

// Catches another value than that of quantize(), for answers, schemes and functions, and a range from the data that
// clips its own ends: by definition nothing is outside of min-max.
TEST(fake_quantize, is_quantize_there_and_back) {
  const Eigen::MatrixXf w = test::normal_matrix(12, 70, 1), dy = test::normal_matrix(12, 70, 2);
  const auto check = [&](const fake_quantize& f, const Eigen::MatrixXf& expected) {
    EXPECT_EQ(f.forward(w), expected);
    EXPECT_EQ(f.backward(w, dy), dy);
  };
  check(fake_quantize(affine<4>{}, per_group{32}), quantize(w, affine<4>{}, per_group{32}).dequantize());
  check(fake_quantize(symmetric<3>{}, per_column{}), quantize(w, symmetric<3>{}, per_column{}).dequantize());
  check(fake_quantize(nf4{}, per_group{16}), quantize(w, nf4{}, per_group{16}).dequantize());
  check(fake_quantize(parse_scheme("fp8_e4m3:group=tensor")),
        quantize(w, parse_scheme("fp8_e4m3:group=tensor")).dequantize());
  check(fake_quantize::by([](const auto& x) { return quantize(x, nf4{}); }), quantize(w, nf4{}).dequantize());
  const Eigen::VectorXf v = w.col(3);
  EXPECT_EQ(fake_quantize(affine<4>{}, per_group{5}).forward(v),
            quantize(v, affine<4>{}, per_group{5}).dequantize());
}

// Catches a mask of a codebook or of signs that is not [lowest level, highest level] * scale, of the element's own
// group, along a column vector too.
TEST(fake_quantize, clips_levels_at_their_ends) {
  const Eigen::MatrixXf w = test::normal_matrix(6, 20, 3);
  const std::vector<float> scales{0.3f, 0.6f, 0.9f, 1.2f, 1.5f, 1.8f};
  const fake_quantize codebook(nf4{}, per_row{}, given_parameters(scales)),
      sign(symmetric<1>{}, per_row{}, given_parameters(scales));
  const Eigen::MatrixXd dy = test::normal_matrix(6, 20, 4).cast<double>();
  for (const fake_quantize* f : {&codebook, &sign}) {
    const Eigen::MatrixXd dx = f->backward(w, dy);
    for (index_t r = 0; r < 6; ++r)
      for (index_t c = 0; c < 20; ++c)
        EXPECT_EQ(dx(r, c), std::fabs(w(r, c)) <= scales[static_cast<std::size_t>(r)] ? dy(r, c) : 0.0);
  }
  const Eigen::VectorXf v = w.row(2);
  const fake_quantize groups(nf4{}, per_group{5}, given_parameters({0.2f, 0.4f, 0.8f, 1.6f}));
  for (index_t i = 0; i < 20; ++i)
    EXPECT_EQ(groups.mask(v)(i, 0), std::fabs(v(i)) <= 0.2f * std::exp2f(static_cast<float>(i / 5)));
}

// Catches a function's codes whose range is not looked at: at a fixed scale the mask is that of the answers, on a grid
// that uses every code of its width.
TEST(fake_quantize, clips_what_a_function_quantizes) {
  const Eigen::MatrixXf w = test::normal_matrix(6, 20, 7);
  const given_parameters fixed({0.2f});
  const auto by =
      fake_quantize::by([&](const auto& x) { return quantize(x, affine<3>{{.signed_codes = true}}, fixed); });
  const gradient_mask mask = by.mask(w);
  EXPECT_EQ(mask.matrix(), fake_quantize(affine<3>{{.signed_codes = true}}, fixed).mask(w).matrix());
  EXPECT_LT(mask.count(), w.size());
  const auto levels = fake_quantize::by([&](const auto& x) { return quantize(x, nf4{}, fixed); });
  EXPECT_EQ(levels.mask(w).matrix(), fake_quantize(nf4{}, fixed).mask(w).matrix());
}

// Catches parameters of an observer that do not reach the groups that they belong to: after one batch of rate 1 the
// moving average is the batch's own extent.
TEST(fake_quantize, takes_the_parameters_of_observers) {
  const Eigen::MatrixXf w = test::normal_matrix(9, 33, 5);
  moving_average_observer seen(1, per_row{});
  seen.observe(w);
  const fake_quantize f(affine<4>{}, per_row{}, given_parameters::of(seen.finish(affine<4>{})));
  EXPECT_EQ(f.forward(w), quantize(w, affine<4>{}, per_row{}).dequantize());
}

// Catches gradients that are not looked at: NaN and shapes.
TEST(fake_quantize, refuses_what_is_no_gradient) {
  const Eigen::MatrixXf w = test::normal_matrix(3, 4, 6);
  Eigen::MatrixXf dy = w;
  dy(2, 1) = std::numeric_limits<float>::quiet_NaN();
  const fake_quantize f(affine<4>{});
  EXPECT_EQ(test::failure_of<data_error>([&] { f.backward(w, dy); }),
            "straight_through: gradient: row 2, column 1: expected a finite value, found NaN");
  EXPECT_EQ(test::failure_of<shape_error>([&] { f.backward(w, w.leftCols(3)); }),
            "fake_quantize: gradient: expected 3 x 4, found 3 x 3");
  EXPECT_NE(test::failure_of<invalid_scheme>([&] {
              fake_quantize::by([](const auto& x) { return quantize(x, nf4{}); }).quantize(w);
            }).find("function"),
            std::string::npos);
}

}  // namespace test_of_fake_quantize
}  // namespace bitgauge
