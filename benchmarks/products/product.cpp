#include "product.hpp"

#include "../arithmetic_limits.hpp"
#include "../limits.hpp"
#include "../measure.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <random>

namespace bench {
namespace {

std::vector<float> normal_values(std::size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// The weights that the last product had, kept for the next one: only one system and shape at a time takes memory.
const prepared_weights& prepared(const product_system& system, weight_shape shape) {
  static std::string name;
  static prepared_weights weights;
  const std::string wanted = system.name + "/" + system.weights + "/" + shape.text();
  if (name != wanted) {
    name.clear();
    weights = {};
    weights = system.prepare(shape);
    name = wanted;
  }
  return weights;
}

std::vector<product_result>& results() {
  static std::vector<product_result> all;
  return all;
}

/// Google Benchmark runs a function several times until it has taken long enough: the last time counts.
void record(const product_result& result) {
  std::erase_if(results(), [&](const product_result& other) { return other.what == result.what; });
  results().push_back(result);
}

void measure_product(benchmark::State& state, const product& what, const product_system& system) {
  const prepared_weights& weights = prepared(system, what.shape);
  const float* const x = normal_weights(what.shape);  // of rows, as many as there are samples
  std::vector<float> y(static_cast<std::size_t>(what.shape.rows * what.samples));
  const double seconds = iteration_seconds(state, [&] {
    weights.multiply({x, y.data(), what.samples, what.threads, what.how});
  });
  const double peak = system.peak(what.how, what.threads);
  const double least = std::max(weights.bytes / machine_limits().read.with(what.threads),
                                peak > 0 ? what.operations() / peak : 0);
  const product_result result{what, weights.bytes / seconds, what.operations() / seconds, least / seconds};
  if (what.samples == 1) state.counters["bytes_per_second"] = result.bytes_per_second;
  state.counters["operations_per_second"] = result.operations_per_second;
  state.counters["fraction"] = result.fraction;
  record(result);
}

}  // namespace

std::string product::title() const {
  const std::string on_threads = "/threads:" + std::to_string(threads),
                    number = "/m:" + std::to_string(samples);
  if (system != "bitgauge")
    return "peer/" + system + "/" + weights + "/" + shape.text() + number + on_threads;
  const std::string precise = std::string("/") + name_of(how) + on_threads;
  if (samples == 1) return "gemv/" + weights + "/" + shape.text() + precise;
  return "gemm/" + weights + "/" + shape.text() + number + precise;
}

const std::vector<product_result>& product_results() {
  return results();
}

void register_system(const product_system& system) {
  for (const weight_shape shape : weight_shapes)
    for (const std::ptrdiff_t samples : sample_counts)
      for (const precision how : system.precisions)
        for (const int threads : thread_counts) {
          const product what{system.name, system.weights, how, shape, samples, threads};
          benchmark::RegisterBenchmark(what.title().c_str(), [=](benchmark::State& state) {
            try {
              measure_product(state, what, system);
            } catch (const std::exception& failure) {
              state.SkipWithError(failure.what());
            }
          });
        }
}

const float* normal_weights(weight_shape) {
  static const std::vector<float> values = [] {
    double most = 0;
    for (const weight_shape shape : weight_shapes) most = std::max(most, shape.size());
    return normal_values(static_cast<std::size_t>(most));
  }();
  return values.data();
}

std::size_t copies_beyond_caches(double bytes) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(machine_limits().beyond_caches) / bytes));
}

}  // namespace bench
