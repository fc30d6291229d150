#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/model/budget/candidates.hpp>
#include <bitgauge/model/budget/sensitivity.hpp>
#include <bitgauge/model/llama/calibration/sensitivity.hpp>
#include <bitgauge/model/perplexity.hpp>
#include <bitgauge/model/tensors/memory_source.hpp>

#include "model/llama/small_llama.hpp"
#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;

const Eigen::MatrixXf seen = test::random_matrix(48, 64, 1), unseen = test::random_matrix(16, 64, 2),
                      odd = test::random_matrix(5, 9, 3), seen_inputs = test::random_matrix(80, 64, 4);
const std::vector<tensor_format> formats{parse_format("q4_0"), parse_format("q8_0"),
                                         parse_format("affine:bits=3")};

memory_source measured_model() {
  memory_source model("model");
  model.add("seen", seen);
  model.add("unseen", unseen);
  model.add("odd", odd);
  model.add("norm", seen.row(0), {64});
  return model;
}

class samples_of_seen final : public calibration_source {
 public:
  const std::string& source_name() const override { return name_; }
  std::optional<index_t> columns(const std::string& tensor) const override {
    return tensor == "seen" ? std::optional(seen_inputs.cols()) : std::nullopt;
  }
  std::optional<row_matrix> samples(const std::string& tensor) const override {
    return tensor == "seen" ? std::optional<row_matrix>(seen_inputs) : std::nullopt;
  }

 private:
  std::string name_ = "samples";
};
class importance_of_unseen final : public importance_source {
 public:
  const std::string& source_name() const override { return name_; }
  std::optional<std::vector<float>> weights(const std::string& tensor, index_t) const override {
    return tensor == "unseen" ? std::optional(values) : std::nullopt;
  }
  std::vector<float> values = std::vector<float>(64, 1);

 private:
  std::string name_ = "importance";
};

// Catches a format that a tensor cannot have, a tensor that a rule has decided and that is free all the same, and one
// that has no format left without a word.
TEST(candidates, are_the_formats_that_fit) {
  const memory_source model = measured_model();
  const model_candidates all = candidates(model, {{"unseen", parse_format("q5_0")}}, formats);
  ASSERT_EQ(all.tensors.size(), 4u);
  EXPECT_EQ(all.tensors[0].formats.size(), 3u);
  EXPECT_EQ(all.tensors[0].formats[1].plan.bytes_after, 48u * 2 * 34);
  ASSERT_EQ(all.tensors[1].formats.size(), 1u);
  EXPECT_EQ(to_text(all.tensors[1].first().to), "q5_0");
  ASSERT_EQ(all.tensors[2].formats.size(), 1u);  // 9 columns are no blocks
  EXPECT_EQ(all.tensors[2].first().to, formats[2]);
  EXPECT_TRUE(all.tensors[3].is_copied());
  EXPECT_EQ(all.weights(), 64u * 48 + 64 * 16 + 45);
  EXPECT_NE(test::message_of<shape_error>([&] {
              candidates(model, {}, std::span(formats).first(2));
            }).find("model: tensor odd: 9 columns are no multiple of the blocks of any format"),
            std::string::npos);
  EXPECT_NE(test::message_of<invalid_scheme>([&] { candidates(model, {}, {}); }), "no error");
}

// Catches costs that are not those of the definition: of outputs, of weights by importance, of weights.
TEST(sensitivity, is_the_relative_error) {
  const memory_source model = measured_model();
  const samples_of_seen samples;
  importance_of_unseen importance;
  for (std::size_t c = 0; c < 64; ++c) importance.values[c] = static_cast<float>(1 + c % 7);
  model_candidates all = candidates(model, {}, std::vector{parse_format("affine:bits=3,range=mse")},
                                    {.calibration = &samples, .importance = &importance});
  measure_errors(model, all, {.calibration = &samples});
  const auto error_of = [&](std::size_t t, const Eigen::MatrixXf& w, const Eigen::MatrixXd& by) {
    const planned_tensor& row = all.tensors[t].first();
    const any_quantized q = t == 1 ? quantize(w, row.to, row.weights) : quantize(w, row.to);
    const Eigen::MatrixXd e = (w - q.dequantize<Eigen::MatrixXf>()).cast<double>();
    return (e * by).squaredNorm() / (w.cast<double>() * by).squaredNorm();
  };
  Eigen::VectorXd roots(64);
  for (index_t c = 0; c < 64; ++c) roots(c) = std::sqrt(static_cast<double>(1 + c % 7));
  EXPECT_NEAR(*all.tensors[0].formats[0].cost, error_of(0, seen, seen_inputs.cast<double>().transpose()),
              1e-5);
  EXPECT_NEAR(*all.tensors[1].formats[0].cost, error_of(1, unseen, roots.asDiagonal().toDenseMatrix()), 1e-9);
  EXPECT_NEAR(*all.tensors[2].formats[0].cost, error_of(2, odd, Eigen::MatrixXd::Identity(9, 9)), 1e-9);
  EXPECT_FALSE(all.tensors[3].formats[0].cost.has_value());
}

// Catches a plan that is larger than its budget, counts what is copied, or costs more than another of its size.
TEST(plan_within, chooses_least_cost_in_the_budget) {
  const memory_source model = measured_model();
  model_candidates all = candidates(model, {}, formats);
  EXPECT_NE(test::message_of<data_error>([&] { plan_within(all, bit_budget(8)); }).find("none measured"),
            std::string::npos);
  measure_errors(model, all);
  for (const double bits : {3.6, 4.6, 6.0, 9.0}) {
    const budget_plan best = plan_within(all, bit_budget(bits));
    double least = 1e300;
    for (const candidate& a : all.tensors[0].formats)
      for (const candidate& b : all.tensors[1].formats) {
        const candidate& c = all.tensors[2].formats[0];
        if (8.0 * static_cast<double>(a.plan.bytes_after + b.plan.bytes_after + c.plan.bytes_after) >
            bits * 4141)
          continue;
        least = std::min(least, *a.cost + *b.cost + *c.cost);
      }
    EXPECT_NEAR(best.allocation.cost, least, 1e-12) << bits;
    EXPECT_LE(best.bits_per_weight(), bits);
    std::uint64_t bytes = 0;
    for (std::size_t t = 0; t < 3; ++t) bytes += best.plan.tensors[t].bytes_after;
    EXPECT_EQ(best.allocation.bytes, bytes);
  }
  EXPECT_NE(test::message_of<data_error>([&] {
              plan_within(all, bit_budget::of_bytes(100));
            }).find("budget: expected at least "),
            std::string::npos);
}

// Catches a text that is read as another number, and one that is none.
TEST(bit_budget, is_read_from_text) {
  EXPECT_EQ(parse_bit_budget("3.5").bytes_for(1000), 437u);
  EXPECT_EQ(parse_bit_budget("2.0MB").bytes_for(1), 2000000u);
  EXPECT_EQ(parse_bit_budget("350KB").bytes_for(1), 350000u);
  EXPECT_EQ(parse_bit_budget("64B").bytes_for(1), 64u);
  for (const char* wrong : {"", "MB", "x", "-1", "0", "nan", "inf", "3.5 bits", "1e300GB", "65"})
    EXPECT_NE(test::message_of<invalid_scheme>([&] { parse_bit_budget(wrong); }), "no error") << wrong;
}

// Catches a matrix that is replaced by another's values, stays replaced, or whose predictions are compared with
// something else: the divergence of each candidate is that of a model with that one tensor quantized.
TEST(llama_sensitivity, is_the_divergence_of_single_replacement) {
  const test::temporary_directory folder;
  const std::vector<llama::token> tokens{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 0};
  test::small_llama original;
  original.write_gguf(folder / "m.gguf");
  const io::tensor_file file(folder / "m.gguf");
  const llama::config sizes = io::llama_config(file);
  const llama::calibration seen_by(file, sizes, tokens, {.context = 8});
  const std::vector<tensor_format> two{parse_format("q4_0"), parse_format("q5_0:rounding=gptq")};
  model_candidates all =
      candidates(file, {{"*norm*", tensor_format::copy()}, {"token_embd*", parse_format("q4_0")}}, two,
                 {.calibration = &seen_by});
  llama::measure_divergence(file, sizes, tokens, seen_by, all, {.context = 8});
  const llama::model base = io::load_llama(folder / "m.gguf");
  std::size_t measured = 0;
  for (const tensor_candidates& tensor : all.tensors)
    for (const candidate& each : tensor.formats) {
      if (each.plan.is_copied() || each.plan.to.feeds_back()) continue;
      test::small_llama changed;
      auto& w = changed.tensors.at(each.plan.name);
      w = quantize(w, each.plan.to).dequantize<test::rows_of_floats>();
      changed.write_gguf(folder / "q.gguf");
      const perplexity_report found =
          perplexity(io::load_llama(folder / "q.gguf"), tokens, {.context = 8, .base = &base});
      EXPECT_NEAR(*each.cost, found.against->divergence.mean, 1e-6 + 1e-4 * *each.cost) << each.plan.name;
      EXPECT_GT(*each.cost, 1e-5);
      ++measured;
    }
  EXPECT_EQ(measured, 16u);
}

}  // namespace
