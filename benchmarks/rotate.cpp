#include <bitgauge/transform/in_place.hpp>
#include <bitgauge/transform/rotation.hpp>

#include "groups.hpp"
#include "limits.hpp"
#include "matrices.hpp"
#include "measure.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace bench {
namespace {

/// rotate/<name>/<rows>x<inputs>/threads:T: every row of a matrix that is there. Bytes: what is read and what is
/// written, as of a copy.
void register_one(const std::string& name, Eigen::Index rows, Eigen::Index inputs, Eigen::Index block) {
  const std::string shape = std::to_string(rows) + "x" + std::to_string(inputs);
  for (const int threads : {1, 2}) {
    const std::string full = "rotate/" + name + "/" + shape + "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
      const bitgauge::rotation t(inputs, {.seed = 1, .block = block});
      row_major x = weights<row_major>()
                        .reshaped<Eigen::RowMajor>()
                        .head(rows * inputs)
                        .reshaped<Eigen::RowMajor>(rows, inputs);
      const double bytes = 2.0 * sizeof(float) * static_cast<double>(x.size());
      measure(state, bytes, machine_limits().copy.with(threads),
              [&] { bitgauge::change_inputs_in_place(t, x, threads); });
    })->Unit(benchmark::kMillisecond);
  }
}

}  // namespace

void register_rotate() {
  register_one("whole", 4096, 4096, 0);
  register_one("blocks_of_128", 4096, 4096, 128);
  register_one("whole", 3072, 5120, 0);   // 40 * 128
  register_one("whole", 1024, 11008, 0);  // 172 * 64
}

}  // namespace bench
