#include <bitgauge/io/gguf/model.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/hand_built_gguf.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

namespace io = bitgauge::io;
using test::little_endian;

/// A part as llama-gguf-split writes it (u16, u16, i32), with one tensor of two floats.
std::string part(std::uint16_t number, std::uint16_t count, std::int32_t tensors, const std::string& tensor,
                 std::vector<std::string> keys = {}) {
  keys.push_back(test::gguf_key("split.no", 2, little_endian(number)));
  keys.push_back(test::gguf_key("split.count", 2, little_endian(count)));
  keys.push_back(test::gguf_key("split.tensors.count", 5, little_endian(tensors)));
  const float value = number;
  return test::padded_to(test::gguf_header({test::gguf_info(tensor, {2}, 0, 0)}, keys), 32) +
         test::padded_to(little_endian(value) + little_endian(-value), 32);
}

class gguf_model : public testing::Test {
 protected:
  gguf_model() {
    write(1, part(0, 3, 3, "a", {test::gguf_key("general.name", 8, test::gguf_string("x"))}));
    write(2, part(1, 3, 3, "b"));
    write(3, part(2, 3, 3, "c"));
  }
  std::filesystem::path path(int number) const {
    return folder / ("m-0000" + std::to_string(number) + "-of-00003.gguf");
  }
  void write(int number, const std::string& bytes) const { test::write_file(path(number), bytes); }
  template <class Error>
  std::string failure(int number = 1) const {
    return test::failure_of<Error>([&] { io::gguf_model model(path(number)); });
  }

  test::temporary_directory folder;
};

// Catches parts that are left out, in another order, or read by the offsets of another part; and keys that
// would call the whole a part.
TEST_F(gguf_model, joins_parts_whichever_is_opened) {
  for (const int opened : {1, 2, 3}) {
    const io::gguf_model model(path(opened));
    const std::vector<io::gguf_tensor> tensors = model.tensors();
    ASSERT_EQ(tensors.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(tensors[i].name, std::string(1, static_cast<char>('a' + i)));
      EXPECT_EQ(io::from_little_endian<float>(tensors[i].data.data()), static_cast<float>(i));
    }
    ASSERT_EQ(model.metadata().size(), 1u);
    EXPECT_EQ(model.metadata()[0].name, "general.name");
  }
}

// Catches a file of one part whose keys are lost.
TEST_F(gguf_model, opens_one_file) {
  const auto one = folder / "one.gguf";
  test::write_file(one, part(0, 1, 1, "a"));
  EXPECT_EQ(io::gguf_model(one).metadata().size(), 3u);
  EXPECT_EQ(io::gguf_model(one).tensors().size(), 1u);
}

// Catches a model that is read with a part missing, or with the part of another model.
TEST_F(gguf_model, misses_nothing) {
  write(2, part(1, 4, 3, "b"));
  EXPECT_EQ(failure<bitgauge::parse_error>(),
            path(2).string() + ": byte 0: split.count: expected 3, found 4");
  write(2, part(2, 3, 3, "b"));
  EXPECT_EQ(failure<bitgauge::parse_error>(), path(2).string() + ": byte 0: split.no: expected 1, found 2");
  write(2, part(1, 3, 3, "a"));
  EXPECT_NE(failure<bitgauge::parse_error>().find(path(2).string() + ": byte "), std::string::npos);
  EXPECT_NE(failure<bitgauge::parse_error>().find("tensor a: appears in an earlier part as well"),
            std::string::npos);
  write(2, part(1, 3, 3, "b"));
  write(1, part(0, 3, 4, "a"));
  EXPECT_EQ(failure<bitgauge::parse_error>(),
            path(1).string() + ": byte 0: split.tensors.count: expected 3, found 4");
  std::filesystem::remove(path(2));
  EXPECT_EQ(failure<bitgauge::io_error>(3), path(2).string() + ": expected this part beside " +
                                                path(3).string() +
                                                ", which is part 3 of the 3 of a split file: No such file or "
                                                "directory");
}

// Catches a part that is taken for the whole because its name does not tell where the others are.
TEST_F(gguf_model, refuses_a_part_that_was_renamed) {
  std::filesystem::rename(path(1), folder / "m.gguf");
  EXPECT_EQ(
      test::failure_of<bitgauge::data_error>([&] { io::gguf_model model(folder / "m.gguf"); }),
      (folder / "m.gguf").string() +
          ": this is part 1 of the 3 of a split file: expected a name ending in -00001-of-00003.gguf and "
          "the other parts beside it (or join them with llama-gguf-split --merge)");
  test::write_file(folder / "text.gguf",
                   test::gguf_header({}, {test::gguf_key("split.count", 8, test::gguf_string("3"))}));
  EXPECT_EQ(
      test::parse_failure([&] { io::gguf_model model(folder / "text.gguf"); }),
      (folder / "text.gguf").string() +
          ": byte 0: split.count: expected a whole number that is not negative, found a value of type str");
}

}  // namespace
