// bitgauge quantize: each matrix of a file is read, quantized, measured and written before the next is
// touched.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io.hpp>

#include "calibration.hpp"
#include "column_weights.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "failure.hpp"
#include "nonfinite_note.hpp"
#include "pieces.hpp"
#include "planner.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "tensor_sink.hpp"
#include "terminal.hpp"

#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
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

  file_report run() {
    const quantization_plan plan = planner(file_, options_, scheme_, calibration_, weights_).plan();
    const std::unique_ptr<tensor_sink> sink = open_sink(options_.output);
    declare(plan.rows, *sink);
    std::uint64_t total = 0;
    for (const plan_row& row : plan.rows) total += row.tensor->element_count();
    progress bar(total, options_.quiet);
    file_report result{{}, plan.remarks};
    for (const plan_row& row : plan.rows) {
      bar.begin(row.tensor->name);
      result.rows.push_back(naming(file_.path(), row.tensor->name, [&] {
        return row.copied ? copy(row, *sink) : quantize_one(row, *sink, bar);
      }));
      bar.finish(row.tensor->element_count());
    }
    sink->commit();
    return result;
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
    result.kind = row_kind::identical;
    result.scheme = row.tensor->format;
    std::tie(result.rows, result.cols) = file_.shape_of(*row.tensor);
    result.bits_per_weight = row.tensor->bits_per_weight();
    result.notes.push_back("copied: " + *row.copied);
    return result;
  }

  report_row quantize_one(const plan_row& row, tensor_sink& sink, progress& bar) const {
    const std::optional<calibration::matrix> samples = calibration_.samples(row.tensor->name);
    const auto [rows, cols] = file_.shape_of(*row.tensor, row.rows);
    report_row result =
        !samples && rows_stand_alone(scheme_, row, rows) && piece_at(row, 0, rows, cols).count < rows
            ? quantize_in_pieces(row, rows, cols, sink, bar)
            : quantize_whole(row, samples, sink, bar);
    result.name = row.tensor->name;
    result.scheme = row.blocks ? std::string(bitgauge::gguf::traits_of(*row.blocks).name) : row.entry->scheme;
    result.rows = rows;
    result.cols = cols;
    return result;
  }

  bitgauge::options options_for(progress& bar, bitgauge::index_t before) const {
    return {.threads = options_.threads,
            .on_nonfinite = options_.on_nonfinite,
            .progress = [&bar, before](bitgauge::index_t done, bitgauge::index_t) {
              bar.reach(static_cast<std::uint64_t>(before + done));
            }};
  }

  /// Gives what becomes of some rows, without error feedback, to `use`.
  template <class Use>
  void quantize_rows(const plan_row& row, const io::tensor_file::float_matrix& values,
                     const bitgauge::importance& weights, const bitgauge::options& how,
                     const Use& use) const {
    if (row.blocks) return use(bitgauge::quantize(values, *row.blocks, scheme_.level, weights, how));
    use(bitgauge::quantize(values, scheme_, bitgauge::calibration_data{}, weights, how));
  }

  report_row quantize_in_pieces(const plan_row& row, bitgauge::index_t rows, bitgauge::index_t cols,
                                tensor_sink& sink, progress& bar) const {
    report_row result;
    result.notes = row.notes;
    nonfinite_pairs hidden;
    double bits = 0;
    for (bitgauge::index_t first = 0; first < rows;) {
      const row_piece piece = piece_at(row, first, rows, cols);
      const auto start = std::chrono::steady_clock::now();
      const io::tensor_file::float_matrix values = values_of(*row.tensor, piece, cols);
      first += piece.count;
      try {
        quantize_rows(
            row, values, piece.importance, options_for(bar, piece.first * cols), [&](const auto& q) {
              result.seconds += seconds_since(start);
              sink.write_rows(row.tensor->name, q, first == rows);
              bits += q.bits_per_weight() * static_cast<double>(values.size());
              const bitgauge::error_sums error = bitgauge::measure_error(values, q, options_.threads);
              result.error.merge(error);
              if (!bitgauge::numeric::binary64::is_finite(error.mse()))
                hidden.add(values, q.template dequantize<io::tensor_file::float_matrix>(options_.threads));
            });
      } catch (const bitgauge::data_error&) {
        // the message for the whole counts rows from the tensor's first
        if (piece.first > 0)
          quantize_rows(row, file_.matrix(*row.tensor, row.rows), row.importance,
                        {options_.threads, options_.on_nonfinite}, [](const auto&) {});
        throw;
      }
    }
    result.bits_per_weight = bits / static_cast<double>(rows * cols);
    if (hidden.any()) result.notes.push_back(hidden.text());
    return result;
  }

  static double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  report_row quantize_whole(const plan_row& row, const std::optional<calibration::matrix>& samples,
                            tensor_sink& sink, progress& bar) const {
    const auto start = std::chrono::steady_clock::now();
    const io::tensor_file::float_matrix values = file_.matrix(*row.tensor, row.rows);
    const bitgauge::importance& weights = row.importance;
    const bitgauge::options how = options_for(bar, 0);
    const std::optional<bitgauge::hessian> h = hessian_of(samples);
    report_row result;
    result.notes = row.notes;
    const auto finish = [&](const auto& q) {
      result.seconds = seconds_since(start);
      sink.write(row.tensor->name, q);
      result.bits_per_weight = q.bits_per_weight();
      result.error = bitgauge::measure_error(values, q, options_.threads);
      if (!bitgauge::numeric::binary64::is_finite(result.error.mse())) {
        nonfinite_pairs hidden;
        hidden.add(values, q.template dequantize<io::tensor_file::float_matrix>(options_.threads));
        result.notes.push_back(hidden.text());
      }
      if (h) result.output_error = bitgauge::measure_output_error(values, q, *h, options_.threads).relative();
      if (samples && row.entry && row.entry->activations)
        measure_activations(values, q, *samples, *row.entry->activations, result);
    };
    bitgauge::gptq_report report;
    const bool feedback = feeds_back(scheme_, row);
    if (!feedback) {
      quantize_rows(row, values, weights, how, finish);
    } else if (row.blocks) {
      finish(bitgauge::quantize(values, *row.blocks, scheme_.level, weights, how,
                                bitgauge::gptq(*h, gptq_options_of(scheme_, &report))));
    } else {
      finish(bitgauge::quantize(values, scheme_, bitgauge::calibration_data{&*h, &report}, weights, how));
    }
    if (feedback) note(report, result.notes);
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
  std::optional<report_file> file;  // opened before the work: a path that cannot be written is told at once
  if (!options.report.empty()) file.emplace(options.report, options.input);
  file_report result = quantization(options).run();
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
