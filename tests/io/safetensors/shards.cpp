#include <bitgauge/io/safetensors/shards.hpp>
#include <bitgauge/io/safetensors/writer.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

namespace io = bitgauge::io;

/// A shard with one 1x1 tensor, and metadata.
void write_shard(const std::filesystem::path& path, const std::string& tensor, float value) {
  io::safetensors_writer writer(path);
  writer.set_metadata("made of", tensor);
  writer.declare(tensor, io::dtype::f32, {1, 1});
  writer.declare("unlisted " + tensor, io::dtype::u8, {0});
  writer.write(tensor, Eigen::MatrixXf::Constant(1, 1, value));
  writer.commit();
}

class safetensors_model : public testing::Test {
 protected:
  safetensors_model() {
    write_shard(folder / "model-1.safetensors", "a", 1);
    write_shard(folder / "model-2.safetensors", "b", 2);
  }

  std::string failure(const std::string& weight_map) {
    test::write_file(index, R"({"metadata":{"total_size":8},"weight_map":)" + weight_map + "}");
    return test::failure_of<bitgauge::bitgauge_error>([&] { io::safetensors_model model(index); });
  }

  test::temporary_directory folder;
  std::filesystem::path index = folder / "model.safetensors.index.json";
};

// Catches shards that are searched in the wrong file, an order other than the index's, and members of the
// index that are mistaken for shards.
TEST_F(safetensors_model, joins_shards) {
  test::write_file(index,
                   R"({"metadata":{"total_size":8,"deep":[{"weight_map":{"x":"y"}}, null, -1, 1.5, true]},
    "weight_map":{"b":"model-2.safetensors","a":"model-1.safetensors"},"more":"text"})");
  const io::safetensors_model model(index);
  ASSERT_EQ(model.tensors().size(), 2u);
  EXPECT_EQ(model.tensors()[0].name, "b");
  EXPECT_EQ(io::to_matrix<Eigen::MatrixXf>(model.at("b"))(0), 2);
  EXPECT_EQ(io::to_matrix<Eigen::MatrixXf>(model.at("a"))(0), 1);
  EXPECT_EQ(model.find("unlisted a"), nullptr);
  EXPECT_EQ(model.metadata()[0].value, "b");
}

// Catches a caller that must tell one file from shards.
TEST_F(safetensors_model, opens_one_file) {
  const io::safetensors_model model(folder / "model-1.safetensors");
  EXPECT_EQ(model.tensors().size(), 2u);
  EXPECT_EQ(model.metadata()[0].value, "a");
  EXPECT_EQ(test::failure_of<bitgauge::data_error>([&] { model.at("b"); }),
            (folder / "model-1.safetensors").string() + ": no tensor 'b' among its 2: 'a', 'unlisted a'");
}

// Catches a model that is opened with a part missing.
TEST_F(safetensors_model, misses_nothing) {
  EXPECT_EQ(failure(R"({"a":"model-3.safetensors"})"),
            (folder / "model-3.safetensors").string() + ": cannot open: No such file or directory");
  EXPECT_EQ(
      failure(R"({"b":"model-1.safetensors"})"),
      index.string() +
          ": byte 68: weight_map: b: expected the tensor in model-1.safetensors, which does not hold it");
}

// Catches an index that opens files outside of its folder.
TEST_F(safetensors_model, stays_in_its_folder) {
  for (const std::string shard :
       {"../model-1.safetensors", "/etc/passwd", "sub/../../x", "", "a\\\\b", "x\\u0000"}) {
    const std::string message = failure(R"({"a":")" + shard + "\"}");
    EXPECT_NE(message.find("weight_map: a: expected a file in the folder of the index, found '"),
              std::string::npos)
        << message;
  }
}

// Catches an index that is taken in spite of a fault.
TEST_F(safetensors_model, refuses_a_bad_index) {
  const std::string here = index.string();
  EXPECT_EQ(failure(R"({"a":"model-1.safetensors","a":"model-1.safetensors"})"),
            here + ": byte 94: weight_map: a: 'a' appears twice");
  EXPECT_EQ(failure(R"({"a":1})"),
            here + ": byte 49: weight_map: a: expected the name of a shard, found a number");
  EXPECT_EQ(failure("{}, \"weight_map\": {}"), here + ": byte 61: index: 'weight_map' appears twice");
  test::write_file(index, "[]");
  EXPECT_EQ(test::parse_failure([&] { io::safetensors_model model(index); }),
            here + ": byte 1: index: expected an object, found an array");
  test::write_file(index, "{}");
  EXPECT_EQ(test::parse_failure([&] { io::safetensors_model model(index); }),
            here + ": byte 2: index: expected a member 'weight_map'");
}

}  // namespace
