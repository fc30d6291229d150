// bitgauge_bench: every figure with the limit of this machine that binds it, measured in the same run.
//
//     bitgauge_bench                                     all
//     bitgauge_bench --benchmark_filter='^quantize/'     some
//     bitgauge_bench --benchmark_list_tests              names: <what>/<scheme>/<shape>/threads:T

#include "groups.hpp"

#include <benchmark/benchmark.h>

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  bench::register_limits();
  bench::register_quantize();
  bench::register_range();
  bench::register_floats();
  bench::register_gguf();
  bench::register_gptq();
  bench::register_peers();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
