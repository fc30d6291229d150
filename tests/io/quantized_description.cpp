#include <bitgauge/io/quantized_description.hpp>
#include <bitgauge/matrix/memory.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace bitgauge::io {
namespace {

quantized_entry an_entry() {
  const scheme s = parse_scheme("affine:bits=4,group=32");
  quantized_entry entry{"w", {8, 3, 20}, dtype::f16, to_text(s), layout_of(s, 8, 60), false};
  entry.activations = stored_activations{parse_activation_scheme("static:affine:range=kl"), {0.25f, 131}};
  return entry;
}

quantized_entry read(const nlohmann::ordered_json& json) {
  return detail::description_reader("f.safetensors", "w", json).read();
}

// Catches a field that is written but not read, or read as another.
TEST(quantized_description, reads_what_it_writes) {
  const quantized_entry entry = an_entry(), back = read(detail::description_of(entry));
  EXPECT_EQ(back.shape, entry.shape);
  EXPECT_EQ(back.original, entry.original);
  EXPECT_EQ(back.scheme, entry.scheme);
  EXPECT_EQ(back.layout.meaning.bits, 4);
  EXPECT_EQ(back.layout.meaning.has_zero_points, true);
  EXPECT_EQ(back.layout.groups.how(), entry.layout.groups.how());
  EXPECT_EQ(back.layout.groups.cols(), 60);
  ASSERT_TRUE(back.activations.has_value());
  EXPECT_EQ(back.activations->scheme, entry.activations->scheme);
  EXPECT_EQ(back.activations->frozen.scale, 0.25f);
  EXPECT_EQ(back.activations->frozen.zero_point, 131);
}

// Catches a description that forgets how rows were counted, and one from before there was a choice that is
// read as if it said so.
TEST(quantized_description, remembers_the_rows) {
  const scheme s = parse_scheme("affine:bits=4,group=32");
  for (const row_dimensions how : {row_dimensions::first, row_dimensions::all_but_last}) {
    const auto [rows, cols] = matrix_shape("w", std::vector<std::uint64_t>{8, 3, 40}, how);
    quantized_entry entry{"w", {8, 3, 40}, dtype::f16, to_text(s), layout_of(s, rows, cols), false};
    entry.rows = how;
    nlohmann::ordered_json json = detail::description_of(entry);
    EXPECT_EQ(read(json).rows, how);
    EXPECT_EQ(read(json).layout.groups.rows(), rows);
    json.erase("rows");
    EXPECT_EQ(read(json).layout.groups.rows(), 8);
  }
}

// Every field with a value it cannot have: refused with its name.
TEST(quantized_description, refuses_wrong_values_by_field) {
  const auto message = [](const char* pointer, const nlohmann::ordered_json& value) {
    nlohmann::ordered_json json = detail::description_of(an_entry());
    json[nlohmann::ordered_json::json_pointer(pointer)] = value;
    return test::message_of<bitgauge_error>([&] { read(json); });
  };
  const std::pair<const char*, nlohmann::ordered_json> wrong[] = {{"/shape", 3},
                                                                  {"/shape", {-1}},
                                                                  {"/rows", "middle"},
                                                                  {"/dtype", "F33"},
                                                                  {"/scheme", 1},
                                                                  {"/bits", 9},
                                                                  {"/bits", 4.5},
                                                                  {"/codes", "coded"},
                                                                  {"/group", 0},
                                                                  {"/group", "rows"},
                                                                  {"/zero_point", {}},
                                                                  {"/scale", "f64"},
                                                                  {"/activations/scheme", "static:nf4"},
                                                                  {"/activations", 1},
                                                                  {"/activations/scale", 0},
                                                                  {"/activations/zero_point", 300}};
  for (const auto& [pointer, value] : wrong) {
    const std::string said = message(pointer, value), field = std::string(pointer).substr(1);
    EXPECT_NE(said.find("f.safetensors: byte 8: __metadata__: bitgauge: tensor w: "), std::string::npos)
        << pointer << ": " << said;
    EXPECT_NE(said.find(field.substr(field.find('/') + 1)), std::string::npos) << pointer << ": " << said;
  }
}

}  // namespace
}  // namespace bitgauge::io
