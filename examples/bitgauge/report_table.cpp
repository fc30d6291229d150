#include "report_table.hpp"

#include "cells.hpp"
#include "terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace program {
namespace {

using row_text = std::function<std::string(const tensor_report&)>;

/// A figure of the error; empty where none was measured, "exact" where `limit` is what no error gives.
row_text figure(double (bitgauge::error_sums::*value)() const noexcept, const char* format,
                bool unbounded = false) {
  return [=](const tensor_report& row) -> std::string {
    if (!row.is_measured()) return "";
    if (unbounded && row.is_exact()) return "exact";
    return number_text((row.error.*value)(), format);
  };
}

std::string gap_text(const tensor_report& row) {
  const std::optional<double> gap = row.gap_db();
  if (!gap) return "";
  return row.is_exact() ? "exact" : number_text(*gap, "{:.2f}");
}

}  // namespace

std::vector<table_column> columns_of(const std::vector<tensor_report>& rows) {
  using sums = bitgauge::error_sums;
  std::vector<tensor_report> all = rows;
  const std::optional<tensor_report> sum = total(rows);
  if (sum) all.push_back(*sum);
  const auto any = [&](const auto& has) { return std::any_of(rows.begin(), rows.end(), has); };

  std::vector<table_column> columns;
  const auto add = [&](const char* heading, bool is_text, int importance, const row_text& text) {
    table_column column{heading, is_text, importance};
    for (const tensor_report& row : all) column.cells.push_back(text(row));
    columns.push_back(std::move(column));
  };
  add("tensor", true, 100, [](const tensor_report& row) { return table_cell(row.name); });
  add("shape", false, 4, [&](const tensor_report& row) {
    return sum && &row == &all.back() ? "" : fmt::format("{} x {}", row.rows, row.cols);
  });
  add("scheme", true, 6, [](const tensor_report& row) { return table_cell(row.scheme); });
  add("bits/weight", false, 90,
      [](const tensor_report& row) { return fmt::format("{:.3f}", row.bits_per_weight); });
  add("mse", false, 3, figure(&sums::mse, "{:.4g}"));
  add("sqnr dB", false, 80, figure(&sums::sqnr_db, "{:.2f}", true));
  add("cosine", false, 1, figure(&sums::cosine, "{:.6f}"));
  add("max error", false, 2, figure(&sums::max_abs_error, "{:.4g}"));
  add("gap dB", false, 7, gap_text);
  if (any([](const tensor_report& row) { return row.gap_bits().has_value(); }))
    add("gap bits", false, 8, [](const tensor_report& row) {
      const std::optional<double> gap = row.gap_bits();
      return gap ? number_text(*gap, "{:.3f}") : "";
    });
  if (any([](const tensor_report& row) { return row.output_error.has_value(); }))
    add("output error", false, 70, [](const tensor_report& row) {
      return row.output_error ? number_text(*row.output_error, "{:.3g}") : "";
    });
  if (any([](const tensor_report& row) { return row.seconds > 0; }))
    add("seconds", false, 5,
        [](const tensor_report& row) { return row.seconds > 0 ? fmt::format("{:.2f}", row.seconds) : ""; });
  add("notes", true, 0, [](const tensor_report& row) { return table_cell(joined(row.notes), 400); });
  columns.back().may_go_below = true;
  columns.front().readable_width = 32;
  columns[2].readable_width = 12;  // what all schemes of a file begin with is known
  return columns;
}

std::string as_table(const model_report& all, std::size_t width) {
  std::string text = as_lines(columns_of(all.tensors), width);
  const auto add = [&](const std::string& words) {
    if (words.empty()) return;
    for (const std::string& line : wrapped(words, width > 0 ? width : words.size())) text += line + "\n";
  };
  add(rest_of(all.tensors));
  for (const std::string& remark : all.remarks) add(table_cell(remark, 400));
  return text;
}

}  // namespace program
