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
#include <random>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;
using gguf::tensor_type;
using test::encoded, test::error_of_row;

const std::vector<tensor_type> types{tensor_type::iq3_s,  tensor_type::iq3_xxs, tensor_type::iq2_s,
                                     tensor_type::iq2_xs, tensor_type::iq2_xxs, tensor_type::iq1_m,
                                     tensor_type::iq1_s};

// Catches a search of less quality than ggml's: scales that no sub-block wants, codes for another super-scale than
// the stored one, weights that are not used. ggml's rows are the reference bytes, with importance where it needs one.
TEST(vector_codebook, less_error_than_the_reference) {
  const auto manifest = test::load_manifest("gguf");
  const auto importance = test::load_npy<float>(test::vector_path("gguf", "inputs/imp2048.npy"));
  int seen = 0;
  for (const auto& entry : manifest["cases"]) {
    const std::string file = entry.value("bytes", "");
    if (entry["op"] != "decode" || (file.find("quant/gauss.IQ") != 0 && file.find("quant/student.IQ") != 0))
      continue;
    const auto* traits = gguf::find_tensor_type(std::string_view(entry["type"].get<std::string>()));
    if (std::find(types.begin(), types.end(), traits->type) == types.end()) continue;
    const std::string input = file.substr(6, file.find('.') - 6);
    const auto x = test::load_npy<float>(test::vector_path("gguf", "inputs/" + input + ".npy"));
    const float* weights = file.find("imat") != std::string::npos ? importance.data.data() : nullptr;
    const auto bytes = test::load_npy<std::uint8_t>(test::vector_path("gguf", file));
    double ours = 0, theirs = 0;
    for (std::size_t r = 0; r < bytes.rows(); ++r) {
      ours += error_of_row(traits->type, encoded(traits->type, x.row(r), x.cols(), weights, effort::normal),
                           x.row(r), weights);
      theirs += error_of_row(traits->type, {bytes.row(r), bytes.row(r) + bytes.cols()}, x.row(r), weights);
    }
    EXPECT_LT(ours, 0.97 * theirs) << file;
    ++seen;
  }
  EXPECT_GE(seen, 14);
}

// Catches trials that are too few, a refit that spoils what was found, and small magnitudes whose super-scale is but a
// few of the least binary16 number: the error of effort::best, which takes forty times as long.
TEST(vector_codebook, error_is_near_that_of_the_best_search) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> x(2048), weights(x.size());
  for (const float magnitude : {1.0f, 3e-4f, 3e-6f}) {
    for (float& value : x) value = magnitude * normal(random);
    for (float& weight : weights) weight = std::exp(2 * normal(random));
    for (const float* importance :
         {static_cast<const float*>(nullptr), static_cast<const float*>(weights.data())}) {
      for (const tensor_type type : types) {
        const auto of = [&](effort level) {
          return error_of_row(type, encoded(type, x.data(), x.size(), importance, level), x.data(),
                              importance);
        };
        EXPECT_LT(of(effort::normal) / of(effort::best), 1.12)
            << gguf::traits_of(type).name << " " << magnitude;
      }
    }
  }
}

// Catches a bound of sums that overflows or falls to zero, and signs of zeros: edge cases, of which no block may err
// more than zeros do.
TEST(vector_codebook, no_block_is_worse_than_zeros) {
  const auto x = test::load_npy<float>(test::vector_path("gguf", "inputs/edge.npy"));
  const std::vector<float> zeros(256);
  for (const tensor_type type : types) {
    for (std::size_t r = 0; r < x.rows(); ++r) {
      const auto q = test::decoded(type, encoded(type, x.row(r), x.cols(), nullptr, effort::normal));
      for (std::size_t j = 0; j < x.cols(); j += 256)
        EXPECT_LE(gguf::best::weighted_error(x.row(r) + j, &q[j], nullptr, 256),
                  1.000001 * gguf::best::weighted_error(x.row(r) + j, zeros.data(), nullptr, 256))
            << gguf::traits_of(type).name << " row " << r << " column " << j;
    }
  }
}

}  // namespace
