// What becomes of tensors of three and more dimensions, of large ones, and of those that are not simply
// quantized.

#include "tensor_files.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <limits>
#include <string>

namespace {

namespace io = bitgauge::io;
using nlohmann::json;
using test::named_matrix;
using test::random_rows;
using test::row_major;
using tensors = test::tensor_files;

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

// Catches pieces of rows that are put together wrongly (codes, scales, zero points that end within a byte),
// and an error that counts rows from a piece's first. Calibration data, here one sample, need the whole
// tensor.
TEST_F(tensors, large_ones_are_the_same_in_pieces) {
  constexpr Eigen::Index rows = 17501, cols = 60;
  row_major w = random_rows(rows, cols, 1);
  write_safetensors("x.safetensors",
                    {{"w", random_rows(1, cols, 3), {1, cols}}, {"v", random_rows(1, 64, 3), {1, 64}}});
  for (const std::string scheme : {"safetensors --scheme affine:bits=3,group=20,scale=f16",
                                   "safetensors --scheme nf4", "gguf --scheme q8_0:effort=fast"}) {
    const std::string ending = scheme.substr(0, scheme.find(' '));
    const named_matrix blocks{"v", random_rows(17500, 64, 2), {7, 2500, 64}}, codes{"w", w, {rows, cols}};
    write_safetensors("in.safetensors", {ending == "gguf" ? blocks : codes});
    succeed("quantize in.safetensors --report a.json -o a." + scheme);
    succeed("quantize in.safetensors --report b.json --calibration x.safetensors -o b." + scheme);
    EXPECT_TRUE(test::text_of_file(path("a." + ending)) == test::text_of_file(path("b." + ending))) << scheme;
    const json a = report("a.json")[0], b = report("b.json")[0];
    for (const char* key : {"rows", "cols", "bits_per_weight", "sqnr_db", "max_abs_error"})
      EXPECT_NEAR(a[key], b[key].get<double>(), 1e-9) << key;
  }
  w(17490, 7) = std::numeric_limits<float>::quiet_NaN();
  write_safetensors("in.safetensors", {{"w", w, {rows, cols}}});
  expect_refused("quantize in.safetensors -o x.safetensors --scheme symmetric",
                 {"tensor w", "row 17490, column 7", "NaN"});
  succeed("quantize in.safetensors -o q.safetensors --scheme symmetric --nonfinite saturate --report r.json");
  EXPECT_NE(report("r.json")[0]["notes"].dump().find("1 NaN and 0 infinite in the original"),
            std::string::npos);
}

}  // namespace
