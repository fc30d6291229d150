#include <bitgauge/io/safetensors/description.hpp>
#include <bitgauge/io/safetensors/description_list.hpp>
#include <bitgauge/matrix/memory.hpp>
#include <bitgauge/matrix/scheme/text.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace bitgauge::io {
namespace {

quantized_entry an_entry() {
  const scheme s = parse_scheme("affine:bits=4,group=32");
  quantized_entry entry{"w", {8, 3, 20}, "F16", to_text(s), layout_of(s, 8, 60), false};
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
  EXPECT_EQ(back.layout.encoding.bits, 4);
  EXPECT_EQ(back.layout.encoding.has_zero_points, true);
  EXPECT_EQ(back.layout.groups.granularity(), entry.layout.groups.granularity());
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
    quantized_entry entry{"w", {8, 3, 40}, "F16", to_text(s), layout_of(s, rows, cols), false};
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
                                                                  {"/levels", "column"},
                                                                  {"/levels", "row"},
                                                                  {"/group", 0},
                                                                  {"/group", "rows"},
                                                                  {"/zero_point", {}},
                                                                  {"/scale", "f64"},
                                                                  {"/activations/scheme", "static:nf4"},
                                                                  {"/activations", 1},
                                                                  {"/activations/scale", 0},
                                                                  {"/activations/zero_point", 300},
                                                                  {"/activations/zero_point", -1}};
  for (const auto& [pointer, value] : wrong) {
    const std::string said = message(pointer, value), field = std::string(pointer).substr(1);
    EXPECT_NE(said.find("f.safetensors: byte 8: __metadata__: bitgauge: tensor w: "), std::string::npos)
        << pointer << ": " << said;
    EXPECT_NE(said.find(field.substr(field.find('/') + 1)), std::string::npos) << pointer << ": " << said;
  }
}

// Catches fields that are each allowed and make no sense together: sign codes of 8 bits gave out the stack.
TEST(quantized_description, refuses_fields_that_do_not_go_together) {
  const auto message = [](const char* codes, int bits, const nlohmann::ordered_json& zero_point) {
    nlohmann::ordered_json json = detail::description_of(an_entry());
    json["codes"] = codes;
    json["bits"] = bits;
    json["zero_point"] = zero_point;
    const std::string said = test::message_of<parse_error>([&] { read(json); });
    const std::string_view where = "f.safetensors: byte 8: __metadata__: bitgauge: tensor w: ";
    return said.starts_with(where) ? said.substr(where.size()) : said;
  };
  EXPECT_EQ(message("sign", 1, 0), "no error");
  EXPECT_EQ(message("levels", 8, 0), "no error");
  EXPECT_EQ(message("signed", 8, -128), "no error");
  EXPECT_EQ(message("sign", 8, 0), "bits: expected 1 for sign codes, found 8");
  EXPECT_EQ(message("sign", 2, 0), "bits: expected 1 for sign codes, found 2");
  EXPECT_EQ(message("sign", 1, 1), "zero_point: expected 0, found 1");
  EXPECT_EQ(message("sign", 1, "stored"),
            "zero_point: expected 0 for sign codes and levels, found one a group");
  EXPECT_EQ(message("levels", 4, "stored"),
            "zero_point: expected 0 for sign codes and levels, found one a group");
  EXPECT_EQ(message("levels", 4, 3), "zero_point: expected 0, found 3");
  EXPECT_EQ(message("unsigned", 4, 16), "zero_point: expected a code, 0 to 15, found 16");
  EXPECT_EQ(message("signed", 4, 8), "zero_point: expected a code, -8 to 7, found 8");
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// Catches depth that costs stack, values of another kind, and descriptions cut at the wrong place.
TEST(quantized_description, a_list_is_taken_apart_whatever_its_depth) {
  const auto names = [](const std::string& text) {
    detail::description_list_visitor list("f", text);
    list.visit();
    std::string all;
    for (const auto& [name, description] : list.descriptions)
      all += name + "=" + std::string(description) + ";";
    return all;
  };
  EXPECT_EQ(names(R"({"version":1,"tensors":{"a":{"x":{"y":[1]}}, "b" : { } },"more":{"c":{}}})"),
            R"(a={"x":{"y":[1]}};b={ };)");
  EXPECT_EQ(names(R"({"tensors":{},"version":1})"), "");
  const auto failure = [&](const std::string& text) {
    return test::message_of<parse_error>([&] { names(text); });
  };
  const std::string more = "expected at most 32 levels of arrays and objects, found more";
  for (const std::string start : {R"({"version":1,"tensors":{"w":)", R"({"tensors":)", R"({"x":)", ""}) {
    EXPECT_NE(failure(start + repeated(R"({"a":)", 50000)).find(more), std::string::npos) << start;
    const std::string arrays = failure(start + repeated("[", 50000));
    EXPECT_TRUE(arrays.find(more) != std::string::npos ||
                arrays.find("expected an object, found an array") != std::string::npos)
        << arrays;
  }
  EXPECT_NE(failure(R"({"version":2,"tensors":{}})").find("version: expected 1, found 2"), std::string::npos);
  EXPECT_NE(failure(R"({"version":[1],"tensors":{}})").find("version: expected 1, found an array"),
            std::string::npos);
  EXPECT_NE(failure(R"({"version":1})").find("tensors: expected an object, found none"), std::string::npos);
  EXPECT_NE(
      failure(R"({"version":1,"tensors":{"w":3}})").find("tensor w: expected an object, found a number"),
      std::string::npos);
  EXPECT_NE(failure(R"({"tensors":{},"tensors":{}})").find("tensors: appears twice"), std::string::npos);
  EXPECT_NE(failure("[1]").find("expected an object, found an array"), std::string::npos);
}

// Catches a tree that is built from text too deep for what recurses over it.
TEST(quantized_description, deep_text_is_no_tree) {
  EXPECT_TRUE(detail::parse_json(repeated("[", 32) + repeated("]", 32)).is_array());
  EXPECT_TRUE(detail::parse_json(repeated("[", 33) + repeated("]", 33)).is_discarded());
  EXPECT_TRUE(detail::parse_json(repeated("[", 50000)).is_discarded());
  EXPECT_EQ(detail::parse_json(R"(["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[[[["])").size(), 1u);
}

}  // namespace
}  // namespace bitgauge::io
