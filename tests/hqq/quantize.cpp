#include <bitgauge/hqq/quantize.hpp>

#include "support/eigen_vectors.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace bitgauge;

struct errors {
  double absolute = 0, power = 0;  ///< means of |w - r| and |w - r|^0.7
};

errors errors_of(const test::row_major<float>& w, const hqq_tensor& q) {
  const auto groups = std::ssize(q.zeros);
  errors sum;
  for (bitgauge::index_t i = 0; i < w.size(); ++i) {
    const auto g = static_cast<std::size_t>(q.axis == 1 ? i / q.group_size : i % groups);
    const double r = (static_cast<double>(q.codes.data()[i]) - static_cast<double>(q.zeros[g])) *
                     static_cast<double>(q.scales[g]);
    const double e = std::fabs(static_cast<double>(w.data()[i]) - r);
    sum.absolute += e / static_cast<double>(w.size());
    sum.power += std::pow(e, 0.7) / static_cast<double>(w.size());
  }
  return sum;
}

// Catches a wrong step, stop, or choice of the final zero in any of the three variants, on both axes and 1..8
// bits.
TEST(hqq, agrees_with_the_reference) {
  for (const auto& entry : test::cases_of("hqq", "hqq")) {
    const auto& params = entry["params"];
    const auto& outputs = entry["outputs"];
    const auto w = test::load_matrix<float>("hqq", entry["inputs"]["w"]);
    const auto scales = test::load_matrix<float>("hqq", outputs["scale_inv"]);
    const struct {
      const char* name;
      hqq_search how;
    } variants[] = {{"legacy", hqq_search::legacy()}, {"v2", hqq_search::v2()}, {"slow", hqq_search::slow()}};
    for (const auto& [name, how] : variants) {
      SCOPED_TRACE(entry["name"].get<std::string>() + " " + name);
      const auto found =
          hqq_quantize(w, params["bits"].get<int>(), params["group_size"].get<bitgauge::index_t>(),
                       params["axis"].get<int>(), how);
      const auto zeros = test::load_matrix<float>("hqq", outputs[std::string("zero_") + name]);
      const auto codes = test::load_matrix<std::uint8_t>("hqq", outputs[std::string("q_") + name]);
      ASSERT_EQ(std::ssize(found.zeros), zeros.size());
      for (bitgauge::index_t g = 0; g < zeros.size(); ++g) {
        const auto at = static_cast<std::size_t>(g);
        EXPECT_NEAR(found.scales[at] * scales.data()[g], 1, 1e-6);
        EXPECT_NEAR(found.zeros[at], zeros.data()[g], 2e-3f) << g;
      }
      bitgauge::index_t equal = 0;
      for (bitgauge::index_t i = 0; i < codes.size(); ++i) equal += found.codes.data()[i] == codes.data()[i];
      EXPECT_GE(static_cast<double>(equal), 0.995 * static_cast<double>(codes.size()));
      const errors found_errors = errors_of(w, found);
      EXPECT_LE(found_errors.absolute, 1.01 * outputs[std::string("mae_") + name].get<double>());
      EXPECT_LE(found_errors.power, 1.01 * outputs[std::string("lp07_") + name].get<double>());
    }
  }
}

// Catches groups that do not tile the matrix being cut silently.
TEST(hqq, refuses_what_does_not_fit) {
  const Eigen::MatrixXf values = Eigen::MatrixXf::Zero(2, 5);
  EXPECT_EQ(test::message_of<shape_error>([&] { hqq_quantize(values, 4, 4); }),
            "HQQ: expected whole groups of 4, found 10 values");
  EXPECT_EQ(test::message_of<invalid_scheme>([&] { hqq_quantize(values, 4, 5, 2); }),
            "HQQ axis: expected 0 or 1, found 2");
}

}  // namespace
