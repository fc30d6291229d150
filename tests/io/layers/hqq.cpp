#include <bitgauge/io/layers/hqq.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;

std::string written(const io::hqq_weight& weight) {
  const test::temporary_directory folder;
  io::safetensors_writer writer(folder / "w.safetensors");
  io::declare_hqq(writer, "q", weight);
  io::write_hqq(writer, "q", weight);
  writer.commit();
  return test::read_file(folder / "w.safetensors");
}
io::hqq_weight read_back(const std::string& bytes) {
  return io::read_hqq(io::safetensors_file(test::bytes_of(bytes), "w"), "q");
}

/// A weight of 16 x 24 in groups of 8 whose every number depends on its place and fits bf16.
io::hqq_weight weight_of(int bits, int axis, io::dtype type) {
  io::hqq_weight weight{{.bits = bits, .rows = 16, .cols = 24, .group_size = 8, .axis = axis}, type};
  weight.codes.resize(axis == 1 ? 48 : 8, axis == 1 ? 8 : 48);
  for (Eigen::Index i = 0; i < weight.codes.size(); ++i)
    weight.codes.data()[i] = static_cast<std::uint8_t>((7 * i + i / 5) % (1 << bits));
  for (int g = 0; g < 48; ++g) {
    weight.scales.push_back(0.25f + static_cast<float>(g) / 64);
    weight.zeros.push_back(1.5f - static_cast<float>(g) / 32);
  }
  weight.round_zero = bits == 2;
  return weight;
}

// Catches a part lost on the way, an axis taken for the other, or padding of 3 bits that is not dropped; the
// value at one place is computed by HQQ's definition.
TEST(hqq_weights, round_trips_byte_for_byte) {
  for (const int bits : {1, 2, 3, 4, 5, 6, 8})
    for (const int axis : {0, 1})
      for (const auto type : {io::dtype::f32, io::dtype::f16, io::dtype::bf16}) {
        const auto weight = weight_of(bits, axis, type);
        const std::string bytes = written(weight);
        const auto back = read_back(bytes);
        EXPECT_EQ(back, weight) << bits << " " << axis;
        EXPECT_EQ(written(back), bytes);
        const Eigen::Index at = 5 * 24 + 17;  // row 5, column 17
        const auto group = static_cast<std::size_t>(axis == 1 ? at / 8 : at % 48);
        EXPECT_EQ(back.dequantize()(5, 17),
                  (static_cast<float>(weight.codes.data()[at]) - weight.zeros[group]) * weight.scales[group]);
      }
}

// Catches other names, types or texts than HQQ's own, and codes in another order: a file built by hand as
// its state dictionary is encoded, around codes that it packed.
TEST(hqq_weights, reads_what_hqq_writes) {
  for (const auto& entry : test::cases_of("packing", "hqq_pack")) {
    const int bits = entry["params"]["bits"].get<int>();
    const auto codes = test::load_matrix<std::uint8_t>("packing", entry["inputs"]["codes"]);
    std::string header, data;
    const auto add = [&](const std::string& name, const std::string& type, const std::string& shape,
                         const std::string& bytes) {
      header += (header.empty() ? "{\"q." : ",\"q.") + name + R"(":{"dtype":")" + type + R"(","shape":)" +
                shape + R"(,"data_offsets":[)" + std::to_string(data.size()) + "," +
                std::to_string(data.size() + bytes.size()) + "]}";
      data += bytes;
    };
    const auto shape_of = [](const auto& m) {
      return "[" + std::to_string(m.rows()) + "," + std::to_string(m.cols()) + "]";
    };
    const auto raw = [](const auto& m) {
      return std::string(reinterpret_cast<const char*>(m.data()),
                         static_cast<std::size_t>(m.size()) * sizeof(*m.data()));
    };
    add("shape", "I64", "[2]",
        test::little_endian<std::int64_t>(codes.rows()) + test::little_endian<std::int64_t>(codes.cols()));
    if (bits == 3) {
      const auto packed = test::load_matrix<std::int32_t>("packing", entry["outputs"]["packed"]);
      add("W_q", "I32", shape_of(packed), raw(packed));
    } else {
      const auto packed = test::load_matrix<std::uint8_t>("packing", entry["outputs"]["packed"]);
      add("W_q", "U8", shape_of(packed), raw(packed));
    }
    const std::string groups = std::to_string(codes.rows());
    std::string ones, halves;
    for (Eigen::Index g = 0; g < codes.rows(); ++g) {
      ones += test::little_endian<std::uint16_t>(0x3c00);
      halves += test::little_endian<std::uint16_t>(0x3800);
    }
    add("scale", "F16", "[" + groups + ",1]", ones);
    add("zero", "F16", "[" + groups + ",1]", halves);
    for (const char* off : {"quant_scale", "quant_zero", "view_as_float", "offload_meta", "round_zero"})
      add(off, "U8", "[]", std::string(1, '\0'));
    for (const char* on : {"axis", "channel_wise", "optimize", "encoded_state_dict", "stores_quant_config"})
      add(on, "U8", "[]", "\1");
    add("nbits", "U8", "[]", std::string(1, static_cast<char>(bits)));
    add("group_size", "U8", "[]", std::string(1, static_cast<char>(codes.cols())));
    add("packing", "U8", "[7]", bits == 3 ? "3bit_32" : std::to_string(bits) + "bit_u8");
    add("unpack_view_dtype", "U8", "[11]", bits == 3 ? "torch.int32" : "torch.uint8");
    add("compute_dtype", "U8", "[14]", "torch.bfloat16");
    header += "}";
    const auto weight = read_back(test::little_endian<std::uint64_t>(header.size()) + header + data);
    EXPECT_EQ(weight.codes, codes);
    EXPECT_EQ(weight.compute_dtype, "torch.bfloat16");
    EXPECT_EQ(weight.dequantize(), (codes.cast<float>().array() - 0.5f).matrix());
  }
}

/// Where the data of a tensor lie, from the file's own header.
std::size_t place_of(const std::string& bytes, const std::string& name) {
  const auto data = 8 + static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  const std::string key = "\"data_offsets\":[";
  const auto at = bytes.find(key, bytes.find("\"q." + name + "\""));
  return data + std::stoul(bytes.substr(at + key.size()));
}

// Catches damage that is read without a word, or reported without its place.
TEST(hqq_weights, refuses_damage_with_byte_and_field) {
  const std::string bytes = written(weight_of(3, 1, io::dtype::f16));
  const auto failure_with = [&](const std::string& name, std::size_t at, const std::string& to) {
    std::string damaged = bytes;
    damaged.replace(place_of(bytes, name) + at, to.size(), to);
    const std::string message = test::parse_failure([&] { read_back(damaged); });
    const std::string place = "w: byte " + std::to_string(place_of(bytes, name) + at) + ": q." + name + ": ";
    EXPECT_EQ(message.substr(0, place.size()), place);
    return message.substr(std::min(place.size(), message.size()));
  };
  const auto byte = [](int value) { return std::string(1, static_cast<char>(value)); };
  EXPECT_EQ(failure_with("nbits", 0, byte(9)), "expected 1 to 8, found 9");
  EXPECT_EQ(failure_with("nbits", 0, byte(7)), "expected 1 to 6 or 8, found 7");
  EXPECT_EQ(failure_with("packing", 0, "4bit_u8"), "expected 3bit_32, found another text");
  EXPECT_EQ(failure_with("axis", 0, byte(2)), "expected 0 to 1, found 2");
  EXPECT_EQ(failure_with("quant_zero", 0, byte(1)), "expected 0, found 1");
  EXPECT_EQ(failure_with("group_size", 0, byte(7)), "expected a divisor of 384 elements, found 7");
  EXPECT_EQ(failure_with("shape", 8, test::little_endian<std::int64_t>(-24)),
            "expected an extent from 1 to 2147483647, found -24");
  EXPECT_EQ(failure_with("scale", 2, test::little_endian<std::uint16_t>(0x7e00)),
            "expected a finite value, found another");
  std::string renamed = bytes;
  renamed.replace(renamed.find("q.zero"), 6, "q.zerO");
  EXPECT_EQ(test::parse_failure([&] { read_back(renamed); }),
            "w: byte 8: q.zero: expected a tensor of this name, found none");
  std::string padded = bytes;
  padded[place_of(bytes, "W_q") + 3] |= static_cast<char>(0x80);  // the highest bit of a word of ten codes
  EXPECT_EQ(test::parse_failure([&] { read_back(padded); }),
            "w: byte " + std::to_string(place_of(bytes, "W_q")) +
                ": q.W_q: expected zeros in the padding, found other bits");
  std::string wide = written(weight_of(5, 0, io::dtype::bf16));
  const auto at = place_of(wide, "W_q") + 11;
  wide[at] = 32;
  EXPECT_EQ(test::parse_failure([&] { read_back(wide); }),
            "w: byte " + std::to_string(at) + ": q.W_q: expected a code below 32, found 32");
}

// Catches a weight written that no reader could take back.
TEST(hqq_weights, refuses_to_write_what_does_not_fit) {
  auto weight = weight_of(4, 1, io::dtype::f16);
  weight.group_size = 256;
  EXPECT_EQ(test::failure_of<invalid_scheme>([&] { written(weight); }),
            "q: HQQ stores a group size of 1 to 255, found 256");
  weight = weight_of(4, 1, io::dtype::f16);
  weight.scales.pop_back();
  EXPECT_EQ(test::failure_of<shape_error>([&] { written(weight); }),
            "q: expected groups that fill the weight, and a scale and a zero point for each");
}

// Catches a scale and a zero point that are finite and restore infinity.
TEST(hqq_weights, refuses_parameters_that_restore_infinity) {
  const auto failure = [](float scale, float zero) {
    auto weight = weight_of(4, 1, io::dtype::f32);
    weight.scales[3] = scale;
    weight.zeros[3] = zero;
    return test::parse_failure([&] { read_back(written(weight)); });
  };
  const std::string said =
      "expected a value with which every code restores a finite number, found one too large";
  EXPECT_EQ(failure(2e37f, 0), "nothing was raised");
  EXPECT_NE(failure(3e37f, 0).find("q.scale: " + said), std::string::npos);
  EXPECT_NE(failure(1, -3.4028235e38f).find("nothing was raised"), std::string::npos);
  EXPECT_NE(failure(2, -3.4028235e38f).find("q.scale: " + said), std::string::npos);
}

}  // namespace
