#include <bitgauge/simd/instruction_set.hpp>
#include <bitgauge/transform/hadamard.hpp>

#include "support/eigen_vectors.hpp"
#include "support/message_of.hpp"

#include <Eigen/Core>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <span>
#include <vector>

namespace {

using namespace bitgauge;

std::vector<index_t> tested_sizes() {
  std::vector<index_t> sizes;
  for (index_t n = 1; n <= 4096; n *= 2) sizes.push_back(n);
  for (const index_t factor : hadamard_matrix_sizes)
    for (const index_t columns : {1, 2, 32})
      if (factor != 20 || columns == 1) sizes.push_back(factor * columns);
  return sizes;
}

template <class Scalar>
Eigen::VectorX<Scalar> random_vector(index_t n) {
  std::srand(static_cast<unsigned>(n));
  return Eigen::VectorX<Scalar>::Random(n);
}

template <class Vector>
auto span_of(Vector& x) {
  return std::span(x.data(), static_cast<std::size_t>(x.size()));
}

Eigen::MatrixXi matrix_of(index_t factor) {
  return Eigen::MatrixXi::NullaryExpr(factor, factor, [factor](index_t i, index_t j) {
    return factor == 1 ? 1 : hadamard_matrix_entry(factor, i, j);
  });
}

/// H x / sqrt(n) or H^T x / sqrt(n), entry by entry.
Eigen::VectorXd product(const Eigen::VectorXd& x, index_t factor, bool transposed) {
  const index_t n = x.size(), columns = n / factor;
  Eigen::MatrixXi h = matrix_of(factor);
  if (transposed) h.transposeInPlace();
  Eigen::VectorXd y(n);
  for (index_t i = 0; i < n; ++i) {
    double sum = 0;
    for (index_t j = 0; j < n; ++j) {
      const int outer = h(i / columns, j / columns);
      const auto common = static_cast<std::uint64_t>(i % columns & j % columns);
      sum += std::popcount(common) % 2 == 0 ? outer * x(j) : -outer * x(j);
    }
    y(i) = sum / std::sqrt(static_cast<double>(n));
  }
  return y;
}

// Catches a matrix of another construction, another sign or order of its rows than QuaRot's, and a transposed one.
TEST(hadamard, is_that_of_the_vectors) {
  for (const char* operation : {"fwht_normalized", "hadamard_K"})
    for (const auto& entry : test::cases_of("rotation", operation)) {
      SCOPED_TRACE(entry["name"].get<std::string>());
      auto x = test::load_matrix<float>("rotation", entry["inputs"]["x"]);
      const auto y = test::load_matrix<float>("rotation", entry["outputs"]["y"]);
      const hadamard h(x.cols());
      EXPECT_EQ(h.factor(), entry["params"].value("K", 1));
      h.transform(span_of(x));  // row after row
      EXPECT_LE((x - y).cwiseAbs().maxCoeff(), 4e-6f * y.cwiseAbs().maxCoeff());
    }
}

// Catches rows that are not orthogonal: a wrong symbol, identity or border of a construction.
TEST(hadamard, matrices_have_orthogonal_rows) {
  for (const index_t size : hadamard_matrix_sizes) {
    const Eigen::MatrixXi h = matrix_of(size);
    EXPECT_TRUE(h.cwiseAbs().isOnes());
    EXPECT_EQ(h * h.transpose(), Eigen::MatrixXi::Identity(size, size) * static_cast<int>(size));
  }
}

// Catches levels that are left out or mixed in another order, a tail, and an inverse by the matrix itself.
TEST(hadamard, is_the_product_with_the_matrix) {
  for (const index_t n : tested_sizes()) {
    SCOPED_TRACE(n);
    const hadamard h(n);
    const Eigen::VectorXd x = random_vector<double>(n);
    const Eigen::VectorXd expected = product(x, h.factor(), false), back = product(x, h.factor(), true);
    Eigen::VectorXd wide = x;
    h.transform(span_of(wide));
    EXPECT_LE((wide - expected).cwiseAbs().maxCoeff(), 1e-13);
    h.inverse(span_of(wide));
    EXPECT_LE((wide - x).cwiseAbs().maxCoeff(), 1e-13);
    h.inverse(span_of(wide));
    EXPECT_LE((wide - back).cwiseAbs().maxCoeff(), 1e-13);
    Eigen::VectorXf narrow = x.cast<float>(), undone = narrow;
    h.transform(span_of(narrow));
    EXPECT_LE((narrow.cast<double>() - expected).cwiseAbs().maxCoeff(), 2e-6);
    h.inverse(span_of(undone));
    EXPECT_LE((undone.cast<double>() - back).cwiseAbs().maxCoeff(), 2e-6);
  }
}

// Catches a scale that is off, and a drift of rounding: lengths and angles stay.
TEST(hadamard, is_orthogonal) {
  for (const index_t n : {1, 2, 20, 64, 96, 140, 172, 312}) {
    Eigen::MatrixXf columns = Eigen::MatrixXf::Identity(n, n);
    hadamard(n).transform(span_of(columns));
    const Eigen::MatrixXd q = columns.cast<double>();
    EXPECT_LE((q * q.transpose() - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff(), 1e-6) << n;
  }
}

/// The order of sums that every instruction set keeps.
void in_order(float* x, index_t factor, index_t columns) {
  for (index_t distance = 1; distance < columns; distance *= 2)
    for (index_t i = 0; i < factor * columns; ++i)
      if ((i % columns & distance) == 0) {
        const float a = x[i], b = x[i + distance];
        x[i] = a + b;
        x[i + distance] = a - b;
      }
  const Eigen::MatrixXi h = matrix_of(factor);
  const std::vector<float> from(x, x + factor * columns);
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(factor * columns)));
  for (index_t i = 0; i < factor * columns; ++i) {
    float sum = factor == 1 ? from[static_cast<std::size_t>(i)] : 0.0f;
    for (index_t k = 0; k + 4 <= factor; k += 4) {
      std::array<float, 4> of_four;
      for (index_t j = 0; j < 4; ++j)
        of_four[static_cast<std::size_t>(j)] =
            static_cast<float>(h(i / columns, k + j)) *
            from[static_cast<std::size_t>((k + j) * columns + i % columns)];
      sum += (of_four[0] + of_four[1]) + (of_four[2] + of_four[3]);
    }
    x[i] = sum * scale;
  }
}

// Catches an instruction set that adds in another order, signs of other values, and vectors of a batch that are mixed or
// left out.
TEST(hadamard, has_the_same_bits_on_every_instruction_set) {
  for (const index_t n : tested_sizes()) {
    const hadamard h(n);
    const Eigen::VectorXf x = random_vector<float>(3 * n);
    const Eigen::VectorXf signs = x.unaryExpr([](float v) { return v < 0.3f ? -1.0f : 1.0f; });
    Eigen::VectorXf expected = x;
    for (index_t i = 0; i < 3; ++i) in_order(expected.data() + i * n, h.factor(), n / h.factor());
    for (const auto set : simd::available()) {
      const simd::scoped_instruction_set use(set);
      Eigen::VectorXf y = x, signed_twice = x.cwiseProduct(signs);
      h.transform(span_of(y));
      h.transform(span_of(signed_twice), span_of(signs));
      EXPECT_EQ(std::memcmp(y.data(), expected.data(), sizeof(float) * y.size()), 0)
          << name_of(set) << " " << n;
      EXPECT_EQ(signed_twice, expected) << name_of(set) << " " << n;
    }
  }
}

// Catches a size that is taken for another's multiple, such as 360 = 60 * 6, and a message without what is possible.
TEST(hadamard, sizes_exist_or_are_refused) {
  std::set<index_t> sizes;
  for (index_t power = 1; power <= 4096; power *= 2)
    for (const index_t odd : {1, 12, 20, 28, 36, 40, 44, 52, 60, 108, 140, 156, 172})
      sizes.insert(odd * power);
  index_t largest = 0;
  for (index_t n = 1; n <= 4096; ++n) {
    EXPECT_EQ(hadamard::exists(n), sizes.contains(n)) << n;
    if (sizes.contains(n)) largest = n;
    EXPECT_EQ(hadamard::largest_within(n), largest) << n;
    index_t divisor = n;
    while (!sizes.contains(divisor) || n % divisor != 0) --divisor;
    EXPECT_EQ(hadamard::largest_divisor(n), divisor) << n;
  }
  EXPECT_EQ(
      test::message_of<shape_error>([] { hadamard h(360); }),
      "hadamard: expected a power of two, or one times 12, 20, 28, 36, 40, 44, 52, 60, 108, 140, 156 or "
      "172, found a size of 360");
  for (const index_t n : {-4, 0, 3, 720}) EXPECT_THROW(hadamard{n}, shape_error) << n;
}

}  // namespace
