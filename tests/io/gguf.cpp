#include <bitgauge/io/gguf.hpp>

#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>

namespace {

namespace io = bitgauge::io;

const std::filesystem::path data = std::filesystem::path(BITGAUGE_TEST_DATA) / "io";

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

/// 64-bit FNV-1a, as the listing has it.
std::string hash_of(std::span<const std::byte> bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 1099511628211u;
  return hex(hash);
}

/// A value in the way of the listing: 64-bit integers as text, floats by their bits.
template <class T>
nlohmann::json listed(const T& value) {
  if constexpr (std::is_same_v<T, float>) {
    return "0x" + hex(std::bit_cast<std::uint32_t>(value)).substr(8);
  } else if constexpr (std::is_same_v<T, double>) {
    return "0x" + hex(std::bit_cast<std::uint64_t>(value));
  } else if constexpr (std::is_integral_v<T> && sizeof(T) == 8) {
    return std::to_string(value);
  } else if constexpr (std::is_same_v<T, io::gguf_array>) {
    nlohmann::json list = nlohmann::json::array();
    std::visit(
        [&](const auto& elements) {
          using element = typename std::decay_t<decltype(elements)>::value_type;
          for (const element& each : elements) list.push_back(listed<element>(each));
        },
        value.elements);
    return list;
  } else {
    return value;
  }
}

/// The listing gives a float as {"bits": .., "text": ..}.
nlohmann::json without_text(const nlohmann::json& value) {
  if (value.is_object()) return value.at("bits");
  if (!value.is_array()) return value;
  nlohmann::json list = nlohmann::json::array();
  for (const auto& each : value) list.push_back(without_text(each));
  return list;
}

class gguf_sample : public testing::Test {
 protected:
  io::gguf_file file{data / "sample.gguf"};
  nlohmann::json listing = nlohmann::json::parse(test::read_file(data / "sample.json"));
};

// Catches any value, type or order that differs from what ggml says is in the file that ggml wrote.
TEST_F(gguf_sample, metadata_agrees_with_ggml) {
  EXPECT_EQ(file.version(), listing["version"]);
  EXPECT_EQ(file.alignment(), listing["alignment"]);
  EXPECT_EQ(file.data_offset(), listing["data_offset"]);
  ASSERT_EQ(file.metadata().size(), listing["kv"].size());
  for (std::size_t i = 0; i < file.metadata().size(); ++i) {
    const io::gguf_entry& entry = file.metadata()[i];
    const auto& expected = listing["kv"][i];
    EXPECT_EQ(entry.name, expected["key"]);
    EXPECT_EQ(type_name_of(entry.value), expected["type"]) << entry.name;
    EXPECT_EQ(std::visit([](const auto& value) { return listed(value); }, entry.value),
              without_text(expected["value"]))
        << entry.name;
    if (const auto* array = std::get_if<io::gguf_array>(&entry.value)) {
      EXPECT_EQ(io::gguf_type_names[array->elements.index()], expected["array_type"]) << entry.name;
    }
  }
}

// Catches tensors of any type taken from the wrong place or with the wrong size.
TEST_F(gguf_sample, tensors_agree_with_ggml) {
  ASSERT_EQ(file.tensors().size(), listing["tensors"].size());
  for (std::size_t i = 0; i < file.tensors().size(); ++i) {
    const io::gguf_tensor& tensor = file.tensors()[i];
    const auto& expected = listing["tensors"][i];
    EXPECT_EQ(tensor.name, expected["name"]);
    EXPECT_EQ(bitgauge::gguf::traits_of(tensor.type).name, expected["type"]);
    EXPECT_EQ(tensor.dimensions, expected["ne"].get<std::vector<std::uint64_t>>());
    EXPECT_EQ(tensor.offset, expected["offset"]);
    EXPECT_EQ(tensor.data.size(), expected["nbytes"]);
    EXPECT_EQ(hash_of(tensor.data), expected["fnv1a64"]) << tensor.name;
  }
}

// Catches a writer that is not the reader's inverse, byte for byte.
TEST_F(gguf_sample, is_written_back_the_same) {
  const test::temporary_directory folder;
  io::gguf_writer writer(folder / "copy.gguf");
  for (const io::gguf_entry& entry : file.metadata()) writer.set(entry.name, entry.value);
  for (const io::gguf_tensor& tensor : file.tensors())
    writer.declare(tensor.name, tensor.type, tensor.dimensions);
  for (const io::gguf_tensor& tensor : file.tensors()) writer.write(tensor.name, tensor.data);
  writer.commit();
  EXPECT_TRUE(test::read_file(folder / "copy.gguf") == test::read_file(data / "sample.gguf"));
}

// Catches a read beyond the end: every shorter file is refused, and none otherwise than by parse_error.
TEST_F(gguf_sample, every_truncation_is_refused) {
  const std::string whole = test::read_file(data / "sample.gguf");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string part = whole.substr(0, size);
    EXPECT_THROW(io::gguf_file(test::bytes_of(part), "part"), bitgauge::parse_error) << size;
  }
}

}  // namespace
