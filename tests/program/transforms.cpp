// Weights that are rewritten before they are quantized: what files and reports say, and what comes back.

#include <bitgauge/io/load.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/transform/stored/any_transform.hpp>

#include "tensor_files.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>

namespace {

namespace io = bitgauge::io;
using bitgauge::row_matrix;
using nlohmann::json;
using test::random_rows;

/// A layer whose inputs have a few channels that are 20 times as large as the others.
class transforms : public test::tensor_files {
 protected:
  transforms() {
    for (const bitgauge::index_t j : {3, 17, 40, 41, 59, 90}) samples.col(j) *= 20;
    write_safetensors("w.safetensors", {{"w", weights, {48, 96}}});
    io::write_npy(path("x.npy"), samples, {200, 96});
  }
  json quantize(const std::string& options) {
    succeed("quantize w.safetensors -o q.safetensors --calibration x.npy --report r.json " + options);
    return report("r.json")[0];
  }
  /// ||X (Q - W)^T||^2 / ||X W^T||^2 in double.
  double error_of(const row_matrix& q) const {
    const Eigen::MatrixXd x = samples.cast<double>(), w = weights.cast<double>();
    return (x * (q.cast<double>() - w).transpose()).squaredNorm() / (x * w.transpose()).squaredNorm();
  }

  row_matrix weights = random_rows(48, 96, 1), samples = random_rows(200, 96, 2);
};

// Catches factors that are lost, applied the wrong way round or not undone: the weights that come back are not
// those of the report, or of what the file's own parts give.
TEST_F(transforms, give_weights_back_in_the_original_basis) {
  const std::string affine = "affine:bits=4,group=32", trellis = "trellis:bits=4";
  for (const auto& [scheme, transform] : {std::pair<std::string, std::string>(affine, "smooth"),
                                          {affine, "smooth:alpha=auto"},
                                          {affine, "awq"},
                                          {affine, "rotate:seed=5"},
                                          {affine, "rotate:block=32"},
                                          {trellis, "smooth"},
                                          {"trellis:bits=2,rounding=gptq", "awq"}}) {
    const json said = quantize("--scheme " + scheme + " --transform " + transform);
    EXPECT_EQ(inspect("q.safetensors")["tensors"][0]["transform"], transform);
    succeed("dequantize q.safetensors -o d.npy");
    const row_matrix back =
        io::tensor_file(path("d.npy")).matrix(io::tensor_file(path("d.npy")).tensors()[0]);
    EXPECT_NEAR(said["output_error"], error_of(back), 1e-4 * error_of(back)) << transform;
    EXPECT_NEAR(compare("w.safetensors", "q.safetensors")[0]["mse"], said["mse"].get<double>(),
                1e-6 * said["mse"].get<double>());

    const auto loaded = io::load_layers(path("q.safetensors"));
    ASSERT_TRUE(loaded.at(0).transform.has_value());
    const bitgauge::any_transform inputs(*loaded[0].transform, 96);
    const Eigen::MatrixXf y =
        change_inputs(inputs, samples) * loaded[0].matrix.dequantize<row_matrix>().transpose();
    EXPECT_LT((y - samples * back.transpose()).norm(), 1e-5f * y.norm()) << transform;
  }
}

// Catches a transform that makes nothing better where it should: the sums are those of an oracle in double, and
// outliers cost a plain scale most.
TEST_F(transforms, lower_the_error_of_outliers) {
  const double plain = quantize("--scheme affine:bits=4,group=32")["output_error"];
  for (const std::string transform : {"smooth", "smooth:alpha=auto", "awq"}) {
    const json said = quantize("--scheme affine:bits=4,group=32 --transform " + transform);
    EXPECT_LT(said["output_error"], 0.6 * plain) << transform;
    EXPECT_NE(said["notes"].dump().find(" plain, "), std::string::npos) << said["notes"];
  }
  const double dynamic = quantize("--scheme affine --activations dynamic:affine")["activation_output_error"];
  EXPECT_LT(
      quantize("--scheme affine --activations dynamic:affine --transform smooth")["activation_output_error"],
      0.3 * dynamic);
  EXPECT_LT(
      quantize("--scheme affine --activations static:affine --transform smooth")["activation_output_error"],
      0.3 * dynamic);
  const double feedback = quantize("--scheme affine:bits=4,group=32,rounding=gptq")["output_error"];
  EXPECT_LT(quantize("--scheme affine:bits=4,group=32,rounding=gptq --transform rotate")["output_error"],
            feedback);
}

// Catches layers that are equalised but not restored, and ones that have no neighbour.
TEST_F(transforms, equalize_layers_that_follow_each_other) {
  row_matrix first = random_rows(64, 32, 3);
  for (bitgauge::index_t r = 0; r < 64; ++r) first.row(r) *= std::exp2(static_cast<float>(r % 9 - 4));
  write_safetensors("in.safetensors", {{"a", first, {64, 32}},
                                       {"b", random_rows(16, 64, 4), {16, 64}},
                                       {"c", random_rows(8, 24, 5), {8, 24}}});
  succeed("quantize in.safetensors -o p.safetensors --scheme symmetric:bits=8,group=tensor --report r.json");
  const json plain = report("r.json");
  succeed(
      "quantize in.safetensors -o q.safetensors --scheme symmetric:bits=8,group=tensor --transform equalize "
      "--report r.json");
  const json said = report("r.json");
  const json found = compare("in.safetensors", "q.safetensors");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(found[i]["mse"], said[i]["mse"].get<double>(), 1e-9);
  // small rows get a step of their own size, large ones keep theirs
  EXPECT_LT(said[0]["mse"], 0.5 * plain[0]["mse"].get<double>());
  EXPECT_EQ(said[2]["notes"][0], "not equalized: it has not as many inputs or outputs as its neighbours");
  EXPECT_FALSE(inspect("q.safetensors")["tensors"][2].contains("transform"));
}

// Catches a transform that is dropped in silence: where it cannot be kept, where nothing can fit it, or when a matrix
// is loaded without it.
TEST_F(transforms, are_refused_where_they_would_be_lost) {
  expect_refused("quantize w.safetensors -o q.safetensors --scheme affine --transform smooth",
                 {"bitgauge: --transform smooth: expected --calibration, whose activations it is fitted to"});
  expect_refused(
      "quantize w.safetensors -o q.gguf --scheme q4_0 --transform rotate",
      {"bitgauge: --transform: expected codes and scales in a .safetensors, found blocks of type q4_0"});
  expect_refused("quantize w.safetensors -o q.safetensors --scheme affine --transform rotate:block=7",
                 {"w.safetensors", "tensor w", "7"});
  quantize("--scheme affine --transform rotate");
  try {
    (void)io::load(path("q.safetensors"), "w");
    FAIL();
  } catch (const bitgauge::data_error& problem) {
    EXPECT_NE(std::string(problem.what()).find("its weights were rewritten by a transform"),
              std::string::npos);
  }
  // copied with its factors
  quantize("--scheme affine --transform smooth");
  succeed("quantize q.safetensors -o c.safetensors --scheme affine:bits=4");
  EXPECT_EQ(compare("q.safetensors", "c.safetensors")[0]["mse"], 0);
  EXPECT_EQ(inspect("c.safetensors")["tensors"][0]["transform"], "smooth");
}

}  // namespace
