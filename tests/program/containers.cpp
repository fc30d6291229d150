// What containers hold beside the values, and values that are stored in parts: metadata and its types,
// scales, shards, parts of a split file, types that only some containers know.

#include <bitgauge/io/gguf/reader.hpp>
#include <bitgauge/io/gguf/writer.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/safetensors/shards.hpp>
#include <bitgauge/io/safetensors/writer.hpp>

#include "program_test.hpp"
#include "support/file_bytes.hpp"
#include "support/hand_built_gguf.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace io = bitgauge::io;
using bitgauge::gguf::tensor_type;
using nlohmann::json;
using shape = std::vector<std::uint64_t>;
using test::gguf_key;
using test::gguf_string;
using test::little_endian;

std::string elements_of(std::uint32_t type, std::uint64_t count, const std::string& bytes) {
  return little_endian(type) + little_endian(count) + bytes;
}

/// A key of every type of GGUF metadata, alone and in arrays, and keys that mean something in our own files.
std::vector<std::string> every_key() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {gguf_key("general.architecture", 8, gguf_string("llama")),
          gguf_key("u8", 0, "\xff"),
          gguf_key("i8", 1, "\x80"),
          gguf_key("u16", 2, little_endian<std::uint16_t>(65535)),
          gguf_key("i16", 3, little_endian<std::int16_t>(-32768)),
          gguf_key("llama.block_count", 4, little_endian<std::uint32_t>(4)),
          gguf_key("i32", 5, little_endian<std::int32_t>(-1)),
          gguf_key("f32", 6, little_endian(0.1f)),
          gguf_key("bool", 7, std::string(1, '\1')),
          gguf_key("digits", 8, gguf_string("42")),
          gguf_key("no UTF-8", 8, gguf_string("caf\xe9")),
          gguf_key("floats", 9, elements_of(6, 2, little_endian(-0.0f) + little_endian(1e-40f))),
          gguf_key("words", 9, elements_of(8, 2, gguf_string("\xe2\x96") + gguf_string("ok"))),
          gguf_key("empty", 9, elements_of(3, 0, "")),
          gguf_key("nested", 9, elements_of(9, 2, elements_of(0, 1, "\7") + elements_of(8, 0, ""))),
          gguf_key("u64", 10, little_endian<std::uint64_t>(9007199254740993)),
          gguf_key("i64", 11, little_endian(std::numeric_limits<std::int64_t>::min())),
          gguf_key("f64", 12, little_endian(nan)),
          gguf_key("bitgauge", 8, gguf_string("{\"version\": 1}")),
          gguf_key("bitgauge.gguf", 4, little_endian<std::uint32_t>(7))};
}

class containers : public test::program_test {
 protected:
  /// A GGUF with these keys and one matrix of 2 x 32 floats.
  void write_gguf(const std::string& name, const std::vector<std::string>& keys) const {
    std::string values;
    for (int i = 0; i < 64; ++i) values += little_endian(static_cast<float>(i % 9 - 4));
    test::write_file(path(name),
                     test::padded_to(test::gguf_header({test::gguf_info("w", {32, 2}, 0, 0)}, keys), 32) +
                         test::padded_to(values, 32));
  }
  /// The tensors that `inspect` lists, by name.
  json listed(const std::string& file) const {
    const json said = json::parse(run("inspect " + file + " --json").out);
    json by_name = json::object();
    for (const json& each : said["tensors"]) by_name[each["name"].get<std::string>()] = each;
    return by_name;
  }
  std::uint32_t number(const std::string& file, const char* key) const {
    const io::gguf_file gguf(path(file));
    const io::gguf_value* value = gguf.find_metadata(key);
    return value == nullptr ? 9999 : std::get<std::uint32_t>(*value);
  }
};

// Catches metadata that changes its type, its order or a bit on any way through a .safetensors, and a key of
// a model's that is mistaken for our own description.
TEST_F(containers, keep_metadata_through_safetensors_byte_for_byte) {
  write_gguf("a.gguf", every_key());
  succeed("quantize a.gguf -o q.safetensors --scheme affine:bits=8");
  succeed("quantize q.safetensors -o copied.safetensors --scheme affine:bits=4");
  succeed("dequantize copied.safetensors -o floats.safetensors");
  succeed("dequantize floats.safetensors -o back.gguf");
  const std::string before = test::read_file(path("a.gguf")), after = test::read_file(path("back.gguf"));
  const std::size_t header = test::gguf_header({test::gguf_info("w", {32, 2}, 0, 0)}, every_key()).size();
  EXPECT_EQ(after.substr(0, header), before.substr(0, header));
  const json shown = json::parse(run("inspect floats.safetensors --json").out);
  EXPECT_EQ(shown["metadata"]["llama.block_count"], "4");
  EXPECT_EQ(shown["metadata"]["bitgauge"], "{\"version\": 1}");
  EXPECT_EQ(shown["metadata"], json::parse(run("inspect a.gguf --json").out)["metadata"]);
  // our description is no metadata of the model's
  write_gguf("b.gguf", {});
  succeed("quantize b.gguf -o q.safetensors --scheme affine:bits=8");
  succeed("dequantize q.safetensors -o back.gguf");
  EXPECT_EQ(io::gguf_file(path("back.gguf")).metadata().size(), 0u);
}

// Catches a text of another program under our key taken for a damaged description.
TEST_F(containers, take_a_foreign_text_under_our_key) {
  io::safetensors_writer writer(path("a.safetensors"));
  writer.set_metadata("bitgauge", "measured with a gauge");
  writer.declare("w", io::dtype::f32, {2, 4});
  writer.write("w", Eigen::MatrixXf(Eigen::MatrixXf::Ones(2, 4)));
  writer.commit();
  succeed("quantize a.safetensors -o q.safetensors --scheme affine:bits=8");
  succeed("dequantize q.safetensors -o back.gguf");
  const io::gguf_file back(path("back.gguf"));
  ASSERT_NE(back.find_metadata("bitgauge"), nullptr);
  EXPECT_EQ(std::get<std::string>(*back.find_metadata("bitgauge")), "measured with a gauge");
}

// Catches a file that is called after its first tensor, or after a fallback, or whose copied blocks do not
// count.
TEST_F(containers, gguf_is_of_the_type_asked_for) {
  io::safetensors_writer writer(path("a.safetensors"));
  const std::pair<const char*, std::uint64_t> widths[] = {{"odd", 48}, {"even", 256}, {"wide", 1056}};
  for (const auto& [name, cols] : widths) writer.declare(name, io::dtype::f32, {2, cols});
  for (const auto& [name, cols] : widths)
    writer.write(name, Eigen::MatrixXf(Eigen::MatrixXf::Random(2, static_cast<Eigen::Index>(cols))));
  writer.commit();
  // q4_K is 14 (enum llama_ftype), though most elements fall back
  succeed("quantize a.safetensors -o q.gguf --scheme q4_k --fallback q8_0,f16");
  EXPECT_EQ(number("q.gguf", "general.file_type"), 14u);
  EXPECT_EQ(number("q.gguf", "general.quantization_version"), 2u);
  succeed("quantize a.safetensors -o fallen.gguf --scheme q4_k --fallback q8_0,f16 --drop even");
  EXPECT_EQ(number("fallen.gguf", "general.file_type"), 7u) << "no q4_K in it, most is q8_0";
  succeed("quantize a.safetensors -o f16.gguf --scheme f16");
  EXPECT_EQ(number("f16.gguf", "general.file_type"), 1u);
  EXPECT_EQ(number("f16.gguf", "general.quantization_version"), 9999u);
  // blocks that are copied, without any word of them in the source
  std::string block(144, '\0');
  io::gguf_writer blocks(path("blocks.gguf"));
  blocks.declare("w", tensor_type::q4_k, {256, 1});
  blocks.write("w", test::bytes_of(block));
  blocks.commit();
  succeed("quantize blocks.gguf -o copied.gguf --scheme q8_0");
  EXPECT_EQ(number("copied.gguf", "general.quantization_version"), 2u);
  EXPECT_EQ(number("copied.gguf", "general.file_type"), 14u);
}

// Catches 8-bit floats that are read without their scales, scales that are quantized like weights, and
// commands that disagree on it: block (1, 1) of 200 x 300 holds the scale of its own, 3.
TEST_F(containers, read_8_bit_floats_with_their_scales) {
  const auto write = [&](const std::string& name, const shape& scales) {
    io::safetensors_writer writer(path(name));
    const std::string ones(200 * 300, '\x38');  // 1 in E4M3
    std::vector<float> factors;
    for (std::uint64_t i = 0; i < scales[0] * scales[1]; ++i) factors.push_back(static_cast<float>(i) - 1);
    writer.declare("l.weight", io::dtype::f8_e4m3, {200, 300});
    writer.declare("l.weight_scale_inv", io::dtype::f32, scales);
    writer.declare("other.weight_scale", io::dtype::f32, {4, 2});
    writer.write("l.weight", test::bytes_of(ones));
    writer.write("l.weight_scale_inv",
                 Eigen::Map<Eigen::RowVectorXf>(factors.data(), static_cast<Eigen::Index>(factors.size())));
    writer.write("other.weight_scale", Eigen::MatrixXf(Eigen::MatrixXf::Constant(4, 2, 0.3f)));
    writer.commit();
  };
  write("a.safetensors", {2, 3});
  succeed("dequantize a.safetensors -o d.safetensors");
  const io::safetensors_file restored(path("d.safetensors"));
  ASSERT_EQ(restored.tensors().size(), 2u);
  const auto values = io::to_matrix<Eigen::MatrixXf>(restored.at("l.weight"));
  for (Eigen::Index r = 0; r < 200; ++r)
    for (Eigen::Index c = 0; c < 300; ++c)
      ASSERT_EQ(values(r, c), static_cast<float>(r / 128 * 3 + c / 128) - 1) << r << " " << c;
  // 8 bits hold the values of a row, 1 apart, within the range of a row, at most 4, over 255
  succeed("quantize a.safetensors -o q.safetensors --scheme affine:bits=8,group=row --report r.json");
  EXPECT_EQ(report("r.json").size(), 2u);
  EXPECT_EQ(report("r.json")[1]["notes"][0], "copied: scales or other parameters of other.weight");
  EXPECT_EQ(report("r.json")[1]["mse"], 0);
  EXPECT_LT(report("r.json")[0]["mse"].get<double>(), 1e-4);
  for (const char* other : {"q.safetensors", "d.safetensors", "a.safetensors"})
    EXPECT_LT(json::parse(run("compare a.safetensors " + std::string(other) + " --json").out)[0]["mse"]
                  .get<double>(),
              1e-4)
        << other;
  EXPECT_EQ(listed("a.safetensors")["l.weight"]["format"], "F8_E4M3 scaled by F32 [2, 3]");
  EXPECT_FALSE(listed("a.safetensors").contains("l.weight_scale_inv"));
  // copied, both stay
  succeed("quantize a.safetensors -o c.safetensors --scheme affine --exclude .");
  EXPECT_EQ(listed("c.safetensors"), listed("a.safetensors"));
  succeed("quantize a.safetensors -o q.gguf --scheme q8_0 --fallback q4_0,f16 --drop other");
  EXPECT_LT(json::parse(run("compare d.safetensors d.safetensors --json").out)[0]["mse"].get<double>(), 1e-4);
  // scales that do not fit: said before any work, though listed and copied
  write("bad.safetensors", {3, 3});
  expect_refused("quantize bad.safetensors -o x.safetensors --scheme affine",
                 {"bad.safetensors", "tensor l.weight", "l.weight_scale_inv F32 [3, 3]", "--exclude"});
  expect_refused("dequantize bad.safetensors -o x.safetensors", {"tensor l.weight", "l.weight_scale_inv"});
  succeed("inspect bad.safetensors");
  succeed("quantize bad.safetensors -o c.safetensors --scheme affine --exclude l.weight");
  EXPECT_EQ(listed("c.safetensors"), listed("bad.safetensors"));
}

// Catches a type that one tensor has and that refuses a whole file, or is quantized though it has no values.
TEST_F(containers, list_and_copy_every_type_of_safetensors) {
  io::safetensors_writer writer(path("a.safetensors"));
  for (const io::dtype_traits& each : io::dtypes) writer.declare(std::string(each.name), each.type, {4, 32});
  for (const io::dtype_traits& each : io::dtypes)
    writer.write(each.name, test::bytes_of(std::string(16 * each.bits, '\0')));
  writer.commit();
  const json all = listed("a.safetensors");
  EXPECT_EQ(all.size(), io::dtypes.size());
  EXPECT_EQ(all["F4"]["bits_per_weight"], 4);
  EXPECT_EQ(all["F6_E3M2"]["bytes"], 96);
  succeed("quantize a.safetensors -o q.safetensors --scheme affine:bits=8 --report r.json");
  for (const json& row : report("r.json")) {
    const bool is_float = io::is_floating(io::find_dtype(row["name"].get<std::string>())->type);
    EXPECT_EQ(row["scheme"].get<std::string>().starts_with("affine"), is_float) << row["name"];
  }
  succeed("compare a.safetensors q.safetensors");
  expect_refused("quantize a.safetensors -o q.gguf --scheme q8_0", {"q.gguf", "cannot hold"});
}

// Catches an error that names the model where another file holds the fault.
TEST_F(containers, errors_name_the_file_at_fault) {
  io::write_npy(path("w.npy"), Eigen::MatrixXf(Eigen::MatrixXf::Random(4, 8)));
  Eigen::MatrixXf x = Eigen::MatrixXf::Random(16, 8);
  io::write_npy(path("narrow.npy"), Eigen::MatrixXf(x.leftCols(5)));
  x(3, 5) = std::numeric_limits<float>::quiet_NaN();
  io::write_npy(path("samples.npy"), x);
  for (const char* how :
       {"--scheme affine:rounding=gptq", "--scheme affine", "--scheme affine --activations static"})
    expect_refused(std::string("quantize w.npy -o x.safetensors --calibration samples.npy ") + how,
                   {"bitgauge: samples.npy: ", "row 3, column 5", "for tensor w", "NaN"});
  expect_refused("quantize w.npy -o x.safetensors --scheme affine --calibration narrow.npy",
                 {"tensor w", "8 columns", "found 5", "narrow.npy"});
}

// Catches all but one of the descriptions lost where shards are quantized one by one, with the index they had
// or a new one; and a shard's fault that is reported of the index.
TEST_F(containers, shards_are_described_one_by_one) {
  const Eigen::MatrixXf a = Eigen::MatrixXf::Random(4, 32), b = Eigen::MatrixXf::Random(6, 32);
  for (const auto& [name, values] : {std::pair("a", a), std::pair("b", b)}) {
    io::safetensors_writer writer(path(std::string(name) + ".safetensors"));
    writer.declare(name, io::dtype::f32,
                   {static_cast<std::uint64_t>(values.rows()), static_cast<std::uint64_t>(values.cols())});
    writer.write(name, values);
    writer.commit();
    std::filesystem::create_directory(path("q"));
    succeed(std::string("quantize ") + name + ".safetensors -o q/" + name +
            ".safetensors --scheme affine:bits=8");
  }
  const std::string index = R"({"weight_map":{"b":"b.safetensors","a":"a.safetensors"}})";
  test::write_file(path("i.index.json"), index);
  test::write_file(path("q/i.index.json"), index);
  test::write_file(
      path("q/new.index.json"),
      R"({"weight_map":{"a.codes":"a.safetensors","a.scales":"a.safetensors","a.zero_points":"a.safetensors",
          "b.codes":"b.safetensors","b.scales":"b.safetensors","b.zero_points":"b.safetensors"}})");
  for (const char* joined : {"q/i.index.json", "q/new.index.json"}) {
    const json all = listed(joined);
    EXPECT_EQ(all.size(), 2u) << joined;
    EXPECT_TRUE(all["a"]["quantized"] == true && all["b"]["quantized"] == true) << joined;
    const json compared = json::parse(run("compare i.index.json " + std::string(joined) + " --json").out);
    for (const json& row : compared) EXPECT_GT(row["sqnr_db"], 40) << joined;
  }
  std::string damaged = test::read_file(path("q/b.safetensors"));
  damaged.replace(damaged.find("unsigned"), 8, "unsighed");
  test::write_file(path("q/b.safetensors"), damaged);
  expect_refused("inspect q/i.index.json", {"q/b.safetensors: byte ", "unsighed"});
}

// Catches a part of a split GGUF that is quantized as if it were the model.
TEST_F(containers, parts_of_a_split_gguf_are_one_model) {
  for (const int part : {0, 1}) {
    io::gguf_writer writer(path("m-0000" + std::to_string(part + 1) + "-of-00002.gguf"));
    if (part == 0) writer.set("general.name", std::string("m"));
    writer.set("split.no", static_cast<std::uint16_t>(part));
    writer.set("split.count", std::uint16_t{2});
    writer.set("split.tensors.count", std::int32_t{2});
    writer.declare("w" + std::to_string(part), tensor_type::f32, {32, 2});
    writer.write("w" + std::to_string(part), Eigen::MatrixXf(Eigen::MatrixXf::Random(2, 32)));
    writer.commit();
  }
  succeed("quantize m-00001-of-00002.gguf -o q.gguf --scheme q8_0");
  const io::gguf_file whole(path("q.gguf"));
  EXPECT_EQ(whole.tensors().size(), 2u);
  EXPECT_EQ(whole.find_metadata("split.count"), nullptr);
  succeed("compare m-00002-of-00002.gguf q.gguf");
  std::filesystem::remove(path("m-00002-of-00002.gguf"));
  expect_refused("quantize m-00001-of-00002.gguf -o x.gguf --scheme q8_0",
                 {"m-00002-of-00002.gguf", "split"});
}

}  // namespace
