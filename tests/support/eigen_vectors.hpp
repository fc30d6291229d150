#pragma once

/// \file
/// Reference vectors as row-major Eigen matrices.

#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <vector>

namespace test {

template <class T>
using row_major = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// An array of a topic; a vector becomes a matrix of one column.
template <class T>
row_major<T> load_matrix(const std::string& topic, const nlohmann::json& file) {
  const auto array = load_npy<T>(vector_path(topic, file.get<std::string>()));
  row_major<T> matrix(static_cast<Eigen::Index>(array.rows()), static_cast<Eigen::Index>(array.cols()));
  std::copy(array.data.begin(), array.data.end(), matrix.data());
  return matrix;
}

/// The cases of a topic whose "op" is `op`; throws where there is none, so that no test passes by lack of
/// data.
inline std::vector<nlohmann::json> cases_of(const std::string& topic, const std::string& op) {
  std::vector<nlohmann::json> found;
  const auto manifest = load_manifest(topic);
  for (const auto& entry : manifest["cases"])
    if (entry["op"] == op) found.push_back(entry);
  if (found.empty()) throw std::runtime_error(topic + ": no case of " + op);
  return found;
}

}  // namespace test
