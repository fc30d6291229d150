// bitgauge quantize: each matrix of a file is read, quantized, measured and written before the next is
// touched.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io.hpp>

#include "calibration.hpp"
#include "column_weights.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "failure.hpp"
#include "measurement.hpp"
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
    if (plan.type) sink->set_main_type(*plan.type);
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

  /// Rows are quantized, measured and written some at a time, so that a tensor of any size takes little
  /// memory beside the mapped file; error feedback takes it whole.
  report_row quantize_one(const plan_row& row, tensor_sink& sink, progress& bar) const {
    using clock = std::chrono::steady_clock;
    const auto start = clock::now();
    const std::string& name = row.tensor->name;
    io::tensor_file::float_matrix whole;
    const bitgauge::row_source values = file_.source(*row.tensor, row.rows, whole);
    const bitgauge::options how{.threads = options_.threads,
                                .on_nonfinite = options_.on_nonfinite,
                                .progress = [&](bitgauge::index_t done, bitgauge::index_t) {
                                  bar.reach(static_cast<std::uint64_t>(done));
                                }};
    const std::optional<calibration::matrix> samples = calibration_.samples(name);
    const std::optional<bitgauge::hessian> h = hessian_of(name, samples);
    const std::optional<bitgauge::quantized_matrix> inputs = inputs_of(row, samples);
    measurement found(values, h ? &*h : nullptr, samples ? &*samples : nullptr, inputs ? &*inputs : nullptr,
                      options_.threads);
    clock::duration elsewhere{};
    const auto take = [&](bitgauge::index_t first, const auto& part) {
      const auto handed_out = clock::now();
      sink.write(name, part);
      found.add(first, part);
      elsewhere += clock::now() - handed_out;
    };
    bitgauge::gptq_report gained;
    if (row.entry) {
      const auto groups = bitgauge::quantize_in_parts(values, take, scheme_, {h ? &*h : nullptr, &gained},
                                                      row.importance, how);
      sink.write(name, groups, row.entry->layout.meaning.levels);
    } else if (!feeds_back(scheme_, row)) {
      bitgauge::quantize_in_parts(values, take, *row.blocks, scheme_.effort, row.importance, how);
    } else {
      bitgauge::quantize_in_parts(values, take, *row.blocks, scheme_.effort, row.importance, how,
                                  bitgauge::gptq(*h, gptq_options_of(scheme_, &gained)));
    }

    report_row result;
    result.name = name;
    result.rows = values.rows();
    result.cols = values.cols();
    result.scheme = row.entry ? row.entry->scheme : bitgauge::gguf::traits_of(*row.blocks).name;
    result.bits_per_weight = bits_per_weight(row);
    result.seconds = std::chrono::duration<double>(clock::now() - start - elsewhere).count();
    result.notes = row.notes;
    found.report(result);
    if (inputs) note(*row.entry->activations, *result.activation_output_error, result.notes);
    if (feeds_back(scheme_, row)) note(gained, result.notes);
    return result;
  }

  static double bits_per_weight(const plan_row& row) {
    if (row.entry) return row.entry->layout.bits_per_weight();
    const auto& traits = bitgauge::gguf::traits_of(*row.blocks);
    return row.tensor->element_count() == 0
               ? 0
               : 8.0 * static_cast<double>(traits.bytes) / static_cast<double>(traits.elements);
  }

  std::optional<bitgauge::hessian> hessian_of(const std::string& name,
                                              const std::optional<calibration::matrix>& samples) const {
    if (!samples) return std::nullopt;
    return naming(calibration_.path(), "activations of " + name, [&] {
      bitgauge::hessian h(samples->cols());
      h.accumulate(*samples, {}, options_.threads);
      return h;
    });
  }

  /// The activations that a layer whose inputs are quantized too would see.
  std::optional<bitgauge::quantized_matrix> inputs_of(
      const plan_row& row, const std::optional<calibration::matrix>& samples) const {
    if (!samples || !row.entry || !row.entry->activations) return std::nullopt;
    const io::stored_activations& how = *row.entry->activations;
    return bitgauge::make_activation_quantizer(how.scheme, how.frozen)(
        *samples, {.threads = options_.threads, .on_nonfinite = options_.on_nonfinite});
  }

  static void note(const io::stored_activations& how, double error, std::vector<std::string>& notes) {
    notes.push_back(fmt::format("output error {:.3g} with {} inputs{}", error, to_text(how.scheme),
                                how.scheme.is_static ? fmt::format(" (scale {:.4g}, zero point {})",
                                                                   how.frozen.scale, how.frozen.zero_point)
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
