// bitgauge plan: what would become of each tensor, and which formats lose least within a budget.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/atomic_file.hpp>
#include <bitgauge/io/model/plan_file.hpp>
#include <bitgauge/model/budget/any_rate.hpp>
#include <bitgauge/model/budget/bit_budget.hpp>
#include <bitgauge/model/budget/candidates.hpp>
#include <bitgauge/model/budget/sensitivity.hpp>
#include <bitgauge/model/llama/calibration/sensitivity.hpp>

#include "cells.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "inputs.hpp"
#include "plan_of.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "table.hpp"
#include "terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{:.3f} MB", static_cast<double>(bytes) / 1e6);
}

/// A row a tensor, and lines below.
std::string as_text(const bitgauge::quantization_plan& p, std::span<const std::optional<double>> costs,
                    const std::vector<std::string>& remarks) {
  std::vector<table_column> columns;
  const auto add = [&](const char* heading, bool is_text, int importance,
                       const std::function<std::string(std::size_t)>& text) {
    table_column column{heading, is_text, importance};
    for (std::size_t t = 0; t < p.tensors.size(); ++t) column.cells.push_back(text(t));
    columns.push_back(std::move(column));
  };
  const auto row = [&](std::size_t t) -> const bitgauge::planned_tensor& { return p.tensors[t]; };
  add("tensor", true, 100, [&](std::size_t t) { return table_cell(row(t).name); });
  add("shape", false, 4, [&](std::size_t t) { return fmt::format("{} x {}", row(t).rows, row(t).cols); });
  add("from", true, 3, [&](std::size_t t) { return table_cell(row(t).from); });
  add("format", true, 95, [&](std::size_t t) { return table_cell(to_text(row(t).to)); });
  add("bits/weight", false, 90,
      [&](std::size_t t) { return fmt::format("{:.3f}", row(t).bits_per_weight()); });
  add("bytes", false, 50, [&](std::size_t t) { return std::to_string(row(t).bytes_after); });
  if (!costs.empty())
    add("cost", false, 80,
        [&](std::size_t t) { return costs[t] ? number_text(*costs[t], "{:.3g}") : std::string(); });
  add("why", true, 0, [&](std::size_t t) { return table_cell(row(t).why, 400); });
  columns.back().may_go_below = true;
  const std::size_t width = terminal_width(stdout);
  std::string text = as_lines(std::move(columns), width);
  const auto say = [&](const std::string& words) {
    for (const std::string& line : wrapped(words, width > 0 ? width : words.size())) text += line + "\n";
  };
  for (const std::string& remark : p.remarks) say(table_cell(remark, 400));
  for (const std::string& remark : remarks) say(remark);
  say(fmt::format("all tensors: {} before, {} after; work takes about {} beside the file",
                  megabytes(p.bytes_before()), megabytes(p.bytes_after()), megabytes(p.peak_bytes())));
  return text;
}

/// The file of a plan, opened before the work: a path that cannot be written is told at once.
std::optional<io::atomic_file> open_plan(const std::string& path) {
  if (path.empty()) return std::nullopt;
  if (!path.ends_with(".json"))
    bitgauge::raise(bitgauge::io_error(path + ": expected a plan ending in .json"));
  return std::optional<io::atomic_file>(std::in_place, path);
}
void write(std::optional<io::atomic_file>& file, const nlohmann::ordered_json& json) {
  if (!file) return;
  const std::string text = json_text(json);
  file->write(std::as_bytes(std::span(text)));
  file->commit();
}

/// What each tensor can become: of a format of any rate, some rates around the budget.
bitgauge::model_candidates candidates_of(const io::tensor_file& file, const plan_request& asked,
                                         const std::string& list, const bitgauge::bit_budget& budget) {
  budget_formats from = read_formats(list, asked.names);
  bitgauge::model_candidates all = candidates(file, asked.rules, from.formats, asked.how);
  if (from.of_any_rate.empty()) return all;
  const double weights = static_cast<double>(std::max<std::uint64_t>(all.weights(), 1));
  const std::vector<double> rates =
      bitgauge::rates_around(8 * static_cast<double>(budget.bytes_for(all.weights())) / weights);
  for (const bitgauge::trellis_scheme& each : from.of_any_rate) {
    std::erase(from.formats, bitgauge::tensor_format(each));
    for (const bitgauge::tensor_format& f : bitgauge::at_rates(each, rates)) from.formats.push_back(f);
  }
  all = candidates(file, asked.rules, from.formats, asked.how);
  for (const bitgauge::trellis_scheme& each : from.of_any_rate) allow_any_rate(all, each);
  return all;
}

/// The plan that loses least, and the unit of its costs.
std::pair<bitgauge::budget_plan, std::string> choose(const plan_command_options& options) {
  const bitgauge::bit_budget budget = bitgauge::parse_bit_budget(options.budget);
  model_inputs inputs(options.model);
  const plan_request asked = request_of(inputs, options.model);
  bitgauge::model_candidates all = candidates_of(inputs.file(), asked, options.formats, budget);
  require_room(all, budget);  // told before the work
  progress bar(options.model.quiet);
  const bitgauge::model_options how{.threads = options.model.threads,
                                    .on_nonfinite = options.model.on_nonfinite,
                                    .calibration = inputs.calibration(),
                                    .progress = [&](const bitgauge::model_progress& now) { bar.show(now); }};
  if (inputs.seen() == nullptr || options.output_error) {
    if (inputs.seen() != nullptr) put_in_order(all, *inputs.seen());
    measure_errors(inputs.file(), all, how);
    return {plan_within(all, budget),
            inputs.calibration() != nullptr ? "of outputs' energy" : "of weights' energy"};
  }
  bitgauge::llama::measure_divergence(
      inputs.file(), inputs.sizes(), inputs.tokens(), *inputs.seen(), all,
      {.context = inputs.context(), .windows = options.windows, .threads = options.model.threads}, how);
  return {plan_within(all, budget), "bits a token of divergence"};
}

void plan_within_budget(const plan_command_options& options) {
  if (!options.model.scheme.empty())
    bitgauge::raise(bitgauge::invalid_scheme(
        "--budget: expected it without --scheme, since it chooses among --formats, found both"));
  std::optional<io::atomic_file> file = open_plan(options.output);
  const auto [best, unit] = choose(options);
  nlohmann::ordered_json json{{"model", options.model.input}, {"cost_unit", unit}};
  json.update(io::plan_json(best));
  write(file, json);
  if (options.model.quiet) return;
  const bitgauge::budget_allocation& a = best.allocation;
  print(
      as_text(best.plan, best.costs,
              {fmt::format("quantized: {} weights in {} bytes of {} allowed, {:.4f} bits a weight",
                           best.weights, a.bytes, best.limit, best.bits_per_weight()),
               fmt::format("cost: {:.6g} {}; no choice within the budget costs less{} than {:.6g} by the "
                           "Lagrangian; a multiplier alone finds {:.6g}",
                           a.cost, unit, best.has_rates ? "" : ", or less", a.bound, best.multiplier_cost)}));
}

}  // namespace

void plan(const plan_command_options& options) {
  if (!options.budget.empty()) return plan_within_budget(options);
  if (options.model.scheme.empty())
    bitgauge::raise(bitgauge::invalid_scheme("--budget or --scheme is required"));
  std::optional<io::atomic_file> file = open_plan(options.output);
  const model_inputs inputs(options.model);
  const bitgauge::quantization_plan p =
      plan_of(inputs.file(), request_of(inputs, options.model), options.model.scheme);
  nlohmann::ordered_json json{{"model", options.model.input}};
  json.update(io::plan_json(p));
  write(file, json);
  if (!options.model.quiet) print(as_text(p, {}, {}));
}

}  // namespace program
