#include <bitgauge/io/load.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/io/save.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/model/quantize_model.hpp>
#include <bitgauge/model/tensors/memory_source.hpp>
#include <bitgauge/transform/stored/any_transform.hpp>
#include <bitgauge/transform/transform.hpp>

#include "support/file_bytes.hpp"
#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace {

using namespace bitgauge;

const Eigen::MatrixXf up = test::random_matrix(300, 96, 1);

// Catches a size that is not what was planned, a file that holds other levels, one that is copied as something else, and a
// GGUF that takes what it cannot hold.
TEST(trellis_file, holds_what_was_quantized_in_the_planned_bytes) {
  const test::temporary_directory folder;
  memory_source model("model");
  model.add("up", up);
  const tensor_format format = parse_format(" Trellis: bits=2.5 , states=4");
  const quantization_plan p = plan(model, format);
  EXPECT_EQ(p.bytes_after(), 300u * 96 * 5 / 16);
  EXPECT_EQ(to_text(p.tensors[0].to), "trellis:bits=2.5,states=4");
  const model_report said = quantize_model(model, p, *io::open_sink(folder / "m.safetensors"));
  EXPECT_EQ(said.tensors[0].bits_per_weight, 2.5);
  const any_quantized expected = quantize(up, format);
  EXPECT_LT(said.tensors[0].error.nmse(), 0.06);
  const auto read = io::load<trellis_matrix>(folder / "m.safetensors", "up");
  EXPECT_EQ(read, *expected.get_if<trellis_matrix>());
  const io::tensor_file file(folder / "m.safetensors");
  EXPECT_EQ(file.matrix(*file.find("up")), expected.dequantize());
  EXPECT_EQ(file.find("up")->bits_per_weight(), 2.5);
  EXPECT_EQ(io::load_layers(folder / "m.safetensors")[0].matrix.dequantize(), expected.dequantize());
  EXPECT_TRUE(io::load(folder / "m.safetensors").empty());

  quantize_model(file, plan(file, format), *io::open_sink(folder / "copied.safetensors"));
  EXPECT_EQ(io::load<trellis_matrix>(folder / "copied.safetensors", "up"), read);
  const std::string refused =
      test::message_of<invalid_scheme>([&] { quantize_model(model, p, *io::open_sink(folder / "m.gguf")); });
  EXPECT_NE(refused.find("write a .safetensors"), std::string::npos) << refused;
}

// Catches a transform or a scheme of activations that levels of a trellis lose on the way to a file, to another
// one, or back to weights in the original basis.
TEST(trellis_file, holds_a_transform_and_activations) {
  const test::temporary_directory folder;
  memory_source model("model");
  model.add("up", up);
  plan_options asked;
  asked.activations = parse_activation_scheme("dynamic");
  const tensor_format format = parse_format("trellis:bits=3");
  asked.transform = parse_transform_scheme("rotate:seed=5");
  quantize_model(model, plan(model, format, asked), *io::open_sink(folder / "m.safetensors"));
  const auto loaded = io::load_layers(folder / "m.safetensors");
  ASSERT_TRUE(loaded.at(0).transform.has_value());
  const auto expected = loaded[0].matrix.dequantize<row_matrix>();
  const row_matrix changed = change_weights(any_transform(*loaded[0].transform, 96), row_matrix(up));
  EXPECT_EQ(quantize(changed, format).dequantize<row_matrix>(), expected);
  const io::tensor_file file(folder / "m.safetensors");
  row_matrix back = expected;
  restore_weights(*loaded[0].transform, back);
  EXPECT_EQ(file.matrix(*file.find("up")), back);
  EXPECT_LT((back - up).squaredNorm(), 0.03f * up.squaredNorm());
  const stored_tensor_data data = file.stored(0);
  EXPECT_EQ(to_text(std::get<stored_trellis>(data).entry.activations->scheme), "dynamic:affine");
  quantize_model(file, plan(file, format), *io::open_sink(folder / "copied.safetensors"));
  EXPECT_EQ(test::read_file(folder / "copied.safetensors"), test::read_file(folder / "m.safetensors"));
}

// Catches a damaged file that is read beyond its end, or an error that does not say where.
TEST(trellis_file, refuses_damage) {
  const trellis_matrix q = *quantize(up, "trellis:bits=2").get_if<trellis_matrix>();
  const std::vector<std::byte> whole = io::saved_bytes({{"w", q}});
  EXPECT_EQ(io::load<trellis_matrix>(whole, "w"), q);
  EXPECT_THROW(io::load(whole, "w"), data_error);
  const std::size_t first = whole.size() - static_cast<std::size_t>(q.storage_bytes());
  for (std::size_t i = first; i < whole.size(); i += 5) {
    std::vector<std::byte> other = whole;
    other[i] ^= std::byte{0x10};
    const std::string said =
        test::message_of<parse_error>([&] { static_cast<void>(io::load<trellis_matrix>(other, "w")); });
    if (i > first + 200 && i + 50 < whole.size()) {
      EXPECT_NE(said.find("tensor w"), std::string::npos);
    }
  }
}

// Catches a key that is taken without being understood.
TEST(trellis_file, refuses_other_texts) {
  for (const char* text : {"trellis:bits=9", "trellis:bits=nan", "trellis:states=3", "trellis:group=32",
                           "trellis:bits=2,bits=3", "trellis:rounding=stochastic"})
    EXPECT_THROW(parse_format(text), invalid_scheme) << text;
  EXPECT_THROW(quantize(up, "trellis:bits=2,rounding=gptq"), invalid_scheme);
  EXPECT_EQ(to_text(parse_format("trellis")), "trellis:bits=2");
}

}  // namespace
