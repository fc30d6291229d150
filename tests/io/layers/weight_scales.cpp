#include <bitgauge/io/layers/weight_scales.hpp>

#include "support/failure.hpp"
#include "support/file_bytes.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace io = bitgauge::io;
using extents = std::vector<std::uint64_t>;

std::uint64_t product(const extents& shape) {
  std::uint64_t all = 1;
  for (const std::uint64_t extent : shape) all *= extent;
  return all;
}

/// A file of one weight, all ones (0x38 is 1 in E4M3), and its scales, 1, 2, 3 ...
struct layer {
  layer(extents weight_shape, extents scale_shape, const std::string& scale_name = "l.weight_scale_inv")
      : ones(product(weight_shape), '\x38') {
    for (std::uint64_t i = 0; i < product(scale_shape); ++i)
      scales += test::little_endian(static_cast<float>(i + 1));
    tensors.push_back({"l.weight", io::dtype::f8_e4m3, std::move(weight_shape), test::bytes_of(ones)});
    tensors.push_back({scale_name, io::dtype::f32, std::move(scale_shape), test::bytes_of(scales)});
  }
  layer(const layer&) = delete;

  /// The weight times its scales.
  std::vector<float> values() const {
    const io::weight_scale_index index(tensors);
    std::vector<float> found(ones.size(), 1.0f);
    io::apply_scales(*index.scales_of("l.weight"), tensors[0].shape, found.data());
    return found;
  }
  std::string problem() const {
    const io::weight_scale_index index(tensors);
    const io::weight_scales* found = index.scales_of("l.weight");
    return found == nullptr ? "no scales" : found->problem;
  }

  std::string ones, scales;
  std::vector<io::tensor_view> tensors;
};

/// scale[..., r / block_r, c / block_c] written out, the scales being 1, 2, 3 ...
std::vector<float> by_definition(const extents& shape, const extents& block) {
  std::vector<float> values;
  for (std::uint64_t i = 0; i < product(shape); ++i) {
    extents index(shape.size());
    std::uint64_t rest = i, place = 0;
    for (std::size_t d = shape.size(); d-- > 0; rest /= shape[d]) index[d] = rest % shape[d];
    for (std::size_t d = 0; d < shape.size(); ++d)
      place = place * ((shape[d] + block[d] - 1) / block[d]) + index[d] / block[d];
    values.push_back(static_cast<float>(place + 1));
  }
  return values;
}

// Catches blocks counted along the wrong dimension, a last block that is cut short taken for a whole one, and
// per-row, per-group and per-tensor scales taken for blocks.
TEST(weight_scales, are_applied_by_row_group_block_and_tensor) {
  const struct {
    extents weight, scales, block;
  } cases[] = {{{256, 256}, {2, 2}, {128, 128}},
               {{200, 300}, {2, 3}, {128, 128}},
               {{130, 7}, {2, 1}, {128, 7}},
               {{64, 384}, {1, 3}, {64, 128}},
               {{576, 128}, {5, 1}, {128, 128}},
               {{6, 10}, {}, {6, 10}},
               {{6, 10}, {1}, {6, 10}},
               {{6, 10}, {1, 1}, {6, 10}},
               {{6, 10}, {6}, {1, 10}},
               {{6, 10}, {6, 1}, {1, 10}},
               {{6, 10}, {1, 10}, {6, 1}},
               {{6, 96}, {6, 3}, {1, 32}},
               {{100, 64}, {4, 1}, {32, 64}},
               {{3, 4, 6}, {3}, {1, 4, 6}},
               {{3, 4, 6}, {3, 1, 6}, {1, 4, 1}},
               {{2, 130, 256}, {2, 2, 2}, {1, 128, 128}},
               {{8, 3, 2, 2}, {8, 1}, {1, 3, 2, 2}},
               {{12}, {}, {12}},
               {{7, 120}, {7, 5}, {1, 24}}};
  for (const auto& each : cases) {
    const layer l(each.weight, each.scales);
    EXPECT_EQ(l.problem(), "") << testing::PrintToString(each.weight) << testing::PrintToString(each.scales);
    EXPECT_EQ(l.values(), by_definition(each.weight, each.block))
        << testing::PrintToString(each.weight) << testing::PrintToString(each.scales);
  }
}

// Catches scales that do not fit, or fit in two ways (96 rows in 64 + 32 or 48 + 48), applied by a guess.
TEST(weight_scales, that_do_not_fit_are_refused_by_name) {
  const layer three({256, 256}, {3, 2});
  const std::string problem =
      "expected scales that fit F8_E4M3 [256, 256]: one, one a row or one a block (of 128 x 128 or another "
      "that "
      "divides), found l.weight_scale_inv F32 [3, 2]";
  EXPECT_EQ(three.problem(), problem);
  EXPECT_EQ(test::failure_of<bitgauge::data_error>([&] { three.values(); }), problem);
  for (const auto& [weight, scales] : std::vector<std::pair<extents, extents>>{{{96, 8}, {2, 1}},
                                                                               {{6, 10}, {10}},
                                                                               {{6, 10}, {7, 1}},
                                                                               {{6, 10}, {0}},
                                                                               {{6, 10}, {6, 10, 1}},
                                                                               {{9}, {2}}})
    EXPECT_NE(layer(weight, scales).problem(), "") << testing::PrintToString(scales);
  layer integers({6, 10}, {6});
  integers.tensors[1].type = io::dtype::i32;
  EXPECT_EQ(integers.problem(), "expected scales that are floats, found l.weight_scale_inv I32 [6]");
  layer two({6, 10}, {6});
  two.tensors.push_back({"l.weight_scale", io::dtype::f32, {6}, two.tensors[1].data});
  EXPECT_EQ(two.problem(), "expected one tensor of scales, found l.weight_scale_inv and l.weight_scale");
  EXPECT_FALSE(io::weight_scale_index(two.tensors).is_applied("l.weight_scale"))
      << "it would be lost in a copy";
}

// Catches scales under another program's name read as a tensor of their own, and their types.
TEST(weight_scales, are_known_by_every_name_and_type) {
  for (const std::string name :
       {"l.weight_scale_inv", "l.weight_scale", "l.scale", "l.scale_weight", "l.qscale_weight"}) {
    const layer l({6, 10}, {6, 1}, name);
    const io::weight_scale_index index(l.tensors);
    EXPECT_TRUE(index.is_applied(name)) << name;
    EXPECT_EQ(index.owner_of(name), "l.weight");
    EXPECT_EQ(index.owner_of("l.weight"), "");
    EXPECT_EQ(l.values(), by_definition({6, 10}, {1, 10})) << name;
  }
  const std::pair<io::dtype, std::string> types[] = {{io::dtype::bf16, std::string("\x00\x40", 2)},
                                                     {io::dtype::f16, std::string("\x00\x40", 2)},
                                                     {io::dtype::f64, test::little_endian(2.0)},
                                                     {io::dtype::f8_e8m0, "\x80"}};
  for (const auto& [type, bytes] : types) {
    layer l({2, 3}, {1});
    l.tensors[1].type = type;
    l.tensors[1].data = test::bytes_of(bytes);
    EXPECT_EQ(l.values(), std::vector<float>(6, 2.0f)) << io::name_of(type);
  }
}

// Catches parameters of formats that are not decoded here, or whose weight is in another shard, quantized
// like weights; and ordinary tensors that are taken for such.
TEST(weight_scales, of_other_formats_belong_to_their_weights) {
  std::vector<io::tensor_view> tensors;
  for (const char* name : {"a.qweight",
                           "a.scales",
                           "b.W_q",
                           "b.scale",
                           "b.zero",
                           "c._data._data",
                           "c._scale",
                           "d_blocks",
                           "d_scales",
                           "e.weight_packed",
                           "e.weight_scale",
                           "f.weight_scale_inv",
                           "g.codes",
                           "g.codebooks",
                           "h.weight",
                           "h.weight_scale",
                           "norm.scale",
                           "x.scales",
                           "weight_scale_inv_bias",
                           "scale_weight"})
    tensors.push_back({name,
                       std::string(name).find("scale") == std::string::npos ? io::dtype::u8 : io::dtype::f16,
                       {2, 1},
                       {}});
  const io::weight_scale_index index(tensors);
  const std::pair<const char*, const char*> owners[] = {{"a.scales", "a.qweight"},
                                                        {"b.scale", "b.W_q"},
                                                        {"b.zero", "b.W_q"},
                                                        {"c._scale", "c._data._data"},
                                                        {"d_scales", "d_blocks"},
                                                        {"e.weight_scale", "e.weight_packed"},
                                                        {"f.weight_scale_inv", "f.weight"},
                                                        {"g.codebooks", "g.codes"},
                                                        {"h.weight_scale", "h.weight"},
                                                        {"norm.scale", ""},
                                                        {"x.scales", ""},
                                                        {"weight_scale_inv_bias", ""},
                                                        {"scale_weight", ""},
                                                        {"a.qweight", ""}};
  for (const auto& [name, owner] : owners) {
    EXPECT_EQ(index.owner_of(name), owner) << name;
    EXPECT_FALSE(index.is_applied(name)) << name;
  }
  EXPECT_TRUE(index.has_scales());
}

}  // namespace
