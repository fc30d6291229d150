#include <bitgauge/io/layers/bitsandbytes.hpp>

#include "support/eigen_vectors.hpp"
#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace bitgauge;

/// Writes one weight and gives the bytes of the file.
std::string written(const io::bitsandbytes_weight& weight) {
  const test::temporary_directory folder;
  io::safetensors_writer writer(folder / "w.safetensors");
  writer.set_metadata("format", "pt");
  io::declare_bitsandbytes(writer, "layer.weight", weight);
  io::write_bitsandbytes(writer, "layer.weight", weight);
  writer.commit();
  return test::read_file(folder / "w.safetensors");
}

io::bitsandbytes_weight read(const std::string& bytes) {
  return io::read_bitsandbytes(io::safetensors_file(test::bytes_of(bytes), "w"), "layer.weight");
}

Eigen::MatrixXf matrix() {
  Eigen::MatrixXf w(5, 37);  // the row length is no multiple of the block, the last block is short
  for (Eigen::Index r = 0; r < w.rows(); ++r)
    for (Eigen::Index c = 0; c < w.cols(); ++c) w(r, c) = std::sin(static_cast<float>(37 * r + c));
  return w;
}

// Catches a part left out, changed or misplaced: reading and writing again gives the same bytes, and the
// values are those that were quantized.
TEST(bitsandbytes_file, round_trips_byte_for_byte) {
  for (const auto type : {bitsandbytes::quant_type::nf4, bitsandbytes::quant_type::fp4}) {
    for (const bool nested : {false, true}) {
      const auto tensor = bitsandbytes::quantize_4bit(
          matrix(), {.type = type, .block_size = 64, .nested = nested, .nested_block_size = 2});
      const std::string bytes = written(io::bitsandbytes_weight(tensor, "bfloat16"));
      const io::bitsandbytes_weight back = read(bytes);
      EXPECT_EQ(back.tensor, tensor);
      EXPECT_EQ(back.dtype, "bfloat16");
      EXPECT_EQ(back.dequantize(), bitsandbytes::dequantize(tensor));
      EXPECT_EQ(written(back), bytes);
    }
  }
}

// Catches names, types or the quant_state text differing from what bitsandbytes itself writes and looks for:
// the file is built by hand, with the values of its own run.
TEST(bitsandbytes_file, reads_what_bitsandbytes_writes) {
  const auto entry = test::cases_of("nf4", "quantize_4bit_nested").front();
  const auto& outputs = entry["outputs"];
  const auto raw = [](const auto& values) {
    return std::string(reinterpret_cast<const char*>(values.data()),
                       static_cast<std::size_t>(values.size()) * sizeof(*values.data()));
  };
  const auto x = test::load_matrix<float>("nf4", entry["inputs"]["x"]);
  const auto packed = test::load_matrix<std::uint8_t>("nf4", outputs["packed"]);
  const auto qabsmax = test::load_matrix<std::uint8_t>("nf4", outputs["qabsmax"]);
  const auto absmax2 = test::load_matrix<float>("nf4", outputs["absmax2"]);
  const auto expected = test::load_matrix<float>("nf4", outputs["dequant"]);
  const std::string state = R"({"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [)" +
                            std::to_string(x.rows()) + ", " + std::to_string(x.cols()) +
                            R"(], "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": )" +
                            outputs["offset"].dump() + "}";
  std::string header, data;
  const auto add = [&](const std::string& suffix, const char* type, const std::string& shape,
                       const std::string& bytes) {
    header += (header.empty() ? "{\"" : ",\"") + ("layer.weight" + suffix) + R"(":{"dtype":")" + type +
              R"(","shape":)" + shape + R"(,"data_offsets":[)" + std::to_string(data.size()) + "," +
              std::to_string(data.size() + bytes.size()) + "]}";
    data += bytes;
  };
  add("", "U8", "[" + std::to_string(packed.size()) + ",1]", raw(packed));
  add(".absmax", "U8", "[" + std::to_string(qabsmax.size()) + "]", raw(qabsmax));
  add(".nested_absmax", "F32", "[" + std::to_string(absmax2.size()) + "]", raw(absmax2));
  add(".nested_quant_map", "F32", "[256]", raw(dynamic_signed_levels));
  add(".quant_map", "F32", "[16]", raw(nf4_levels));
  add(".quant_state.bitsandbytes__nf4", "U8", "[" + std::to_string(state.size()) + "]", state);
  header += "}";
  const std::string bytes = test::little_endian<std::uint64_t>(header.size()) + header + data;

  const io::safetensors_file file(test::bytes_of(bytes), "w");
  EXPECT_TRUE(io::is_bitsandbytes(file, "layer.weight"));
  EXPECT_FALSE(io::is_bitsandbytes(file, "layer"));
  const auto weight = io::read_bitsandbytes(file, "layer.weight");
  const Eigen::MatrixXf values = weight.dequantize();
  for (Eigen::Index r = 0; r < x.rows(); ++r)
    for (Eigen::Index c = 0; c < x.cols(); ++c)
      ASSERT_NEAR(values(r, c), expected(r, c), std::fabs(expected(r, c)) * 1e-6f) << r << " " << c;
  EXPECT_NE(written(weight).find(state), std::string::npos);
}

// Catches scales and codebooks that a program stored in BF16 with the rest of its model.
TEST(bitsandbytes_file, takes_floats_of_every_type) {
  for (const bool nested : {false, true}) {
    io::bitsandbytes_weight weight(bitsandbytes::quantize_4bit(matrix(), {.nested = nested}));
    const auto round = [](std::vector<float>& values) {
      for (float& value : values) value = static_cast<float>(Eigen::bfloat16(value));
    };
    round(weight.quant_map);
    round(weight.nested_quant_map);
    round(nested ? weight.tensor.nested->codes.absmax : weight.tensor.absmax);
    const std::string bytes = written(weight);
    const io::safetensors_file floats(test::bytes_of(bytes), "w");
    const test::temporary_directory folder;
    io::safetensors_writer writer(folder / "w.safetensors");
    for (const io::tensor_view& part : floats.tensors())
      writer.declare(part.name, part.type == io::dtype::f32 ? io::dtype::bf16 : part.type, part.shape);
    for (const io::tensor_view& part : floats.tensors()) {
      if (part.type == io::dtype::f32)
        writer.write(part.name, io::to_matrix<Eigen::VectorXf>(part).cast<Eigen::bfloat16>());
      else
        writer.write(part.name, part.data);
    }
    writer.commit();
    const auto back = io::read_bitsandbytes(io::safetensors_file(folder / "w.safetensors"), "layer.weight");
    EXPECT_EQ(back.dequantize(), weight.dequantize());
    EXPECT_EQ(back.quant_map, weight.quant_map);
  }
}

// Catches damage that is read without a word, or reported without its place.
TEST(bitsandbytes_file, refuses_damage_with_byte_and_field) {
  const auto tensor = bitsandbytes::quantize_4bit(matrix(), {.nested = true});
  const std::string bytes = written(io::bitsandbytes_weight(tensor));
  const auto failure_after = [&](const std::string& from, const std::string& to) {
    std::string damaged = bytes;
    const auto at = damaged.rfind(from);
    EXPECT_NE(at, std::string::npos) << from;
    damaged.replace(at, from.size(), to);
    return test::parse_failure([&] { read(damaged); });
  };
  const auto state = std::to_string(bytes.rfind("{\"quant_type\""));
  const std::string field = "w: byte " + state + ": layer.weight.quant_state.bitsandbytes__nf4: ";
  EXPECT_EQ(failure_after("\"blocksize\": 64", "\"blocksize\": 00"), field + "expected a JSON object");
  EXPECT_EQ(failure_after("\"blocksize\": 64", "\"blocksize\": -4"),
            field + "blocksize: expected a whole number from 1 to 2147483647, found -4");
  EXPECT_EQ(failure_after("\"blocksize\"", "\"blocksixe\""),
            field + "blocksize: expected a whole number from 1 to 2147483647, found none");
  EXPECT_EQ(failure_after("\"nf4\"", "\"fp4\""), field + "quant_type: expected nf4, found \"fp4\"");
  const auto data = 8 + static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  EXPECT_EQ(failure_after("[5, 37]", "[6, 37]"),
            "w: byte " + std::to_string(data) + ": layer.weight: expected the shape [111, 1], found [93, 1]");
  EXPECT_NE(failure_after("quant_map\"", "quant_nap\"")
                .find("quant_map: expected a tensor of this name, found none"),
            std::string::npos);
  std::string nan = bytes;
  const auto map = nan.find(test::little_endian(-0.6961928009986877f));
  nan.replace(map, 4, test::little_endian(std::nanf("")));
  EXPECT_EQ(
      test::parse_failure([&] { read(nan); }),
      "w: byte " + std::to_string(map) + ": layer.weight.quant_map: expected a finite value, found another");
}

// Catches scales that are finite and restore infinity, also through the level of scales above them; and a
// text so deep that reading it takes the stack.
TEST(bitsandbytes_file, refuses_parameters_that_restore_infinity_and_deep_text) {
  const std::string said =
      "expected a value with which every code restores a finite number, found one too large";
  io::bitsandbytes_weight weight(bitsandbytes::quantize_4bit(matrix()));
  weight.tensor.absmax[1] = 3e38f;
  EXPECT_EQ(test::parse_failure([&] { read(written(weight)); }), "nothing was raised");
  weight.quant_map[2] = 1.5f;
  EXPECT_NE(test::parse_failure([&] { read(written(weight)); }).find("layer.weight.absmax: " + said),
            std::string::npos);
  io::bitsandbytes_weight nested(bitsandbytes::quantize_4bit(matrix(), {.nested = true}));
  nested.tensor.nested->codes.absmax[0] = 2e38f;
  nested.tensor.nested->offset = 2e38f;
  EXPECT_NE(test::parse_failure([&] { read(written(nested)); }).find("layer.weight.nested_absmax: " + said),
            std::string::npos);
  weight.dtype = std::string(50000, '[');  // in quotes it is no depth
  weight.quant_map[2] = 1;
  EXPECT_EQ(read(written(weight)).dtype, weight.dtype);
  weight.dtype = "\", \"x\": " + weight.dtype;
  EXPECT_NE(test::parse_failure([&] { read(written(weight)); }).find("expected a JSON object"),
            std::string::npos);
}

}  // namespace
