#include <bitgauge/training/distillation.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/layer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitgauge {
namespace test_of_distillation {

using nlohmann::json;
using matrix = Eigen::MatrixXd;

constexpr const char* topic = "training";

// Catches a divergence the other way round, a temperature that is lost on one side, and a sum in place of a mean.
TEST(distillation, is_that_of_the_paper) {
  for (const json& entry : test::cases_of(topic, "distillation")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const matrix s = test::load_matrix<double>(topic, entry["inputs"]["student"]),
                 t = test::load_matrix<double>(topic, entry["inputs"]["teacher"]),
                 expected = test::load_matrix<double>(topic, entry["outputs"]["dstudent"]);
    const double loss = entry["outputs"]["loss"], largest = expected.cwiseAbs().maxCoeff();
    const distillation_options options{.temperature = entry["params"]["temperature"]};
    const auto exact = distill(s, t, options);
    EXPECT_NEAR(exact.value, loss, 1e-12 * loss);
    EXPECT_LE((exact.student - expected).cwiseAbs().maxCoeff(), 1e-12 * largest);
    const auto floats = distill(test::row_major<float>(s.cast<float>()), t, options);
    EXPECT_NEAR(floats.value, loss, 1e-6 * loss);
    EXPECT_LE((floats.student.cast<double>() - expected).cwiseAbs().maxCoeff(), 1e-6 * largest);
  }
}

// Catches a gradient that is not the loss's, with and without the square of the temperature.
TEST(distillation, agrees_with_differences) {
  matrix s = test::normal_matrix(3, 5, 1).cast<double>();
  const matrix t = 2 * test::normal_matrix(3, 5, 2).cast<double>();
  for (const bool times : {true, false}) {
    const distillation_options options{.temperature = 1.7, .times_squared_temperature = times};
    const matrix gradient = distill(s, t, options).student;
    for (index_t i = 0; i < s.size(); ++i) {
      const double value = s(i), h = 1e-5;
      s(i) = value + h;
      const double above = distill(s, t, options).value;
      s(i) = value - h;
      const double below = distill(s, t, options).value;
      s(i) = value;
      EXPECT_NEAR(gradient(i), (above - below) / (2 * h), 1e-9);
    }
  }
}

// Catches exponentials that overflow, and logarithms of nothing: two classes a million apart, the wrong way round, have
// the difference as their loss.
TEST(distillation, stands_any_outputs) {
  matrix s(1, 2), t(1, 2);
  s << 1e6, 0;
  t << 0, 1e6;
  const auto loss = distill(s, t);
  EXPECT_DOUBLE_EQ(loss.value, 1e6);
  EXPECT_EQ(loss.student(0, 0), 1);
  EXPECT_EQ(loss.student(0, 1), -1);
  EXPECT_EQ(distill(t, t).value, 0);
}

// Catches settings and outputs that are not looked at.
TEST(distillation, refuses_what_has_no_loss) {
  const Eigen::MatrixXf s = test::normal_matrix(2, 3, 1);
  Eigen::MatrixXf t = s;
  for (const double temperature : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_NE(test::failure_of<invalid_scheme>([&] {
                distill(s, t, {.temperature = temperature});
              }).find("distillation: temperature: expected a positive number, found"),
              std::string::npos);
  EXPECT_EQ(test::failure_of<shape_error>([&] { distill(s, t.leftCols(2)); }),
            "distillation: teacher: expected 2 x 3, found 2 x 2");
  EXPECT_EQ(test::failure_of<shape_error>([&] { distill(s.topRows(0), t.topRows(0)); }),
            "distillation: expected samples x classes, found 0 x 3");
  t(0, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(test::failure_of<data_error>([&] { distill(s, t); }),
            "distillation: teacher: row 0, column 1: expected a finite value, found NaN");
}

}  // namespace test_of_distillation
}  // namespace bitgauge
