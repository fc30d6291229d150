// The entries of README's "How do I ..." about files and matrices that are none of Eigen's: see quantize.cpp.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/bitsandbytes/conversion.hpp>
#include <bitgauge/io.hpp>
#include <bitgauge/io/layers/bitsandbytes.hpp>
#include <bitgauge/io/layers/gptq.hpp>
#include <bitgauge/packing/autogptq.hpp>
#include <bitgauge/packing/awq.hpp>

#include "support/quantize_oracle.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace bg = bitgauge;

const Eigen::MatrixXf W = test::random_matrix(64, 256, 1);

// Catches a matrix that a file does not give back.
TEST(how_do_i_files, save_and_load) {
  const test::temporary_directory folder;
  const auto path = folder.path() / "q.safetensors";
  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{128});
  const auto p = bg::quantize(W, bg::nf4{});
  std::ostringstream out;
  // README: save and load
  bg::io::save(path, {{"up", q}, {"down", p}});  // .safetensors for these, .gguf for ggml's blocks
  const bg::quantized_matrix up = bg::io::load(path, "up");
  for (const auto& [name, matrix] : bg::io::load(path)) out << name << ": " << matrix << '\n';
  // end
  EXPECT_EQ(up, q);
  EXPECT_NE(out.str().find("up: quantized_matrix 64 x 256"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("down: quantized_matrix 64 x 256"), std::string::npos) << out.str();
}

// Catches tensors of one container that another reads otherwise.
TEST(how_do_i_files, read_weights) {
  const test::temporary_directory folder;
  const auto path = folder.path() / "w.safetensors", npy = folder.path() / "w.npy";
  bg::io::safetensors_writer writer(path);
  writer.declare("w", bg::io::dtype::f32, {64, 256});
  writer.write("w", W);
  writer.commit();
  bg::io::write_npy(npy, W);
  std::ostringstream out;
  // README: read weights out of a file
  const bg::io::tensor_file file(path);  // .npy, .safetensors, shards by their index.json, .gguf
  for (const auto& tensor : file.tensors()) out << tensor.name << ' ' << tensor.format << '\n';
  const Eigen::MatrixXf w = file.matrix(file.at("w"));  // floats, whatever is stored
  const auto x = bg::io::read_npy<Eigen::MatrixXf>(npy);
  // end
  EXPECT_EQ(out.str(), "w F32\n");
  EXPECT_EQ(w, W);
  EXPECT_EQ(x, W);
}

// Catches parts that are not the bytes of the whole, or that come in another order.
TEST(how_do_i_files, larger_than_memory) {
  const test::temporary_directory folder;
  const auto path = folder.path() / "w.safetensors";
  bg::io::safetensors_writer writer(path);
  writer.declare("w", bg::io::dtype::f32, {64, 256});
  writer.write("w", W);
  writer.commit();
  std::vector<std::uint8_t> out;
  // README: quantize a matrix larger than memory
  const bg::io::safetensors_file file(path);  // mapped: rows are read where they lie
  const auto* data = reinterpret_cast<const float*>(file.at("w").data.data());
  const bg::row_source rows(data, 64, 256, 256, 1);  // element (r, c) at data[r * 256 + c * 1]
  const bg::matrix_parameters groups = bg::quantize_in_parts(
      rows,
      [&](bg::index_t /*first_row*/, const bg::quantized_matrix& part) {  // some 16 MB of floats at a time
        out.insert(out.end(), part.codes().begin(), part.codes().end());
      },
      bg::affine<4>{}, bg::per_group{128});
  // end
  const auto whole = bg::quantize(W, bg::affine<4>{}, bg::per_group{128});
  EXPECT_TRUE(std::equal(out.begin(), out.end(), whole.codes().begin(), whole.codes().end()));
  EXPECT_EQ(groups.scales.bytes(), whole.scales().bytes());
  EXPECT_EQ(groups.zero_points, whole.zero_points());
}

// Catches layers of other systems whose values change on the way through a file.
TEST(how_do_i_files, layers_of_other_systems) {
  const test::temporary_directory folder;
  const auto path = folder.path() / "layers.safetensors";
  // README: exchange layers with bitsandbytes, AutoGPTQ and AutoAWQ
  const auto n = bg::quantize(W, bg::nf4{}, bg::per_block{64}, bg::double_quantized{256});
  const bg::io::bitsandbytes_weight b(bg::bitsandbytes::to_bitsandbytes(n));

  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{128}, bg::f16_scales);
  const bg::packing::grouped_codes codes{
      4, q.codes_as<bg::packing::code_matrix>(), q.zero_points_as_matrix<bg::packing::code_matrix>(),
      q.scales_as_matrix<bg::packing::float_matrix>(), bg::packing::consecutive_groups(W.cols(), 128)};
  const bg::packing::autogptq_tensors g = bg::packing::pack_autogptq(codes);
  const bg::packing::awq_tensors a = bg::packing::pack_awq(codes, 128);

  bg::io::safetensors_writer writer(path);
  bg::io::declare_bitsandbytes(writer, "b", b);
  bg::io::declare_autogptq(writer, "g", g);
  bg::io::declare_awq(writer, "a", a);
  bg::io::write_bitsandbytes(writer, "b", b);
  bg::io::write_autogptq(writer, "g", g);
  bg::io::write_awq(writer, "a", a);
  writer.commit();

  const bg::io::safetensors_file file(path);
  const bg::quantized_matrix n2 =
      bg::bitsandbytes::to_quantized_matrix(bg::io::read_bitsandbytes(file, "b").tensor);
  const auto read = bg::packing::unpack_autogptq(bg::io::read_autogptq(file, "g"));  // read_hqq for HQQ's
  const auto q2 = bg::from_codes(read.codes, read.scales, read.zero_points, bg::affine<4>{}, bg::f16_scales);
  // end
  EXPECT_EQ(n2, n);
  EXPECT_EQ(q2, q);
  EXPECT_EQ(bg::packing::unpack_awq(bg::io::read_awq(file, "a")).dequantize(), q.dequantize());
}

}  // namespace
