#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/model/tensors/memory_source.hpp>

#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace bitgauge;

memory_source planned_model() {
  memory_source model("model");
  model.add("blk.0.attn.weight", Eigen::MatrixXf::Ones(8, 512));
  model.add("blk.0.norm.weight", Eigen::MatrixXf::Ones(8, 64));
  model.add("blk.0.bias", Eigen::RowVectorXf::Ones(32), {32});
  model.add("blk.0.conv", Eigen::MatrixXf::Ones(6, 9), {2, 3, 9});
  return model;
}

class fixed_samples final : public calibration_source {
 public:
  explicit fixed_samples(index_t cols) : cols_(cols) {}
  const std::string& source_name() const override { return name_; }
  std::optional<index_t> columns(const std::string&) const override { return cols_; }
  std::optional<row_matrix> samples(const std::string&) const override { return row_matrix::Ones(4, cols_); }

 private:
  std::string name_ = "samples";
  index_t cols_;
};

// Catches a rule that is heeded after one before it, a tensor that is not copied, and sizes that are not
// those of the formats' definitions.
TEST(plan, first_rule_decides) {
  const memory_source model = planned_model();
  const quantization_plan p = plan(model, {{"*norm*", tensor_format::copy()},
                                           {"*attn*", parse_format("q4_k")},
                                           {"*", parse_format("affine:bits=4,group=row")}});
  ASSERT_EQ(p.tensors.size(), 4u);
  EXPECT_TRUE(p.remarks.empty());
  const auto check = [&](std::size_t i, const char* to, const char* why, std::uint64_t before,
                         std::uint64_t after) {
    EXPECT_EQ(p.tensors[i].name, model.info(i).name);
    EXPECT_EQ(p.tensors[i].place, i);
    EXPECT_EQ(to_text(p.tensors[i].to), to);
    EXPECT_EQ(p.tensors[i].why, why);
    EXPECT_EQ(p.tensors[i].bytes_before, before);
    EXPECT_EQ(p.tensors[i].bytes_after, after);
  };
  check(0, "q4_k", "rule \"*attn*\"", 8 * 512 * 4, 8 * 2 * 144);
  check(1, "copy", "rule \"*norm*\"", 8 * 64 * 4, 8 * 64 * 4);
  check(2, "copy", "1-D", 32 * 4, 32 * 4);
  // a kernel: two rows of 27 codes of 4 bits, each with a scale and a zero point
  check(3, "affine:bits=4", "rule \"*\"", 54 * 4, 2 * 14 + 2 * 4 + 1);
  EXPECT_EQ(p.tensors[3].notes, std::vector<std::string>{"3-D, as 2 x 27"});
  EXPECT_EQ(p.bytes_before(), (8u * 512 + 8 * 64 + 32 + 54) * 4);
  EXPECT_EQ(p.bytes_after(), 8u * 2 * 144 + 8 * 64 * 4 + 32 * 4 + 37);
  EXPECT_EQ(p.main_type, gguf::tensor_type::q4_k);
  EXPECT_EQ(plan(model, {{"*attn*", parse_format("q8_0")}}).tensors[1].why, "no rule matches it");
}

// Catches a mistyped rule that changes nothing in silence.
TEST(plan, reports_rules_that_match_nothing) {
  const memory_source model = planned_model();
  rule typo{"*atn*", parse_format("q8_0")};
  EXPECT_EQ(plan(model, {typo, {"*attn*", parse_format("q8_0")}}).remarks,
            std::vector<std::string>{"rule \"*atn*\" matches no tensor"});
  typo.must_match = true;
  EXPECT_EQ(test::message_of<data_error>([&] { plan(model, {typo}); }),
            "model: rule \"*atn*\": expected a tensor of this name, found 4 others: blk.0.attn.weight, "
            "blk.0.norm.weight, blk.0.bias, ...");
  plan_options o;
  o.drop.emplace_back("*atn*");
  EXPECT_NE(test::message_of<data_error>([&] { plan(model, parse_format("affine"), o); }), "no error");
  o.drop = {"*"};
  EXPECT_NE(test::message_of<data_error>([&] { plan(model, parse_format("affine"), o); }), "no error");
  o.drop = {"*attn*", "*norm*"};
  EXPECT_EQ(plan(model, parse_format("affine"), o).tensors.size(), 2u);
}

// Catches blocks that do not divide rows, a fallback that is not said or forgets the effort, and rows that
// are counted otherwise than a rule says.
TEST(plan, falls_back_and_counts_rows) {
  const memory_source model = planned_model();
  const std::vector<rule> rules{{"*weight", parse_format("q4_k:effort=fast")}};
  EXPECT_EQ(test::message_of<shape_error>([&] { plan(model, rules); }),
            "model: tensor blk.0.norm.weight: 64 columns are no multiple of q4_K's blocks of 256 (choose "
            "another type with plan_options::fallbacks, or tensor_format::copy() it)");
  plan_options o{.fallbacks = {gguf::tensor_type::q6_k, gguf::tensor_type::q4_0, gguf::tensor_type::f16}};
  const quantization_plan p = plan(model, rules, o);
  EXPECT_EQ(to_text(p.tensors[1].to), "q4_0:effort=fast");
  EXPECT_EQ(p.tensors[1].bytes_after, 8u * 2 * 18);
  EXPECT_EQ(p.tensors[1].notes.size(), 1u);
  EXPECT_EQ(p.main_type, gguf::tensor_type::q4_k);
  o.rows = {{"*conv", row_dimensions::all_but_last}};
  const planned_tensor conv = plan(model, parse_format("affine"), o).tensors[3];
  EXPECT_EQ(conv.rows, 6);
  EXPECT_EQ(conv.cols, 9);
}

// Catches GPTQ that is planned without what it needs, and an estimate of memory that forgets its Hessian.
TEST(plan, gptq_needs_calibration) {
  memory_source model("model");
  model.add("w", Eigen::MatrixXf::Ones(8, 512));
  const tensor_format f = parse_format("affine:bits=4,rounding=gptq");
  EXPECT_EQ(test::message_of<invalid_scheme>([&] { plan(model, f); }),
            "model: tensor w: rounding=gptq: expected calibration data by plan_options::calibration, found "
            "none for it (or leave it out with tensor_format::copy())");
  const fixed_samples wrong(100), right(512);
  EXPECT_EQ(test::message_of<shape_error>([&] { plan(model, f, {.calibration = &wrong}); }),
            "model: tensor w: rounding=gptq: expected calibration data of 512 columns, found 100 in samples");
  EXPECT_GT(plan(model, f, {.calibration = &right}).peak_bytes(), 512u * 512 * 8);
  EXPECT_LT(plan(model, parse_format("affine:bits=4")).peak_bytes(), 512u * 512 * 8);
}

}  // namespace
