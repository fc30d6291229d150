// bitgauge_bench: every figure with the limit of this machine that binds it, measured in the same run.
//
//     bitgauge_bench                                     all
//     bitgauge_bench --benchmark_filter='^quantize/'     some
//     bitgauge_bench --benchmark_list_tests              names: <what>/<scheme>/<shape>/threads:T
//     bitgauge_bench --table                             products and those of peers, then a table of them

#include "groups.hpp"
#include "products/table.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <iostream>
#include <string_view>

namespace {

/// Removes `option` from the arguments; whether it was there.
bool take_option(int& argc, char** argv, std::string_view option) {
  char** const end = std::remove(argv + 1, argv + argc, option);
  const bool found = end != argv + argc;
  argc = static_cast<int>(end - argv);
  return found;
}

/// Progress goes to the error stream, so that the output is the table alone.
void print_table() {
  benchmark::ConsoleReporter progress(benchmark::ConsoleReporter::OO_Tabular);
  progress.SetOutputStream(&std::cerr);
  benchmark::RunSpecifiedBenchmarks(&progress);
  bench::print_product_table(std::cout);
}

}  // namespace

int main(int argc, char** argv) {
  const bool table = take_option(argc, argv, "--table");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  bench::register_limits();
  bench::register_arithmetic_limits();
  if (!table) {
    bench::register_quantize();
    bench::register_range();
    bench::register_floats();
    bench::register_gguf();
    bench::register_gptq();
    bench::register_peers();
  }
  bench::register_products();
  if (table)
    print_table();
  else
    benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
