#pragma once

/// \file
/// What report_json.hpp declares.

#include <bitgauge/io/model/report_json.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/numeric/bits.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace bitgauge::io {
namespace detail {

/// "NaN", "inf" or "-inf".
inline std::string nonfinite_text(double value) {
  if (numeric::binary64::is_nan(value)) return "NaN";
  return value > 0 ? "inf" : "-inf";
}

inline nlohmann::ordered_json row_json(const tensor_report& row) {
  nlohmann::ordered_json json{{"name", row.name},
                              {"rows", row.rows},
                              {"cols", row.cols},
                              {"scheme", row.scheme},
                              {"bits_per_weight", row.bits_per_weight},
                              {"mse", row.error.mse()},
                              {"sqnr_db", row.error.sqnr_db()},
                              {"cosine", row.error.cosine()},
                              {"max_abs_error", row.error.max_abs_error()},
                              {"gap_db", nullptr}};
  if (row.kind == report_kind::incomparable)
    for (const char* key : {"mse", "sqnr_db", "cosine", "max_abs_error"}) json[key] = nullptr;
  if (const std::optional<double> gap = row.gap_db()) json["gap_db"] = *gap;
  if (const std::optional<double> gap = row.gap_bits()) {
    json["bound_bits"] = *row.bound_bits;
    json["gap_bits"] = *gap;
  }
  if (row.output_error) json["output_error"] = *row.output_error;
  if (row.activation_output_error) json["activation_output_error"] = *row.activation_output_error;
  json["seconds"] = row.seconds;
  std::vector<std::string> notes = row.notes;
  for (auto& [key, value] : json.items()) {
    if (!value.is_number_float() || numeric::binary64::is_finite(value.get<double>())) continue;
    if (!row.is_exact()) notes.push_back(key + ": " + nonfinite_text(value.get<double>()));
    value = nullptr;
  }
  json["notes"] = notes;
  return json;
}

}  // namespace detail

BITGAUGE_DEFINE nlohmann::ordered_json report_json(const std::vector<tensor_report>& rows) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const tensor_report& row : rows) all.push_back(detail::row_json(row));
  return all;
}

}  // namespace bitgauge::io
