#pragma once

/// \file
/// The cases of the calibration vectors, and their histograms.

#include <bitgauge/range/observer/histogram.hpp>

#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <string>
#include <vector>

namespace test {

/// The cases of one operation in a topic.
inline std::vector<nlohmann::json> cases_of(const std::string& topic, const std::string& operation) {
  const nlohmann::json manifest = load_manifest(topic);
  std::vector<nlohmann::json> found;
  for (const nlohmann::json& one : manifest["cases"])
    if (one["op"] == operation) found.push_back(one);
  return found;
}

/// The array behind an input or output of a case.
template <class T>
std::vector<T> values_of(const std::string& topic, const nlohmann::json& file) {
  return load_npy<T>(vector_path(topic, file.get<std::string>())).data;
}

/// The same as doubles, whichever of the listed types is stored.
template <class... Stored>
std::vector<double> doubles_of(const std::string& topic, const nlohmann::json& file) {
  std::vector<double> found;
  const auto read = [&](auto type) {
    try {
      for (const auto value : values_of<decltype(type)>(topic, file))
        found.push_back(static_cast<double>(value));
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  if (!(read(Stored{}) || ...)) throw std::runtime_error(file.get<std::string>() + ": cannot be read");
  return found;
}

/// The histogram among the inputs of a calibration case.
inline bitgauge::histogram histogram_of(const nlohmann::json& inputs) {
  bitgauge::histogram h;
  h.counts = doubles_of<float, double, std::int32_t, std::int64_t>("calibration", inputs["hist"]);
  const auto edges = doubles_of<float, double>("calibration", inputs["edges"]);
  h.low = edges.front();
  h.width = (edges.back() - h.low) / static_cast<double>(h.bins());
  if (inputs.contains("data_min")) {
    h.smallest = inputs["data_min"];
    h.largest = inputs["data_max"];
  }
  return h;
}

}  // namespace test
