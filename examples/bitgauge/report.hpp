#pragma once

// Reports as texts and files.

#include <bitgauge/io/bytes/atomic_file.hpp>
#include <bitgauge/model/report.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace program {

using bitgauge::model_report;
using bitgauge::report_kind;
using bitgauge::tensor_report;

/// "NaN", "inf" or "-inf", or the number in `format`.
std::string number_text(double value, const char* format);
/// The notes in one line.
std::string joined(const std::vector<std::string>& notes);

/// JSON as ASCII text that ends with a newline: what is not ASCII is spelled \uXXXX, so that a terminal only
/// shows it, and bytes that are no UTF-8 become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

/// A table for people, with a total, in lines of at most `width` columns; 0: as wide as it is. Where there is
/// little room, notes go below their rows, long names lose their middles, and then whole columns are left
/// out; no number is ever cut.
std::string as_table(const model_report& all, std::size_t width);

/// A report as .json, .csv or .md, whole or not at all.
class report_file {
 public:
  /// Throws io_error for another ending, where no file can be created there, and where it would replace
  /// `input`: to be told before the work, not after.
  report_file(const std::filesystem::path& path, const std::filesystem::path& input);
  void write(const model_report& all);

 private:
  std::string ending_;
  bitgauge::io::atomic_file file_;
};

}  // namespace program
