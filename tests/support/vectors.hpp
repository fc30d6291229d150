#pragma once

/// \file
/// The reference vectors copied into tests/data: one folder a topic, each with a manifest.json.

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace test {

/// The path of one file of a topic.
inline std::filesystem::path vector_path(const std::string& topic, const std::string& file) {
  return std::filesystem::path(BITGAUGE_TEST_DATA) / topic / file;
}

/// The manifest of a topic; throws std::runtime_error where it is missing.
inline nlohmann::json load_manifest(const std::string& topic) {
  const auto path = vector_path(topic, "manifest.json");
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error(path.string() + ": cannot be opened");
  return nlohmann::json::parse(stream);
}

}  // namespace test
