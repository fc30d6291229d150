// The program from the outside: what others rely on are its commands, reports, exit codes and messages.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io.hpp>
#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "program_test.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace bg = bitgauge;
using nlohmann::json;

const std::string weights = "'" BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors'";

using program = test::program_test;

double relative(double a, double b) {
  return std::fabs(a - b) / std::max(std::fabs(a), std::fabs(b));
}

// Catches a report that measures something else than what the files hold: a loss in writing, a wrong order of
// groups.
TEST_F(program, report_agrees_with_compare_before_and_after_dequantizing) {
  ASSERT_EQ(run("quantize " + weights + " -o q.safetensors --scheme affine:bits=4,group=128 --report r.json")
                .exit_code,
            0);
  ASSERT_EQ(run("dequantize q.safetensors -o d.safetensors").exit_code, 0);
  const json said = report("r.json");
  const json quantized = json::parse(run("compare " + weights + " q.safetensors --json").out);
  const json restored = json::parse(run("compare " + weights + " d.safetensors --json").out);
  ASSERT_EQ(said.size(), 15u);
  ASSERT_EQ(quantized.size(), said.size());
  for (std::size_t i = 0; i < said.size(); ++i) {
    EXPECT_EQ(said[i]["name"], quantized[i]["name"]);
    for (const char* key : {"mse", "sqnr_db", "cosine", "max_abs_error"}) {
      EXPECT_LT(relative(said[i][key], quantized[i][key]), 1e-6) << key;
      EXPECT_LT(relative(said[i][key], restored[i][key]), 1e-6) << key;
    }
    EXPECT_LT(relative(said[i]["bits_per_weight"], quantized[i]["bits_per_weight"]), 1e-9);
    EXPECT_EQ(said[i]["scheme"], "affine:bits=4,group=128");
  }
}

// Catches a row of the report computed from other data than the library's: the oracle is the library called
// directly, and the definitions of mse and SQNR written out in double.
TEST_F(program, report_holds_the_definitions) {
  ASSERT_EQ(run("quantize " + weights +
                " -o q.safetensors --scheme symmetric:bits=5,group=row --report r.json --include weight_ih")
                .exit_code,
            0);
  const json rows = report("r.json");
  const auto row = std::find_if(rows.begin(), rows.end(), [](const json& r) {
    return r["name"] == "silero_vad.decoder.rnn.weight_ih";
  });
  ASSERT_NE(row, rows.end());
  const bg::io::tensor_file file(BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors");
  const Eigen::MatrixXd w = file.matrix(*file.find("silero_vad.decoder.rnn.weight_ih")).cast<double>();
  const Eigen::MatrixXd q = bg::quantize(w, bg::symmetric<5>{}).dequantize().cast<double>();
  EXPECT_LT(relative((*row)["mse"], (w - q).squaredNorm() / static_cast<double>(w.size())), 1e-9);
  EXPECT_LT(relative((*row)["sqnr_db"], 10 * std::log10(w.squaredNorm() / (w - q).squaredNorm())), 1e-9);
  EXPECT_DOUBLE_EQ((*row)["bits_per_weight"], 5 + 32.0 / 128);
  EXPECT_LT(relative((*row)["gap_db"], 6.0205999 * 5.25 - (*row)["sqnr_db"].get<double>()), 1e-6);
}

// Catches work that depends on how it is spread over threads.
TEST_F(program, threads_do_not_change_the_file) {
  for (const char* threads : {"1", "2"})
    ASSERT_EQ(run("quantize " + weights + " -o q" + threads +
                  ".safetensors --scheme affine:bits=3,group=100,scale=f16 --threads " + threads)
                  .exit_code,
              0);
  EXPECT_EQ(test::text_of_file(path("q1.safetensors")), test::text_of_file(path("q2.safetensors")));
}

// Catches tensors lost, changed or quantized against the user's word.
TEST_F(program, copies_what_does_not_fit_and_says_why) {
  bg::io::safetensors_writer writer(path("in.safetensors"));
  writer.set_metadata("author", "someone");
  writer.declare("matrix", bg::io::dtype::f32, {2, 8});
  writer.declare("bias", bg::io::dtype::f32, {3});
  writer.declare("ids", bg::io::dtype::i64, {2, 2});
  writer.declare("kept.matrix", bg::io::dtype::f16, {2, 2});
  writer.declare("kernel", bg::io::dtype::bf16, {2, 3, 2, 2});
  const Eigen::MatrixXf m = Eigen::MatrixXf::Random(2, 8);
  writer.write("matrix", m);
  writer.write("bias", Eigen::VectorXf{{1, 2, 3}});
  writer.write("ids", Eigen::Matrix<std::int64_t, 2, 2>{{1, 2}, {3, 4}});
  writer.write("kept.matrix",
               Eigen::Matrix<Eigen::half, 2, 2>(Eigen::Matrix2f::Random().cast<Eigen::half>()));
  writer.write("kernel", Eigen::Matrix<Eigen::bfloat16, 2, 12>(
                             Eigen::Matrix<float, 2, 12>::Random().cast<Eigen::bfloat16>()));
  writer.commit();
  ASSERT_EQ(
      run("quantize in.safetensors -o q.safetensors --scheme symmetric --exclude '^kept' --report r.json")
          .exit_code,
      0);
  const json rows = report("r.json");
  const auto notes = [&](std::size_t i) { return rows[i]["notes"].dump(); };
  EXPECT_EQ(notes(0), "[]");
  EXPECT_EQ(notes(1), R"(["copied: 1-D"])");
  EXPECT_EQ(notes(2), R"(["copied: I64 elements"])");
  EXPECT_EQ(notes(3), R"(["copied: matched by --exclude"])");
  EXPECT_EQ(notes(4), R"(["4-D, as 2 x 12"])");

  const bg::io::tensor_file in(path("in.safetensors")), out(path("q.safetensors"));
  for (const char* name : {"bias", "ids", "kept.matrix"}) {
    const auto* a = in.find(name)->plain;
    const auto* b = out.find(name)->plain;
    ASSERT_NE(b, nullptr) << name;
    EXPECT_TRUE(std::equal(a->data.begin(), a->data.end(), b->data.begin(), b->data.end())) << name;
  }
  ASSERT_EQ(out.texts().size(), 1u);
  EXPECT_EQ(out.texts()[0].value, "someone");
  ASSERT_EQ(run("dequantize q.safetensors -o d.safetensors").exit_code, 0);
  const bg::io::tensor_file restored(path("d.safetensors"));
  EXPECT_EQ(restored.find("kernel")->shape, (std::vector<std::uint64_t>{2, 3, 2, 2}));
  EXPECT_EQ(restored.matrix(*restored.find("matrix")),
            bg::quantize(m, bg::symmetric<8>{}).dequantize<bg::io::tensor_file::float_matrix>());
  // quantizing again copies what is quantized
  ASSERT_EQ(run("quantize q.safetensors -o again.safetensors --scheme affine:bits=2 --include "
                "'^matrix|kernel' --report r2.json")
                .exit_code,
            0);
  EXPECT_EQ(run("compare q.safetensors again.safetensors").exit_code, 0);
  EXPECT_NE(test::text_of_file(path("r2.json")).find("already quantized"), std::string::npos);
}

// Catches a container that only works as the other does.
TEST_F(program, takes_npy_in_both_orders_and_gives_npy_back) {
  const Eigen::MatrixXf m = Eigen::MatrixXf::Random(5, 33);
  bg::io::write_npy(path("w.npy"), m);
  ASSERT_EQ(run("quantize w.npy -o q.safetensors --scheme affine:bits=6,group=tensor").exit_code, 0);
  ASSERT_EQ(run("dequantize q.safetensors -o back.npy").exit_code, 0);
  const bg::io::tensor_file back(path("back.npy"));
  EXPECT_EQ(
      back.matrix(back.tensors().front()),
      bg::quantize(m, bg::affine<6>{}, bg::per_tensor{}).dequantize<bg::io::tensor_file::float_matrix>());
  EXPECT_EQ(run("compare w.npy back.npy").exit_code, 0);
}

TEST_F(program, writes_reports_for_people_and_spreadsheets) {
  for (const char* ending : {"csv", "md"})
    ASSERT_EQ(run("quantize " + weights + " -o q.safetensors --scheme affine --report r." + ending).exit_code,
              0);
  const std::string csv = test::text_of_file(path("r.csv")), markdown = test::text_of_file(path("r.md"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 16);  // a heading and 15 tensors
  EXPECT_EQ(csv.find("name,rows,cols,scheme,bits_per_weight,mse,sqnr_db,cosine,max_abs_error,gap_db"), 0u);
  EXPECT_EQ(markdown.find("| tensor | shape | scheme |"), 0u);
}

// A ggml file is made, keeps its metadata, and comes back as the blocks decode.
TEST_F(program, quantizes_into_gguf_and_back) {
  ASSERT_EQ(run("quantize " + weights +
                " -o q.gguf --scheme q4_0 --include 'conv2d_117|rnn' --exclude linear --report r.json")
                .exit_code,
            0);
  const bg::io::tensor_file file(path("q.gguf"));
  EXPECT_EQ(file.find("silero_vad.decoder.rnn.weight_ih")->format, "q4_0");
  EXPECT_EQ(std::get<std::uint32_t>(*file.gguf()->find_metadata("general.file_type")), 2u);
  ASSERT_EQ(run("dequantize q.gguf -o d.safetensors").exit_code, 0);
  const json a = report("r.json"), b = json::parse(run("compare " + weights + " d.safetensors --json").out);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i]["mse"].get<double>(), b[i]["mse"].get<double>(), 1e-9 * a[i]["mse"].get<double>());
  // rows of 120: said before anything is written, or the fallback that was asked for
  expect_refused("quantize " + weights + " -o x.gguf --scheme q4_k",
                 {"conv2d_117", "480 columns", "q4_K", "256"});
  ASSERT_EQ(run("quantize " + weights + " -o f.gguf --scheme q4_k --fallback f16 --report f.json").exit_code,
            0);
  EXPECT_EQ(report("f.json")[0]["scheme"], "f16");
  expect_refused("quantize " + weights + " -o x.gguf --scheme affine:bits=4", {"x.gguf", "affine"});
  expect_refused("quantize " + weights + " -o x.safetensors --scheme q4_0 --include rnn",
                 {"x.safetensors", ".gguf"});
}

// Catches rounding=gptq that a ggml type ignores: with inputs this correlated feedback must halve the error.
TEST_F(program, feeds_errors_back_into_ggml_blocks) {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Random(16, 256),
                        x = Eigen::MatrixXf::Random(600, 40) * Eigen::MatrixXf::Random(40, 256) +
                            0.1f * Eigen::MatrixXf::Random(600, 256);
  bg::io::write_npy(path("w.npy"), w);
  bg::io::write_npy(path("x.npy"), x);
  double error[2];
  for (const int feedback : {0, 1}) {
    ASSERT_EQ(run(std::string("quantize w.npy -o q.gguf --calibration x.npy --report r.json --scheme q4_k") +
                  (feedback ? ":rounding=gptq" : ""))
                  .exit_code,
              0);
    error[feedback] = report("r.json")[0]["output_error"];
  }
  EXPECT_LT(error[1], 0.5 * error[0]);
  EXPECT_NE(report("r.json")[0]["notes"].dump().find("gptq"), std::string::npos);
  expect_refused("quantize w.npy -o x.gguf --scheme q4_k:rounding=gptq",
                 {"tensor w", "calibration data", "--exclude"});
  bg::io::write_npy(path("narrow.npy"), Eigen::MatrixXf(x.leftCols(100)));
  bg::io::write_npy(path("empty.npy"), Eigen::MatrixXf(0, 256));
  const std::string searched =
      "quantize w.npy -o x.safetensors --scheme affine:bits=3,rounding=gptq,effort=best";
  expect_refused(searched + " --calibration narrow.npy", {"tensor w", "256 columns", "found 100"});
  expect_refused(searched + " --calibration empty.npy",
                 {"empty.npy", "activations of w", "at least 1 sample"});
  ASSERT_EQ(run(searched + " --calibration x.npy --report r.json").exit_code, 0);
  EXPECT_NE(report("r.json")[0]["notes"].dump().find("after search"), std::string::npos);
  // what falls back to floats needs no feedback
  bg::io::write_npy(path("v.npy"), Eigen::MatrixXf(w.leftCols(40)));
  EXPECT_EQ(run("quantize v.npy -o v.gguf --scheme q4_k:rounding=gptq --fallback f16").exit_code, 0);
  expect_refused("quantize w.npy -o x.gguf --scheme q4_k:group=32", {"q4_k:group=32", "effort"});
}

// Static scales are frozen from the calibration data and kept in the file; both modes are measured as the
// layer would run. The oracle is the library called directly.
TEST_F(program, quantizes_activations_through_calibration) {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Random(24, 64), x = 3 * Eigen::MatrixXf::Random(50, 64);
  bg::io::write_npy(path("w.npy"), w);
  bg::io::write_npy(path("x.npy"), x);
  const bg::quantized_matrix q = bg::quantize(w, bg::symmetric<8>{});
  bg::histogram_observer seen;
  seen.observe(x);
  for (const char* text : {"dynamic:affine", "static:symmetric:range=percentile,percentile=99"}) {
    ASSERT_EQ(run(std::string("quantize w.npy -o q.safetensors --scheme symmetric --calibration x.npy "
                              "--report r.json --activations ") +
                  text)
                  .exit_code,
              0);
    const auto how = bg::make_activation_quantizer(bg::parse_activation_scheme(text), seen);
    const double expected = bg::measure_output_error(w, q, x, how(x)).relative();
    const json row = report("r.json")[0];
    EXPECT_LT(relative(row["activation_output_error"], expected), 1e-6) << text;
    EXPECT_LT(row["output_error"], row["activation_output_error"]);
    const bg::io::tensor_file file(path("q.safetensors"));
    const auto& stored = file.find("w")->quantized->activations;
    ASSERT_TRUE(stored.has_value());
    EXPECT_EQ(to_text(stored->scheme), text);
    EXPECT_EQ(bg::make_activation_quantizer(stored->scheme, stored->frozen)(x).codes(), how(x).codes());
  }
  expect_refused("quantize w.npy -o x.safetensors --scheme symmetric --activations static",
                 {"--activations static", "--calibration"});
  expect_refused("quantize w.npy -o x.safetensors --scheme symmetric --activations often",
                 {"often", "dynamic[:SCHEME]"});
  expect_refused("quantize w.npy -o x.gguf --scheme q8_0 --activations dynamic",
                 {"--activations", "q8_0", ".safetensors"});
}

TEST_F(program, refuses_in_one_line_and_leaves_nothing) {
  expect_refused("quantize missing.npy -o x.safetensors --scheme affine", {"missing.npy", "No such file"});
  expect_refused("quantize " + weights + " -o x.safetensors --scheme affine:bits=9",
                 {"bits", "1 to 8", "\"9\""});
  expect_refused("quantize " + weights + " -o x.safetensors --scheme afine",
                 {"afine", "symmetric", "affine"});
  expect_refused("quantize " + weights + " -o x.safetensors --scheme affine:colour=red", {"colour", "group"});
  expect_refused("quantize " + weights + " -o x.txt --scheme affine", {"x.txt", ".safetensors"});
  expect_refused("quantize " + weights + " -o no/such/folder/x.safetensors --scheme affine",
                 {"no/such/folder", "No such file"});
  expect_refused("quantize " + weights + " -o x.safetensors --scheme affine --report r.txt",
                 {"r.txt", ".json"});
  expect_refused("quantize " + weights + " -o x.safetensors --scheme affine --include '('",
                 {"--include", "regular expression"});
  expect_refused("quantize", {"IN"});
  expect_refused("inspect " BITGAUGE_EXAMPLE_DATA "/NOTICE.md", {"NOTICE.md", ".safetensors"});
}

TEST_F(program, refuses_nan_by_file_tensor_and_place) {
  Eigen::MatrixXf m = Eigen::MatrixXf::Ones(4, 6);
  m(2, 5) = std::numeric_limits<float>::quiet_NaN();
  bg::io::write_npy(path("w.npy"), m);
  expect_refused("quantize w.npy -o x.safetensors --scheme affine",
                 {"w.npy", "tensor w", "row 2, column 5", "NaN"});
  EXPECT_EQ(run("quantize w.npy -o x.safetensors --scheme affine --nonfinite saturate").exit_code, 0);
}

// Every truncation of the header, some of the data, and some flipped bytes: refused or read, never a crash
// and never a file left behind.
TEST_F(program, refuses_damaged_files) {
  const std::string good = test::text_of_file(BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors");
  const auto write = [&](const std::string& bytes) {
    std::ofstream(path("bad.safetensors"), std::ios::binary) << bytes;
  };
  for (const std::size_t size : {0ul, 4ul, 8ul, 100ul, 1000ul, good.size() - 1}) {
    write(good.substr(0, size));
    expect_refused("quantize bad.safetensors -o x.safetensors --scheme affine", {"bad.safetensors", "byte"});
  }
  for (const std::size_t at : {0ul, 5ul, 7ul, 8ul, 60ul, 200ul}) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    write(bytes);
    const int code = run("inspect bad.safetensors").exit_code;
    EXPECT_TRUE(code == 0 || code == 2) << at << ": " << code;
  }
}

// A limit on the size of files stands for a full disk: write() fails.
TEST_F(program, leaves_nothing_on_a_full_disk) {
  expect_refused("quantize " + weights + " -o x.safetensors --scheme affine", {"x.safetensors", "write"},
                 "trap '' XFSZ; ulimit -f 8;");
}

}  // namespace
