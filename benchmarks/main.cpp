// bitgauge_bench: every figure with the limit of this machine that binds it, measured in the same run.
//
//     bitgauge_bench                                     all
//     bitgauge_bench --benchmark_filter='^quantize/'     some
//     bitgauge_bench --benchmark_list_tests              names: <what>/<scheme>/<shape>/threads:T
//     bitgauge_bench --table                             products and those of peers, then a table of them

#include "groups.hpp"
#include "products/table.hpp"

#include <benchmark/benchmark.h>

#include <iostream>
#include <string_view>
#include <vector>

namespace {

/// Removes --table from the arguments; whether it was there. Hundreds of products are measured then, so that each
/// gets a tenth of a second, unless the arguments say otherwise.
bool take_table(std::vector<char*>& arguments) {
  static char brief[] = "--benchmark_min_time=0.1";
  if (std::erase(arguments, std::string_view("--table")) == 0) return false;
  arguments.insert(arguments.begin() + 1, brief);
  return true;
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
  std::vector<char*> arguments(argv, argv + argc);
  const bool table = take_table(arguments);
  argc = static_cast<int>(arguments.size());
  benchmark::Initialize(&argc, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(argc, arguments.data())) return 2;
  bench::register_limits();
  bench::register_arithmetic_limits();
  if (!table) {
    bench::register_quantize();
    bench::register_range();
    bench::register_rotate();
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
