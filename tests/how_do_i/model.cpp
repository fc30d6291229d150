// The entry of README's "How do I ..." about whole models: see quantize.cpp.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/io.hpp>
#include <bitgauge/model/budget/candidates.hpp>
#include <bitgauge/model/budget/sensitivity.hpp>
#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/model/quantize_model.hpp>

#include "support/quantize_oracle.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace {

namespace bg = bitgauge;

const Eigen::MatrixXf W = test::random_matrix(8, 256, 1);

// Catches a rule that another one hides, and a tensor that is written as another type than planned.
TEST(how_do_i_model, whole_model) {
  const test::temporary_directory folder;
  const auto in = folder.path() / "in.safetensors", out = folder.path() / "out.gguf";
  bg::io::safetensors_writer writer(in);
  for (const char* name : {"attn_norm.weight", "attn_q.weight"})
    writer.declare(name, bg::io::dtype::f32, {8, 256});
  for (const char* name : {"attn_norm.weight", "attn_q.weight"}) writer.write(name, W);
  writer.commit();
  // README: quantize a whole model
  const bg::io::tensor_file model(in);  // of several rules for one name the first counts
  const bg::quantization_plan p =
      bg::plan(model, {{"*norm*", bg::tensor_format::copy()}, {"*", bg::parse_format("q8_0")}});
  const bg::model_report done = bg::quantize_model(model, p, *bg::io::open_sink(out, model));
  const double sqnr = total(done.tensors)->error.sqnr_db();
  // end
  EXPECT_EQ(bg::io::load<bg::gguf::block_matrix>(out, "attn_q.weight"), bg::quantize(W, bg::gguf::q8_0{}));
  EXPECT_EQ(bg::io::gguf_file(out).at("attn_norm.weight").type, bg::gguf::tensor_type::f32);
  EXPECT_EQ(sqnr, bg::measure_error(W, bg::quantize(W, bg::gguf::q8_0{})).sqnr_db());
}

// Catches a mix that is larger than asked for, and one that spends its bytes where they gain least: of two
// layers, the one whose weights suffer more from few bits gets more.
TEST(how_do_i_model, within_a_size) {
  const test::temporary_directory folder;
  const auto in = folder.path() / "in.safetensors", out = folder.path() / "out.gguf";
  bg::io::safetensors_writer writer(in);
  Eigen::MatrixXf easy = W;  // 8 levels, which both formats have
  for (float& w : easy.reshaped()) w = std::rint(4 * w) > 0 ? -8 : 7;
  writer.declare("hard", bg::io::dtype::f32, {8, 256});
  writer.declare("easy", bg::io::dtype::f32, {8, 256});
  writer.write("hard", W);
  writer.write("easy", easy);
  writer.commit();
  // README: quantize a model within a size
  const bg::io::tensor_file model(in);
  const std::vector<bg::tensor_format> formats{bg::parse_format("q4_0"), bg::parse_format("q8_0")};
  auto all = bg::candidates(model, {{"*norm*", bg::tensor_format::copy()}}, formats);
  bg::measure_errors(model, all);  // quantizes each tensor by each format once
  const bg::budget_plan best = bg::plan_within(all, bg::bit_budget(6.5));  // or parse_bit_budget("3.5GB")
  bg::quantize_model(model, best.plan, *bg::io::open_sink(out, model));
  const double bits = best.bits_per_weight();  // at most 6.5
  // end
  EXPECT_EQ(bits, 6.5);
  EXPECT_EQ(bg::io::gguf_file(out).at("hard").type, bg::gguf::tensor_type::q8_0);
  EXPECT_EQ(bg::io::gguf_file(out).at("easy").type, bg::gguf::tensor_type::q4_0);
}

}  // namespace
