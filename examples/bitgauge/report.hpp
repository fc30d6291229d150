#pragma once

// One row per tensor, on the screen and in files.

#include <bitgauge/io/atomic_file.hpp>
#include <bitgauge/metrics/error.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace program {

struct report_row {
  std::string name, scheme;
  std::int64_t rows = 0, cols = 0;
  double bits_per_weight = 0;
  bitgauge::error_sums error{};
  std::optional<double> output_error{};  ///< ||(W-Q)X||^2 / ||WX||^2, with calibration data
  /// The same with the inputs quantized too: ||WX-QA||^2 / ||WX||^2.
  std::optional<double> activation_output_error{};
  double seconds = 0;
  std::vector<std::string> notes{};
};

/// The rows as a JSON array. Infinite figures (no error at all) are null.
nlohmann::ordered_json as_json(const std::vector<report_row>& rows);

/// JSON as ASCII text that ends with a newline: what is not ASCII is spelled \uXXXX, so that a terminal only
/// shows it, and bytes that are no UTF-8 become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

/// A table for people, with a total: weights, bits per weight and SQNR over all rows.
std::string as_table(const std::vector<report_row>& rows);

/// A report as .json, .csv or .md, whole or not at all.
class report_file {
 public:
  /// Throws io_error for another ending, where no file can be created there, and where it would replace
  /// `input`: to be told before the work, not after.
  report_file(const std::filesystem::path& path, const std::filesystem::path& input);
  void write(const std::vector<report_row>& rows);

 private:
  std::string ending_;
  bitgauge::io::atomic_file file_;
};

}  // namespace program
