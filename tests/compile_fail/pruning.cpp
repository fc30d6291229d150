// Catches error feedback that puts errors into pruned weights, and masks of what is no matrix.
#include <bitgauge/matrix/pruned/prune.hpp>
#include <bitgauge/matrix/pruned/pruned_matrix.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/rounding/half_away.hpp>

using namespace bitgauge;

void pruning(const Eigen::MatrixXf& W, const Eigen::VectorXf& v, const hessian& H, const pruning_mask& mask) {
  prune_and_quantize(W, mask, affine<4>{}, per_group{32}, half_away_rounding{});
  prune_and_quantize(W, sparse_gpt{H, mask}, affine<4>{}, per_group{32});
  magnitude_mask(v.transpose(), n_of_m{2, 4});

  // error: error feedback would put errors into weights that are pruned: write prune_and_quantize(W, sparse_gpt{H, mask}
  prune_and_quantize(W, mask, affine<4>{}, per_group{32}, gptq{H});
  // error: two roundings in one call
  prune_and_quantize(W, sparse_gpt{H, n_of_m{2, 4}}, affine<4>{}, gptq{H});
  // error: a mask is that of a matrix: write magnitude_mask(w.transpose(), pattern)
  magnitude_mask(v, n_of_m{2, 4});
}
