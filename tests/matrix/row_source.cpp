#include <bitgauge/matrix/quantize.hpp>

#include "support/codes.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

// Every kind of input must give the bytes of the plain matrix with the same values.
namespace {

using namespace bitgauge;
using bitgauge::index_t;

static_assert(real_scalar<float> && real_scalar<double> && real_scalar<Eigen::half> &&
              real_scalar<Eigen::bfloat16>);
static_assert(!real_scalar<int> && !real_scalar<long double> && !real_scalar<std::complex<float>> &&
              !real_scalar<bool>);

constexpr granularity source_granularities[] = {per_tensor{}, per_row{}, per_column{}, per_group{5}};

template <class Derived>
void expect_same(const Eigen::DenseBase<Derived>& input, const Eigen::MatrixXf& values, const char* what) {
  for (const granularity groups : source_granularities)
    for (const integer_grid& grid : {make_affine(4), make_symmetric(8)}) {
      const auto q = quantize(input, grid, groups, options{.threads = 1});
      const auto expected = quantize(values, grid, groups, options{.threads = 1});
      EXPECT_EQ(q, expected) << what << ", granularity " << static_cast<int>(groups.what);
    }
}

class row_source : public testing::Test {
 protected:
  const Eigen::MatrixXf x = test::random_matrix(19, 23, 11);
};

// Catches strides that are taken for each other in either storage order.
TEST_F(row_source, storage_orders_and_arrays) {
  const test::oracle_result expected =
      test::quantize_by_definition(x, make_affine(4), per_group{5}, scale_type::f32);
  EXPECT_EQ(test::codes_of(quantize(x, affine<4>{}, per_group{5})), expected.codes);
  const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> row_major = x;
  expect_same(row_major, x, "row-major");
  expect_same(Eigen::ArrayXXf(x.array()), x, "array");
  expect_same(x.transpose().eval().transpose(), x, "transpose of a transpose");
  const Eigen::Matrix<float, 19, 23> fixed = x;
  expect_same(fixed, x, "fixed size");
}

// Catches outer or inner strides that are ignored, and elements between the strides that are read.
TEST_F(row_source, maps_with_strides) {
  using strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  for (const index_t inner : {1, 2, 3})
    for (const index_t gap : {0, 4}) {
      const strides by_column(19 * inner + gap, inner), by_row(23 * inner + gap, inner);
      std::vector<float> memory(4000, std::numeric_limits<float>::quiet_NaN());
      Eigen::Map<Eigen::MatrixXf, 0, strides> columns(memory.data(), 19, 23, by_column);
      columns = x;
      expect_same(columns, x, "column-major map");
      expect_same(Eigen::Map<const Eigen::MatrixXf, 0, strides>(memory.data(), 19, 23, by_column), x,
                  "const map");
      std::fill(memory.begin(), memory.end(), std::numeric_limits<float>::quiet_NaN());
      Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, strides> rows(
          memory.data(), 19, 23, by_row);
      rows = x;
      expect_same(rows, x, "row-major map");
    }
}

// Catches blocks that are read from the start of their matrix.
TEST_F(row_source, blocks_references_and_views) {
  Eigen::MatrixXf big = Eigen::MatrixXf::Constant(40, 50, std::numeric_limits<float>::quiet_NaN());
  big.block(7, 9, 19, 23) = x;
  expect_same(big.block(7, 9, 19, 23), x, "block");
  const Eigen::Ref<const Eigen::MatrixXf> reference = big.block(7, 9, 19, 23);
  expect_same(reference, x, "Ref");
  const Eigen::Ref<Eigen::MatrixXf, 0, Eigen::OuterStride<>> writable = big.block(7, 9, 19, 23);
  expect_same(writable, x, "writable Ref");
  expect_same(x.middleRows(3, 9), x.middleRows(3, 9).eval(), "rows");
  expect_same(x.middleCols(3, 9), x.middleCols(3, 9).eval(), "columns");
  expect_same(x.transpose(), x.transpose().eval(), "transpose");
  expect_same(x.reverse(), x.reverse().eval(), "reverse");
  expect_same(x(Eigen::seq(0, 18, 3), Eigen::all), x(Eigen::seq(0, 18, 3), Eigen::all).eval(),
              "indexed view");
  expect_same(x.array(), x, "as array");
}

// Catches vectors that are quantized element by element instead of along their length.
TEST_F(row_source, vectors) {
  const Eigen::VectorXf column = x.col(4);
  const Eigen::RowVectorXf row = column.transpose();
  for (const granularity groups : source_granularities) {
    const auto standing = quantize(column, affine<4>{}, groups);
    const auto lying = quantize(row, affine<4>{}, groups);
    EXPECT_EQ(standing.rows(), 19);
    EXPECT_EQ(standing.cols(), 1);
    EXPECT_TRUE(standing.is_column_vector());
    if (groups.what != granularity::kind::column) {
      EXPECT_EQ(standing.codes(), lying.codes());
      EXPECT_EQ(standing.scales().bytes(), lying.scales().bytes());
      EXPECT_EQ(standing.dequantize(), lying.dequantize().transpose());
    }
    EXPECT_EQ(quantize(x.col(4), affine<4>{}, groups), standing) << "a matrix's column";
    EXPECT_EQ(quantize(x.row(4).transpose(), affine<4>{}, groups),
              quantize(x.row(4).transpose().eval(), affine<4>{}, groups));
    EXPECT_EQ(quantize(Eigen::ArrayXf(column), affine<4>{}, groups), standing);
    EXPECT_EQ(quantize(Eigen::Map<const Eigen::VectorXf, 0, Eigen::InnerStride<2>>(column.data(), 10),
                       affine<4>{}, groups),
              quantize(column(Eigen::seq(0, 18, 2)), affine<4>{}, groups));
  }
  expect_same(x.row(4), x.row(4).eval(), "a matrix's row");
  // one scale for all of a vector, also where "column" is asked for
  EXPECT_EQ(quantize(column, per_column{}).scales().size(), 1);
  const Eigen::MatrixXf square = x.topLeftCorner(19, 19);
  EXPECT_EQ(quantize(square.diagonal(), affine<8>{}), quantize(square.diagonal().eval(), affine<8>{}));
  // a matrix that has one column only at run time is a matrix: n rows of one element
  EXPECT_EQ(quantize(Eigen::MatrixXf(column), per_row{}).scales().size(), 19);
}

// Catches conversions that do not round a double to the nearest float.
TEST_F(row_source, element_types) {
  const Eigen::MatrixXd exact = x.cast<double>();
  expect_same(exact, x, "double");
  const Eigen::MatrixXd fine = exact * (1 + 0x1p-26);
  expect_same(fine, fine.cast<float>(), "double that needs rounding");
  const Eigen::Matrix<Eigen::half, Eigen::Dynamic, Eigen::Dynamic> half = x.cast<Eigen::half>();
  expect_same(half, half.cast<float>(), "half");
  const Eigen::Matrix<Eigen::bfloat16, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> brain =
      x.cast<Eigen::bfloat16>();
  expect_same(brain, brain.cast<float>(), "bfloat16");
  expect_same(half.block(2, 3, 5, 7), half.block(2, 3, 5, 7).cast<float>(), "block of half");
}

struct counted_square {
  int* calls;
  float operator()(float v) const {
    ++*calls;
    return v * v;
  }
};

// Catches an expression that is evaluated once for the range and again for the codes.
TEST_F(row_source, expressions_are_evaluated_once) {
  for (const granularity groups : source_granularities) {
    int calls = 0;
    const auto q = quantize(x.unaryExpr(counted_square{&calls}), affine<4>{}, groups, options{.threads = 1});
    EXPECT_EQ(calls, 19 * 23);
    EXPECT_EQ(q, quantize(Eigen::MatrixXf(x.cwiseProduct(x)), affine<4>{}, groups));
  }
  const Eigen::MatrixXf product = x * x.transpose();
  expect_same(x * x.transpose(), product, "product");
  expect_same(2 * x - x, x, "sum");
  expect_same(Eigen::MatrixXf::Identity(4, 4), Eigen::MatrixXf::Identity(4, 4).eval(), "identity");
}

// Catches an input that is written to.
TEST_F(row_source, inputs_are_left_alone) {
  Eigen::MatrixXf copy = x;
  copy(2, 3) = std::numeric_limits<float>::infinity();
  const Eigen::MatrixXf before = copy;
  for (const granularity groups : source_granularities)
    quantize(copy, symmetric<3>{}, groups, options{.on_nonfinite = nonfinite::saturate});
  EXPECT_EQ(copy, before);
}

// Catches a division by an empty shape, and shapes that are lost.
TEST_F(row_source, empty_matrices_and_one_element) {
  for (const granularity groups : source_granularities) {
    for (const auto& [rows, cols] : {std::pair<index_t, index_t>{0, 0}, {0, 5}, {5, 0}}) {
      const auto q = quantize(Eigen::MatrixXf(rows, cols), affine<3>{}, groups, f16_scales);
      EXPECT_EQ(q.rows(), rows);
      EXPECT_EQ(q.cols(), cols);
      EXPECT_EQ(q.storage_bytes(), 0);
      EXPECT_EQ(q.bits_per_weight(), 0);
      EXPECT_EQ(q.dequantize().rows(), rows);
      EXPECT_EQ(q.dequantize().cols(), cols);
    }
    const auto empty = quantize(Eigen::VectorXf(0), affine<3>{}, groups);
    EXPECT_EQ(empty.rows(), 0);
    EXPECT_EQ(empty.cols(), 1);
    EXPECT_EQ(empty.dequantize<Eigen::VectorXf>().size(), 0);

    const auto one = quantize(Eigen::Matrix<float, 1, 1>::Constant(-2.5f), symmetric<8>{}, groups);
    EXPECT_EQ(one.code(0, 0), -127);
    EXPECT_FLOAT_EQ(one.dequantize()(0, 0), -2.5f);
  }
}

}  // namespace
