#pragma once

// What is said of each tensor, and of all together.

#include <bitgauge/io/bytes/atomic_file.hpp>
#include <bitgauge/metrics/error_sums.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace program {

/// What the figures of a row are.
enum class row_kind {
  quantized,    ///< an error, and the bits that the data with this error take
  plain,        ///< an error between floats, which says nothing of the bits: no gap
  identical,    ///< the same bytes, copied or compared: no error to speak of
  incomparable  ///< other bytes that are no real numbers
};

struct report_row {
  std::string name, scheme;
  std::int64_t rows = 0, cols = 0;
  double bits_per_weight = 0;
  row_kind kind = row_kind::quantized;
  bitgauge::error_sums error{};
  std::optional<double> output_error{};  ///< ||(W-Q)X||^2 / ||WX||^2, with calibration data
  /// The same with the inputs quantized too: ||WX-QA||^2 / ||WX||^2.
  std::optional<double> activation_output_error{};
  double seconds = 0;
  std::vector<std::string> notes{};

  /// True where there are figures of an error.
  bool is_measured() const { return kind == row_kind::quantized || kind == row_kind::plain; }
  /// True where original and approximation are equal, number by number.
  bool is_exact() const { return kind == row_kind::identical || error.is_zero(); }
  /// The gap to the rate-distortion bound, where the bits are those of the data that have the error.
  std::optional<double> gap_db() const;
  double bytes() const;
};

struct file_report {
  std::vector<report_row> rows;
  std::vector<std::string> remarks;  ///< of no tensor in particular; below the table
};

/// The sum over one population: the quantized tensors, or where there are none those that were compared.
/// Nothing where no tensor was measured.
std::optional<report_row> total(const std::vector<report_row>& rows);
/// What the total leaves out, in words; empty where it leaves out nothing.
std::string rest_of(const std::vector<report_row>& rows);

/// "NaN", "inf" or "-inf", or the number in `format`.
std::string number_text(double value, const char* format);
/// The notes in one line.
std::string joined(const std::vector<std::string>& notes);

/// The rows as a JSON array. Figures that are no finite numbers are null. Where that is not because there is
/// no error (sqnr_db and gap_db then), a note says which value it is, such as "mse: NaN".
nlohmann::ordered_json as_json(const std::vector<report_row>& rows);

/// JSON as ASCII text that ends with a newline: what is not ASCII is spelled \uXXXX, so that a terminal only
/// shows it, and bytes that are no UTF-8 become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

/// A table for people, with a total, in lines of at most `width` columns; 0: as wide as it is. Where there is
/// little room, notes go below their rows, long names lose their middles, and then whole columns are left
/// out; no number is ever cut.
std::string as_table(const file_report& all, std::size_t width);

/// A report as .json, .csv or .md, whole or not at all.
class report_file {
 public:
  /// Throws io_error for another ending, where no file can be created there, and where it would replace
  /// `input`: to be told before the work, not after.
  report_file(const std::filesystem::path& path, const std::filesystem::path& input);
  void write(const file_report& all);

 private:
  std::string ending_;
  bitgauge::io::atomic_file file_;
};

}  // namespace program
