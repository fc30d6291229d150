// What becomes of tensors of three and more dimensions, of experts and their importance, and of tensors that
// are not simply quantized.

#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/io/gguf_writer.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/safetensors_writer.hpp>

#include "program_test.hpp"

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;
using nlohmann::json;
using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using shape = std::vector<std::uint64_t>;

struct named_matrix {
  std::string name;
  row_major values;
  shape extents;  ///< outermost first
};

row_major random_rows(Eigen::Index rows, Eigen::Index cols, unsigned seed) {
  std::srand(seed);
  return row_major::Random(rows, cols);
}

class tensors : public test::program_test {
 protected:
  void write_safetensors(const std::string& name, const std::vector<named_matrix>& all) const {
    io::safetensors_writer writer(path(name));
    for (const named_matrix& t : all) writer.declare(t.name, io::dtype::f32, t.extents);
    for (const named_matrix& t : all) writer.write(t.name, t.values);
    writer.commit();
  }
  void write_gguf(const std::string& name, const std::vector<named_matrix>& all) const {
    io::gguf_writer writer(path(name));
    for (const named_matrix& t : all)
      writer.declare(t.name, bitgauge::gguf::tensor_type::f32, {t.extents.rbegin(), t.extents.rend()});
    for (const named_matrix& t : all) writer.write(t.name, t.values);
    writer.commit();
  }
  json inspect(const std::string& name) const { return json::parse(run("inspect --json " + name).out); }
  json compare(const std::string& a, const std::string& b) const {
    const test::run_result result = run("compare --json " + a + " " + b);
    EXPECT_EQ(result.exit_code, 0) << a << " " << b << "\n" << result.err;
    return result.exit_code == 0 ? json::parse(result.out) : json::array();
  }
};

// Catches rows counted two ways: a file that cannot be read back, shapes that are lost or differ between
// containers. Every container into every other, for experts, a kernel and a plain matrix.
TEST_F(tensors, survive_every_pair_of_containers) {
  const named_matrix cases[] = {{"w", random_rows(12, 64, 1), {3, 4, 64}},
                                {"w", random_rows(8, 36, 2), {8, 4, 3, 3}},
                                {"w", random_rows(24, 64, 3), {2, 3, 4, 64}},
                                {"w", random_rows(5, 48, 4), {5, 48}}};
  for (const named_matrix& t : cases) {
    write_safetensors("in.safetensors", {t});
    write_gguf("in.gguf", {t});
    io::write_npy(path("w.npy"), t.values, t.extents);
    for (const std::string from : {"in.safetensors", "in.gguf", "w.npy"}) {
      for (const std::string to :
           {"q.safetensors --scheme affine:bits=5,group=16 ", "q.gguf --scheme q8_0 --fallback f16 "}) {
        const std::string quantized = to.substr(0, to.find(' '));
        succeed("quantize " + from + " --report r.json -o " + to);
        const json said = report("r.json")[0];
        EXPECT_EQ(said["rows"], t.values.rows());
        EXPECT_EQ(said["cols"], t.values.cols());
        for (const std::string back : {"b.safetensors", "b.gguf", "b.npy"}) {
          succeed("dequantize " + quantized + " -o " + back);
          EXPECT_EQ(inspect(back)["tensors"][0]["shape"], json(t.extents)) << from << to << back;
          for (const std::string original : {"in.safetensors", "in.gguf", "w.npy"}) {
            const json found = compare(original, back);
            ASSERT_EQ(found.size(), 1u);
            EXPECT_NEAR(found[0]["mse"], said["mse"].get<double>(), 1e-9 * said["mse"].get<double>());
          }
        }
      }
    }
  }
}

// Catches --rows that is not heeded, not remembered, or not refused where it says nothing.
TEST_F(tensors, rows_are_what_the_user_says) {
  write_safetensors("in.safetensors", {{"a", random_rows(12, 64, 1), {3, 4, 64}},
                                       {"b", random_rows(8, 36, 2), {8, 4, 3, 3}},
                                       {"c", random_rows(12, 64, 3), {3, 4, 64}}});
  succeed(
      "quantize in.safetensors -o q.safetensors --scheme affine:bits=4 --report r.json --rows a=first "
      "--rows b=last --rows '[ab]=first'");
  const json listed = inspect("q.safetensors")["tensors"], said = report("r.json");
  const int rows[] = {3, 96, 12}, cols[] = {256, 3, 64};
  for (std::size_t i = 0; i < 3; ++i) {
    for (const json& row : {listed[i], said[i]}) {
      EXPECT_EQ(row["rows"], rows[i]);
      EXPECT_EQ(row["cols"], cols[i]);
    }
  }
  EXPECT_EQ(said[0]["notes"][0], "3-D, as 3 x 256 by --rows first");
  EXPECT_EQ(said[2]["notes"][0], "3-D, as 12 x 64");
  succeed("dequantize q.safetensors -o d.safetensors");
  const json a = compare("in.safetensors", "q.safetensors"), b = compare("in.safetensors", "d.safetensors");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(a[i]["mse"], b[i]["mse"].get<double>(), 1e-9);
  // blocks run along the innermost dimension, whatever the rows are
  succeed("quantize in.safetensors -o q.gguf --scheme q8_0 --fallback f16 --rows a=first --report r.json");
  EXPECT_EQ(report("r.json")[0]["cols"], 256);
  EXPECT_EQ(report("r.json")[1]["scheme"], "f16");
  EXPECT_LT(compare("in.safetensors", "q.gguf")[0]["mse"], 1e-4);
  expect_refused("quantize in.safetensors -o x.gguf --scheme q4_k --rows a=first --include a",
                 {"tensor a", "64 columns", "blocks of 256"});
  const std::string command = "quantize in.safetensors -o x.safetensors --scheme affine --rows ";
  expect_refused(command + "a", {"--rows", "REGEX=first", "\"a\""});
  expect_refused(command + "a=middle", {"--rows", "REGEX=first", "a=middle"});
  expect_refused(command + "zz=first", {"--rows", "zz", "found 3 others: a, b, c"});
}

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
TEST_F(tensors, experts_have_importance_of_their_own) {
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
TEST_F(tensors, importance_is_known_before_any_work) {
  row_major bad = random_rows(4, 256, 1);
  bad(1, 2) = std::numeric_limits<float>::quiet_NaN();
  write_safetensors("in.safetensors", {{"first", bad, {4, 256}}, {"second", bad, {4, 256}}});
  const auto importance = [&](const row_major& second) {
    write_safetensors(
        "imp.safetensors",
        {{"second",
          second,
          {static_cast<std::uint64_t>(second.rows()), static_cast<std::uint64_t>(second.cols())}}});
  };
  const std::string command = "quantize in.safetensors --importance imp.safetensors -o x.";
  for (const std::string scheme : {"gguf --scheme q4_k", "gguf --scheme f16",
                                   "safetensors --scheme affine:range=mse", "safetensors --scheme affine"}) {
    importance(row_major::Ones(1, 255));
    expect_refused(command + scheme, {"in.safetensors", "tensor second", "imp.safetensors",
                                      "expected 256 weights", "found 255"});
    importance(row_major::Constant(1, 256, -1));
    expect_refused(command + scheme, {"tensor second", "imp.safetensors", "from 0 up"});
    importance(row_major::Ones(2, 256));
    expect_refused(command + scheme, {"tensor second", "imp.safetensors", "256", "found 512"});
  }
  write_safetensors("in.safetensors", {{"first", random_rows(4, 256, 1), {4, 256}},
                                       {"second", random_rows(4, 256, 2), {4, 256}}});
  importance(row_major::Zero(1, 256));
  succeed("quantize in.safetensors --importance imp.safetensors -o a.gguf --scheme q4_k --report r.json");
  EXPECT_EQ(report("r.json")[0]["notes"][0], "no importance in imp.safetensors: quantized without");
  EXPECT_EQ(report("r.json")[1]["notes"][0], "importance 0 in every column: quantized without");
  succeed("quantize in.safetensors -o b.gguf --scheme q4_k");
  EXPECT_EQ(test::text_of_file(path("a.gguf")), test::text_of_file(path("b.gguf")));
}

// Catches a chain of fallbacks that takes another than the first that fits, or ignores the innermost
// dimension.
TEST_F(tensors, fall_back_to_the_first_type_that_fits) {
  write_safetensors("in.safetensors", {{"a", random_rows(4, 256, 1), {4, 256}},
                                       {"b", random_rows(4, 64, 2), {2, 2, 64}},
                                       {"c", random_rows(4, 48, 3), {2, 2, 48}},
                                       {"d", random_rows(4, 288, 4), {4, 32, 3, 3}}});
  succeed("quantize in.safetensors -o q.gguf --scheme q4_k --fallback q4_0,q8_0,f16 --report r.json");
  const json rows = report("r.json");
  const char* const expected[] = {"q4_K", "q4_0", "f16", "f16"};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(rows[i]["scheme"], expected[i]);
  expect_refused("quantize in.safetensors -o x.gguf --scheme q4_k --fallback q4_0,q8_0",
                 {"tensor c", "48 columns", "nor of the blocks of --fallback q4_0,q8_0"});
  expect_refused("quantize in.safetensors -o x.gguf --scheme q4_k --fallback q4_0,,f16",
                 {"--fallback", "\"\""});
  expect_refused("quantize in.safetensors -o x.gguf --scheme q4_k --fallback q4_0,i8",
                 {"--fallback", "\"i8\""});
}

// Catches dropped tensors that are written, and requantizing without being asked or against other values
// than the file's.
TEST_F(tensors, are_dropped_and_requantized_on_request) {
  const named_matrix a{"keep.a", random_rows(4, 64, 1), {4, 64}}, b{"lose.b", random_rows(4, 64, 2), {4, 64}};
  write_safetensors("in.safetensors", {a, b});
  succeed("quantize in.safetensors -o q.safetensors --scheme affine --drop ^lose");
  ASSERT_EQ(inspect("q.safetensors")["tensors"].size(), 1u);
  EXPECT_EQ(inspect("q.safetensors")["tensors"][0]["name"], "keep.a");
  expect_refused("quantize in.safetensors -o x.safetensors --scheme affine --drop zz",
                 {"--drop", "zz", "keep.a"});
  expect_refused("quantize in.safetensors -o x.safetensors --scheme affine --drop .",
                 {"--drop", "no tensor"});
  expect_refused("quantize in.safetensors -o x.safetensors --scheme affine --include zz",
                 {"--include", "zz", "keep.a, lose.b"});
  succeed("quantize q.safetensors -o again.safetensors --scheme affine:bits=2 --report r.json");
  EXPECT_EQ(report("r.json")[0]["notes"][0], "copied: already quantized");
  for (const std::string to : {"q2.safetensors --scheme affine:bits=2", "q2.gguf --scheme q4_0"}) {
    succeed("quantize q.safetensors --requantize --report r.json -o " + to);
    EXPECT_NE(report("r.json")[0]["notes"][0].get<std::string>().find("requantized from affine"),
              std::string::npos);
    const json found = compare("q.safetensors", to.substr(0, to.find(' ')));
    EXPECT_GT(found[0]["mse"], 0);
    EXPECT_NEAR(found[0]["mse"], report("r.json")[0]["mse"].get<double>(), 1e-9);
  }
}

// Catches an array in Fortran order whose bytes are copied as they lie, of whatever type and dimensions.
TEST_F(tensors, fortran_order_is_turned_when_copied) {
  const auto write = [&](const std::string& name, bool fortran, const std::string& data) {
    std::string header = std::string("{'descr': '|i1', 'fortran_order': ") + (fortran ? "True" : "False") +
                         ", 'shape': (2, 3, 4), }";
    header.append(64 - (10 + header.size() + 1) % 64, ' ');
    header += '\n';
    std::ofstream(path(name), std::ios::binary)
        << std::string("\x93NUMPY\x01\x00", 8) << static_cast<char>(header.size()) << '\0' << header << data;
  };
  std::string by_rows(24, '\0'), by_columns(24, '\0');
  for (std::size_t i = 0; i < 24; ++i) {
    by_rows[i] = static_cast<char>(i);
    by_columns[i / 12 + 2 * (i / 4 % 3 + 3 * (i % 4))] = static_cast<char>(i);
  }
  write("c.npy", false, by_rows);
  write("f.npy", true, by_columns);
  succeed("quantize f.npy -o q.safetensors --scheme affine");
  EXPECT_EQ(compare("c.npy", "q.safetensors")[0]["notes"][0], "identical bytes");
}

}  // namespace
