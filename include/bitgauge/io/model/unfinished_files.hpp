#pragma once

/// \file
/// The small files of an unfinished run: texts that show damage, reports without loss.

#include <bitgauge/base/fingerprint.hpp>
#include <bitgauge/io/bytes/atomic_file.hpp>
#include <bitgauge/io/bytes/byte_source.hpp>
#include <bitgauge/io/bytes/partial_files.hpp>
#include <bitgauge/io/json/text.hpp>
#include <bitgauge/model/report.hpp>
#include <bitgauge/model/run/run_identity.hpp>

#include <nlohmann/json.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace bitgauge::io::detail {

using bitgauge::detail::fingerprint;

/// Of all bytes of a file; none where there is no such file.
inline std::string fingerprint_of(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  const byte_source source(path);
  return fingerprint().add(source.bytes()).text();
}

/// Writes a text behind a line with its fingerprint; the file appears whole or not at all.
inline void write_checked(const std::filesystem::path& path, const std::string& text) {
  const std::string all = fingerprint().add(text).text() + "\n" + text;
  atomic_file file(path);
  file.write(std::as_bytes(std::span(all)));
  file.commit();
}
/// The text, or none where there is no such file or it was changed.
inline std::optional<std::string> checked_text(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  const byte_source source(path);
  const std::string_view all(reinterpret_cast<const char*>(source.bytes().data()), source.bytes().size());
  const std::size_t line = all.find('\n');
  if (line == std::string_view::npos) return std::nullopt;
  const std::string_view text = all.substr(line + 1);
  if (fingerprint().add(text).text() != all.substr(0, line)) return std::nullopt;
  return std::string(text);
}

inline std::string identity_json(const run_identity& identity) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [name, value] : identity) json[name] = value;
  return json.dump(1) + "\n";
}
/// The names of what is otherwise in a text of identity_json().
inline std::vector<std::string> differences(const run_identity& identity, const std::string& text) {
  const nlohmann::ordered_json json = parse_json(text);
  std::vector<std::string> names;
  for (const auto& [name, value] : identity)
    if (!json.is_object() || !json.contains(name) || json[name] != value) names.push_back(name);
  return names;
}

/// A report as JSON without loss, NaN and infinity included: doubles are their bits.
inline std::string kept_json(const tensor_report& row, const std::string& data) {
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  const auto optional_bits = [&](const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(bits(*value)) : nlohmann::ordered_json();
  };
  const error_sums& e = row.error;
  return nlohmann::ordered_json{{"name", row.name},
                                {"scheme", row.scheme},
                                {"rows", row.rows},
                                {"cols", row.cols},
                                {"kind", static_cast<int>(row.kind)},
                                {"bits_per_weight", bits(row.bits_per_weight)},
                                {"error",
                                 {bits(e.count), bits(e.error_energy), bits(e.energy),
                                  bits(e.approximation_energy), bits(e.product), bits(e.largest_error)}},
                                {"output_error", optional_bits(row.output_error)},
                                {"activation_output_error", optional_bits(row.activation_output_error)},
                                {"bound_bits", optional_bits(row.bound_bits)},
                                {"seconds", bits(row.seconds)},
                                {"notes", row.notes},
                                {"data", data}}
             .dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}
/// The report and the fingerprint of the data.
inline std::pair<tensor_report, std::string> read_kept(const std::string& text) {
  const nlohmann::ordered_json json = parse_json(text);
  const auto number = [](const nlohmann::ordered_json& bits) {
    return std::bit_cast<double>(bits.get<std::uint64_t>());
  };
  const auto optional_number = [&](const char* key) {
    return json.at(key).is_null() ? std::nullopt : std::optional(number(json.at(key)));
  };
  tensor_report row;
  row.name = json.at("name").get<std::string>();
  row.scheme = json.at("scheme").get<std::string>();
  row.rows = json.at("rows").get<std::int64_t>();
  row.cols = json.at("cols").get<std::int64_t>();
  row.kind = static_cast<report_kind>(json.at("kind").get<int>());
  row.bits_per_weight = number(json.at("bits_per_weight"));
  const auto& e = json.at("error");
  row.error = {number(e.at(0)), number(e.at(1)), number(e.at(2)),
               number(e.at(3)), number(e.at(4)), number(e.at(5))};
  row.output_error = optional_number("output_error");
  row.activation_output_error = optional_number("activation_output_error");
  row.bound_bits = optional_number("bound_bits");
  row.seconds = number(json.at("seconds"));
  row.notes = json.at("notes").get<std::vector<std::string>>();
  return {row, json.at("data").get<std::string>()};
}

/// The temporary file that an atomic_file of this process writes `target` in, or an empty path.
inline std::filesystem::path partial_file_of(const std::filesystem::path& target) {
  std::error_code ignored;
  const std::filesystem::path real =
      std::filesystem::weakly_canonical(std::filesystem::absolute(target, ignored), ignored);
  for (const partial_file& each : partial_files) {
    if (each.now != partial_file::state::listed) continue;
    std::filesystem::path found = std::filesystem::weakly_canonical(each.path.data(), ignored);
    const std::string name = found.filename().string();
    if (found.parent_path() == real.parent_path() && name.starts_with(real.filename().string() + ".") &&
        name.ends_with(".partial"))
      return found;
  }
  return {};
}

}  // namespace bitgauge::io::detail
