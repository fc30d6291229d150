// bitgauge quantize: each matrix of a file is read, quantized, measured and written before the next is
// touched.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io.hpp>

#include "calibration.hpp"
#include "column_weights.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "planner.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "tensor_sink.hpp"

#include <fmt/core.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

class quantization {
 public:
  explicit quantization(const quantize_options& options)
      : options_(options),
        scheme_(bitgauge::parse_scheme(options.scheme)),
        file_(options.input),
        weights_(options.importance),
        calibration_(options.calibration) {}

  std::vector<report_row> run() {
    const std::vector<plan_row> plan = planner(file_, options_, scheme_, calibration_).plan();
    const std::unique_ptr<tensor_sink> sink = open_sink(options_.output);
    declare(plan, *sink);
    std::uint64_t total = 0;
    for (const plan_row& row : plan) total += row.tensor->bytes;
    progress bar(total);
    std::vector<report_row> rows;
    for (const plan_row& row : plan) {
      bar.advance(0, row.tensor->name);
      rows.push_back(naming(file_.path(), row.tensor->name,
                            [&] { return row.copied ? copy(row, *sink) : quantize_one(row, *sink); }));
      bar.advance(row.tensor->bytes, row.tensor->name);
    }
    sink->commit();
    return rows;
  }

 private:
  void declare(const std::vector<plan_row>& plan, tensor_sink& sink) const {
    sink.take_metadata(file_);
    for (const plan_row& row : plan) {
      if (row.copied) {
        sink.declare_copy(*row.tensor);
      } else if (row.blocks) {
        sink.declare_blocks(row.tensor->name, *row.blocks, row.tensor->shape);
      } else {
        sink.declare_quantized(*row.entry);
      }
    }
    sink.begin();
  }

  report_row copy(const plan_row& row, tensor_sink& sink) const {
    sink.copy(file_, *row.tensor);
    report_row result;
    result.name = row.tensor->name;
    result.scheme = row.tensor->format;
    std::tie(result.rows, result.cols) = file_.shape_of(*row.tensor);
    result.bits_per_weight = row.tensor->bits_per_weight();
    result.notes.push_back("copied: " + *row.copied);
    return result;
  }

  report_row quantize_one(const plan_row& row, tensor_sink& sink) const {
    const auto start = std::chrono::steady_clock::now();
    const io::tensor_file::float_matrix values = file_.matrix(*row.tensor);
    const bitgauge::importance weights = weights_.of(row.tensor->name);
    const bitgauge::options how{options_.threads, options_.on_nonfinite};
    const std::optional<calibration::matrix> samples = calibration_.samples(row.tensor->name);
    const std::optional<bitgauge::hessian> h = hessian_of(samples);
    report_row result;
    result.notes = row.notes;
    const auto finish = [&](const auto& q) {
      result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      sink.write(row.tensor->name, q);
      result.rows = q.rows();
      result.cols = q.cols();
      result.bits_per_weight = q.bits_per_weight();
      result.error = bitgauge::measure_error(values, q, options_.threads);
      if (h) result.output_error = bitgauge::measure_output_error(values, q, *h, options_.threads).relative();
      if (samples && row.entry && row.entry->activations)
        measure_activations(values, q, *samples, *row.entry->activations, result);
    };
    bitgauge::gptq_report report;
    const bool feedback = feeds_back(scheme_, row);
    if (!row.blocks) {
      const bool weighs = bitgauge::uses_importance(scheme_);
      if (!weighs && !weights.weights.empty())
        result.notes.emplace_back("importance not used: its range weighs no errors (range=mse does)");
      finish(bitgauge::quantize(values, scheme_, {h ? &*h : nullptr, &report},
                                weighs ? weights : bitgauge::importance{}, how));
      result.scheme = row.entry->scheme;
    } else {
      result.scheme = bitgauge::gguf::traits_of(*row.blocks).name;
      if (!feedback) {
        finish(bitgauge::quantize(values, *row.blocks, scheme_.level, weights, how));
      } else {
        finish(bitgauge::quantize(values, *row.blocks, scheme_.level, weights, how,
                                  bitgauge::gptq(*h, gptq_options_of(scheme_, &report))));
      }
    }
    if (feedback) note(report, result.notes);
    result.name = row.tensor->name;
    return result;
  }

  std::optional<bitgauge::hessian> hessian_of(const std::optional<calibration::matrix>& samples) const {
    if (!samples) return std::nullopt;
    bitgauge::hessian h(samples->cols());
    h.accumulate(*samples, {}, options_.threads);
    return h;
  }

  /// What the layer's outputs are like with inputs in 8 bits.
  template <class Quantized>
  void measure_activations(const io::tensor_file::float_matrix& values, const Quantized& q,
                           const calibration::matrix& samples, const io::stored_activations& how,
                           report_row& result) const {
    const bitgauge::quantized_matrix inputs =
        bitgauge::activations_of(how.scheme, how.frozen)(samples, {options_.threads, options_.on_nonfinite});
    result.activation_output_error =
        bitgauge::measure_output_error(values, q, samples, inputs, options_.threads).relative();
    result.notes.push_back(fmt::format(
        "output error {:.3g} with {} inputs{}", *result.activation_output_error, to_text(how.scheme),
        how.scheme.is_static
            ? fmt::format(" (scale {:.4g}, zero point {})", how.frozen.scale, how.frozen.zero_point)
            : std::string()));
  }

  /// What error feedback met and gained.
  static void note(const bitgauge::gptq_report& report, std::vector<std::string>& notes) {
    if (report.energy > 0)
      notes.push_back(fmt::format("output error {:.3g} nearest, {:.3g} gptq",
                                  report.nearest_error / report.energy, report.gptq_error / report.energy));
    if (report.error < report.gptq_error)
      notes.push_back(fmt::format("{:.3g} after search", report.error / report.energy));
    if (report.predicted_error > 0 && report.energy > 0)
      notes.push_back(fmt::format("{:.3g} predicted", report.predicted_error / report.energy));
    if (report.damping_raised > 0)
      notes.push_back(
          fmt::format("damping raised {} times, to {:.3g}", report.damping_raised, report.damping));
    if (!report.dead_columns.empty())
      notes.push_back(fmt::format("{} dead columns", report.dead_columns.size()));
  }

  const quantize_options& options_;
  bitgauge::scheme scheme_;
  io::tensor_file file_;
  column_weights weights_;
  calibration calibration_;
};

}  // namespace

void quantize(const quantize_options& options) {
  if (!options.report.empty()) check_report_ending(options.report);
  const std::vector<report_row> rows = quantization(options).run();
  if (!options.report.empty()) write_report(rows, options.report);
  fmt::print("{}", as_table(rows));
}

}  // namespace program
