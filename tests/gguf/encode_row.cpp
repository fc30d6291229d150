#include <bitgauge/gguf/encode_row.hpp>

#include "gguf/reference_cases.hpp"
#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;

/// The bytes of one row, by the rule that the variant of a reference case names.
std::vector<std::uint8_t> encoded(gguf::tensor_type type, const std::string& variant, const float* x,
                                  std::size_t columns, const float* importance) {
  std::vector<std::uint8_t> bytes(gguf::row_bytes(type, static_cast<bitgauge::index_t>(columns)));
  if (type == gguf::tensor_type::iq4_nl && variant == "ref") {
    for (std::size_t b = 0; b < columns / 32; ++b) {
      gguf::block_codes<gguf::iq4_nl> codes;
      gguf::reference::encode_row_reference(x + 32 * b, codes);
      gguf::pack(codes, bytes.data() + 18 * b);
    }
  } else {
    gguf::encode_row(type, x, static_cast<bitgauge::index_t>(columns), importance, effort::reference,
                     reinterpret_cast<std::byte*>(bytes.data()));
  }
  return bytes;
}

// Catches any departure from the reference's bytes: a fused multiply-add, another order of a sum, another
// tie, a wrong trial scale, with and without importance, edge cases included.
TEST(encode_row, reference_effort_gives_the_bytes_of_the_reference) {
  const auto manifest = test::load_manifest("gguf");
  int seen = 0;
  for (const auto& entry : manifest["cases"]) {
    if (entry["op"] != "encode") continue;
    const auto* traits = gguf::find_tensor_type(std::string_view(entry["type"].get<std::string>()));
    ASSERT_NE(traits, nullptr);
    const std::string label = entry["type"].get<std::string>() + " " + entry["variant"].get<std::string>() +
                              " " + entry["input"].get<std::string>();
    const auto x = test::load_npy<float>(test::vector_path("gguf", entry["input"]));
    test::npy_array<float> importance;
    if (entry.contains("importance")) {
      importance = test::load_npy<float>(test::vector_path("gguf", entry["importance"]));
    }
    std::vector<std::uint8_t> all;
    bool complete = true;
    for (std::size_t r = 0; r < x.rows(); ++r) {
      const auto bytes = encoded(traits->type, entry["variant"], x.row(r), x.cols(),
                                 importance.data.empty() ? nullptr : importance.data.data());
      all.insert(all.end(), bytes.begin(), bytes.end());
      complete = complete && !entry["row_fnv1a64"][r].is_null();
      if (entry["row_fnv1a64"][r].is_null()) continue;  // undefined in the reference
      EXPECT_EQ(test::hash_of_bytes(bytes.data(), bytes.size()), entry["row_fnv1a64"][r])
          << label << " row " << r;
    }
    if (complete && entry.contains("dequant_fnv1a64")) {
      EXPECT_EQ(test::hash_of(test::decoded(traits->type, all)), entry["dequant_fnv1a64"]) << label;
    }
    ++seen;
  }
  EXPECT_GE(seen, 170);
}

// Catches a row length that is rounded down in silence.
TEST(encode_row, a_ragged_row_is_refused) {
  const std::vector<float> x(40, 1.0f);
  std::vector<std::byte> out(64);
  EXPECT_THROW(
      gguf::encode_row(gguf::tensor_type::q4_0, x.data(), 40, nullptr, effort::reference, out.data()),
      shape_error);
  EXPECT_THROW(gguf::encode_row(gguf::tensor_type::i8, x.data(), 40, nullptr, effort::reference, out.data()),
               invalid_scheme);
}

}  // namespace
