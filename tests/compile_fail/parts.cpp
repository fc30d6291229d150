// Catches codes, scales and biases of types that would be rounded or cut silently.
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/matrix/bias.hpp>
#include <bitgauge/matrix/codes/from_codes.hpp>
#include <bitgauge/matrix/codes/raw_access.hpp>
#include <bitgauge/range/mse.hpp>

using namespace bitgauge;

void parts(const quantized_matrix& q, const Eigen::MatrixXi& codes, const Eigen::MatrixXf& scales) {
  from_codes(codes, scales, codes, affine<4>{}, per_row{}, f16_scales);
  q.codes_as<Eigen::MatrixXi>();
  q.scales_as_matrix<Eigen::MatrixXd>();
  q.zero_points_as_matrix<Eigen::MatrixXi>();
  quantize_bias<std::int16_t>(scales, 1.0, scales);

  // error: from_codes takes codes as whole numbers: write codes.cast<int>()
  from_codes(scales, scales, affine<4>{});
  // error: from_codes takes scales of float or double: write scales.cast<float>()
  from_codes(codes, codes, symmetric<4>{});
  // error: from_codes takes zero points as whole numbers: write zero_points.cast<int>()
  from_codes(codes, scales, scales, affine<4>{});
  // error: from_codes wants to know what a code stands for: pass one grid
  from_codes(codes, scales);
  // error: from_codes takes a grid, a granularity and a scale storage: nothing is left to choose
  from_codes(codes, scales, nf4{}, mse_range{});
  // error: two granularities in one call
  from_codes(codes, scales, symmetric<8>{}, per_row{}, per_tensor{});
  // error: codes and zero points are whole numbers: name a matrix type of integers
  q.codes_as<Eigen::MatrixXf>();
  // error: codes and zero points are whole numbers: name a matrix type of integers
  q.zero_points_as_matrix<Eigen::MatrixXd>();
  // error: scales are float: name a matrix type of float or double
  q.scales_as_matrix<Eigen::MatrixXi>();
  // error: a bias is quantized to std::int16_t or std::int32_t
  quantize_bias<std::int8_t>(scales, 1.0, scales);
}
