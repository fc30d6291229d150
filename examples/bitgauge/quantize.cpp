// bitgauge quantize: each matrix of a file is read, quantized, measured and written before the next is
// touched.

#include <bitgauge/error.hpp>
#include <bitgauge/io/model/plan_file.hpp>
#include <bitgauge/io/model/unfinished_run.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/model/llama/calibration/quantize.hpp>
#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/model/quantize_model.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "inputs.hpp"
#include "plan_of.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "terminal.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

/// What becomes of each tensor: by --plan, or by --scheme.
bitgauge::quantization_plan decide(const model_inputs& inputs, const quantize_options& options) {
  if (options.plan.empty() == options.scheme.empty())
    bitgauge::raise(bitgauge::invalid_scheme(
        options.plan.empty()
            ? "--scheme is required (or --plan)"
            : "--plan: expected it without --scheme, since it says every tensor's, found both"));
  const plan_request asked = request_of(inputs, options);
  if (options.plan.empty()) return plan_of(inputs.file(), asked, options.scheme);
  std::vector<bitgauge::rule> rules = asked.rules;
  for (bitgauge::rule& each : io::plan_file(options.plan).rules_for(inputs.file()))
    rules.push_back(std::move(each));
  return plan(inputs.file(), rules, asked.how);
}

bitgauge::model_report run(const quantize_options& options) {
  std::optional<io::unfinished_run> unfinished;  // first: a second run is refused before it reads anything
  if (!options.calibration_tokens.empty()) unfinished.emplace(options.output);
  model_inputs inputs(options);
  const bitgauge::quantization_plan plan = decide(inputs, options);
  const std::unique_ptr<bitgauge::tensor_sink> sink = io::open_sink(options.output, inputs.file());
  progress bar(options.quiet);
  const bitgauge::model_options how{.threads = options.threads,
                                    .on_nonfinite = options.on_nonfinite,
                                    .calibration = inputs.calibration(),
                                    .finished = unfinished ? &*unfinished : nullptr,
                                    .progress = [&](const bitgauge::model_progress& now) { bar.show(now); }};
  if (inputs.seen() == nullptr) return bitgauge::quantize_model(inputs.file(), plan, *sink, how);
  bitgauge::model_report report = bitgauge::llama::quantize(
      inputs.file(), plan, *sink, *inputs.seen(), how, {.divergence_windows = options.divergence_windows});
  if (unfinished->resumed() > 0)
    report.remarks.push_back(
        fmt::format("{} tensors had been finished by an earlier run", unfinished->resumed()));
  return report;
}

}  // namespace

void quantize(const quantize_options& options) {
  std::optional<report_file> file;  // opened before the work: a path that cannot be written is told at once
  if (!options.report.empty()) file.emplace(options.report, options.input);
  bitgauge::model_report result = run(options);
  result.remarks.push_back(
      fmt::format("{}: {:.2f} MB", options.output,
                  static_cast<double>(std::filesystem::file_size(options.output)) / 1e6));
  const std::string table = options.quiet ? "" : as_table(result, terminal_width(stdout));
  try {
    if (file) file->write(result);
  } catch (...) {
    print(table);  // what was found is not lost with the file
    throw;
  }
  print(table);
}

}  // namespace program
