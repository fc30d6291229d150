#include <bitgauge/packing/dense.hpp>

#include "support/message_of.hpp"
#include "support/npy_file.hpp"
#include "support/vectors.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace {

using namespace bitgauge::packing;
using bytes = std::vector<std::uint8_t>;
using bitgauge::index_t;

/// Bit by bit by the definition: bit b of code i is bit i * bits + b of the stream, the first in the lowest.
bytes pack_by_definition(const bytes& fields, int bits) {
  bytes packed((fields.size() * static_cast<std::size_t>(bits) + 7) / 8);
  std::size_t at = 0;
  for (const unsigned field : fields)
    for (int b = 0; b < bits; ++b, ++at)
      if (field >> b & 1u) packed[at / 8] = static_cast<std::uint8_t>(packed[at / 8] | 1u << at % 8);
  return packed;
}

bytes random_fields(std::size_t count, int bits, std::uint32_t seed) {
  std::mt19937 generator(seed);
  bytes fields(count);
  for (auto& field : fields) field = static_cast<std::uint8_t>(generator() & ((1u << bits) - 1u));
  return fields;
}

/// Packs into a buffer with guards behind it.
bytes pack(const bytes& fields, int bits) {
  const auto count = static_cast<index_t>(fields.size());
  const auto size = static_cast<std::size_t>(dense_bytes(count, bits));
  bytes packed(size + 8, 0xaa);
  pack_dense(fields.data(), count, bits, packed.data());
  for (std::size_t i = size; i < packed.size(); ++i) EXPECT_EQ(packed[i], 0xaa) << "wrote behind the end";
  packed.resize(size);
  return packed;
}

// Catches another order of bits or a field that spans bytes wrongly, at every width and every tail.
TEST(dense, agrees_with_the_definition) {
  for (int bits = 1; bits <= 8; ++bits)
    for (std::size_t count = 0; count <= 300; count += count < 140 ? 1 : 17) {
      const bytes fields = random_fields(count, bits, static_cast<std::uint32_t>(count));
      const bytes packed = pack(fields, bits);
      ASSERT_EQ(packed, pack_by_definition(fields, bits)) << bits << " bits, " << count;
      bytes back(count + 8, 0xaa);
      unpack_dense(packed.data(), static_cast<index_t>(count), bits, back.data());
      for (std::size_t i = count; i < back.size(); ++i) ASSERT_EQ(back[i], 0xaa) << "wrote behind the end";
      back.resize(count);
      ASSERT_EQ(back, fields) << bits << " bits, " << count;
      for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(dense_field(packed.data(), static_cast<index_t>(i), bits), fields[i]);
    }
}

// Catches bits above a field's width that leak into its neighbour (negative codes are sign-extended bytes).
TEST(dense, ignores_bits_above_the_width) {
  for (int bits = 1; bits < 8; ++bits) {
    bytes fields = random_fields(77, bits, 5);
    const bytes packed = pack(fields, bits);
    for (auto& field : fields) field = static_cast<std::uint8_t>(field | 0xffu << bits);
    EXPECT_EQ(pack(fields, bits), packed);
  }
}

// Catches a single field that is written over its neighbours.
TEST(dense, sets_one_field_alone) {
  for (int bits = 1; bits <= 8; ++bits) {
    bytes fields = random_fields(41, bits, 6), packed = pack(fields, bits);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      fields[i] = static_cast<std::uint8_t>(~fields[i] & ((1u << bits) - 1u));
      set_dense_field(packed.data(), static_cast<index_t>(i), bits, fields[i]);
      ASSERT_EQ(packed, pack_by_definition(fields, bits)) << bits << " bits, " << i;
    }
  }
}

TEST(dense, agrees_with_the_reference_vector) {
  const auto manifest = test::load_manifest("packing");
  bool found = false;
  for (const auto& entry : manifest["cases"]) {
    if (entry["op"] != "lsb_first_pack") continue;
    found = true;
    const auto load = [](const nlohmann::json& file) {
      return test::load_npy<std::uint8_t>(test::vector_path("packing", file.get<std::string>())).data;
    };
    EXPECT_EQ(pack(load(entry["inputs"]["codes"]), entry["params"]["bits"]),
              load(entry["outputs"]["packed"]));
  }
  EXPECT_TRUE(found);
}

// Catches widths that no code has: a write far behind the buffer, or bytes that mean nothing.
TEST(dense, widths_out_of_range_are_refused) {
  bytes eight(8);
  for (const int bits : {0, 9, -1}) {
    const auto text = "dense codes: expected 1 to 8 bits, found " + std::to_string(bits);
    using bitgauge::invalid_scheme, test::message_of;
    EXPECT_EQ(message_of<invalid_scheme>([&] { packed_dense(eight.data(), 1, bits); }), text);
    EXPECT_EQ(message_of<invalid_scheme>([&] { pack_dense(eight.data(), 1, bits, eight.data()); }), text);
    EXPECT_EQ(message_of<invalid_scheme>([&] { unpack_dense(eight.data(), 1, bits, eight.data()); }), text);
  }
  EXPECT_THROW(packed_dense(eight.data(), -1, 3), bitgauge::shape_error);
}

}  // namespace
