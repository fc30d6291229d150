#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/gguf/rows/decode_row.hpp>
#include <bitgauge/gguf/rows/encode_row.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>
#include <bitgauge/simd/instruction_set.hpp>

#include "gguf/encoded_rows.hpp"
#include "gguf/reference_cases.hpp"
#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;
using test::encoded;

/// The error of one block; an infinite one counts as the greatest double.
double block_error(const float* x, const float* q, const float* importance, std::size_t count) {
  const double error = gguf::best::weighted_error(x, q, importance, static_cast<int>(count));
  return std::isfinite(error) ? error : 1e300;
}

bool is_in_vectors(gguf::tensor_type type) {
  return gguf::visit_format(
      type, []<class Format>(Format) { return Format::family == gguf::block_family::vector_codebook; });
}

// Catches a best encoder that loses to the reference on any block: a missing fallback, an error measured on
// other numbers than the decoded ones. Edge cases included.
TEST(best_row, no_block_is_worse_than_the_reference) {
  for (const std::string name : {"gauss", "student", "edge"}) {
    const auto x = test::load_npy<float>(test::vector_path("gguf", "inputs/" + name + ".npy"));
    const std::string columns = std::to_string(x.cols());
    const auto importance = test::load_npy<float>(test::vector_path("gguf", "inputs/imp" + columns + ".npy"));
    for (const auto& traits : gguf::tensor_types) {
      if (traits.elements == 1 || is_in_vectors(traits.type)) continue;
      for (const float* weights : {static_cast<const float*>(nullptr), importance.row(0)}) {
        for (std::size_t r = 0; r < x.rows(); r += name == "edge" ? 1 : 8) {
          const auto ours =
              test::decoded(traits.type, encoded(traits.type, x.row(r), x.cols(), weights, effort::best));
          const auto theirs = test::decoded(
              traits.type, encoded(traits.type, x.row(r), x.cols(), weights, effort::reference));
          for (std::size_t j = 0; j < x.cols(); j += traits.elements) {
            const float* part = weights == nullptr ? nullptr : weights + j;
            const double error = block_error(x.row(r) + j, &ours[j], part, traits.elements);
            EXPECT_LE(error, 1.000001 * block_error(x.row(r) + j, &theirs[j], part, traits.elements))
                << traits.name << " " << name << " row " << r << " column " << j;
          }
        }
      }
    }
  }
}

// Catches a codebook encoder that decays: its relative error on Gaussian rows, against ggml's (with
// importance where that needs it) as decoded from the reference bytes.
TEST(best_row, codebook_types_are_better_than_the_reference) {
  const auto manifest = test::load_manifest("gguf");
  const auto x = test::load_npy<float>(test::vector_path("gguf", "inputs/gauss.npy"));
  const auto importance = test::load_npy<float>(test::vector_path("gguf", "inputs/imp2048.npy"));
  int seen = 0;
  for (const auto& entry : manifest["cases"]) {
    const std::string file = entry.value("bytes", "");
    if (entry["op"] != "decode" || file.find("quant/gauss.IQ") != 0) continue;
    const auto* traits = gguf::find_tensor_type(std::string_view(entry["type"].get<std::string>()));
    const float* weights = file.find("imat") != std::string::npos ? importance.data.data() : nullptr;
    const auto bytes = test::load_npy<std::uint8_t>(test::vector_path("gguf", file));
    const auto theirs = test::decoded(traits->type, {bytes.row(0), bytes.row(1)});
    const auto ours =
        test::decoded(traits->type, encoded(traits->type, x.row(0), x.cols(), weights, effort::best));
    const int count = static_cast<int>(x.cols());
    EXPECT_LT(gguf::best::weighted_error(x.row(0), ours.data(), weights, count),
              0.95 * gguf::best::weighted_error(x.row(0), theirs.data(), weights, count))
        << file;
    ++seen;
  }
  EXPECT_GE(seen, 7);
}

// Catches a result that depends on the vectors in use.
TEST(best_row, same_bytes_on_every_instruction_set) {
  const auto x = test::load_npy<float>(test::vector_path("gguf", "inputs/student.npy"));
  const auto importance = test::load_npy<float>(test::vector_path("gguf", "inputs/imp2048.npy"));
  for (const auto& traits : gguf::tensor_types) {
    if (traits.elements == 1 || is_in_vectors(traits.type)) continue;
    std::vector<std::uint8_t> first;
    for (const auto set : simd::available()) {
      const simd::scoped_instruction_set use(set);
      const auto bytes = encoded(traits.type, x.row(0), x.cols(), importance.data.data(), effort::best);
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first) << traits.name << " " << simd::name_of(set);
    }
  }
}

}  // namespace
