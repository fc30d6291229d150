#include <bitgauge/gguf.hpp>
#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/model/llama/calibration/calibration.hpp>
#include <bitgauge/model/llama/calibration/importance.hpp>
#include <bitgauge/model/llama/calibration/quantize.hpp>
#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/model/quantize.hpp>

#include "small_llama.hpp"
#include "support/message_of.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;
using llama::matrix_of;

class llama_calibration : public testing::Test {
 protected:
  llama_calibration() { original.write_gguf(path()); }
  std::string path() const { return (folder.path() / "m.gguf").string(); }
  /// The sum of x x^T over what one matrix of a model sees of all windows, in double.
  Eigen::MatrixXd seen_by(const llama::model& m, index_t layer, matrix_of which) const {
    Eigen::MatrixXd h;
    for (std::size_t w = 0; w < tokens.size(); w += 8) {
      llama::kv_cache cache(m.settings(), 8);
      (void)m.forward(std::span(tokens).subspan(w, 8), cache,
                      {.observe = [&](index_t l, matrix_of of, const row_matrix& x) {
                        const Eigen::MatrixXd wide = x.cast<double>();
                        if (l != layer || of != which) return true;
                        if (h.size() == 0) h.setZero(x.cols(), x.cols());
                        h += wide.transpose() * wide;
                        return true;
                      }});
    }
    return h;
  }

  test::small_llama original;
  test::temporary_directory folder;
  std::vector<llama::token> tokens{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
};

// Catches inputs that come from another place, another block or the matrices as they were before: each Hessian is
// that of the model with all replaced so far.
TEST_F(llama_calibration, sees_what_was_replaced_before) {
  const io::tensor_file file(path());
  llama::calibration seen(file, io::llama_config(file), tokens, {.context = 8});
  ASSERT_EQ(seen.order().size(), 15u);
  for (std::size_t i = 0; i < seen.order().size(); ++i) {
    const std::string& name = seen.order()[i];
    original.write_gguf(folder.path() / "now.gguf");
    const llama::model now = io::load_llama(folder.path() / "now.gguf");
    const auto layer = static_cast<index_t>(i / 7);
    const hessian h = *seen.hessian_of(name, 0);
    if (layer < 2) {
      const Eigen::MatrixXd expected = seen_by(now, layer, static_cast<matrix_of>(i % 7));
      EXPECT_LT((h.matrix() - expected).norm(), 1e-4 * expected.norm()) << name;
      EXPECT_EQ(h.samples(), 16);
      EXPECT_EQ(seen.stats_of(name)->samples(), 16);
      EXPECT_EQ(*seen.columns(name), expected.rows());
    }
    test::rows_of_floats& w = original.tensors.at(name);
    w = (w * 4).array().round() / 4;
    seen.replace(name, w);
  }
  EXPECT_EQ(test::message_of<data_error>([&] { (void)seen.hessian_of("blk.0.attn_q.weight", 0); }),
            "calibration tokens: tensor blk.0.attn_q.weight: expected matrices in the order of the model, "
            "found one that "
            "is past");
  EXPECT_FALSE(seen.hessian_of("token_embd.weight", 0).has_value());
  EXPECT_EQ(test::message_of<shape_error>([&] {
              llama::calibration(file, io::llama_config(file), std::span(tokens).first(7), {.context = 8});
            }),
            "calibration: expected at least 8 tokens, those of a window, found 7");
}

// Catches a plan that is worked through in the order of the file, and matrices whose results are not fed back: the
// file equals one made by hand, matrix by matrix.
TEST_F(llama_calibration, quantizes_block_after_block) {
  const io::tensor_file file(path());
  const llama::config sizes = io::llama_config(file);
  const tensor_format format = parse_format("q4_0:rounding=gptq");
  llama::calibration by_plan(file, sizes, tokens, {.context = 8});
  const std::vector<rule> rules{{"token_embd*", tensor_format::copy()}, {"*", format}};
  const std::string made = (folder.path() / "q.gguf").string();
  const model_report report = llama::quantize(file, plan(file, rules, {.calibration = &by_plan}),
                                              *io::open_sink(made, file), by_plan);
  EXPECT_EQ(report.tensors.size(), file.tensors().size());
  const io::tensor_file result(made);
  llama::calibration by_hand(file, sizes, tokens, {.context = 8});
  for (const std::string& name : by_hand.order()) {
    const any_quantized q = quantize(file.matrix(*file.find(name)), format, *by_hand.hessian_of(name, 0));
    const row_matrix values = q.dequantize<row_matrix>();
    EXPECT_EQ(result.matrix(*result.find(name)), values) << name;
    by_hand.replace(name, values);
  }
}

// Catches weights of another matrix, and sums that are no means: they are the Hessian's diagonal over the tokens.
TEST_F(llama_calibration, importance_is_the_mean_square_of_inputs) {
  const io::tensor_file file(path());
  const llama::model m = io::load_llama(path());
  const llama::token_importance found(file, io::llama_config(file), tokens, {.context = 8});
  for (const auto& [name, which] :
       {std::pair{"attn_v", matrix_of::value}, {"ffn_up", matrix_of::up}, {"ffn_down", matrix_of::down}}) {
    const Eigen::VectorXd expected = seen_by(m, 1, which).diagonal() / static_cast<double>(tokens.size());
    const auto weights = found.weights("blk.1." + std::string(name) + ".weight", expected.size());
    ASSERT_EQ(weights->size(), static_cast<std::size_t>(expected.size())) << name;
    for (std::size_t i = 0; i < weights->size(); ++i)
      EXPECT_NEAR((*weights)[i], expected(static_cast<index_t>(i)), 1e-5 * expected.maxCoeff()) << name << i;
  }
  EXPECT_FALSE(found.weights("output.weight", 32).has_value());
}

}  // namespace
