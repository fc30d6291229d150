// bitgauge quantize: each matrix of a file is read, quantized, measured and written before the next is
// touched.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io.hpp>

#include "calibration.hpp"
#include "column_weights.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "name_filter.hpp"
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
using bitgauge::gguf::tensor_type;

/// What is to become of one tensor.
struct plan_row {
  const io::stored_tensor* tensor;
  std::optional<std::string> copied{};         ///< why it is copied, where it is
  std::optional<tensor_type> blocks{};         ///< the ggml type it gets, where it gets one
  std::optional<io::quantized_entry> entry{};  ///< how its codes are stored, where they are
  std::vector<std::string> notes{};
};

/// Decides for every tensor before anything is written, so that what cannot be done is said first.
class planner {
 public:
  planner(const io::tensor_file& file, const quantize_options& options, const bitgauge::scheme& scheme)
      : file_(file),
        scheme_(scheme),
        filter_(options.include, options.exclude),
        type_(blocks_of(scheme, options.output)) {
    if (options.fallback.empty()) return;
    fallback_ = type_named(options.fallback);
    if (!fallback_)
      bitgauge::raise(
          bitgauge::invalid_scheme("--fallback: expected a ggml type, found \"" + options.fallback + "\""));
  }

  std::vector<plan_row> plan() const {
    std::vector<plan_row> rows;
    for (const io::stored_tensor& tensor : file_.tensors()) rows.push_back(plan_one(tensor));
    return rows;
  }

 private:
  static std::optional<tensor_type> type_named(std::string_view name) {
    const auto* traits = bitgauge::gguf::find_tensor_type(name);
    if (traits == nullptr) return std::nullopt;
    const auto plain = io::plain_dtype(traits->type);  // of these, only the 16 and 32-bit floats are targets
    if (plain && (!io::is_floating(*plain) || *plain == io::dtype::f64)) return std::nullopt;
    return traits->type;
  }
  /// Some names stand for a grid and for a ggml type: the container decides.
  static std::optional<tensor_type> blocks_of(const bitgauge::scheme& scheme, const std::string& output) {
    const std::string_view name = scheme.grid.view();
    if (!output.ends_with(".gguf") && bitgauge::is_grid_name(name)) return std::nullopt;
    return type_named(name);
  }

  std::optional<std::string> reason_to_copy(const io::stored_tensor& tensor) const {
    if (tensor.is_quantized()) return "already quantized";
    if (!tensor.is_real()) return tensor.format + " elements";
    if (tensor.shape.size() < 2) return std::to_string(tensor.shape.size()) + "-D";
    return filter_.reason_to_skip(tensor.name);
  }

  plan_row plan_one(const io::stored_tensor& tensor) const {
    plan_row row{&tensor, reason_to_copy(tensor)};
    if (row.copied) return row;
    const auto [rows, cols] = file_.shape_of(tensor);
    if (tensor.shape.size() > 2)
      row.notes.push_back(fmt::format("{}-D, as {} x {}", tensor.shape.size(), rows, cols));
    if (type_) {
      row.blocks = fitting_type(tensor, cols, row.notes);
    } else {
      row.entry = io::quantized_entry{
          tensor.name, tensor.shape, tensor.plain->type, to_text(scheme_), layout_of(scheme_, rows, cols),
          false};
      row.entry->has_levels = !row.entry->layout.meaning.levels.empty();
    }
    return row;
  }

  tensor_type fitting_type(const io::stored_tensor& tensor, bitgauge::index cols,
                           std::vector<std::string>& notes) const {
    const auto fits = [&](tensor_type type) { return cols % bitgauge::gguf::traits_of(type).elements == 0; };
    if (fits(*type_)) return *type_;
    const auto& traits = bitgauge::gguf::traits_of(*type_);
    const std::string why =
        fmt::format("{} columns are no multiple of {}'s blocks of {}", cols, traits.name, traits.elements);
    if (!fallback_ || !fits(*fallback_))
      bitgauge::raise(bitgauge::shape_error(
          file_.path() + ": tensor " + tensor.name + ": " + why +
          (fallback_ ? ", nor of the fallback's" : " (choose one with --fallback, or --exclude it)")));
    notes.push_back("fallback: " + why);
    return *fallback_;
  }

  const io::tensor_file& file_;
  const bitgauge::scheme& scheme_;
  name_filter filter_;
  std::optional<tensor_type> type_, fallback_;
};

class quantization {
 public:
  explicit quantization(const quantize_options& options)
      : options_(options),
        scheme_(bitgauge::parse_scheme(options.scheme)),
        file_(options.input),
        weights_(options.importance),
        calibration_(options.calibration) {}

  std::vector<report_row> run() {
    const std::vector<plan_row> plan = planner(file_, options_, scheme_).plan();
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
    const std::optional<bitgauge::hessian> h = calibration_.of(row.tensor->name, options_.threads);
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
    };
    if (row.blocks) {
      finish(bitgauge::quantize(values, *row.blocks, scheme_.level, weights, how));
      result.scheme = bitgauge::gguf::traits_of(*row.blocks).name;
    } else {
      bitgauge::gptq_report report;
      finish(bitgauge::quantize(values, scheme_, {h ? &*h : nullptr, &report}, weights, how));
      result.scheme = row.entry->scheme;
      if (scheme_.rounding == bitgauge::rounding_kind::gptq) note(report, result.notes);
    }
    result.name = row.tensor->name;
    return result;
  }

  /// What error feedback met and gained.
  static void note(const bitgauge::gptq_report& report, std::vector<std::string>& notes) {
    if (report.energy > 0)
      notes.push_back(fmt::format("output error {:.3g} nearest, {:.3g} gptq",
                                  report.nearest_error / report.energy, report.gptq_error / report.energy));
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
