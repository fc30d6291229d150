#include <bitgauge/gguf/format/visit_format.hpp>
#include <bitgauge/gguf/reference/levels.hpp>
#include <bitgauge/gguf/rows/encode_row.hpp>
#include <bitgauge/gguf/search/weighted_sums.hpp>

#include "gguf/reference_cases.hpp"
#include "support/message_of.hpp"
#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
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

/// Numbers as of weights, the same everywhere.
std::vector<float> normal_row(std::size_t columns, float deviation) {
  std::vector<float> x(columns);
  std::mt19937 engine(11);
  for (float& value : x) {
    float sum = -6.0f;
    for (int i = 0; i < 12; ++i) sum += static_cast<float>(engine() >> 8) * 0x1p-24f;
    value = sum * deviation;
  }
  return x;
}

std::vector<float> restored(gguf::tensor_type type, const std::vector<float>& x, const float* importance,
                            effort level, const gguf::row_place& place = {}) {
  const auto columns = static_cast<bitgauge::index_t>(x.size());
  std::vector<std::uint8_t> bytes(gguf::row_bytes(type, columns));
  gguf::encode_row(type, x.data(), columns, importance, level, reinterpret_cast<std::byte*>(bytes.data()), {},
                   place);
  return test::decoded(type, bytes);
}

/// The squared error of elements `first` to `last` over their energy.
double relative_error(const std::vector<float>& x, const std::vector<float>& q, std::size_t first,
                      std::size_t last) {
  double error = 0, energy = 0;
  for (std::size_t j = first; j < last; ++j) {
    const double exact = x[j], rest = exact - static_cast<double>(q[j]);
    error += rest * rest;
    energy += exact * exact;
  }
  return energy > 0 ? error / energy : error;
}

/// What the tests below ask of a block format.
struct block_kind {
  gguf::tensor_type type;
  std::size_t elements, sub_block;
  double reach =
      0.0;  ///< magnitudes up to this times a binary16 scale have evenly spaced levels; 0: have not
};

template <class Visit>
void each_block_type(const Visit& visit) {
  for (const auto& traits : gguf::tensor_types) {
    if (traits.elements == 1) continue;
    SCOPED_TRACE(std::string(traits.name));
    visit(gguf::visit_format(traits.type, []<class Format>(Format) {
      block_kind kind{Format::type, Format::elements, Format::sub_block};
      if constexpr (requires { Format::levels::zero; }) {
        using levels = typename Format::levels;
        if (!std::same_as<typename Format::scale, gguf::float_scale>)
          kind.reach = Format::has_minimum ? levels::most / 2 : std::min<int>(-levels::least, levels::most);
      }
      return kind;
    }));
  }
}

// Catches blocks and sub-blocks written as zeros, or by chance, because nothing weighs there: their error may
// be half as much again as that without importance, no more.
TEST(encode_row, the_plain_error_decides_where_no_weight_counts) {
  const auto x = normal_row(512, 1.0f);
  each_block_type([&](const block_kind& kind) {
    const std::size_t widths[] = {kind.sub_block, 512};
    for (const effort level : {effort::normal, effort::best}) {
      const auto plain = restored(kind.type, x, nullptr, level);
      for (const std::size_t width : widths) {
        for (const float scale : {1.0f, 1e-30f}) {
          std::vector<float> weights(x.size());
          for (std::size_t j = 0; j < x.size(); ++j)
            weights[j] = j / width % 2 == 0 ? 0.0f : scale * static_cast<float>(1 + j % 3);
          const auto weighted = restored(kind.type, x, weights.data(), level);
          double error = 0, of_plain = 0;
          for (std::size_t j = 0; j < x.size(); j += width) {
            if (j / width % 2 != 0) continue;
            error += relative_error(x, weighted, j, j + width);
            of_plain += relative_error(x, plain, j, j + width);
          }
          EXPECT_LE(error, 1.5 * of_plain) << "width " << width << " effort " << static_cast<int>(level);
        }
      }
    }
  });
}

// Catches NaN, infinity and silent clipping: at every magnitude a row is held as well as at 1, or refused.
TEST(encode_row, large_numbers_are_held_or_refused) {
  const auto unit = normal_row(256, 1.0f);
  each_block_type([&](const block_kind& kind) {
    const double usual = relative_error(unit, restored(kind.type, unit, nullptr, effort::best), 0, 256);
    int refused = 0;
    for (const float scale : {300.0f, 2e4f, 1e5f, 2e6f, 1e20f, 9e37f}) {
      std::vector<float> x;
      for (const float value : unit) x.push_back(value * scale);  // up to 3.4 times
      for (const effort level : {effort::normal, effort::best}) {
        try {
          const auto q = restored(kind.type, x, nullptr, level);
          std::vector<float> smaller;
          for (const float value : q) smaller.push_back(value / scale);
          // effort::normal is ggml's rule for some
          const double bound = level == effort::best ? 1.1 * usual + 1e-6 : 4 * usual;
          EXPECT_LE(relative_error(unit, smaller, 0, 256), bound) << scale;
        } catch (const data_error&) {
          ++refused;
        }
      }
      for (const float value : restored(kind.type, x, nullptr, effort::normal, {.saturates = true}))
        ASSERT_TRUE(std::isfinite(value)) << scale;
    }
    const bool wide = kind.type == gguf::tensor_type::q8_k || kind.type == gguf::tensor_type::mxfp4;
    if (wide) {
      EXPECT_LE(refused, 2);
    } else {
      EXPECT_GE(refused, 4);
    }
  });
}

// Catches a message that does not say where, and infinities in rows of floats.
TEST(encode_row, what_overflows_is_named) {
  std::vector<float> x(96, 1.0f);
  x[40] = -1e6f;
  const auto message = [&](gguf::tensor_type type) {
    return test::message_of<data_error>(
        [&] { restored(type, x, nullptr, effort::normal, {.row = 3, .column = 64}); });
  };
  EXPECT_EQ(
      message(gguf::tensor_type::q4_0),
      "row 3, columns 96 to 127: magnitudes up to 1000000.000000 overflow the f16 scales of q4_0: scale "
      "the matrix down (or ask for nonfinite::saturate)");
  EXPECT_EQ(message(gguf::tensor_type::f16),
            "row 3, column 104: -1000000.000000 overflows f16: store it as bf16 or f32 (or ask for "
            "nonfinite::saturate)");
  EXPECT_EQ(restored(gguf::tensor_type::f16, x, nullptr, effort::normal, {.saturates = true})[40], -65504.0f);
  EXPECT_TRUE(std::isinf(restored(gguf::tensor_type::f16, x, nullptr, effort::reference)[40]));
  x[40] = std::numeric_limits<float>::max();
  EXPECT_NE(message(gguf::tensor_type::bf16).find("row 3, column 104"), std::string::npos);
  EXPECT_EQ(restored(gguf::tensor_type::bf16, x, nullptr, effort::normal, {.saturates = true})[40],
            numeric::bfloat16_to_float(0x7f7f));
}

// Catches small numbers lost where the format can hold them, and rows worse than zeros. With a scale of n
// times the least binary16 number, n the least that reaches the greatest element, no element is further from
// a level than half the widest gap; n up to 31 is within every format's factors. Formats of bytes and of
// vectors are held to zeros only.
TEST(encode_row, small_numbers_are_kept) {
  each_block_type([&](const block_kind& kind) {
    for (float deviation = 3e-9f; deviation < 2e-3f; deviation *= 10.0f) {
      const auto x = normal_row(256, deviation);
      const float greatest = std::abs(
          *std::max_element(x.begin(), x.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
      double bound = 1.0;
      const double units = std::ceil(static_cast<double>(greatest) / (kind.reach * 0x1p-24));
      const double energy = static_cast<double>(deviation) * static_cast<double>(deviation);
      if (units < 32) bound = std::min(1.0, std::pow(units * 0x1p-25, 2) / (0.8 * energy));
      for (const effort level : {effort::fast, effort::normal, effort::best}) {
        const double error = relative_error(x, restored(kind.type, x, nullptr, level), 0, 256);
        EXPECT_LE(error, level == effort::best ? bound * 1.000001 : 1.000001)
            << deviation << " effort " << static_cast<int>(level);
      }
    }
  });
}

// Catches a minimum without a scale, or a scale rounded up too far, in blocks whose parts differ a million
// times in size.
TEST(encode_row, no_block_is_worse_than_zeros) {
  auto x = normal_row(512, 1.0f);
  std::mt19937 engine(5);
  std::vector<float> weights(x.size());
  float size = 1.0f;
  for (std::size_t j = 0; j < x.size(); ++j) {
    if (j % 16 == 0) size = std::pow(10.0f, -static_cast<float>(engine() % 1000) / 111.0f);
    x[j] *= size;
    weights[j] = static_cast<float>(1 + engine() % 8);
  }
  each_block_type([&](const block_kind& kind) {
    for (const float* importance : {static_cast<const float*>(nullptr), &std::as_const(weights[0])}) {
      for (const effort level : {effort::fast, effort::normal, effort::best}) {
        const auto q = restored(kind.type, x, importance, level);
        for (std::size_t j = 0; j < x.size(); j += kind.elements) {
          const float* part = importance == nullptr ? nullptr : importance + j;
          const std::vector<float> zeros(kind.elements);
          const int count = static_cast<int>(kind.elements);
          EXPECT_LE(gguf::best::weighted_error(&x[j], &q[j], part, count),
                    1.000001 * gguf::best::weighted_error(&x[j], zeros.data(), part, count))
              << "column " << j << " effort " << static_cast<int>(level);
        }
      }
    }
  });
}

// Catches a codebook search that starts from the greatest level only: a number of eleven bits is a scale
// times the least level, under the least factor, in each of these.
TEST(encode_row, one_magnitude_is_held_exactly_by_codebooks) {
  for (const gguf::tensor_type type :
       {gguf::tensor_type::iq2_xxs, gguf::tensor_type::iq2_xs, gguf::tensor_type::iq2_s,
        gguf::tensor_type::iq3_xxs, gguf::tensor_type::iq3_s}) {
    for (const float magnitude : {0.5f, 0.75f, 3.0f, 0x1.ffcp-9f}) {
      for (const int negatives : {0, 2, 4, 8}) {
        std::vector<float> x(256);
        for (int j = 0; j < 256; ++j)
          x[static_cast<std::size_t>(j)] = (j + j / 8) % 8 < negatives ? -magnitude : magnitude;
        EXPECT_EQ(restored(type, x, nullptr, effort::best), x)
            << gguf::traits_of(type).name << " " << magnitude << " " << negatives;
      }
    }
  }
}

}  // namespace
