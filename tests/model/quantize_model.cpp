#include <bitgauge/io/load.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/metrics/error_sums.hpp>
#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/model/quantize_model.hpp>
#include <bitgauge/model/tensors/memory_source.hpp>

#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"
#include "support/temporary_directory.hpp"

#include <Eigen/Cholesky>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace bitgauge;

const Eigen::MatrixXf up = test::random_matrix(300, 256, 1), down = test::random_matrix(7, 64, 2),
                      inputs = test::random_matrix(80, 256, 3);

memory_source a_model() {
  memory_source model("model");
  model.add("up", up);
  model.add("down", down);
  model.add("bias", down.row(0), {64});
  return model;
}

class samples_of_up final : public calibration_source {
 public:
  const std::string& source_name() const override { return name_; }
  std::optional<index_t> columns(const std::string& tensor) const override {
    return tensor == "up" ? std::optional(inputs.cols()) : std::nullopt;
  }
  std::optional<row_matrix> samples(const std::string& tensor) const override {
    return tensor == "up" ? std::optional<row_matrix>(inputs) : std::nullopt;
  }

 private:
  std::string name_ = "samples";
};

// Catches levels of rows that a file of a whole model loses, misplaces or counts wrongly.
TEST(quantize_model, writes_the_levels_of_rows) {
  const test::temporary_directory folder;
  const memory_source model = a_model();
  const quantization_plan codes = plan(model, parse_format("lookup:bits=3,group=32,levels=int8"));
  const model_report said = quantize_model(model, codes, *io::open_sink(folder / "m.safetensors"));
  const any_quantized expected = quantize(up, "lookup:bits=3,group=32,levels=int8");
  EXPECT_EQ(io::load(folder / "m.safetensors", "up"), *expected.get_if<quantized_matrix>());
  EXPECT_EQ(said.tensors[0].bits_per_weight, expected.get_if<quantized_matrix>()->bits_per_weight());
  EXPECT_EQ(codes.tensors[0].bytes_after, 300u * (256 * 3 / 8 + 8 * 4 + 8));
}

// Catches a tensor that is written otherwise than quantize() of it gives, a copy that is changed, an error
// that is measured against something else, and sizes that differ from the plan's.
TEST(quantize_model, gives_what_quantize_of_each_tensor_gives) {
  const test::temporary_directory folder;
  const memory_source model = a_model();
  const std::vector<rule> rules{{"up", parse_format("q4_0:effort=fast")}, {"down", parse_format("f16")}};
  const quantization_plan blocks = plan(model, rules);
  const model_report said = quantize_model(model, blocks, *io::open_sink(folder / "m.gguf"));
  const any_quantized expected = quantize(up, "q4_0:effort=fast");
  EXPECT_EQ(io::load<gguf::block_matrix>(folder / "m.gguf", "up"), *expected.get_if<gguf::block_matrix>());
  const io::tensor_file file(folder / "m.gguf");
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.matrix(file.tensors()[1]),
            quantize(down, "f16").dequantize<io::tensor_file::float_matrix>());
  EXPECT_EQ(file.matrix(file.tensors()[2]), down.row(0));
  ASSERT_EQ(said.tensors.size(), 3u);
  EXPECT_EQ(said.tensors[0].error.error_energy, measure_error(up, expected).error_energy);
  EXPECT_EQ(said.tensors[0].bits_per_weight, 4.5);
  EXPECT_EQ(said.tensors[2].notes, std::vector<std::string>{"copied: 1-D"});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(file.tensors()[i].bytes, blocks.tensors[i].bytes_after);
    EXPECT_EQ(said.tensors[i].bytes(), static_cast<double>(blocks.tensors[i].bytes_after));
  }
  EXPECT_NE(test::message_of<invalid_scheme>(
                [&] { quantize_model(model, blocks, *io::open_sink(folder / "m.safetensors")); }),
            "no error");
  EXPECT_EQ(folder.entries(), 1u);
}

// Catches codes that are not those of quantize(), feedback without the Hessian of the tensor's own samples,
// and an output error that is not measured.
TEST(quantize_model, feeds_errors_back_where_there_are_samples) {
  const test::temporary_directory folder;
  const memory_source model = a_model();
  const samples_of_up calibration;
  const std::string gptq = "affine:bits=3,group=64,rounding=gptq", nearest = "affine:bits=3,group=64";
  const quantization_plan p = plan(model, {{"up", parse_format(gptq)}, {"down", parse_format(nearest)}},
                                   {.calibration = &calibration});
  const model_report said =
      quantize_model(model, p, *io::open_sink(folder / "m.safetensors"), {.calibration = &calibration});
  hessian h(256);
  h.accumulate(inputs);
  EXPECT_EQ(io::load(folder / "m.safetensors", "up"), *quantize(up, gptq, h).get_if<quantized_matrix>());
  EXPECT_EQ(io::load(folder / "m.safetensors", "down"), *quantize(down, nearest).get_if<quantized_matrix>());
  ASSERT_TRUE(said.tensors[0].output_error.has_value());
  EXPECT_FALSE(said.tensors[1].output_error.has_value());
  const Eigen::MatrixXd w = up.cast<double>(), q = quantize(up, gptq, h).dequantize().cast<double>(),
                        x = inputs.cast<double>();
  EXPECT_NEAR(*said.tensors[0].output_error,
              ((w - q) * x.transpose()).squaredNorm() / (w * x.transpose()).squaredNorm(), 1e-9);
}

/// Bits a weight at which normal weights can have this error, where all of it lies above the water: half of
/// log2(det(v H)) / n - log2(t), a mean over rows of variance v, t the error of each weight.
double bound_by_determinant(const Eigen::MatrixXd& w, const Eigen::MatrixXd& h, double error) {
  const Eigen::ArrayXd variances = w.rowwise().squaredNorm() / static_cast<double>(w.cols());
  const double determinant =
      h.llt().matrixLLT().diagonal().array().log().sum() * 2 / static_cast<double>(w.cols());
  return (determinant + variances.log().mean() - std::log(error / static_cast<double>(w.size()))) /
         (2 * std::log(2.0));
}

class importance_of_both final : public importance_source {
 public:
  const std::string& source_name() const override { return name_; }
  std::optional<std::vector<float>> weights(const std::string& tensor, index_t cols) const override {
    if (tensor != "w") return std::nullopt;
    std::vector<float> v;
    for (index_t c = 0; c < cols; ++c) v.push_back(0.5f + static_cast<float>(c % 5));
    return v;
  }

 private:
  std::string name_ = "importance";
};

// Catches a bound of another error than the one that counts (of outputs, by importance, of weights), one of rows that
// share a variance, and one that a wish for none does not leave out.
TEST(quantize_model, says_how_far_each_error_is_from_its_bound) {
  Eigen::MatrixXf w = test::random_matrix(48, 32, 5), x = test::random_matrix(200, 32, 6);
  for (index_t r = 0; r < 48; ++r) w.row(r) *= 1 + static_cast<float>(r % 7);
  x.col(3) *= 5;
  memory_source model("model");
  model.add("up", w);
  model.add("w", w);
  model.add("plain", w);
  class source final : public calibration_source {
   public:
    explicit source(row_matrix all) : all_(std::move(all)) {}
    const std::string& source_name() const override { return name_; }
    std::optional<index_t> columns(const std::string& tensor) const override {
      return tensor == "up" ? std::optional(all_.cols()) : std::nullopt;
    }
    std::optional<row_matrix> samples(const std::string& tensor) const override {
      return tensor == "up" ? std::optional(all_) : std::nullopt;
    }

   private:
    row_matrix all_;
    std::string name_ = "samples";
  } const calibration(x);
  const importance_of_both weights;
  const std::string scheme = "affine:bits=8,group=16,range=mse";
  const quantization_plan p =
      plan(model, parse_format(scheme), {.calibration = &calibration, .importance = &weights});
  const test::temporary_directory folder;
  const auto report_of = [&](index_t most_inputs) {
    return quantize_model(model, p, *io::open_sink(folder / "m.safetensors"),
                          {.calibration = &calibration, .bound_inputs = most_inputs})
        .tensors;
  };
  const std::vector<tensor_report> said = report_of(32);
  const Eigen::MatrixXd d = w.cast<double>(), xx = x.cast<double>().transpose() * x.cast<double>();
  Eigen::MatrixXd v = Eigen::MatrixXd::Zero(32, 32);
  for (index_t c = 0; c < 32; ++c) v(c, c) = 0.5 + static_cast<double>(c % 5);
  const Eigen::MatrixXd hessians[] = {xx, v, Eigen::MatrixXd::Identity(32, 32)};
  for (std::size_t i = 0; i < 3; ++i) {
    const Eigen::MatrixXd e =
        d - io::load(folder / "m.safetensors", said[i].name).dequantize().cast<double>();
    const double error = (e * hessians[i]).cwiseProduct(e).sum();
    ASSERT_TRUE(said[i].bound_bits.has_value()) << i;
    EXPECT_NEAR(*said[i].bound_bits, bound_by_determinant(d, hessians[i], error), 1e-6) << i;
    EXPECT_EQ(*said[i].gap_bits(), said[i].bits_per_weight - *said[i].bound_bits);
  }
  EXPECT_NEAR(*total(said)->bound_bits, (*said[0].bound_bits + *said[1].bound_bits + *said[2].bound_bits) / 3,
              1e-12);
  const std::vector<tensor_report> less = report_of(31);
  EXPECT_FALSE(less[0].bound_bits.has_value());
  EXPECT_EQ(less[0].notes.back(), "no bound of the output error: 32 inputs are more than 31");
  EXPECT_TRUE(less[1].bound_bits.has_value());
  for (const tensor_report& row : report_of(0)) EXPECT_FALSE(row.bound_bits || row.gap_bits());
}

// Catches an importance that a trellis is planned without, as formats are that have no use for one.
TEST(quantize_model, gives_a_trellis_its_importance) {
  const test::temporary_directory folder;
  memory_source model("model");
  model.add("w", up);
  const importance_of_both weights;
  const quantization_plan p = plan(model, parse_format("trellis:bits=2"), {.importance = &weights});
  const model_report said = quantize_model(model, p, *io::open_sink(folder / "m.safetensors"));
  const any_quantized expected = quantize(up, "trellis:bits=2", importance(*weights.weights("w", 256)));
  EXPECT_EQ(io::load<trellis_matrix>(folder / "m.safetensors", "w"), *expected.get_if<trellis_matrix>());
  EXPECT_EQ(said.tensors[0].notes, std::vector<std::string>());
}

// Catches progress that runs backwards, counts a tensor twice or does not end at 1.
TEST(quantize_model, progress_sums_up_to_1) {
  const test::temporary_directory folder;
  const memory_source model = a_model();
  std::vector<double> seen;
  std::uint64_t total = 0;
  std::string last;
  quantize_model(model, plan(model, parse_format("affine:bits=4")), *io::open_sink(folder / "m.safetensors"),
                 {.threads = 2, .progress = [&](const model_progress& now) {
                    seen.push_back(now.fraction());
                    total = now.total;
                    last = now.tensor;
                  }});
  EXPECT_EQ(total, 300u * 256 + 7 * 64 + 64);
  ASSERT_GE(seen.size(), 7u);  // before and after each tensor, and within the large one
  EXPECT_EQ(seen.front(), 0);
  EXPECT_EQ(seen.back(), 1);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(last, "bias");
}

// Catches a file, whole or partial, that is left behind by an end on request, before or within a tensor, or
// by a plan for another model.
TEST(quantize_model, cancelled_leaves_no_file) {
  const test::temporary_directory folder;
  const memory_source model = a_model();
  const quantization_plan p = plan(model, parse_format("affine:bits=4"));
  for (const int after : {0, 1, 3}) {
    std::atomic<int> asked = 0;
    EXPECT_NE(test::message_of<cancelled>([&] {
                quantize_model(model, p, *io::open_sink(folder / "m.safetensors"),
                               {.threads = 1, .cancel = [&] { return asked++ >= after; }});
              }),
              "no error");
    EXPECT_EQ(folder.entries(), 0u) << after;
  }
  memory_source other("other");
  other.add("up", down);
  EXPECT_EQ(test::message_of<data_error>(
                [&] { quantize_model(other, p, *io::open_sink(folder / "m.safetensors")); }),
            "other: tensor up: expected the source that the plan was made for, found another");
  EXPECT_EQ(folder.entries(), 0u);
}

// Catches a failure that does not say in which tensor of which source it is.
TEST(quantize_model, failures_name_source_and_tensor) {
  const test::temporary_directory folder;
  memory_source model("model");
  Eigen::MatrixXf bad = down;
  bad(3, 5) = std::numeric_limits<float>::quiet_NaN();
  model.add("bad", bad);
  const quantization_plan p = plan(model, parse_format("affine:bits=4"));
  const std::string said = test::message_of<data_error>(
      [&] { quantize_model(model, p, *io::open_sink(folder / "m.safetensors")); });
  EXPECT_TRUE(said.starts_with("model: tensor bad: ")) << said;
  EXPECT_NE(said.find("row 3, column 5"), std::string::npos) << said;
  EXPECT_EQ(folder.entries(), 0u);
}

}  // namespace
