#include <bitgauge/base/parallel.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include "support/codes.hpp"
#include "support/filled_memory.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

constexpr granularity all_granularities[] = {per_tensor{}, per_row{},     per_column{},   per_group{1},
                                             per_group{7}, per_group{16}, per_group{1000}};
constexpr scale_storage float_storages[] = {f32_scales, f16_scales, bf16_scales};

void expect_as_defined(const Eigen::MatrixXf& x, const integer_grid& grid, granularity groups,
                       scale_storage storage) {
  const auto q = quantize(x, grid, groups, storage, options{.threads = 1});
  const auto expected = test::quantize_by_definition(x, grid, groups, storage.type);
  ASSERT_EQ(q.scales().size(), static_cast<index_t>(expected.scales.size()));
  for (std::size_t g = 0; g < expected.scales.size(); ++g) {
    ASSERT_EQ(static_cast<double>(q.scale(static_cast<index_t>(g))), expected.scales[g]) << "group " << g;
    ASSERT_EQ(q.zero_point(static_cast<index_t>(g)), expected.zero_points[g]) << "group " << g;
  }
  ASSERT_EQ(test::codes_of(q), expected.codes);
  ASSERT_EQ(q.dequantize(1), expected.values);
}

std::string text_of(const integer_grid& grid, granularity groups, scale_storage storage) {
  return std::to_string(grid.lowest) + ".." + std::to_string(grid.highest) + " center " +
         std::to_string(grid.center) + (grid.has_zero_point ? ", affine" : ", symmetric") + ", granularity " +
         std::to_string(static_cast<int>(groups.what)) + "/" + std::to_string(groups.size) + ", storage " +
         std::to_string(static_cast<int>(storage.type));
}

// Catches any fault of any combination: scale, zero point, code, packing of rows that do not fill bytes,
// ragged groups, sign extension, the way back.
TEST(quantizer, agrees_with_the_definition_for_every_grid_granularity_and_storage) {
  const Eigen::MatrixXf x = test::random_matrix(21, 37, 1);
  for (const integer_grid& grid : test::all_integer_grids())
    for (const granularity groups : all_granularities)
      for (const scale_storage storage : float_storages) {
        SCOPED_TRACE(text_of(grid, groups, storage));
        expect_as_defined(x, grid, groups, storage);
      }
}

// Catches faults of shapes: vectors in either direction, tails of every length, panels of 16 rows and blocks
// of 64 columns that are not filled.
TEST(quantizer, agrees_with_the_definition_for_every_shape) {
  for (const index_t rows : {1, 2, 15, 16, 17, 33})
    for (const index_t cols : {1, 2, 3, 5, 8, 31, 63, 64, 65, 130})
      for (const granularity groups : all_granularities)
        for (const integer_grid& grid :
             {make_affine(3), make_symmetric(5), make_affine(8), make_symmetric(1)}) {
          SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(cols) + ", " +
                       text_of(grid, groups, f32_scales));
          expect_as_defined(test::random_matrix(rows, cols, static_cast<std::uint32_t>(rows * 1000 + cols)),
                            grid, groups, f16_scales);
        }
}

// Catches data on which a range degenerates: one sign, constants, all zeros, a single value that is not zero.
TEST(quantizer, agrees_with_the_definition_on_degenerate_data) {
  const Eigen::MatrixXf random = test::random_matrix(5, 24, 3);
  Eigen::MatrixXf lonely = Eigen::MatrixXf::Zero(5, 24);
  lonely(3, 17) = -0.125f;
  Eigen::MatrixXf negative_zero = Eigen::MatrixXf::Constant(5, 24, -0.0f);
  for (const Eigen::MatrixXf& x :
       {Eigen::MatrixXf(random.cwiseAbs()), Eigen::MatrixXf(-random.cwiseAbs()),
        Eigen::MatrixXf(Eigen::MatrixXf::Constant(5, 24, 0.3f)),
        Eigen::MatrixXf(Eigen::MatrixXf::Constant(5, 24, -7)), Eigen::MatrixXf(Eigen::MatrixXf::Zero(5, 24)),
        lonely, negative_zero, Eigen::MatrixXf(random * 1e-30f)})
    for (const integer_grid& grid : test::all_integer_grids())
      for (const granularity groups : {granularity(per_tensor{}), granularity(per_group{7})})
        for (const scale_storage storage : float_storages) {
          SCOPED_TRACE(text_of(grid, groups, storage));
          expect_as_defined(x, grid, groups, storage);
        }
}

// Catches a range that overflows where its ends do not, and values that come back as infinity: FLT_MAX / 31 *
// 31 is, and so is a code half a step outside the range.
TEST(quantizer, spans_all_of_binary32) {
  constexpr float largest = std::numeric_limits<float>::max();
  const Eigen::RowVectorXf both{{-largest, largest, 1.0f, 0.0f}}, one{{largest, 0.0f, -1.0f, 3e38f}},
      negative{{-largest, -3e38f, -1.0f, 0.0f}};
  for (const integer_grid& grid : test::all_integer_grids())
    for (const scale_storage storage : {f32_scales, bf16_scales})
      for (const Eigen::RowVectorXf& x : {both, one, negative}) {
        SCOPED_TRACE(text_of(grid, per_row{}, storage));
        if (storage == bf16_scales && grid.steps <= 2) continue;  // FLT_MAX itself overflows bfloat16
        const auto q = quantize(x, grid, storage);
        const Eigen::RowVectorXf back = q.dequantize<Eigen::RowVectorXf>();
        for (index_t i = 0; i < 4; ++i) {
          ASSERT_TRUE(numeric::is_finite(back(i))) << x(i);
          if (!grid.is_sign_only()) {  // bfloat16 scales are 1/128 apart, which is a step at the 127th code
            EXPECT_LE(std::fabs(static_cast<double>(back(i)) - static_cast<double>(x(i))),
                      (storage == f32_scales ? 1.01 : 4) * static_cast<double>(q.scale(0)));
          }
        }
      }
}

// Catches results that depend on the number of threads or on who runs them.
TEST(quantizer, gives_the_same_bytes_with_any_number_of_threads) {
  const Eigen::MatrixXf x = test::random_matrix(100, 150, 4);
  for (const granularity groups : all_granularities)
    for (const integer_grid& grid : {make_affine(3), make_symmetric(8), make_symmetric(1)}) {
      const auto one = quantize(x, grid, groups, options{.threads = 1});
      EXPECT_EQ(one, quantize(x, grid, groups, options{.threads = 2}));
      EXPECT_EQ(one, quantize(x, grid, groups, options{.threads = 5}));
      EXPECT_EQ(quantize(x, grid, groups, options{.threads = 1}, stochastic_rounding{7}),
                quantize(x, grid, groups, options{.threads = 2}, stochastic_rounding{7}));
      EXPECT_EQ(one.dequantize(1), one.dequantize(2));
      parallel_for_hook() = [](index_t count, int, const std::function<void(index_t)>& body) {
        for (index_t i = count; i-- > 0;) body(i);  // the user's own pool, last item first
      };
      EXPECT_EQ(one, quantize(x, grid, groups));
      parallel_for_hook() = {};
    }
}

// Catches codes that keep bits of the memory they are written to, at the end of a row or between its bytes:
// that memory is not zeroed.
TEST(quantizer, writes_every_bit_of_the_codes) {
  const Eigen::MatrixXf x = test::random_matrix(3, 45, 9);
  for (int bits = 1; bits <= 8; ++bits)
    for (const int kind : {0, 1}) {
      const auto with_memory_of = [&](unsigned char byte) {
        test::fresh_byte = byte;
        auto q = kind == 0 ? quantize(x, make_affine(bits), per_group{16})
                           : quantize(x, make_affine(bits), per_group{16}, stochastic_rounding{7});
        test::fresh_byte = 0;
        return q;
      };
      const auto q = with_memory_of(0);
      EXPECT_EQ(q, with_memory_of(0xff)) << bits << " bits";
      EXPECT_EQ(q, with_memory_of(0x5a)) << bits << " bits";
    }
}

// Catches types of compile time that mean another grid than the run-time functions.
TEST(quantizer, types_and_values_name_the_same_grids) {
  const Eigen::MatrixXf x = test::random_matrix(9, 20, 5);
  EXPECT_EQ(quantize(x, symmetric<4>{}), quantize(x, make_symmetric(4)));
  EXPECT_EQ(quantize(x, symmetric<8>{{.full = true}}), quantize(x, make_symmetric(8, {.full = true})));
  EXPECT_EQ(quantize(x, affine<3>{{.signed_codes = true}}),
            quantize(x, make_affine(3, {.signed_codes = true})));
  EXPECT_EQ(quantize(x), quantize(x, affine<8>{}, per_row{}, minmax_range{}, nearest_rounding{}, f32_scales));
}

/// What quantize_in_parts() hands out, put together again.
struct joined {
  std::vector<std::uint8_t> codes;
  Eigen::MatrixXf values;
  index_t rows = 0, parts = 0;
};

// Catches parts that are not the rows of the whole: bytes that depend on where a part begins, groups that a
// part counts from its own first row, scales or zero points of other rows, rows left out or twice.
TEST(quantizer, parts_are_the_rows_of_the_whole) {
  const Eigen::MatrixXf x = test::random_matrix(100, 131072, 5);  // parts of 32 rows, the last of 4
  const auto expect_parts = [&](const auto&... answers) {
    const quantized_matrix whole = quantize(x, answers...);
    joined all{{}, Eigen::MatrixXf(x.rows(), x.cols())};
    const matrix_parameters groups = quantize_in_parts(
        x,
        [&](index_t first, const quantized_matrix& part) {
          EXPECT_EQ(first, all.rows);
          all.codes.insert(all.codes.end(), part.codes().begin(), part.codes().end());
          part.dequantize_into(all.values.middleRows(first, part.rows()));
          all.rows += part.rows();
          ++all.parts;
        },
        answers...);
    EXPECT_EQ(all.rows, x.rows());
    EXPECT_EQ(all.parts, 4);
    EXPECT_TRUE(std::equal(all.codes.begin(), all.codes.end(), whole.codes().begin(), whole.codes().end()));
    EXPECT_EQ(groups.scales.bytes(), whole.scales().bytes());
    EXPECT_EQ(groups.zero_points, whole.zero_points());
    EXPECT_EQ(all.values, whole.dequantize());
  };
  expect_parts(affine<3>{}, per_group{1000}, f16_scales);
  expect_parts(affine<8>{{.signed_codes = true}}, per_tensor{});
  expect_parts(symmetric<5>{}, per_column{});
  expect_parts(symmetric<4>{}, per_group{64}, double_quantized{256});
  expect_parts(affine<4>{}, per_row{}, stochastic_rounding{7});
}

}  // namespace
