// The entries of README's "How do I ..." about language models: see quantize.cpp beside this.

#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/model/llama/calibration/quantize.hpp>
#include <bitgauge/model/perplexity.hpp>
#include <bitgauge/model/plan/planner.hpp>

#include "model/llama/small_llama.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

namespace {

namespace bg = bitgauge;

class how_do_i : public testing::Test {
 protected:
  how_do_i() { test::small_llama().write_gguf(path); }
  test::temporary_directory folder;
  std::string path = folder.path() / "model.gguf", out = folder.path() / "q.gguf";
  std::vector<bg::llama::token> tokens{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2};
};

// Catches a model that an entry shows and that cannot be run.
TEST_F(how_do_i, run_a_language_model) {
  // README: run a language model
  const bg::llama::model m = bg::io::load_llama(path);  // .gguf, or .safetensors and config.json
  bg::llama::kv_cache cache(m.settings(), 16, {.format = bg::llama::kv_format::q8});
  const auto logits = m.forward(std::span(tokens).first(4), cache);  // tokens x vocabulary
  const auto r = bg::perplexity(m, tokens, {.context = 8});
  std::cout << r.bits.mean << " bits a token +- " << r.bits.standard_error << '\n';
  // end
  EXPECT_EQ(logits.cols(), 11);
  EXPECT_EQ(r.windows, 2);
}

// Catches a file whose matrices are not those that calibration has seen.
TEST_F(how_do_i, quantize_a_language_model) {
  // README: quantize a language model block after block
  const bg::io::tensor_file file(path);
  bg::llama::calibration seen(file, bg::io::llama_config(file), tokens, {.context = 8});
  const std::vector<bg::rule> rules{{"token_embd*", bg::tensor_format::copy()},
                                    {"*", bg::parse_format("q4_0:rounding=gptq")}};
  const auto plan = bg::plan(file, rules, {.calibration = &seen});
  bg::llama::quantize(file, plan, *bg::io::open_sink(out, file), seen);
  // end
  EXPECT_EQ(bg::io::tensor_file(out).find("blk.1.ffn_down.weight")->format, "q4_0");
}

}  // namespace
