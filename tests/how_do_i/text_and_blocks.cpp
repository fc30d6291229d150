// The entries of README's "How do I ..." about scheme texts and ggml's types: see quantize.cpp.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/io.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/range/mse.hpp>

#include "support/quantize_oracle.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace {

namespace bg = bitgauge;

const Eigen::MatrixXf W = test::random_matrix(8, 256, 1);

// Catches a text that means another scheme than its types.
TEST(how_do_i_text_and_blocks, quantize_by_text) {
  // README: quantize by a text
  const bg::any_quantized q = bg::quantize(W, "affine: bits=4, group=128");
  const bg::any_quantized b = bg::quantize(W, "q4_k: effort=best");  // ggml's types, too
  const Eigen::MatrixXf back = b.dequantize();
  const Eigen::VectorXf y = q * Eigen::VectorXf::Ones(256);
  const auto* codes = q.get_if<bg::quantized_matrix>();     // or null
  const auto* blocks = b.get_if<bg::gguf::block_matrix>();  // or null
  // end
  ASSERT_TRUE(codes != nullptr && blocks != nullptr);
  EXPECT_EQ(*codes, bg::quantize(W, bg::affine<4>{}, bg::per_group{128}));
  EXPECT_EQ(blocks->bits_per_weight(), 4.5);
  EXPECT_LT((W - back).norm() / W.norm(), 0.1f);
  EXPECT_EQ(y.size(), 8);
}

// Catches blocks of another type or size: 144 bytes for 256 elements.
TEST(how_do_i_text_and_blocks, ggml_blocks) {
  // README: make ggml's blocks
  const bg::gguf::block_matrix b = bg::quantize(W, bg::gguf::q4_k{});
  const std::span<const std::byte> bytes = b.blocks();  // what ggml's tensors hold
  const Eigen::MatrixXf back = b.dequantize();          // bit for bit as ggml decodes it
  const auto type = bg::gguf::find_tensor_type("q6_k")->type;
  const auto at_run_time = bg::quantize(W, type);
  // end
  EXPECT_EQ(bytes.size(), 8u * 144);
  EXPECT_EQ(at_run_time.blocks().size(), 8u * 210);
  EXPECT_LT((W - back).norm() / W.norm(), 0.1f);
}

// Catches weights of columns that change nothing: what matters most must err less than without them.
TEST(how_do_i_text_and_blocks, importance) {
  Eigen::VectorXf v = Eigen::VectorXf::Ones(256);
  v.head(8).setConstant(1000);
  // README: say which columns matter
  const auto q = bg::quantize(W, bg::affine<4>{}, bg::per_group{32}, bg::mse_range{}, bg::importance(v));
  const auto b =
      bg::quantize(W, bg::gguf::q4_k{}, bg::importance(v));  // v: a weight from 0 up for each column
  // of llama.cpp's: io::imatrix_file file("imatrix.gguf"); importance(file.at("blk.0.attn_q.weight").weights)
  // end
  const auto error = [](const Eigen::MatrixXf& back) { return (W - back).leftCols(8).norm(); };
  EXPECT_LT(error(q.dequantize()),
            error(bg::quantize(W, bg::affine<4>{}, bg::per_group{32}, bg::mse_range{}).dequantize()));
  EXPECT_LT(error(b.dequantize()), error(bg::quantize(W, bg::gguf::q4_k{}).dequantize()));
}

// Catches blocks, names or metadata that a file does not give back.
TEST(how_do_i_text_and_blocks, gguf_files) {
  const test::temporary_directory folder;
  const std::string path = (folder.path() / "m.gguf").string();
  const bg::gguf::block_matrix b = bg::quantize(W, bg::gguf::q8_0{});
  // README: write and read GGUF
  bg::io::gguf_writer file(
      path);  // with metadata; without, io::save(path, {{"blk.0.attn_q.weight", b}}) does it
  file.set("general.architecture", std::string("llama"));
  file.set("llama.block_count", std::uint32_t{1});
  file.declare("blk.0.attn_q.weight", b.type(), {256, 8});  // fastest first, as ggml writes shapes
  file.write("blk.0.attn_q.weight", b.blocks());
  file.commit();  // only now it is there, and whole

  const auto same = bg::io::load<bg::gguf::block_matrix>(path, "blk.0.attn_q.weight");
  const bg::io::gguf_file model(path);  // all metadata and all tensors, mapped
  // end
  EXPECT_EQ(same, b);
  EXPECT_EQ(std::get<std::string>(*model.find_metadata("general.architecture")), "llama");
}

}  // namespace
