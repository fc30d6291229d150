// Reports as files: .json, .csv, .md.

#include <bitgauge/error.hpp>
#include <bitgauge/io/model/report_json.hpp>

#include "cells.hpp"
#include "report.hpp"
#include "report_table.hpp"

#include <span>

namespace program {
namespace {

std::string as_csv(const std::vector<tensor_report>& rows) {
  constexpr const char* keys[] = {"name",
                                  "rows",
                                  "cols",
                                  "scheme",
                                  "bits_per_weight",
                                  "mse",
                                  "sqnr_db",
                                  "cosine",
                                  "max_abs_error",
                                  "gap_db",
                                  "bound_bits",
                                  "gap_bits",
                                  "output_error",
                                  "activation_output_error",
                                  "seconds"};
  std::string text;
  for (const char* key : keys) text += std::string(key) + ",";
  text += "notes\n";
  const nlohmann::ordered_json all = bitgauge::io::report_json(rows);
  for (const nlohmann::ordered_json& json : all) {
    for (const char* key : keys) {
      const bool has_value = json.contains(key) && !json[key].is_null();
      text += (!has_value              ? ""
               : json[key].is_string() ? csv_cell(json[key].get<std::string>())
                                       : json[key].dump()) +
              std::string(",");
    }
    text += csv_cell(joined(json["notes"].get<std::vector<std::string>>())) + "\n";
  }
  return text;
}

std::string as_markdown(const model_report& all) {
  const std::vector<table_column> columns = columns_of(all.tensors);
  std::string text = "|", rule = "|";
  for (const table_column& column : columns) {
    text += " " + column.heading + " |";
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  for (std::size_t r = 0; r < columns.front().cells.size(); ++r) {
    text += "|";
    for (const table_column& column : columns) text += " " + markdown_cell(column.cells[r]) + " |";
    text += "\n";
  }
  const auto add = [&](const std::string& words) {
    if (!words.empty()) text += "\n" + markdown_cell(words) + "\n";
  };
  add(rest_of(all.tensors));
  for (const std::string& remark : all.remarks) add(remark);
  return text;
}

}  // namespace

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

void report_file::write(const model_report& all) {
  const std::string text = ending_ == ".json"  ? json_text(bitgauge::io::report_json(all.tensors))
                           : ending_ == ".csv" ? as_csv(all.tensors)
                                               : as_markdown(all);
  file_.write(std::as_bytes(std::span(text)));
  file_.commit();
}

}  // namespace program
