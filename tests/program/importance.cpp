// Importance from every file that holds it: for experts, for tensors without, and faults of it.

#include "tensor_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;
using nlohmann::json;
using test::named_matrix;
using test::random_rows;
using test::row_major;
using importance = test::tensor_files;

/// The old form of an importance matrix with one entry.
std::string dat(const std::string& name, const row_major& weights) {
  std::string bytes;
  const auto add = [&](const auto& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  add(std::int32_t{1});
  add(static_cast<std::int32_t>(name.size()));
  bytes += name;
  add(std::int32_t{1});
  add(static_cast<std::int32_t>(weights.size()));
  for (Eigen::Index i = 0; i < weights.size(); ++i) add(weights.data()[i]);
  return bytes;
}

// Catches weights of one expert used for another, and an expert that no token reached not quantized as
// without importance, from every file that holds them. The oracle is each expert in a file of its own.
TEST_F(importance, experts_have_importance_of_their_own) {
  constexpr Eigen::Index experts = 3, rows = 4, cols = 256;
  const named_matrix t{"w", random_rows(experts * rows, cols, 1), {experts, rows, cols}};
  row_major weights = random_rows(experts, cols, 2).cwiseAbs2() + row_major::Constant(experts, cols, 0.01f);
  weights.row(1).setZero();
  write_safetensors("in.safetensors", {t});
  write_safetensors("imp.safetensors", {{"w", weights, {experts, 1, cols}}});
  io::write_npy(path("imp.npy"), weights);
  std::ofstream(path("imp.dat"), std::ios::binary) << dat("w", weights);
  io::gguf_writer imatrix(path("imp.gguf"));
  imatrix.declare("w.in_sum2", bitgauge::gguf::tensor_type::f32, {cols, experts});
  imatrix.declare("w.counts", bitgauge::gguf::tensor_type::f32, {1, experts});
  imatrix.write("w.in_sum2", weights);
  imatrix.write("w.counts", Eigen::RowVector3f{1, 0, 1});
  imatrix.commit();
  for (const std::string scheme : {"gguf --scheme q4_k", "gguf --scheme q4_0:effort=best",
                                   "safetensors --scheme affine:bits=3,group=32,range=mse"}) {
    std::vector<double> expected;
    for (Eigen::Index e = 0; e < experts; ++e) {
      io::write_npy(path("one.npy"), row_major(t.values.middleRows(e * rows, rows)));
      io::write_npy(path("one_imp.npy"), Eigen::RowVectorXf(weights.row(e)));
      succeed("quantize one.npy -o one." + scheme + (e == 1 ? "" : " --importance one_imp.npy"));
      succeed("dequantize one." + scheme.substr(0, scheme.find(' ')) + " -o back.npy");
      const auto back = io::read_npy<row_major>(path("back.npy"));
      expected.insert(expected.end(), back.data(), back.data() + back.size());
    }
    for (const std::string file : {"imp.gguf", "imp.dat", "imp.npy", "imp.safetensors"}) {
      succeed("quantize in.safetensors --report r.json --importance " + file + " -o q." + scheme);
      succeed("dequantize q." + scheme.substr(0, scheme.find(' ')) + " -o back.npy");
      const io::npy_file back(path("back.npy"));
      const auto* values = reinterpret_cast<const float*>(back.array().data.data());
      ASSERT_EQ(back.array().element_count(), expected.size());
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), values)) << file << " " << scheme;
      EXPECT_NE(report("r.json")[0]["notes"].dump().find("no importance for 1 of 3 experts (1)"),
                std::string::npos);
    }
  }
}

// Catches a tensor without importance that stops the run or passes in silence, and faults of the importance
// that are found after work was done: the tensor before it has a NaN that would be found first then.
TEST_F(importance, importance_is_known_before_any_work) {
  row_major bad = random_rows(4, 256, 1);
  bad(1, 2) = std::numeric_limits<float>::quiet_NaN();
  write_safetensors("in.safetensors", {{"first", bad, {4, 256}}, {"second", bad, {4, 256}}});
  const auto write_importance = [&](const row_major& second) {
    write_safetensors(
        "imp.safetensors",
        {{"second",
          second,
          {static_cast<std::uint64_t>(second.rows()), static_cast<std::uint64_t>(second.cols())}}});
  };
  const std::string command = "quantize in.safetensors --importance imp.safetensors -o x.";
  for (const std::string scheme : {"gguf --scheme q4_k", "gguf --scheme f16",
                                   "safetensors --scheme affine:range=mse", "safetensors --scheme affine"}) {
    write_importance(row_major::Ones(1, 255));
    expect_refused(command + scheme, {"in.safetensors", "tensor second", "imp.safetensors",
                                      "expected 256 weights", "found 255"});
    write_importance(row_major::Constant(1, 256, -1));
    expect_refused(command + scheme, {"tensor second", "imp.safetensors", "from 0 up"});
    write_importance(row_major::Ones(2, 256));
    expect_refused(command + scheme, {"tensor second", "imp.safetensors", "256", "found 512"});
  }
  write_safetensors("in.safetensors", {{"first", random_rows(4, 256, 1), {4, 256}},
                                       {"second", random_rows(4, 256, 2), {4, 256}}});
  write_importance(row_major::Zero(1, 256));
  succeed("quantize in.safetensors --importance imp.safetensors -o a.gguf --scheme q4_k --report r.json");
  EXPECT_EQ(report("r.json")[0]["notes"][0], "no importance in imp.safetensors: quantized without");
  EXPECT_EQ(report("r.json")[1]["notes"][0], "importance 0 in every column: quantized without");
  row_major half = row_major::Zero(1, 256);
  half.leftCols(64).setOnes();
  write_importance(half);
  succeed("quantize in.safetensors --importance imp.safetensors -o c.gguf --scheme q4_0 --report r.json");
  EXPECT_EQ(report("r.json")[1]["notes"][0],
            "importance 0 in 6 of 8 blocks of columns: the plain error decides there");
  succeed("quantize in.safetensors -o b.gguf --scheme q4_k");
  EXPECT_EQ(test::text_of_file(path("a.gguf")), test::text_of_file(path("b.gguf")));
}

}  // namespace
