#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "support/eigen_vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace {

namespace bg = bitgauge;
using Eigen::Index;

/// The reference's search for the range: the shrunken min-max range, of 80, with the least sum of
/// |error|^2.4.
struct reference_mse {
  bg::parameters fit(const bg::detail::group_values& group, const bg::detail::grid_model& grid,
                     const bg::scale_rounding& storage) const {
    const bg::interval extent = bg::detail::extent_of(group.values);
    double least = 1e300;
    bg::parameters best;
    for (int i = 0; i < 80; ++i) {
      const float shrink = 1 - static_cast<float>(i) / 100;
      const auto p = bg::detail::parameters_for({shrink * extent.low, shrink * extent.high}, grid, storage);
      double error = 0;
      for (const float x : group.values) {
        const int field = grid.nearest(x / p.scale, p.zero_point);
        const float real = p.scale * (grid.level(field) - static_cast<float>(p.zero_point));
        error += std::pow(std::fabs(static_cast<double>(real - x)), 2.4);
      }
      if (error < least) {
        least = error;
        best = p;
      }
    }
    return best;
  }
};

bg::hessian hessian_of(const nlohmann::json& inputs, Index columns) {
  bg::hessian h(columns);
  for (const auto& [name, file] : inputs.items()) {
    if (name.front() != 'X') continue;
    const auto x = test::load_npy<float>(test::vector_path("gptq", file.get<std::string>()));
    const auto samples = static_cast<Index>(x.data.size()) / columns;
    h.accumulate(Eigen::Map<const test::row_major<float>>(x.data.data(), samples, columns), {}, 1);
  }
  return h;
}

/// A layer of the reference, its columns put into the order of falling diagonal where the reference forms its
/// groups in that order.
struct layer {
  Eigen::MatrixXf w;
  bg::hessian h;
  std::vector<Index> order;
};

layer load_layer(const nlohmann::json& entry, bool in_order) {
  const Eigen::MatrixXf w = test::load_matrix<float>("gptq", entry["inputs"]["W"]);
  layer l{w, hessian_of(entry["inputs"], w.cols()), {}};
  for (Index c = 0; c < w.cols(); ++c) l.order.push_back(c);
  if (!in_order) return l;
  const Eigen::VectorXd diagonal = l.h.diagonal();
  std::stable_sort(l.order.begin(), l.order.end(),
                   [&](Index a, Index b) { return diagonal(a) > diagonal(b); });
  l.w = w(Eigen::all, l.order);
  l.h = bg::hessian::from_matrix(l.h.matrix()(l.order, l.order));
  return l;
}

template <class Scalar>
bg::quantized_matrix quantize(const layer& l, const nlohmann::json& params, bool in_order) {
  const int bits = params["bits"];
  const bool symmetric = params["sym"];
  const Index group = params["groupsize"];
  const bg::integer_grid grid = symmetric ? bg::make_symmetric(bits, {.torch = true}) : bg::make_affine(bits);
  const bg::granularity groups = group < 0 ? bg::granularity(bg::per_row{}) : bg::per_group{group};
  const bg::gptq<Scalar> rounding(l.h, {.act_order = params["actorder"] && !in_order,
                                        .static_groups = params["static_groups"],
                                        .damping = params["percdamp"],
                                        .block = params["blocksize"],
                                        .level = bg::effort::reference});
  return params["mse"] ? bg::quantize(l.w, grid, groups, rounding, reference_mse{}, bg::options{.threads = 1})
                       : bg::quantize(l.w, grid, groups, rounding, bg::options{.threads = 1});
}

/// Holds every case to the reference: the codes to those of its run in double, of which a share of
/// `least_equal` must be equal, and the error to the better of its runs in float and double.
template <class Scalar>
void expect_agreement(double least_equal) {
  for (const auto& entry : test::cases_of("gptq", "gptq")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const auto& params = entry["params"];
    const auto& outputs = entry["outputs"];
    const bool in_order = params["actorder"] && !params["static_groups"] && params["groupsize"] > 0;
    const layer l = load_layer(entry, in_order);
    const bg::quantized_matrix q = quantize<Scalar>(l, params, in_order);

    // a symmetric code of the reference is ours + 2^(bits-1)
    const int shift = params["sym"] ? 1 << (params["bits"].get<int>() - 1) : 0;
    const auto expected = test::load_matrix<std::uint8_t>("gptq", outputs["codes_f64"]);
    Index equal = 0;
    for (Index r = 0; r < q.rows(); ++r)
      for (Index c = 0; c < q.cols(); ++c)
        equal += q.code(r, c) + shift == expected(r, l.order[static_cast<std::size_t>(c)]);
    EXPECT_GE(static_cast<double>(equal), least_equal * static_cast<double>(q.size()));

    const Eigen::MatrixXd d = l.w.cast<double>() - q.dequantize().cast<double>();
    const double error = (d * l.h.matrix()).cwiseProduct(d).sum();
    const double best = std::min(outputs["err_f32"].get<double>(), outputs["err_f64"].get<double>());
    EXPECT_LE(error, 1.02 * best);

    if (!outputs.contains("scale")) continue;
    const auto scales = test::load_matrix<float>("gptq", outputs["scale"]);
    for (Index g = 0; g < scales.size(); ++g)
      EXPECT_NEAR(q.scale(g), scales.data()[g], 1e-5f * scales.data()[g]) << "group " << g;
  }
}

// Catches every departure from the published algorithm: order, damping, feedback, stale groups, dead columns,
// tails, Hessians of less than full rank, streams of batches.
TEST(gptq_vectors, double_sums_agree_with_the_reference) {
  expect_agreement<double>(0.995);
}

// Catches sums that float cannot hold.
TEST(gptq_vectors, float_sums_agree_with_the_reference) {
  expect_agreement<float>(0.995);
}

}  // namespace
