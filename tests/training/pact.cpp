#include <bitgauge/training/learned/pact.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/layer.hpp"
#include "support/near.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitgauge {
namespace test_of_pact {

using nlohmann::json;
using matrix = test::row_major<double>;

constexpr const char* topic = "training";

// Catches a step that does not end at alpha, a gradient that passes a clipped activation, and one of alpha that
// misses some.
TEST(pact, is_that_of_the_paper) {
  for (const json& entry : test::cases_of(topic, "pact")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const matrix x = test::load_matrix<double>(topic, entry["inputs"]["x"]),
                 dy = test::load_matrix<double>(topic, entry["inputs"]["dy"]);
    const json &p = entry["params"], &out = entry["outputs"];
    // a parameter of torch is a float
    const basic_pact<double> f{p["bits"], static_cast<double>(p["alpha"].get<float>())};
    const pact g{p["bits"], p["alpha"]};
    test::expect_near(f.forward(x), test::load_matrix<double>(topic, out["y"]), 1e-12);
    test::expect_near(g.forward(x).cast<double>(), test::load_matrix<double>(topic, out["y"]), 1e-6);
    const auto gradients = f.backward(x, dy);
    test::expect_near(gradients.x, test::load_matrix<double>(topic, out["dx"]), 1e-12);
    EXPECT_NEAR(gradients.alpha, out["dalpha"].get<double>(), 1e-12);
    EXPECT_NEAR(static_cast<double>(g.backward(x, dy).alpha), out["dalpha"].get<double>(), 1e-5);
  }
}

// Catches the ends: 0 is inside, alpha is clipped.
TEST(pact, has_the_papers_ends) {
  const Eigen::Vector4f x(-1, 0, 2, 3), dy(1, 2, 4, 8);
  const auto gradients = pact{2, 2}.backward(x, dy);
  EXPECT_EQ(gradients.x, Eigen::Vector4f(0, 2, 0, 0));
  EXPECT_EQ(gradients.alpha, 12);
}

// Catches settings and gradients that are not looked at.
TEST(pact, refuses_what_cannot_be) {
  const Eigen::MatrixXf x = test::normal_matrix(2, 3, 1);
  Eigen::MatrixXf dy = x;
  dy(1, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::failure_of<invalid_scheme>([&] {
              pact{9, 1}.forward(x);
            }),
            "pact: bits: expected 1 to 8, found 9");
  EXPECT_EQ(test::failure_of<data_error>([&] {
              pact{4, -1}.forward(x);
            }),
            "pact: alpha: expected a positive number, found -1.000000");
  EXPECT_EQ(test::failure_of<data_error>([&] { pact{}.backward(x, dy); }),
            "pact: gradient: row 1, column 2: expected a finite value, found NaN");
  EXPECT_EQ(test::failure_of<shape_error>([&] { pact{}.backward(x, x.topRows(1)); }),
            "pact: gradient: expected 2 x 3, found 1 x 3");
}

}  // namespace test_of_pact
}  // namespace bitgauge
