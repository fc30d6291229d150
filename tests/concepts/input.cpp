// Catches a matrix that is not taken for one, and what is none and would be read as one.
#include <bitgauge/gguf/block_matrix.hpp>
#include <bitgauge/kernel/product/operand.hpp>
#include <bitgauge/matrix/answers/input_kind.hpp>
#include <bitgauge/matrix/quantized_matrix.hpp>
#include <bitgauge/matrix/rows/row_decodable.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>

#include <Eigen/SparseCore>

#include <vector>

using namespace bitgauge;
using namespace bitgauge::detail;
using Eigen::MatrixXf;

/// A matrix of a user's own.
struct derived_matrix : MatrixXf {};
using expression =
    std::remove_cv_t<decltype(std::declval<const MatrixXf&>() + std::declval<const MatrixXf&>())>;
using block = decltype(std::declval<const MatrixXf&>().topRows(1));
using sparse = Eigen::SparseMatrix<float>;

static_assert(dense_input<MatrixXf> && dense_input<Eigen::ArrayXXd> &&
              dense_input<Eigen::Map<const MatrixXf>>);
static_assert(dense_input<expression> && dense_input<block> && dense_input<derived_matrix>);
static_assert(!dense_input<sparse> && !dense_input<std::vector<float>> && !dense_input<float>);
static_assert(!dense_input<quantized_matrix>);

static_assert(matrix_input<MatrixXf> && matrix_input<expression> && !matrix_input<Eigen::ArrayXXf>);
static_assert(other_eigen_input<sparse> && other_eigen_input<Eigen::PermutationMatrix<3>>);
static_assert(!other_eigen_input<MatrixXf> && !other_eigen_input<std::vector<float>>);

static_assert(sequence_input<std::vector<float>> && sequence_input<std::string>);
static_assert(!sequence_input<MatrixXf> && !sequence_input<float> && !sequence_input<const float*>);

static_assert(real_scalar<float> && real_scalar<double> && real_scalar<Eigen::half> &&
              real_scalar<Eigen::bfloat16>);
static_assert(!real_scalar<int> && !real_scalar<std::complex<float>> && !real_scalar<long double>);

static_assert(row_readable<MatrixXf> && row_readable<Eigen::ArrayXXd> && row_readable<expression>);
static_assert(row_readable<row_source> && row_readable<derived_matrix> && !row_readable<sparse> &&
              !row_readable<quantized_matrix>);
static_assert(!row_readable<std::vector<float>> && !row_readable<float>);

/// All that values must offer which are decoded row by row.
struct decoded_by_rows {
  index_t rows() const;
  index_t cols() const;
  void dequantize_row(index_t row, float* out) const;
  MatrixXf dequantize(int threads) const;
};
struct without_rows {
  index_t cols() const;
  void dequantize_row(index_t row, float* out) const;
  MatrixXf dequantize(int threads) const;
};
struct without_cols {
  index_t rows() const;
  void dequantize_row(index_t row, float* out) const;
  MatrixXf dequantize(int threads) const;
};
struct without_dequantize_row {
  index_t rows() const;
  index_t cols() const;
  MatrixXf dequantize(int threads) const;
};
struct without_dequantize {
  index_t rows() const;
  index_t cols() const;
  void dequantize_row(index_t row, float* out) const;
};
static_assert(row_decodable<quantized_matrix> && row_decodable<gguf::block_matrix> &&
              row_decodable<decoded_by_rows>);
static_assert(!row_decodable<without_rows> && !row_decodable<without_cols>);
static_assert(!row_decodable<without_dequantize_row> && !row_decodable<without_dequantize>);
static_assert(!row_decodable<MatrixXf>);

static_assert(quantized_input<quantized_matrix> && quantized_input<gguf::block_matrix>);
static_assert(quantized_input<without_dequantize_row> && !quantized_input<without_rows>);
static_assert(!quantized_input<without_cols> && !quantized_input<without_dequantize> &&
              !quantized_input<MatrixXf>);

// what stands on the left of a quantized matrix by mistake; another such matrix is refused as right operand
static_assert(left_operand<MatrixXf> && left_operand<float> && left_operand<sparse>);
static_assert(!left_operand<quantized_matrix> && !left_operand<gguf::block_matrix>);
