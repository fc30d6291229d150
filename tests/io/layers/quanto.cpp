#include <bitgauge/io/layers/quanto.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;

std::string written(const io::quanto_weight& weight) {
  const test::temporary_directory folder;
  io::safetensors_writer writer(folder / "w.safetensors");
  io::declare_quanto(writer, "q.weight", weight);
  io::write_quanto(writer, "q.weight", weight);
  writer.commit();
  return test::read_file(folder / "w.safetensors");
}
io::quanto_weight read(const std::string& bytes, int bits) {
  return io::read_quanto(io::safetensors_file(test::bytes_of(bytes), "w"), "q.weight", bits);
}

/// Seven groups, which no slabs divide; every number depends on its place and fits bf16.
io::quanto_weight weight_of(int bits, io::dtype type, bool integers) {
  io::quanto_weight weight{bits, type, integers, packing::code_matrix(7, 12), {}, {}};
  for (Eigen::Index g = 0; g < 7; ++g) {
    for (Eigen::Index i = 0; i < 12; ++i)
      weight.codes(g, i) = static_cast<std::uint8_t>((3 * g + 5 * i) % (1 << bits));
    weight.scales.push_back(0.5f + static_cast<float>(g) / 16);
    weight.shifts.push_back(integers ? static_cast<float>(g % 4) : 0.75f - static_cast<float>(g) / 8);
  }
  return weight;
}

// Catches a part lost on the way, or a shift of one kind taken for the other: the values are computed here by
// quanto's definition.
TEST(quanto_weights, round_trips_byte_for_byte) {
  for (const int bits : {2, 4})
    for (const auto type : {io::dtype::f32, io::dtype::f16, io::dtype::bf16})
      for (const bool integers : {false, true}) {
        const auto weight = weight_of(bits, type, integers);
        const std::string bytes = written(weight);
        const auto back = read(bytes, bits);
        EXPECT_EQ(back, weight);
        EXPECT_EQ(written(back), bytes);
        const float scale = weight.scales[5], shift = weight.shifts[5], code = weight.codes(5, 2);
        EXPECT_EQ(back.dequantize()(5, 2), integers ? scale * (code - shift) : scale * code - shift);
      }
}

// Catches other names, types or bytes than quanto's own: a file built by hand around codes that it packed.
TEST(quanto_weights, reads_what_quanto_writes) {
  for (const auto& entry : test::cases_of("packing", "quanto_pack")) {
    if (entry["name"].get<std::string>().ends_with("vec")) continue;
    const int bits = entry["params"]["bits"].get<int>();
    const auto codes = test::load_matrix<std::uint8_t>("packing", entry["inputs"]["codes"]);
    const auto packed = test::load_matrix<std::uint8_t>("packing", entry["outputs"]["packed"]);
    const auto groups = static_cast<std::size_t>(codes.rows());
    std::string data(reinterpret_cast<const char*>(packed.data()), static_cast<std::size_t>(packed.size()));
    std::string header = R"({"q.weight._data._data":{"dtype":"U8","shape":[)" +
                         std::to_string(packed.rows()) + "," + std::to_string(packed.cols()) +
                         R"(],"data_offsets":[0,)" + std::to_string(data.size()) + "]}";
    for (const char* name : {"_scale", "_shift"}) {
      const std::size_t begin = data.size();
      for (std::size_t g = 0; g < groups; ++g) data += test::little_endian<std::uint16_t>(0x3c00);  // 1
      header += std::string(R"(,"q.weight.)") + name + R"(":{"dtype":"F16","shape":[)" +
                std::to_string(groups) + R"(,1],"data_offsets":[)" + std::to_string(begin) + "," +
                std::to_string(data.size()) + "]}";
    }
    header += "}";
    const auto weight = read(test::little_endian<std::uint64_t>(header.size()) + header + data, bits);
    EXPECT_EQ(weight.codes, codes);
    EXPECT_EQ(weight.type, io::dtype::f16);
    EXPECT_EQ(weight.dequantize(), (codes.cast<float>().array() - 1.0f).matrix());
  }
}

// Catches damage that is read without a word, or reported without its place.
TEST(quanto_weights, refuses_damage_with_byte_and_field) {
  const auto weight = weight_of(4, io::dtype::f16, false);
  const std::string bytes = written(weight);
  const auto data = 8 + static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  const auto failure_after = [&](const std::string& from, const std::string& to) {
    std::string damaged = bytes;
    damaged.replace(damaged.find(from), from.size(), to);
    return test::parse_failure([&] { read(damaged, 4); });
  };
  EXPECT_EQ(failure_after("_scale", "_skale"),
            "w: byte 8: q.weight._scale: expected a tensor of this name, found none");
  EXPECT_NE(failure_after(R"("dtype":"F16","shape":[7,1])", R"("dtype":"I16","shape":[7,1])")
                .find("q.weight._scale: expected F32, F16 or BF16, found I16"),
            std::string::npos);
  EXPECT_NE(failure_after("[7,1]", "[1,7]").find("q.weight._scale: expected a column of one scale a group"),
            std::string::npos);
  EXPECT_EQ(test::parse_failure([&] { read(bytes, 2); }),
            "w: byte " + std::to_string(data) +
                ": q.weight._data._data: expected the shape [2, 12], found [4, 12]");
  std::string damaged = bytes;
  damaged[data + 3 * 12 + 5] = static_cast<char>(0x80);  // row 3's high nibble would be group 7
  EXPECT_EQ(test::parse_failure([&] { read(damaged, 4); }),
            "w: byte " + std::to_string(data + 41) +
                ": q.weight._data._data: expected zeros in the padding, found other bits");
  damaged = bytes;
  damaged.replace(data + 48 + 4, 2, test::little_endian<std::uint16_t>(0x7c00));
  EXPECT_EQ(
      test::parse_failure([&] { read(damaged, 4); }),
      "w: byte " + std::to_string(data + 52) + ": q.weight._scale: expected a finite value, found another");
  auto inexact = weight;
  inexact.scales[2] = 0.1f;
  EXPECT_EQ(test::failure_of<data_error>([&] { written(inexact); }),
            "q.weight._scale: 0.100000 is no f16: quantize with f16 scales");
  inexact = weight_of(4, io::dtype::f16, true);
  inexact.shifts[1] = 0.5f;
  EXPECT_EQ(test::failure_of<data_error>([&] { written(inexact); }),
            "q.weight._shift: expected a whole number from 0 to 255, found 0.500000");
}

// Catches a scale and a shift that are finite and restore infinity.
TEST(quanto_weights, refuses_parameters_that_restore_infinity) {
  for (const bool integers : {false, true}) {
    const auto failure = [&](float scale, float shift) {
      auto weight = weight_of(4, io::dtype::f32, integers);
      weight.scales[3] = scale;
      weight.shifts[3] = shift;
      return test::parse_failure([&] { read(written(weight), 4); });
    };
    const std::string said =
        "q.weight._scale: expected a value with which every code restores a finite number, found one too "
        "large";
    EXPECT_EQ(failure(2e37f, 0), "nothing was raised");
    EXPECT_NE(failure(3e37f, 0).find(said), std::string::npos);
    EXPECT_NE(integers ? failure(2e37f, 200).find(said) : failure(2e37f, -3e38f).find(said),
              std::string::npos);
  }
}

}  // namespace
