#include "report.hpp"

#include <bitgauge/numeric/bits.hpp>

#include <fmt/format.h>

namespace program {

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

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace program
