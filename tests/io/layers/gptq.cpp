#include <bitgauge/io/layers/gptq.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace {

using namespace bitgauge;
using packing::zero_storage;

/// A layer whose every code, zero point and scale depends on its place.
packing::grouped_codes layer_of(int bits, std::vector<std::int32_t> groups) {
  const auto in = static_cast<Eigen::Index>(groups.size());
  packing::grouped_codes weights{bits, packing::code_matrix(64, in), packing::code_matrix(64, 2),
                                 packing::float_matrix(64, 2), std::move(groups)};
  const int mask = (1 << bits) - 1;
  for (Eigen::Index o = 0; o < 64; ++o) {
    for (Eigen::Index i = 0; i < in; ++i)
      weights.codes(o, i) = static_cast<std::uint8_t>((5 * o + 3 * i) & mask);
    for (Eigen::Index g = 0; g < 2; ++g) {
      weights.zero_points(o, g) = static_cast<std::uint8_t>((o + 2 * g) & mask);
      weights.scales(o, g) = static_cast<float>(o + 1) / (g == 0 ? 64.0f : 128.0f);
    }
  }
  return weights;
}

std::string written(const std::function<void(io::safetensors_writer&)>& action) {
  const test::temporary_directory folder;
  io::safetensors_writer writer(folder / "w.safetensors");
  action(writer);
  writer.commit();
  return test::read_file(folder / "w.safetensors");
}
std::string gptq_file(const packing::autogptq_tensors& tensors) {
  return written([&](io::safetensors_writer& writer) {
    io::declare_autogptq(writer, "q", tensors);
    io::write_autogptq(writer, "q", tensors);
  });
}
packing::autogptq_tensors read_gptq(const std::string& bytes, zero_storage zeros = zero_storage::minus_one) {
  return io::read_autogptq(io::safetensors_file(test::bytes_of(bytes), "w"), "q", zeros);
}

// Catches a part lost on the way, bits not recognised from the shapes, or reordered groups flattened.
TEST(gptq_weights, autogptq_round_trips_byte_for_byte) {
  for (const int bits : {2, 3, 4, 8}) {
    std::vector<std::int32_t> groups = packing::consecutive_groups(96, 48);
    std::swap(groups[3], groups[95]);
    const auto weights = layer_of(bits, groups);
    for (const auto zeros : {zero_storage::minus_one, zero_storage::plain}) {
      const std::string bytes = gptq_file(packing::pack_autogptq(weights, zeros));
      const auto tensors = read_gptq(bytes, zeros);
      EXPECT_EQ(tensors.bits, bits);
      EXPECT_EQ(packing::unpack_autogptq(tensors).dequantize(), weights.dequantize());
      EXPECT_EQ(gptq_file(tensors), bytes);
    }
  }
}

// Catches the same for AWQ, whose group size follows from the shapes.
TEST(gptq_weights, awq_round_trips_byte_for_byte) {
  const auto weights = layer_of(4, packing::consecutive_groups(96, 48));
  const auto file_of = [](const packing::awq_tensors& tensors) {
    return written([&](io::safetensors_writer& writer) {
      io::declare_awq(writer, "q", tensors);
      io::write_awq(writer, "q", tensors);
    });
  };
  const std::string bytes = file_of(packing::pack_awq(weights, 48));
  const auto tensors = io::read_awq(io::safetensors_file(test::bytes_of(bytes), "w"), "q");
  EXPECT_EQ(tensors.group_size, 48);
  EXPECT_EQ(packing::unpack_awq(tensors).dequantize(), weights.dequantize());
  EXPECT_EQ(file_of(tensors), bytes);
  std::string damaged = bytes;
  damaged.replace(damaged.find("\"shape\":[2,8]"), 13, "\"shape\":[8,2]");
  EXPECT_NE(test::parse_failure([&] {
              io::read_awq(io::safetensors_file(test::bytes_of(damaged), "w"), "q");
            }).find("q.qzeros: expected the shape [8, 8], found [8, 2]"),
            std::string::npos);
}

// Catches scales in BF16 or F32, as newer files have them, refused or read by the bits of another type.
TEST(gptq_weights, take_scales_of_every_float_type) {
  const auto weights =
      layer_of(4, packing::consecutive_groups(96, 48));  // its scales have 7 significant bits
  for (const io::dtype type : {io::dtype::f16, io::dtype::bf16, io::dtype::f32}) {
    const std::string gptq = written([&](io::safetensors_writer& writer) {
      const auto tensors = packing::pack_autogptq(weights);
      io::declare_autogptq(writer, "q", tensors, type);
      io::write_autogptq(writer, "q", tensors, type);
    });
    EXPECT_EQ(io::safetensors_file(test::bytes_of(gptq), "w").at("q.scales").type, type);
    EXPECT_EQ(packing::unpack_autogptq(read_gptq(gptq)).dequantize(), weights.dequantize());
    const std::string awq = written([&](io::safetensors_writer& writer) {
      const auto tensors = packing::pack_awq(weights, 48);
      io::declare_awq(writer, "q", tensors, type);
      io::write_awq(writer, "q", tensors, type);
    });
    const auto tensors = io::read_awq(io::safetensors_file(test::bytes_of(awq), "w"), "q");
    EXPECT_EQ(packing::unpack_awq(tensors).dequantize(), weights.dequantize());
  }
}

// Catches damage that is read without a word, or reported without its place; and scales that f16 would
// change.
TEST(gptq_weights, refuses_damage_with_byte_and_field) {
  const auto tensors = packing::pack_autogptq(layer_of(4, packing::consecutive_groups(96, 48)));
  const std::string bytes = gptq_file(tensors);
  const auto data = 8 + static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  std::string damaged = bytes;
  damaged.replace(data + 4 * 7, 4, test::little_endian<std::int32_t>(2));
  EXPECT_EQ(test::parse_failure([&] { read_gptq(damaged); }),
            "w: byte " + std::to_string(data + 28) + ": q.g_idx: expected a group below 2, found 2");
  const auto failure_after = [&](const std::string& from, const std::string& to) {
    std::string changed = bytes;
    changed.replace(changed.find(from), from.size(), to);
    return test::parse_failure([&] { read_gptq(changed); });
  };
  EXPECT_NE(failure_after("[12,64]", "[64,12]").find("q.qweight: expected 96 inputs in words"),
            std::string::npos);
  EXPECT_NE(failure_after("[2,64]", "[64,2]").find("q.scales: expected the shape [64, 64], found [64, 2]"),
            std::string::npos);
  EXPECT_NE(failure_after("qzeros", "qzeroz").find("q.qzeros: expected a tensor of this name, found none"),
            std::string::npos);
  std::string integers = bytes;
  const auto scales = integers.find("\"F16\"");
  integers.replace(scales, 5, "\"I16\"");
  EXPECT_NE(test::parse_failure([&] {
              read_gptq(integers);
            }).find("q.scales: expected F32, F16 or BF16, found I16"),
            std::string::npos);
  auto inexact = tensors;
  inexact.scales(0, 0) = 0.1f;
  EXPECT_EQ(test::failure_of<data_error>([&] { gptq_file(inexact); }),
            "q.scales: 0.100000 is no f16: quantize with f16 scales");
}

}  // namespace
