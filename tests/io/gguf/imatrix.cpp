#include <bitgauge/io/gguf/imatrix.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/hand_built_gguf.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;
using test::gguf_info;
using test::little_endian;

std::string floats(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) bytes += little_endian(value);
  return bytes;
}

std::string entry(const std::string& name, std::int32_t calls, const std::vector<float>& values) {
  return little_endian(static_cast<std::int32_t>(name.size())) + name + little_endian(calls) +
         little_endian(static_cast<std::int32_t>(values.size())) + floats(values);
}

std::string legacy(std::int32_t count, const std::string& entries) {
  return little_endian(count) + entries;
}

/// A GGUF with these tensors, whose data is `blocks`, each padded.
std::string gguf(const std::vector<std::string>& tensors, const std::vector<std::string>& blocks,
                 const std::vector<std::string>& keys = {}) {
  std::string bytes = test::padded_to(test::gguf_header(tensors, keys), 32);
  for (const std::string& block : blocks) bytes += test::padded_to(block, 32);
  return bytes;
}

io::imatrix_file parse_imatrix(const std::string& bytes) {
  return {test::bytes_of(bytes), "imatrix"};
}
std::string imatrix_failure(const std::string& bytes) {
  return test::parse_failure([&] { parse_imatrix(bytes); });
}

// Catches sums that are not divided by their matrix's count, experts that are mixed up, and an expert without
// tokens.
TEST(imatrix_file, reads_the_gguf_form) {
  const std::string name = "imatrix.datasets";
  const std::string datasets = test::gguf_key(
      name, 9, little_endian<std::uint32_t>(8) + little_endian(1ull) + test::gguf_string("text.txt"));
  const io::imatrix_file file = parse_imatrix(
      gguf({gguf_info("w.in_sum2", {2, 3}, 0, 0), gguf_info("w.counts", {1, 3}, 0, 32),
            gguf_info("other", {1}, 0, 64), gguf_info("v.counts", {1}, 0, 96),
            gguf_info("v.in_sum2", {2}, 0, 128)},
           {floats({2, 4, 3, 0, 5, 6}), floats({2, 3, 0}), floats({-1}), floats({4}), floats({1, 2})},
           {datasets}));
  ASSERT_EQ(file.entries().size(), 2u);
  const io::importance_entry& w = file.at("w");
  EXPECT_EQ(w.matrices, 3);
  EXPECT_EQ(w.columns(), 2);
  EXPECT_EQ(w.weights, (std::vector<float>{1, 2, 1, 0, 1, 1}));
  EXPECT_EQ(w.of_matrix(1)[0], 1.0f);
  EXPECT_EQ(file.at("v").weights, (std::vector<float>{0.25f, 0.5f}));
  EXPECT_EQ(file.datasets(), std::vector<std::string>{"text.txt"});
  EXPECT_EQ(file.find("other"), nullptr);
}

// Catches an expert without tokens whose weights of 1 are taken for a measurement, an expert that is given
// another's weights, and a division by a count of 0.
TEST(imatrix_file, gives_each_expert_its_own_weights) {
  const io::imatrix_file file = parse_imatrix(
      gguf({gguf_info("w.in_sum2", {2, 4}, 0, 0), gguf_info("w.counts", {1, 4}, 0, 32),
            gguf_info("one.in_sum2", {2}, 0, 64), gguf_info("one.counts", {1}, 0, 96)},
           {floats({2, 4, 0, 0, 9, 6, 0, 0}), floats({2, 0, 3, 5}), floats({1, 2}), floats({0})}));
  const io::importance_entry& w = file.at("w");
  const auto of = [&](bitgauge::index_t matrix) {
    const auto found = w.of_matrix(matrix);
    return std::vector<float>(found.begin(), found.end());
  };
  EXPECT_EQ(w.untouched, std::vector<bitgauge::index_t>{1});
  EXPECT_EQ(w.matrices_of(2), 4);
  EXPECT_EQ(of(0), (std::vector<float>{1, 2}));
  EXPECT_TRUE(of(1).empty());
  EXPECT_EQ(of(2), (std::vector<float>{3, 2}));
  EXPECT_TRUE(of(3).empty()) << "all of its inputs were 0";
  EXPECT_TRUE(file.at("one").of_matrix(0).empty());
  EXPECT_EQ(file.at("one").weights, (std::vector<float>{1, 1}));
}

// Catches experts of the old form, which does not count them, taken for one matrix of many columns, and
// weights that are cut to fit columns that they are not for.
TEST(imatrix_file, divides_the_old_form_by_the_columns_of_the_tensor) {
  const io::imatrix_file file = parse_imatrix(legacy(1, entry("w", 2, {2, 4, 0, 0, 6, 8})));
  const io::importance_entry& w = file.at("w");
  EXPECT_EQ(w.matrices_of(2), 3);
  EXPECT_EQ(w.matrices_of(6), 1);
  EXPECT_EQ(w.of_matrix(2, 2)[0], 3.0f);
  EXPECT_EQ(w.of_matrix(0, 6)[5], 4.0f);
  EXPECT_TRUE(w.of_matrix(1, 2).empty());
  EXPECT_EQ(test::failure_of<bitgauge::shape_error>([&] { w.matrices_of(4); }),
            "importance of w: expected weights for matrices of 4 columns, found 6");
  const io::imatrix_file counted =
      parse_imatrix(gguf({gguf_info("w.in_sum2", {4, 2}, 0, 0), gguf_info("w.counts", {2}, 0, 32)},
                         {floats({1, 1, 1, 1, 1, 1, 1, 1}), floats({1, 1})}));
  EXPECT_EQ(test::failure_of<bitgauge::shape_error>([&] { counted.at("w").matrices_of(2); }),
            "importance of w: expected weights for matrices of 2 columns, found 8 for 2 matrices");
}

// Catches the old form's fields in another order, calls of 0, and the ending that only newer files have.
TEST(imatrix_file, reads_the_old_form) {
  const std::string bytes = legacy(2, entry("a", 2, {2, 4, 5}) + entry("b", 0, {3}));
  const std::string ending = little_endian(7) + little_endian(4) + "text";
  for (const std::string& whole : {bytes, bytes + little_endian(7), bytes + ending}) {
    const io::imatrix_file file = parse_imatrix(whole);
    EXPECT_EQ(file.at("a").weights, (std::vector<float>{1, 2, 2.5f}));
    EXPECT_EQ(file.at("a").columns(), 3);
    EXPECT_EQ(file.at("b").weights, std::vector<float>{3});
  }
  EXPECT_EQ(parse_imatrix(bytes + ending).datasets(), std::vector<std::string>{"text"});
}

// Catches weights that an encoder cannot use, and sums without counts.
TEST(imatrix_file, refuses_a_bad_gguf) {
  const std::string nan = floats({1, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_EQ(imatrix_failure(gguf({gguf_info("w.in_sum2", {2}, 0, 0)}, {floats({1, 2})})),
            "imatrix: byte 96: tensor w.in_sum2: expected a tensor w.counts beside it");
  EXPECT_EQ(imatrix_failure(gguf({gguf_info("w.counts", {1}, 0, 0)}, {floats({1})})),
            "imatrix: byte 64: tensor w.counts: expected a tensor w.in_sum2 beside it");
  const auto pair = [](std::int64_t sums, std::int64_t counts, std::uint32_t type) {
    return std::vector<std::string>{gguf_info("w.in_sum2", {sums}, type, 0),
                                    gguf_info("w.counts", {counts}, 0, 32)};
  };
  EXPECT_EQ(imatrix_failure(gguf(pair(2, 1, 0), {nan, floats({1})})),
            "imatrix: byte 128: tensor w.in_sum2: expected finite numbers, none negative");
  EXPECT_EQ(imatrix_failure(gguf(pair(2, 1, 0), {floats({1, -1}), floats({1})})),
            "imatrix: byte 128: tensor w.in_sum2: expected finite numbers, none negative");
  EXPECT_EQ(imatrix_failure(gguf(pair(3, 2, 0), {floats({1, 1, 1}), floats({1, 1})})),
            "imatrix: byte 128: tensor w.in_sum2: 3 sums cannot belong to 2 counts");
  EXPECT_EQ(imatrix_failure(gguf(pair(2, 1, 26), {floats({1, 1}), floats({1})})),
            "imatrix: byte 128: tensor w.in_sum2: expected type f32, found i32");
  EXPECT_EQ(imatrix_failure(gguf({}, {})), "imatrix: byte 0: tensors: expected one ending in .in_sum2");
}

// Catches counts and lengths that are believed before they are compared with the file.
TEST(imatrix_file, refuses_a_bad_old_file) {
  EXPECT_EQ(imatrix_failure("abc"), "imatrix: byte 0: entry count: needs 4 bytes, 3 are left in the file");
  EXPECT_EQ(imatrix_failure(legacy(0, "")), "imatrix: byte 0: entry count: expected at least 1, found 0");
  EXPECT_EQ(imatrix_failure(legacy(2, std::string(31, '\0'))),
            "imatrix: byte 0: entry count: 2 items of at least 16 bytes each do not fit the 31 bytes that "
            "are left");
  EXPECT_EQ(imatrix_failure(legacy(1, little_endian(-1) + std::string(12, '\0'))),
            "imatrix: byte 8: entry 0: name: needs 4294967295 bytes, 12 are left in the file");
  EXPECT_EQ(imatrix_failure(legacy(1, entry("a", 1, {}) + "padding")),
            "imatrix: byte 13: entry 0 (a): value count: expected at least 1, found 0");
  EXPECT_EQ(imatrix_failure(legacy(1, entry("a", 1, {1, 2}).substr(0, 20))),
            "imatrix: byte 17: entry 0 (a): values: needs 8 bytes, 7 are left in the file");
  EXPECT_EQ(imatrix_failure(legacy(1, entry("a", 1, {-1}))),
            "imatrix: byte 17: entry 0 (a): values: expected finite numbers, none negative");
  EXPECT_EQ(imatrix_failure(legacy(2, entry("a", 1, {1}) + entry("a", 1, {1}))),
            "imatrix: byte 21: entry 1 (a): the name appears twice");
  EXPECT_EQ(imatrix_failure(legacy(1, entry("a", 1, {1})) + little_endian(1) + little_endian(9) + "text"),
            "imatrix: byte 29: dataset: needs 9 bytes, 4 are left in the file");
}

}  // namespace
