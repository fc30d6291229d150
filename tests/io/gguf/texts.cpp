#include <bitgauge/io/gguf/texts.hpp>
#include <bitgauge/io/gguf/value_bytes.hpp>

#include "support/failure.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace io = bitgauge::io;
using entries = std::vector<io::gguf_entry>;
using texts = std::vector<io::metadata_entry>;

template <class T>
io::gguf_array array(std::vector<T> elements) {
  return {std::move(elements)};
}

/// The bytes that a GGUF file holds for entries, which tell NaN from NaN and 0 from -0.
std::vector<std::byte> bytes_of(const entries& metadata) {
  io::byte_writer writer;
  for (const io::gguf_entry& entry : metadata) {
    io::detail::write_gguf_string(writer, entry.name);
    io::detail::write_typed_gguf_value(writer, entry.value);
  }
  return {writer.bytes().begin(), writer.bytes().end()};
}

entries restored(const texts& from) {
  return io::detail::gguf_texts_reader(from, "f.safetensors").read();
}
entries through_texts(const entries& metadata) {
  return restored(io::detail::texts_of(metadata, "f.gguf"));
}

template <class T>
void add_integers(entries& metadata, const std::string& type) {
  using limits = std::numeric_limits<T>;
  metadata.push_back({type + " min", limits::min()});
  metadata.push_back({type + " max", limits::max()});
  metadata.push_back({type + " array", array<T>({limits::min(), 0, 1, limits::max()})});
  metadata.push_back({type + " empty", array<T>({})});
}
template <class T, class Bits>
void add_floats(entries& metadata, const std::string& type, Bits quiet, Bits payload, Bits negative) {
  using limits = std::numeric_limits<T>;
  std::vector<T> values{T(0.1),
                        T(-0.0),
                        limits::max(),
                        limits::denorm_min(),
                        limits::infinity(),
                        -limits::infinity(),
                        T(1),
                        T(1e16),
                        std::bit_cast<T>(quiet),
                        std::bit_cast<T>(payload),
                        std::bit_cast<T>(negative)};
  for (const T value : values) metadata.push_back({type + std::to_string(metadata.size()), value});
  metadata.push_back({type + " array", array(values)});
  metadata.push_back({type + " empty", array<T>({})});
}

entries every_type() {
  entries metadata{{"general.architecture", std::string("llama")}};
  add_integers<std::uint8_t>(metadata, "u8");
  add_integers<std::int8_t>(metadata, "i8");
  add_integers<std::uint16_t>(metadata, "u16");
  add_integers<std::int16_t>(metadata, "i16");
  add_integers<std::uint32_t>(metadata, "u32");
  add_integers<std::int32_t>(metadata, "i32");
  add_integers<std::uint64_t>(metadata, "u64");
  add_integers<std::int64_t>(metadata, "i64");
  metadata.push_back({"u64 beyond double", std::uint64_t{9007199254740993}});
  add_floats<float>(metadata, "f32", 0x7fc00000u, 0x7f800001u, 0xffc01234u);
  add_floats<double>(metadata, "f64", std::uint64_t{0x7ff8000000000000}, std::uint64_t{0x7ff0000000000001},
                     std::uint64_t{0xfff8000000abcdef});
  metadata.push_back({"bool", true});
  metadata.push_back({"bools", array<bool>({true, false, true})});
  metadata.push_back({"no bools", array<bool>({})});
  for (const char* text : {"", "4", "1.5", "true", "nan", "[1, 2]", "null", "{\"version\": 1}", "\n\"\\\t"})
    metadata.push_back({"str" + std::to_string(metadata.size()), std::string(text)});
  metadata.push_back({"zero byte", std::string("a\0b", 3)});
  metadata.push_back({"no UTF-8", std::string("caf\xe9 \xff\xfe")});
  metadata.push_back({"hex digits", std::string("6869")});
  metadata.push_back({"strings", array<std::string>({"1", "", "\xe2\x96\x81the"})});
  metadata.push_back({"byte strings", array<std::string>({"1", "\xe2\x96", "x"})});
  metadata.push_back({"no strings", array<std::string>({})});
  metadata.push_back({"nested", array<io::gguf_array>({array<std::uint8_t>({1, 2}), array<float>({}),
                                                       array<std::string>({"\xff"}),
                                                       array<io::gguf_array>({array<bool>({true})})})});
  metadata.push_back({"no arrays", array<io::gguf_array>({})});
  metadata.push_back({"bitgauge", std::string("a text of the model's maker")});
  metadata.push_back({"bitgauge.gguf", std::uint32_t{7}});
  metadata.push_back({"general.alignment", std::uint32_t{64}});
  return metadata;
}

// Catches a type, an order or a bit that is lost on the way: numbers that come back as strings, strings that
// look like numbers, an empty array without its type, NaN, -0 and integers that a double cannot hold.
TEST(gguf_texts, keep_every_bit_of_every_type) {
  const entries metadata = every_type();
  EXPECT_EQ(bytes_of(through_texts(metadata)), bytes_of(metadata));
  for (const io::gguf_entry& entry : metadata)
    EXPECT_EQ(bytes_of(through_texts({entry})), bytes_of({entry})) << entry.name;
}

// Catches texts that other programs can no longer read, and a key of the file's that takes the place of ours.
TEST(gguf_texts, are_readable_and_leave_our_keys_alone) {
  const texts found = io::detail::texts_of({{"a", std::string("x")},
                                            {"n", std::uint32_t{4}},
                                            {"list", array<float>({0.5f, -2})},
                                            {"bitgauge", std::string("y")}},
                                           "f.gguf");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].value, "x");
  EXPECT_EQ(found[1].value, "4");
  EXPECT_EQ(found[2].value, "[0.5,-2.0]");
  EXPECT_EQ(found[3].name, "bitgauge.gguf");
  EXPECT_EQ(found[3].value,
            R"({"version":1,"keys":[["a","str"],["n","u32"],["list","[f32]"],["bitgauge","str","y"]]})");
}

// Catches a list of types in files that need none.
TEST(gguf_texts, say_nothing_where_all_are_strings) {
  const texts found = io::detail::texts_of({{"b", std::string("4")}, {"a", std::string("x")}}, "f.gguf");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "b");
}

// Catches a file of another program whose texts are guessed at, and texts that a tool added or removed.
TEST(gguf_texts, take_other_files_as_they_are) {
  EXPECT_EQ(bytes_of(restored({{"format", "pt"}, {"n", "4"}})),
            bytes_of({{"format", std::string("pt")}, {"n", std::string("4")}}));
  const std::string types = R"({"version":1,"keys":[["gone","u8"],["n","i8"]]})";
  EXPECT_EQ(bytes_of(restored({{"added", "1"}, {"n", "-4"}, {"bitgauge.gguf", types}})),
            bytes_of({{"n", std::int8_t{-4}}, {"added", std::string("1")}}));
}

// Catches a text that is not of its type and comes back as something else in silence.
TEST(gguf_texts, refuse_what_is_not_of_its_type) {
  const auto failure = [](const std::string& type, const std::string& text) {
    return test::parse_failure([&] {
      restored({{"k", text}, {"bitgauge.gguf", R"({"version":1,"keys":[["k",")" + type + R"("]]})"}});
    });
  };
  EXPECT_EQ(failure("u8", "256"),
            "f.safetensors: byte 8: __metadata__: bitgauge.gguf: key k: expected a value of type u8, found "
            "'256'");
  for (const auto& [type, text] : std::vector<std::pair<std::string, std::string>>{
           {"u8", "-1"},       {"u32", "4.0"},
           {"i8", "128"},      {"i64", "9223372036854775808"},
           {"u64", "1e3"},     {"u64", "[1]"},
           {"f32", "1e39"},    {"f32", "nan:7f800000"},
           {"f32", "nan:"},    {"f64", "infinite"},
           {"f32", ""},        {"bool", "1"},
           {"str:hex", "f"},   {"str:hex", "0g"},
           {"arr", "[]"},      {"u9", "1"},
           {"[u8]", "1"},      {"[u8]", "[1,256]"},
           {"[str]", "[1]"},   {"[f32]", "[\"nan:1\"]"},
           {"[arr]", "[[1]]"}, {"[arr]", R"([{"u8":[1],"i8":[]}])"},
           {"[arr", "[]"},     {"[u8]", "[" + std::string(100000, '[')}})
    EXPECT_NE(failure(type, text).find("expected a value of type"), std::string::npos)
        << type << ", " << text << ": " << failure(type, text);
  for (const std::string list : {"", "[]", R"({"version":2,"keys":[]})", R"({"version":1,"keys":[["k"]]})",
                                 R"({"version":1,"keys":[["k",1]]})", R"({"version":1})"})
    EXPECT_NE(test::parse_failure([&] {
                restored({{"bitgauge.gguf", list}});
              }).find("bitgauge.gguf"),
              std::string::npos)
        << list;
  EXPECT_NE(test::parse_failure([&] {
              restored({{"k", "1"}, {"bitgauge.gguf", R"({"version":1,"keys":[["k","u8"],["k","u8"]]})"}});
            }).find("key k: appears twice"),
            std::string::npos);
}

// Catches a key that JSON cannot hold and is not named.
TEST(gguf_texts, refuse_a_key_that_is_no_text) {
  EXPECT_EQ(test::failure_of<bitgauge::data_error>([] {
              io::detail::texts_of({{"a\xff", std::uint8_t{1}}}, "f.gguf");
            }),
            "f.gguf: metadata key with the bytes 61ff: expected UTF-8, which a .safetensors file needs");
}

}  // namespace
