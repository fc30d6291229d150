#include "report.hpp"

#include <bitgauge/error.hpp>

#include "cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

namespace program {
namespace {

std::string joined(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += (text.empty() ? "" : "; ") + note;
  return text;
}

nlohmann::ordered_json row_json(const report_row& row) {
  nlohmann::ordered_json json{{"name", row.name},
                              {"rows", row.rows},
                              {"cols", row.cols},
                              {"scheme", row.scheme},
                              {"bits_per_weight", row.bits_per_weight},
                              {"mse", row.error.mse()},
                              {"sqnr_db", row.error.sqnr_db()},
                              {"cosine", row.error.cosine()},
                              {"max_abs_error", row.error.max_abs_error()},
                              {"gap_db", row.error.gap_db(row.bits_per_weight)}};
  if (row.output_error) json["output_error"] = *row.output_error;
  if (row.activation_output_error) json["activation_output_error"] = *row.activation_output_error;
  json["seconds"] = row.seconds;
  json["notes"] = row.notes;
  for (auto& value : json)
    if (value.is_number_float() && !std::isfinite(value.get<double>())) value = nullptr;
  return json;
}

std::string number(double value, const char* format) {
  return std::isfinite(value) ? fmt::format(fmt::runtime(format), value) : "exact";
}

/// The cells that people look at; the JSON has every digit.
std::vector<std::string> cells(const report_row& row, bool with_output_error) {
  std::vector<std::string> text{table_cell(row.name),
                                fmt::format("{} x {}", row.rows, row.cols),
                                table_cell(row.scheme),
                                fmt::format("{:.3f}", row.bits_per_weight),
                                fmt::format("{:.4g}", row.error.mse()),
                                number(row.error.sqnr_db(), "{:.2f}"),
                                fmt::format("{:.6f}", row.error.cosine()),
                                fmt::format("{:.4g}", row.error.max_abs_error()),
                                number(row.error.gap_db(row.bits_per_weight), "{:.2f}")};
  if (with_output_error) text.push_back(row.output_error ? fmt::format("{:.3g}", *row.output_error) : "");
  text.push_back(table_cell(joined(row.notes), 400));
  return text;
}

bool has_output_error(const std::vector<report_row>& rows) {
  return std::any_of(rows.begin(), rows.end(),
                     [](const report_row& row) { return row.output_error.has_value(); });
}

std::vector<std::string> headings(bool with_output_error) {
  std::vector<std::string> text{"tensor",  "shape",  "scheme",    "bits/weight", "mse",
                                "sqnr dB", "cosine", "max error", "gap dB"};
  if (with_output_error) text.emplace_back("output error");
  text.emplace_back("notes");
  return text;
}

report_row total(const std::vector<report_row>& rows) {
  report_row all;
  all.name = "total";
  double bits = 0, weights = 0;
  for (const report_row& row : rows) {
    const auto size = static_cast<double>(row.rows) * static_cast<double>(row.cols);
    weights += size;
    bits += size * row.bits_per_weight;
    all.error.merge(row.error);
    all.seconds += row.seconds;
  }
  all.bits_per_weight = weights > 0 ? bits / weights : 0;
  all.notes.push_back(fmt::format("{:.0f} weights in {:.2f} MB", weights, bits / 8e6));
  return all;
}

std::vector<std::vector<std::string>> table(const std::vector<report_row>& rows, bool with_total) {
  const bool output = has_output_error(rows);
  std::vector<std::vector<std::string>> lines{headings(output)};
  for (const report_row& row : rows) lines.push_back(cells(row, output));
  if (with_total && !rows.empty()) {
    lines.push_back(cells(total(rows), output));
    lines.back()[1].clear();
  }
  return lines;
}

std::string as_csv(const std::vector<report_row>& rows) {
  std::string text =
      "name,rows,cols,scheme,bits_per_weight,mse,sqnr_db,cosine,max_abs_error,gap_db,output_error,"
      "activation_output_error,seconds,notes\n";
  for (const report_row& row : rows) {
    const nlohmann::ordered_json json = row_json(row);
    std::string separator;
    for (const char* key :
         {"name", "rows", "cols", "scheme", "bits_per_weight", "mse", "sqnr_db", "cosine", "max_abs_error",
          "gap_db", "output_error", "activation_output_error", "seconds"}) {
      const bool has_value = json.contains(key) && !json[key].is_null();
      text += separator + (!has_value              ? ""
                           : json[key].is_string() ? csv_cell(json[key].get<std::string>())
                                                   : json[key].dump());
      separator = ",";
    }
    text += "," + csv_cell(joined(row.notes)) + "\n";
  }
  return text;
}

std::string as_markdown(const std::vector<report_row>& rows) {
  std::string text;
  for (const auto& line : table(rows, true)) {
    const bool first = text.empty();
    text += "|";
    for (const std::string& cell : line) text += " " + markdown_cell(cell) + " |";
    text += "\n";
    if (!first) continue;
    text += "|";
    for (std::size_t i = 0; i < line.size(); ++i) text += "---|";
    text += "\n";
  }
  return text;
}

}  // namespace

nlohmann::ordered_json as_json(const std::vector<report_row>& rows) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const report_row& row : rows) all.push_back(row_json(row));
  return all;
}

std::string as_table(const std::vector<report_row>& rows) {
  const auto lines = table(rows, true);
  std::vector<std::size_t> widths(lines.front().size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text;
  for (const auto& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool is_text = i == 0 || i == 2 || i + 1 == line.size();
      row +=
          is_text ? fmt::format("{:<{}}  ", line[i], widths[i]) : fmt::format("{:>{}}  ", line[i], widths[i]);
    }
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

report_file::report_file(const std::filesystem::path& path, const std::filesystem::path& input)
    : ending_(path.extension().string()), file_([&] {
        if (ending_ != ".json" && ending_ != ".csv" && ending_ != ".md")
          bitgauge::raise(
              bitgauge::io_error(path.string() + ": expected a report ending in .json, .csv or .md"));
        std::error_code ignored;
        if (std::filesystem::equivalent(path, input, ignored))
          bitgauge::raise(bitgauge::io_error(path.string() +
                                             ": expected a report beside the input, found the input itself"));
        return bitgauge::io::atomic_file(path);
      }()) {}

void report_file::write(const std::vector<report_row>& rows) {
  const std::string text = ending_ == ".json"  ? json_text(as_json(rows))
                           : ending_ == ".csv" ? as_csv(rows)
                                               : as_markdown(rows);
  file_.write(std::as_bytes(std::span(text)));
  file_.commit();
}

}  // namespace program
