#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/grid/codebook.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/matrix/pruned/prune.hpp>
#include <bitgauge/matrix/pruned/pruned_matrix.hpp>
#include <bitgauge/rounding/sparse_gpt.hpp>

#include "support/failure.hpp"
#include "support/layer.hpp"
#include "support/pruning_cases.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace bitgauge {
namespace {

// Catches another cost, another time at which a mask is chosen, errors that are not fed back, and a grid that is not the
// original weights': the masks, weights and errors of the published program.
TEST(sparse_gpt, is_the_reference) {
  for (const auto& entry : test::cases_of("pruning", "sparsegpt")) {
    SCOPED_TRACE(entry["name"].get<std::string>());
    const test::pruning_layer l(entry);
    const auto expected = test::load_matrix<float>("pruning", entry["outputs"]["weights"]);
    sparse_gpt_report report;
    const sparse_gpt how(
        l.h, l.pattern,
        {.damping = entry["params"]["percdamp"], .batch = entry["params"]["blocksize"], .report = &report});
    const int bits = entry["params"]["bits"];
    const Eigen::MatrixXf found =
        bits == 0 ? prune(l.w, how).weights
                  : prune_and_quantize(l.w, how, make_affine(bits), per_row{}).dequantize();
    const index_t zeros = ((found.array() == 0) == (expected.array() == 0)).count(),
                  equal =
                      ((found - expected).array().abs() <= 1e-4f * expected.array().abs().maxCoeff()).count();
    EXPECT_GE(static_cast<double>(zeros), 0.995 * static_cast<double>(l.w.size()));
    EXPECT_GE(static_cast<double>(equal), 0.995 * static_cast<double>(l.w.size()));
    const double error = l.error_of(found);
    EXPECT_LE(error, 1.02 * entry["outputs"]["err"].get<double>());
    EXPECT_NEAR(report.error, error, 1e-4 * error);
    EXPECT_NEAR(report.energy, entry["outputs"]["energy"], 1e-6 * report.energy);
  }
}

// Catches a choice of weights that does not know the inputs, and codes that do not make up for what is pruned. What is
// compared with makes up for the rounding, but not for the pruning: GPTQ of pruned weights, whose zeros stay.
TEST(sparse_gpt, beats_magnitude_and_wanda) {
  const test::pruning_layer l(test::cases_of("pruning", "sparsegpt").front());
  test::row_major<float> pruned = l.w;
  const pruning_mask by_magnitude = magnitude_mask(l.w, n_of_m{2, 4});
  by_magnitude.apply(pruned);
  const double baseline = l.error_of(
      prune_and_quantize(pruned, sparse_gpt(l.h, by_magnitude), affine<4>{}, per_row{}).dequantize());
  const auto error = [&](const auto& what) {
    return l.error_of(prune_and_quantize(l.w, sparse_gpt(l.h, what), affine<4>{}, per_row{}).dequantize());
  };
  EXPECT_LE(error(n_of_m{2, 4}), 0.6 * baseline);
  EXPECT_LE(error(n_of_m{2, 4}), 0.6 * error(by_magnitude));
  pruned = l.w;
  const pruning_mask wanda = wanda_mask(l.w, l.h, unstructured{0.5});
  wanda.apply(pruned);
  const auto kept = prune(l.w, sparse_gpt(l.h, wanda));
  EXPECT_EQ(kept.mask, wanda);
  EXPECT_EQ((kept.weights.array() == 0).count(), wanda.pruned());
  EXPECT_LE(l.error_of(kept.weights), 0.5 * l.error_of(pruned));
  const pruned_weights best = prune(l.w, sparse_gpt(l.h, unstructured{0.5}));
  EXPECT_LE(l.error_of(best.weights), l.error_of(kept.weights));
  EXPECT_EQ(best.mask.pruned(), l.w.size() / 2 + 1);
}

struct made_up_layer {
  Eigen::MatrixXf w = test::normal_matrix(20, 256, 1), x = test::correlated_inputs(300, 256, 0.9f, 2);
  hessian h{256};

  made_up_layer() {
    x.col(7).setZero();
    h.accumulate(x);
  }
};

// Catches an answer that pruning does not go with: groups that batches do not divide, grids without a zero, stored scales,
// groups that span rows. The error that was reported is that of what is stored, and less than half of that of pruning
// by magnitude alone.
TEST(sparse_gpt, goes_with_every_answer) {
  const made_up_layer l;
  const float odd[] = {-1, -0.4f, -0.1f, 0.2f, 0.5f, 1};
  const auto check = [&](const pruning_pattern& pattern, const auto&... answers) {
    for (const bool fixed : {true, false}) {
      sparse_gpt_report report;
      const pruned_matrix q = prune_and_quantize(
          l.w, sparse_gpt(l.h, pattern, {.batch = 30, .static_groups = fixed, .report = &report}),
          answers...);
      const Eigen::MatrixXf values = q.dequantize();
      Eigen::MatrixXf differing = l.w;
      differing.col(7) = values.col(7);
      const double error = test::output_error(differing, values, l.h.matrix());
      EXPECT_NEAR(report.error, error, 1e-3 * error);
      EXPECT_EQ(report.pruned, q.mask().pruned());
      EXPECT_EQ(report.dead_columns, std::vector<index_t>{7});
      Eigen::MatrixXf masked = values;
      q.mask().apply(masked);
      EXPECT_EQ(masked, values);
      Eigen::MatrixXf by_magnitude = l.w;
      magnitude_mask(l.w, pattern).apply(by_magnitude);
      EXPECT_LT(error, 0.5 * test::output_error(l.w, by_magnitude, l.h.matrix()));
    }
  };
  check(n_of_m{2, 4}, affine<4>{}, per_group{32});
  check(n_of_m{2, 4}, affine<4>{}, per_group{50}, f16_scales);
  check(n_of_m{4, 8}, nf4{}, per_group{64}, double_quantized{64});
  check(unstructured{0.5}, symmetric<4>{}, per_group{48});
  check(unstructured{0.4}, affine<4>{}, per_tensor{});
  check(n_of_m{3, 7}, affine<8>{}, per_column{});
  check(unstructured{0.6}, codebook_grid(odd), per_group{16});
  check(n_of_m{2, 4}, parse_scheme("affine:bits=4,group=32"));
  EXPECT_EQ(prune_and_quantize(l.w, sparse_gpt(l.h, n_of_m{2, 4}), parse_scheme("affine:bits=4,group=32")),
            prune_and_quantize(l.w, sparse_gpt(l.h, n_of_m{2, 4}), affine<4>{}, per_group{32}));
}

// Catches groups of neighbours that a batch, or a group whose parameters wait for its start, cuts in two.
TEST(sparse_gpt, keeps_neighbours_together) {
  const made_up_layer l;
  const auto by = [&](const sparse_gpt_options& o, index_t group) {
    return prune_and_quantize(l.w, sparse_gpt(l.h, n_of_m{2, 4}, o), affine<4>{}, per_group{group});
  };
  EXPECT_EQ(by({.batch = 29}, 64), by({.batch = 32}, 64));
  EXPECT_NE(by({.static_groups = true}, 64), by({.static_groups = false}, 64));
  EXPECT_EQ(by({.static_groups = true}, 50), by({.static_groups = false}, 50));
}

// Catches block formats that are left out: the error reported is that of the blocks alone, whose codes of pruned weights are
// zeros where the format has one.
TEST(sparse_gpt, goes_with_blocks) {
  const made_up_layer l;
  using gguf::tensor_type;
  for (const tensor_type type : {tensor_type::q4_0, tensor_type::q4_k}) {
    SCOPED_TRACE(std::string(gguf::traits_of(type).name));
    sparse_gpt_report report;
    const Eigen::MatrixXf values =
        quantize(l.w, type, sparse_gpt(l.h, n_of_m{2, 4}, {.report = &report})).dequantize();
    Eigen::MatrixXf differing = l.w;
    differing.col(7) = values.col(7);
    const double error = test::output_error(differing, values, l.h.matrix());
    EXPECT_NEAR(report.error, error, 1e-3 * error);
    EXPECT_EQ(report.pruned, l.w.size() / 2);
    if (type != tensor_type::q4_k) {
      EXPECT_GE((values.array() == 0).count(), report.pruned);
    }
  }
}

// Catches sums or masks that depend on how rows are divided among threads.
TEST(sparse_gpt, is_the_same_on_any_number_of_threads) {
  const made_up_layer l;
  const sparse_gpt how(l.h, unstructured{0.5});
  const Eigen::MatrixXf w = test::normal_matrix(300, 256, 3);
  EXPECT_EQ(prune_and_quantize(w, how, affine<4>{}, options{.threads = 1}),
            prune_and_quantize(w, how, affine<4>{}, options{.threads = 5}));
  EXPECT_EQ(prune(w, how, 1).weights, prune(w, how, 4).weights);
}

// Catches settings, shapes and weights that are not looked at.
TEST(sparse_gpt, refuses_what_cannot_be) {
  const made_up_layer l;
  Eigen::MatrixXf w = test::normal_matrix(2, 255, 1);
  EXPECT_EQ(test::failure_of<invalid_scheme>([&] { sparse_gpt(l.h, n_of_m{}, {.damping = -1}); }),
            "sparse_gpt: damping: expected a fraction of the mean diagonal from 0 up, found -1");
  EXPECT_EQ(test::failure_of<invalid_scheme>([&] { sparse_gpt(l.h, n_of_m{}, {.batch = 0}); }),
            "sparse_gpt: batch: expected at least 1 column, found 0");
  EXPECT_EQ(test::failure_of<shape_error>([&] { prune(w, sparse_gpt(l.h, n_of_m{})); }),
            "sparse_gpt: expected a Hessian of 255 inputs, one for each column of the matrix, found 256");
  const pruning_mask other = magnitude_mask(l.w, n_of_m{});
  w = test::normal_matrix(2, 256, 1);
  EXPECT_EQ(test::failure_of<shape_error>([&] { prune(w, sparse_gpt(l.h, other)); }),
            "sparse_gpt: expected a mask of 2 x 256, found 20 x 256");
  const hessian none(256);
  EXPECT_NE(test::failure_of<data_error>([&] { prune(w, sparse_gpt(none, n_of_m{})); }).find("is zero"),
            std::string::npos);
  w(1, 3) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(test::failure_of<data_error>([&] { prune(w, sparse_gpt(l.h, n_of_m{})); }),
            "sparse_gpt: row 1, column 3: expected a finite value, found infinity");
  EXPECT_EQ(test::failure_of<invalid_scheme>([&] {
              prune_and_quantize(l.w, sparse_gpt(l.h, n_of_m{}), parse_scheme("affine:bits=4,rounding=gptq"));
            }),
            "prune_and_quantize: scheme \"affine:bits=4,rounding=gptq\": expected rounding=nearest, which "
            "sparse_gpt takes the place of");
}

}  // namespace
}  // namespace bitgauge
