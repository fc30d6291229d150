#include <bitgauge/io/save.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace bitgauge;

// Catches codes that are looked for in a tensor that has none, or in a file that holds none: a crash.
TEST(tensor_file, gives_quantized_tensors_of_its_own_only) {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Random(3, 32);
  const auto q = quantize(w);
  const test::temporary_directory folder;
  const std::string base = folder.path().string() + "/";
  io::save(base + "codes.safetensors", {{"w", q}});
  io::save(
      base + "blocks.gguf",
      {{"w", gguf::block_matrix(gguf::tensor_type::f32, 3, 32, buffer<std::byte>(std::size_t{3 * 32 * 4}))}});
  const io::tensor_file codes(base + "codes.safetensors"), blocks(base + "blocks.gguf");
  const io::stored_tensor &quantized = *codes.find("w"), &plain = *blocks.find("w");
  EXPECT_EQ(codes.quantized(quantized), q);
  EXPECT_EQ(test::message_of<data_error>([&] { codes.quantized(plain); }),
            base + "codes.safetensors: tensor w: expected a quantized tensor of this file, found F32");
  EXPECT_EQ(
      test::message_of<data_error>([&] { blocks.matrix(quantized); }),
      base + "blocks.gguf: tensor w: expected a quantized tensor of this file, found " + quantized.format);
}

// Catches a name that is not there and ends in a null pointer followed.
TEST(tensor_file, says_what_resembles_a_name_that_is_not_there) {
  const test::temporary_directory folder;
  const std::string path = folder.path().string() + "/codes.safetensors";
  io::save(path, {{"layers.0.up", quantize(Eigen::MatrixXf::Random(3, 32))}});
  const io::tensor_file file(path);
  EXPECT_EQ(&file.at("layers.0.up"), file.find("layers.0.up"));
  EXPECT_EQ(test::message_of<data_error>([&] { file.at("layer.0.up"); }),
            path + ": expected a tensor \"layer.0.up\", found 1 of other names: did you mean layers.0.up?");
}

}  // namespace
