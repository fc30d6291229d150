#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/grid/lookup.hpp>
#include <bitgauge/grid/signed_normal_float.hpp>
#include <bitgauge/grid/small_float.hpp>
#include <bitgauge/io/load.hpp>
#include <bitgauge/io/save.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include "support/file_bytes.hpp"
#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <sstream>

namespace {

using namespace bitgauge;

const Eigen::MatrixXf w = test::random_matrix(7, 37, 3);

gguf::block_matrix some_blocks() {
  std::vector<std::byte> bytes(3 * 2 * 34);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i % 34 < 2 ? 0x30 : i % 251);
  return {gguf::tensor_type::q8_0, 3, 64, std::move(bytes)};
}

// Catches a load<Matrix>() that is offered for what no file holds.
static_assert(io::loadable<quantized_matrix> && io::loadable<gguf::block_matrix>);
static_assert(!io::loadable<Eigen::MatrixXf> && !io::loadable<const quantized_matrix>);

// Catches a field that a file does not keep: matrices of every kind of code, group and scale, and vectors
// that stand, in one file, come back equal by each way there is.
TEST(save, every_kind_of_matrix_comes_back) {
  std::vector<quantized_matrix> kept;
  for (const granularity groups : {granularity(per_tensor{}), granularity(per_row{}),
                                   granularity(per_column{}), granularity(per_group{8})}) {
    kept.push_back(quantize(w, affine<4>{}, groups, bf16_scales));
    kept.push_back(quantize(w, symmetric<1>{}, groups));
    kept.push_back(quantize(w, symmetric<3>{{.unsigned_codes = true}}, groups, f16_scales));
    kept.push_back(quantize(w, affine<8>{{.signed_codes = true}}, groups));
    kept.push_back(quantize(w, nf4{}, groups, double_quantized{4}));
    kept.push_back(quantize(w, fp8_e4m3{}, groups, e8m0_scales));
    kept.push_back(quantize(w, affine<2>{}, groups, e4m3_scales));
    kept.push_back(quantize(Eigen::VectorXf(w.col(0)), affine<5>{}, groups));
    kept.push_back(quantize(Eigen::RowVectorXf(w.row(0)), nf4{}, groups));
  }
  kept.push_back(quantize(Eigen::MatrixXf(0, 5)));
  for (const level_type type : {level_type::f32, level_type::f16, level_type::int8}) {
    kept.push_back(quantize(w, lookup<3>{type}, per_group{8}, f16_scales));
    kept.push_back(quantize(Eigen::VectorXf(w.col(0)), lookup<2>{type}));
    kept.push_back(quantize(Eigen::MatrixXf(0, 5), lookup<4>{type}));
  }
  kept.push_back(quantize(w, signed_normal_float(3, 8), per_block{8}, bf16_scales));
  std::vector<io::named_matrix> all;
  for (std::size_t i = 0; i < kept.size(); ++i) all.emplace_back("layer." + std::to_string(i), kept[i]);

  const test::temporary_directory folder;
  const auto path = folder.path() / "all.safetensors";
  io::save(path, all);
  const std::vector<std::byte> bytes = io::saved_bytes(all);
  std::stringstream stream;
  io::save(stream, all);
  const std::string text = stream.str();
  EXPECT_EQ(test::read_file(path), text);
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(text)), bytes));

  const auto from_file = io::load(path), from_memory = io::load(bytes), from_stream = io::load(stream);
  ASSERT_EQ(from_file.size(), kept.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(from_file[i].name, all[i].name());
    EXPECT_EQ(from_file[i].matrix, kept[i]) << all[i].name();
    EXPECT_EQ(from_memory[i].matrix, kept[i]);
    EXPECT_EQ(from_stream[i].matrix, kept[i]);
    EXPECT_EQ(io::load(path, all[i].name()), kept[i]);
  }
  EXPECT_TRUE(from_file[7].matrix.is_column_vector());
}

// Catches blocks that do not come back from a .gguf.
TEST(save, blocks_come_back) {
  const gguf::block_matrix q = some_blocks();
  const test::temporary_directory folder;
  const auto path = folder.path() / "b.gguf";
  io::save(path, {{"w", q}, {"v", q}});
  EXPECT_EQ(io::load<gguf::block_matrix>(path, "v"), q);
  EXPECT_EQ(io::load<gguf::block_matrix>(path).size(), 2u);
  EXPECT_EQ(io::load<gguf::block_matrix>(io::saved_bytes({{"w", q}}), "w"), q);
}

// Catches a file that is begun although it cannot be finished, and an error that does not say what to do.
TEST(save, what_cannot_be_is_refused) {
  const auto q = quantize(w);
  const gguf::block_matrix b = some_blocks();
  const test::temporary_directory folder;
  const auto failure = [](const auto& action) { return test::message_of<bitgauge_error>(action); };
  const std::string base = folder.path().string() + "/";
  EXPECT_EQ(failure([&] {
              io::save(base + "q.gguf", {{"w", q}});
            }),
            base + "q.gguf: codes and scales are saved in a .safetensors");
  EXPECT_EQ(failure([&] {
              io::save(base + "b.safetensors", {{"w", b}});
            }),
            base + "b.safetensors: ggml blocks are saved in a .gguf");
  EXPECT_EQ(failure([&] {
              io::save(base + "b.gguf", {{"w", b}, {"v", q}});
            }).substr(base.size()),
            "b.gguf: v: one file holds either codes and scales (.safetensors) or ggml blocks (.gguf)");
  EXPECT_NE(failure([&] { io::save(base + "q.safetensors", {{"w", q}, {"w", q}}); }), "no error");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  io::save(base + "q.safetensors", {{"layers.0.weight", q}});
  EXPECT_EQ(
      failure([&] { io::load(base + "q.safetensors", "layer.0.weight"); }),
      base +
          "q.safetensors: expected a quantized matrix \"layer.0.weight\", found 1 of other names: did you "
          "mean layers.0.weight?");
  EXPECT_EQ(failure([&] { io::load(base + "w.npy", "w"); }),
            base + "w.npy: an .npy holds floats, no quantized matrix: write read_npy<Eigen::MatrixXf>(...)");
  EXPECT_EQ(failure([&] { io::load(base + "b.gguf", "w"); }),
            base + "b.gguf: a .gguf holds ggml blocks: write load<gguf::block_matrix>(...)");
  std::stringstream broken;
  broken.setstate(std::ios::badbit);
  EXPECT_EQ(failure([&] { io::save(broken, {{"w", q}}); }), "stream: cannot write: the stream has failed");
  EXPECT_EQ(failure([&] { io::load(broken, "w"); }), "stream: cannot read: the stream has failed");
}

// Catches a summary that says something else than the matrix is.
TEST(save, matrices_print_as_one_line) {
  const auto text = [](const auto& q) { return (std::ostringstream() << q).str(); };
  EXPECT_EQ(text(quantize(Eigen::MatrixXf::Ones(4, 256), affine<4>{}, per_group{128}, f16_scales)),
            "quantized_matrix 4 x 256: affine, 4 bits, groups of 128, scales f16, 4.15625 bits per weight");
  EXPECT_EQ(
      text(quantize(Eigen::MatrixXf::Ones(4, 256), symmetric<1>{}, per_tensor{})),
      "quantized_matrix 4 x 256: signs, 1 bit, one group a tensor, scales f32, 1.03125 bits per weight");
  EXPECT_EQ(
      text(quantize(Eigen::MatrixXf::Ones(4, 256), nf4{}, per_group{64}, double_quantized{16})),
      "quantized_matrix 4 x 256: 16 levels, 4 bits, groups of 64, scales quantized in blocks of 16, 4.1875 "
      "bits per weight");
  EXPECT_EQ(text(quantized_matrix()),
            "quantized_matrix 0 x 0: symmetric, 8 bits, one group a row, scales f32, 0 bits per weight");
  EXPECT_EQ(text(some_blocks()), "block_matrix 3 x 64: q8_0, 8.5 bits per weight");
}

// README's lines.
TEST(save, readme) {
  const test::temporary_directory folder;
  const auto path = folder.path() / "model.safetensors";
  const auto q = quantize(w, affine<4>{}), p = quantize(w, nf4{});
  bitgauge::io::save(path, {{"up", q}, {"down", p}});
  const bitgauge::quantized_matrix back = bitgauge::io::load(path, "up");
  EXPECT_EQ(back, q);
}

}  // namespace
