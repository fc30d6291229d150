#include "report.hpp"

#include <bitgauge/numeric/bits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace program {

std::optional<double> report_row::gap_db() const {
  if (kind != row_kind::quantized || error.count == 0) return std::nullopt;
  return error.gap_db(bits_per_weight);
}

double report_row::bytes() const {
  return static_cast<double>(rows) * static_cast<double>(cols) * bits_per_weight / 8;
}

std::optional<report_row> total(const std::vector<report_row>& rows) {
  const auto is_of = [](row_kind kind) { return [kind](const report_row& row) { return row.kind == kind; }; };
  report_row all;
  all.name = "total";
  all.kind = row_kind::quantized;
  if (std::none_of(rows.begin(), rows.end(), is_of(all.kind))) all.kind = row_kind::plain;
  if (std::none_of(rows.begin(), rows.end(), is_of(all.kind))) return std::nullopt;
  double bytes = 0, weights = 0;
  for (const report_row& row : rows) {
    all.seconds += row.seconds;
    if (row.kind != all.kind) continue;
    weights += static_cast<double>(row.rows) * static_cast<double>(row.cols);
    bytes += row.bytes();
    all.error.merge(row.error);
  }
  all.bits_per_weight = weights > 0 ? 8 * bytes / weights : 0;
  all.notes.push_back(fmt::format("{:.0f} weights in {:.2f} MB", weights, bytes / 1e6));
  return all;
}

std::string rest_of(const std::vector<report_row>& rows) {
  const std::optional<report_row> measured = total(rows);
  double bytes = 0;
  std::size_t count = 0;
  for (const report_row& row : rows) {
    if (measured && row.kind == measured->kind) continue;
    ++count;
    bytes += row.bytes();
  }
  if (count == 0) return {};
  return fmt::format("{} {} in {:.2f} MB {}", count, measured ? "other tensors" : "tensors", bytes / 1e6,
                     measured ? "are not in the total" : "without errors to measure");
}

std::string number_text(double value, const char* format) {
  if (bitgauge::numeric::binary64::is_finite(value)) return fmt::format(fmt::runtime(format), value);
  if (bitgauge::numeric::binary64::is_nan(value)) return "NaN";
  return value > 0 ? "inf" : "-inf";
}

std::string joined(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += (text.empty() ? "" : "; ") + note;
  return text;
}

namespace {

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
                              {"gap_db", nullptr}};
  if (row.kind == row_kind::incomparable)
    for (const char* key : {"mse", "sqnr_db", "cosine", "max_abs_error"}) json[key] = nullptr;
  if (const std::optional<double> gap = row.gap_db()) json["gap_db"] = *gap;
  if (row.output_error) json["output_error"] = *row.output_error;
  if (row.activation_output_error) json["activation_output_error"] = *row.activation_output_error;
  json["seconds"] = row.seconds;
  std::vector<std::string> notes = row.notes;
  for (auto& [key, value] : json.items()) {
    if (!value.is_number_float() || bitgauge::numeric::binary64::is_finite(value.get<double>())) continue;
    if (!row.is_exact()) notes.push_back(key + ": " + number_text(value.get<double>(), "{}"));
    value = nullptr;
  }
  json["notes"] = notes;
  return json;
}

}  // namespace

nlohmann::ordered_json as_json(const std::vector<report_row>& rows) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const report_row& row : rows) all.push_back(row_json(row));
  return all;
}

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace program
