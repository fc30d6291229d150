#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/model/llama/attention/kv_cache.hpp>
#include <bitgauge/model/llama/generate.hpp>
#include <bitgauge/model/llama/model.hpp>
#include <bitgauge/model/perplexity.hpp>
#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/model/quantize_model.hpp>

#include "small_llama.hpp"
#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;
using test::small_llama;

class llama_model : public testing::Test {
 protected:
  llama_model() {
    original.write_gguf(folder.path() / "m.gguf");
    original.write_safetensors(folder.path());
  }
  row_matrix logits_of(const llama::model& m) const {
    llama::kv_cache cache(m.settings(), 16);
    return m.forward(tokens, cache);
  }
  static double distance(const row_matrix& a, const Eigen::MatrixXd& b) {
    return (a.cast<double>() - b).norm() / b.norm();
  }

  small_llama original;
  test::temporary_directory folder;
  std::vector<llama::token> tokens{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
};

// Catches a rotation of the wrong pairs, heads that share the wrong keys, a mask off by one, a norm or SwiGLU that is
// not the definition's: by both conventions of names and pairs, and in a .safetensors made of a .gguf.
TEST_F(llama_model, equals_its_definition) {
  const Eigen::MatrixXd expected = original.logits(tokens);
  EXPECT_LT(distance(logits_of(io::load_llama(folder.path() / "m.gguf")), expected), 1e-5);
  EXPECT_LT(distance(logits_of(io::load_llama(folder.path() / "model.safetensors")), expected), 1e-5);
  EXPECT_LT(distance(logits_of(io::load_llama(folder.path() / "of_gguf.safetensors")), expected), 1e-5);
}

// Catches a cache that forgets, or gives keys another position: tokens one by one, and some by some.
TEST_F(llama_model, reads_tokens_in_any_portions) {
  const llama::model m = io::load_llama(folder.path() / "m.gguf");
  const row_matrix whole = logits_of(m);
  for (const std::size_t portion : {1u, 5u}) {
    llama::kv_cache cache(m.settings(), 12);
    for (std::size_t first = 0; first < tokens.size(); first += portion) {
      const auto part = std::span(tokens).subspan(first, std::min(portion, tokens.size() - first));
      const row_matrix logits = m.forward(part, cache, {.last_only = true});
      ASSERT_EQ(logits.rows(), 1);
      const auto last = static_cast<index_t>(first + part.size()) - 1;
      EXPECT_LT((logits.row(0) - whole.row(last)).norm(), 1e-5f * whole.row(last).norm()) << last;
    }
    EXPECT_EQ(test::message_of<shape_error>([&] { (void)m.forward(std::span(tokens).first(1), cache); }),
              "llama: expected at most 0 tokens, for which the cache has room, found 1");
  }
}

// Catches quantized matrices that are not the ones of the file: codes, blocks, rewritten weights, quantized inputs.
TEST_F(llama_model, multiplies_in_the_formats_of_the_file) {
  const Eigen::MatrixXd expected = original.logits(tokens);
  const io::tensor_file blocks(folder.path() / "m.gguf"), codes(folder.path() / "model.safetensors");
  const auto quantized = [&](const io::tensor_file& file, const char* name, const char* format,
                             plan_options o) {
    const auto path = folder.path() / name;
    const std::vector<rule> rules{
        {"*embed*", tensor_format::copy()}, {"*norm*", tensor_format::copy()}, {"*", parse_format(format)}};
    quantize_model(file, plan(file, rules, o), *io::open_sink(path.string(), file));
    return logits_of(io::load_llama(path));
  };
  EXPECT_LT(distance(quantized(blocks, "q.gguf", "q8_0", {}), expected), 0.02);
  EXPECT_GT(distance(quantized(blocks, "q.gguf", "q4_0", {}), expected), 0.02);
  EXPECT_LT(distance(quantized(codes, "q.safetensors", "affine", {}), expected), 0.02);
  EXPECT_LT(
      distance(quantized(codes, "q.safetensors", "affine", {.transform = parse_transform_scheme("rotate")}),
               expected),
      0.02);
  const double dynamic = distance(
      quantized(codes, "q.safetensors", "affine", {.activations = parse_activation_scheme("dynamic")}),
      expected);
  EXPECT_LT(dynamic, 0.05);
}

// Catches bits that are not means of -log2 p, a target off by one, and a comparison with the wrong base.
TEST_F(llama_model, is_measured_by_what_it_predicts) {
  const llama::model m = io::load_llama(folder.path() / "m.gguf");
  tokens.push_back(7);
  perplexity_options o;
  o.context = 4;
  o.base = &m;
  const perplexity_report found = perplexity(m, tokens, o);
  EXPECT_EQ(found.windows, 3);
  double bits = 0;
  for (std::size_t w = 0; w < 12; w += 4) {
    const Eigen::MatrixXd logits =
        original.logits({tokens.begin() + static_cast<long>(w), tokens.begin() + static_cast<long>(w) + 4});
    for (std::size_t t = 0; t < 4; ++t) {
      const Eigen::RowVectorXd row = logits.row(static_cast<index_t>(t));
      bits += std::log2(row.array().exp().sum()) - row(tokens[w + t + 1]) / std::log(2.0);
    }
  }
  EXPECT_NEAR(found.bits.mean, bits / 12, 1e-5 * bits);
  EXPECT_NEAR(found.perplexity(), std::exp2(bits / 12), 1e-4 * found.perplexity());
  EXPECT_EQ(found.against->lost_bits.mean, 0);
  EXPECT_EQ(found.against->divergence.mean, 0);
  EXPECT_EQ(found.against->same_top, 1);
  // two windows of 1 and 3 bits: mean 2, deviation sqrt(2), over sqrt(2)
  const double two[] = {1, 3};
  EXPECT_DOUBLE_EQ(window_mean::of(two).standard_error, 1);
  EXPECT_EQ(test::message_of<shape_error>([&] { (void)perplexity(m, std::span(tokens).first(4), o); }),
            "perplexity: expected more than 4 tokens, those of a window and one to predict, found 4");
  tokens[2] = 11;
  EXPECT_EQ(test::message_of<data_error>([&] { (void)perplexity(m, tokens, o); }),
            "token 2: expected 0 to 10, found 11");
}

// Catches logits of a base that are not those of its own windows: beside the same base that is computed anew, and
// changed in one place.
TEST_F(llama_model, is_compared_with_logits_that_were_kept) {
  const llama::model m = io::load_llama(folder.path() / "m.gguf");
  tokens.push_back(7);
  perplexity_options o;
  o.context = 4;
  window_logits kept = logits_of_windows(m, tokens, o);
  ASSERT_EQ(kept.logits.size(), 3u);
  o.base = &m;
  const perplexity_report expected = perplexity(m, tokens, o);
  o.base = nullptr;
  o.base_logits = &kept;
  const perplexity_report found = perplexity(m, tokens, o);
  EXPECT_EQ(found.against->base_bits.mean, expected.against->base_bits.mean);
  EXPECT_EQ(found.against->divergence.mean, 0);
  kept.logits[2](1, 3) += 2.0f;
  EXPECT_GT(perplexity(m, tokens, o).against->divergence.mean, 1e-4);
  kept.logits.pop_back();
  EXPECT_EQ(test::message_of<shape_error>([&] { (void)perplexity(m, tokens, o); }),
            "perplexity: expected logits of a base over 3 windows of 4 tokens, found 2 of 4");
}

// Catches greedy choices that are not the most likely, draws that differ from run to run, and an end that is passed.
TEST_F(llama_model, continues_a_text) {
  const llama::model m = io::load_llama(folder.path() / "m.gguf");
  const auto continued = [&](const llama::generate_options& o) {
    std::vector<llama::token> all(tokens.begin(), tokens.begin() + 3);
    llama::generate(m, std::span(tokens).first(3), o, [&](llama::token t) {
      all.push_back(t);
      return true;
    });
    return all;
  };
  const auto greedy = continued({.tokens = 6});
  ASSERT_EQ(greedy.size(), 9u);
  const Eigen::MatrixXd logits = original.logits(greedy);
  for (std::size_t t = 3; t < greedy.size(); ++t) {
    index_t top = 0;
    logits.row(static_cast<index_t>(t) - 1).maxCoeff(&top);
    EXPECT_EQ(greedy[t], top);
  }
  EXPECT_EQ(continued({.tokens = 9, .temperature = 2, .seed = 5}),
            continued({.tokens = 9, .temperature = 2, .seed = 5}));
  EXPECT_NE(continued({.tokens = 9, .temperature = 2, .seed = 5}),
            continued({.tokens = 9, .temperature = 2, .seed = 6}));
  const auto end = std::find(greedy.begin() + 3, greedy.end(), greedy.back());
  EXPECT_EQ(continued({.tokens = 6, .end = greedy.back()}), std::vector<llama::token>(greedy.begin(), end));
  EXPECT_EQ(continued({.tokens = 99}).size(), 3u + 14u);  // 16 of context: the last is predicted, not read
}

// Catches a file that is half a llama and taken for a whole one.
TEST_F(llama_model, says_what_a_file_lacks) {
  const auto message = [&] {
    original.write_gguf(folder.path() / "b.gguf");
    return test::message_of<bitgauge_error>([&] { io::load_llama(folder.path() / "b.gguf"); });
  };
  const auto gate = original.tensors.extract("blk.1.ffn_gate.weight");
  EXPECT_TRUE(message().ends_with(
      "b.gguf: expected the tensor blk.1.ffn_gate.weight of a llama, found none of this name"));
  original.tensors["blk.1.ffn_gate.weight"] = test::rows_of_floats::Zero(64, 31);
  EXPECT_TRUE(message().ends_with("b.gguf: tensor blk.1.ffn_gate.weight: expected 64 x 32, found 64 x 31"));
  original.sizes.key_heads = 3;
  EXPECT_TRUE(message().ends_with("b.gguf: key heads: expected a divisor of the heads, found 3"))
      << message();
  EXPECT_EQ(test::message_of<bitgauge_error>([&] {
              io::gguf_writer writer(folder.path() / "g.gguf");
              writer.set("general.architecture", std::string("gpt2"));
              writer.commit();
              io::load_llama(folder.path() / "g.gguf");
            }),
            (folder.path() / "g.gguf").string() + ": general.architecture: expected llama, found gpt2");
}

}  // namespace
