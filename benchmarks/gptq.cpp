// gptq/affine4_g128/<n>: a matrix of n x n rounded with its Hessian given, factorisation included, with sums
// in double, in float (_float) and searched with effort best (_best; its FLOP/s count the rounding alone).
// Beside it limit/float_gemm/<n>, Eigen's product of two float matrices in one thread, and
// peer/gptq_columns/1024, the published algorithm written plainly in Eigen: explicit inverse, one rank-one
// update a column.

#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "groups.hpp"
#include "measure.hpp"

#include <Eigen/Dense>
#include <benchmark/benchmark.h>

#include <cmath>
#include <map>
#include <string>

namespace bench {
namespace {

using Eigen::Index;

/// The Hessian of AR(1) inputs, correlation 0.9, of differing sizes.
Eigen::MatrixXd correlation(Index n) {
  return Eigen::MatrixXd::NullaryExpr(n, n, [](Index i, Index j) {
    const double size = static_cast<double>((1 + i % 5) * (1 + j % 5));
    return size * std::pow(0.9, static_cast<double>(i > j ? i - j : j - i));
  });
}

/// Eigen's float product of n x n matrices in one thread: the best of three.
double gemm_seconds(Index n) {
  static std::map<Index, double> known;
  double& best = known.try_emplace(n, 1e30).first->second;
  if (best < 1e30) return best;
  const int threads = Eigen::nbThreads();
  Eigen::setNbThreads(1);
  const Eigen::MatrixXf a = Eigen::MatrixXf::Random(n, n), b = Eigen::MatrixXf::Random(n, n);
  Eigen::MatrixXf c(n, n);
  for (int i = 0; i < 3; ++i) best = std::min(best, seconds_of([&] { c.noalias() = a * b; }));
  Eigen::setNbThreads(threads);
  return best;
}

/// Reports GFLOP/s, `fraction` of the rate of the float product, and the time in products of that size.
template <class Action>
void measure_flops(benchmark::State& state, Index n, double flops, const Action& action) {
  const double gemm = gemm_seconds(n), peak = 2 * std::pow(static_cast<double>(n), 3) / gemm;
  double best = 1e30;
  for (auto _ : state) best = std::min(best, seconds_of(action));
  state.counters["flops_per_second"] = flops / best;
  state.counters["fraction"] = flops / best / peak;
  state.counters["float_products"] = best / gemm;
}

/// Multiplications and additions that the algorithm cannot do without: the factor and the feedback, once.
/// Effort normal runs the feedback for several choices of parameters.
double gptq_flops(Index n) {
  const double size = static_cast<double>(n);
  return size * size * size * (1.0 / 3 + 1);
}

void plain_columns(const Eigen::MatrixXf& weights, const Eigen::MatrixXd& h, Eigen::MatrixXf& codes) {
  Eigen::MatrixXd damped = h;
  damped.diagonal().array() += 0.01 * h.diagonal().mean();
  const Eigen::MatrixXd inverse = damped.llt().solve(Eigen::MatrixXd::Identity(h.rows(), h.cols()));
  const Eigen::MatrixXf u = Eigen::MatrixXd(inverse.llt().matrixU()).cast<float>();
  Eigen::MatrixXf w = weights;
  Eigen::VectorXf scale, zero_point;
  for (Index c = 0; c < w.cols(); ++c) {
    if (c % 128 == 0) {
      const auto run = w.middleCols(c, std::min<Index>(128, w.cols() - c));
      const Eigen::VectorXf low = run.rowwise().minCoeff().cwiseMin(0.0f);
      scale = (run.rowwise().maxCoeff().cwiseMax(0.0f) - low) / 15;
      zero_point = (-low.array() / scale.array()).rint();
    }
    codes.col(c) =
        ((w.col(c).array() / scale.array()).rint() + zero_point.array()).cwiseMax(0.0f).cwiseMin(15.0f);
    const Eigen::VectorXf real = scale.array() * (codes.col(c) - zero_point).array();
    const Eigen::VectorXf error = (w.col(c) - real) / u(c, c);
    const Index rest = w.cols() - c - 1;
    w.rightCols(rest).noalias() -= error * u.row(c).tail(rest);
  }
}

template <class Scalar>
void register_rounding(const std::string& what, Index n, bitgauge::effort level) {
  for (const int threads : {1, 2}) {
    const std::string name = what + "/" + std::to_string(n) + "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      const Eigen::MatrixXf w = Eigen::MatrixXf::Random(n, n);
      const auto h = bitgauge::hessian::from_matrix(correlation(n));
      measure_flops(state, n, gptq_flops(n), [&] {
        benchmark::DoNotOptimize(bitgauge::quantize(w, bitgauge::affine<4>{}, bitgauge::per_group{128},
                                                    bitgauge::gptq<Scalar>(h, {.effort = level}),
                                                    bitgauge::options{.threads = threads}));
      });
    })->Unit(benchmark::kMillisecond);
  }
}

}  // namespace

void register_gptq() {
  for (const Index n : {1024, 4096}) {
    const std::string shape = "/" + std::to_string(n);
    benchmark::RegisterBenchmark(("limit/float_gemm" + shape).c_str(), [=](benchmark::State& state) {
      for (auto _ : state) state.SetIterationTime(gemm_seconds(n));
      state.counters["flops_per_second"] = 2 * std::pow(static_cast<double>(n), 3) / gemm_seconds(n);
      state.counters["fraction"] = 1;
    })->UseManualTime();
    register_rounding<double>("gptq/affine4_g128_fast", n, bitgauge::effort::fast);
    register_rounding<double>("gptq/affine4_g128", n, bitgauge::effort::normal);
    register_rounding<float>("gptq/affine4_g128_float", n, bitgauge::effort::normal);
  }
  register_rounding<double>("gptq/affine4_g128_best", 512, bitgauge::effort::best);
  benchmark::RegisterBenchmark("peer/gptq_columns/1024", [](benchmark::State& state) {
    constexpr Index n = 1024;
    const Eigen::MatrixXf w = Eigen::MatrixXf::Random(n, n);
    const Eigen::MatrixXd h = correlation(n);
    Eigen::MatrixXf codes(n, n);
    measure_flops(state, n, gptq_flops(n), [&] { plain_columns(w, h, codes); });
  })->Unit(benchmark::kMillisecond);
}

}  // namespace bench
