// bitgauge quantize: each matrix of a file is read, quantized, measured and written before the next is
// touched.

#include <bitgauge/io/calibration_file.hpp>
#include <bitgauge/io/importance_file.hpp>
#include <bitgauge/io/llama.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/io/token_file.hpp>
#include <bitgauge/io/unfinished_run.hpp>
#include <bitgauge/matrix/scheme/text.hpp>
#include <bitgauge/model/llama/quantize.hpp>
#include <bitgauge/model/quantize_model.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "plan_of.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "terminal.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

/// The tensors that a language model's quality hangs on most take little of its bytes.
std::vector<bitgauge::rule> kept_in_language_models(const bitgauge::tensor_source& source) {
  const auto names = bitgauge::llama::names_in(source);
  std::vector<bitgauge::rule> rules;
  for (const std::string& name : {names.embedding(), names.output()})
    rules.push_back({.names = name,
                     .to = bitgauge::tensor_format::copy(),
                     .why = "kept by default: write --rule REGEX=FORMAT to quantize it",
                     .is_remarked = false});
  return rules;
}

bitgauge::model_report run(const quantize_options& options) {
  const bitgauge::scheme scheme = bitgauge::parse_scheme(options.scheme);
  std::optional<io::unfinished_run> unfinished;  // first: a second run is refused before it reads anything
  if (!options.calibration_tokens.empty()) unfinished.emplace(options.output);
  const io::tensor_file file(options.input);
  std::optional<io::importance_file> importance;
  if (!options.importance.empty()) importance.emplace(options.importance);
  std::optional<io::calibration_file> samples;
  if (!options.calibration.empty()) samples.emplace(options.calibration);
  std::optional<bitgauge::llama::calibration> tokens;
  if (!options.calibration_tokens.empty()) {
    const auto sizes = io::llama_config(file);
    const int context = options.calibration_context;
    tokens.emplace(file, sizes, io::read_tokens(options.calibration_tokens),
                   bitgauge::llama::calibration_options{.context = context > 0 ? context : sizes.context,
                                                        .threads = options.threads});
  }
  const bitgauge::calibration_source* calibration =
      tokens    ? static_cast<const bitgauge::calibration_source*>(&*tokens)
      : samples ? &*samples
                : nullptr;
  const bitgauge::quantization_plan plan =
      plan_of(file, options, scheme, calibration, importance ? &*importance : nullptr,
              tokens ? kept_in_language_models(file) : std::vector<bitgauge::rule>());
  const std::unique_ptr<bitgauge::tensor_sink> sink = io::open_sink(options.output, file);
  progress bar(options.quiet);
  const bitgauge::model_options how{.threads = options.threads,
                                    .on_nonfinite = options.on_nonfinite,
                                    .calibration = calibration,
                                    .finished = unfinished ? &*unfinished : nullptr,
                                    .progress = [&](const bitgauge::model_progress& now) { bar.show(now); }};
  if (!tokens) return bitgauge::quantize_model(file, plan, *sink, how);
  bitgauge::model_report report = bitgauge::llama::quantize(
      file, plan, *sink, *tokens, how, {.divergence_windows = options.divergence_windows});
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
