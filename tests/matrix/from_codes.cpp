#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/matrix/codes/from_codes.hpp>
#include <bitgauge/matrix/quantize.hpp>

#include "support/codes.hpp"
#include "support/message_of.hpp"
#include "support/quantize_oracle.hpp"

#include <gtest/gtest.h>

#include <array>

namespace {

using namespace bitgauge;
using bitgauge::index_t;

// Catches parts that are put in another place than their position says: a matrix by hand, decoded by the
// equation.
TEST(from_codes, a_matrix_by_hand) {
  const Eigen::MatrixXi codes{{1, 2, 3, 0, 15}, {0, 4, 15, 7, 8}}, zero_points{{1, 0, 2}, {2, 15, 3}};
  const Eigen::MatrixXf scales{{0.5f, 1, 3}, {2, 4, 0.25f}};
  const auto q = from_codes(codes, scales, zero_points, affine<4>{}, per_group{2}, f16_scales);
  for (index_t r = 0; r < 2; ++r)
    for (index_t c = 0; c < 5; ++c)
      EXPECT_EQ(q.dequantize()(r, c),
                scales(r, c / 2) * static_cast<float>(codes(r, c) - zero_points(r, c / 2)));
  EXPECT_EQ(q.scales().type(), scale_type::f16);
  EXPECT_EQ(q.codes_as(), codes);
  EXPECT_EQ(q.scales_as_matrix(), scales);
  EXPECT_EQ(q.zero_points_as_matrix(), zero_points);
  EXPECT_EQ((q.codes_as<Eigen::Matrix<std::int8_t, 2, 5>>()), codes.cast<std::int8_t>());
}

// Catches a matrix that does not come back: every grid and granularity, taken apart and put together.
TEST(from_codes, puts_together_what_was_taken_apart) {
  const auto check = [](const auto& x, const auto& grid, const auto& groups, const auto& storage) {
    const auto q = quantize(x, grid, groups, storage);
    using matrix = std::conditional_t<std::decay_t<decltype(x)>::ColsAtCompileTime == 1, Eigen::VectorXi,
                                      Eigen::MatrixXi>;
    const matrix codes = q.template codes_as<matrix>();
    if (q.encoding().has_zero_points) {
      EXPECT_EQ(from_codes(codes, q.scales_as_matrix(), q.zero_points_as_matrix(), grid, groups, storage), q);
    } else {
      EXPECT_EQ(from_codes(codes, q.template scales_as_matrix<Eigen::MatrixXd>(), groups, storage, grid), q);
    }
    for (index_t r = 0; r < q.rows(); ++r)
      for (index_t c = 0; c < q.cols(); ++c) EXPECT_EQ(codes(r, c), q.code(r, c));
  };
  const auto all = [&](const auto& grid) {
    const Eigen::MatrixXf x = test::random_matrix(5, 21, 4);
    for (const granularity groups : {granularity(per_tensor{}), granularity(per_row{}),
                                     granularity(per_column{}), granularity(per_group{8})}) {
      check(x, grid, groups, f32_scales);
      check(Eigen::VectorXf(x.row(0).transpose()), grid,
            groups.what == granularity::kind::column ? granularity(per_row{}) : groups, bf16_scales);
      check(Eigen::RowVectorXf(x.row(1)), grid, groups, e8m0_scales);
    }
  };
  all(affine<4>{});
  all(affine<8>{{.signed_codes = true}});
  all(symmetric<3>{});
  all(symmetric<8>{{.full = true, .unsigned_codes = true}});
  all(symmetric<1>{});
  all(nf4{});
  const auto empty = from_codes(Eigen::MatrixXi(0, 4), Eigen::MatrixXf(0, 0), symmetric<8>{});
  EXPECT_EQ(empty.rows(), 0);
  EXPECT_EQ(empty.cols(), 4);
  EXPECT_EQ(empty.scales_as_matrix().size(), 0);
}

// Catches groups that are guessed otherwise than the shape of the scales says.
TEST(from_codes, groups_follow_from_the_shape_of_the_scales) {
  const Eigen::MatrixXi codes = Eigen::MatrixXi::Ones(6, 12);
  const auto groups = [&](index_t rows, index_t cols) {
    return from_codes(codes, Eigen::MatrixXf::Ones(rows, cols), symmetric<8>{}).groups().granularity();
  };
  EXPECT_EQ(groups(1, 1), granularity(per_tensor{}));
  EXPECT_EQ(groups(6, 1), granularity(per_row{}));
  EXPECT_EQ(groups(1, 12), granularity(per_column{}));
  EXPECT_EQ(groups(6, 3), granularity(per_group{4}));
  EXPECT_EQ(groups(6, 12), granularity(per_group{1}));
}

// Catches parts that are cut to fit, and an error that does not say which part.
TEST(from_codes, parts_that_do_not_fit_are_named) {
  Eigen::MatrixXi codes = Eigen::MatrixXi::Ones(2, 4);
  Eigen::MatrixXf scales = Eigen::MatrixXf::Ones(2, 2);
  Eigen::MatrixXi zeros = Eigen::MatrixXi::Zero(2, 2);
  const auto failure = [&](const auto&... answers) {
    return test::message_of<bitgauge_error>([&] { from_codes(codes, scales, answers...); });
  };
  EXPECT_EQ(failure(zeros, affine<4>{}), "no error");
  EXPECT_EQ(failure(affine<4>{}),
            "from_codes: this grid has a zero point for each group: pass them behind the scales");
  EXPECT_EQ(failure(zeros, symmetric<4>{}).substr(0, 52),
            "from_codes: this grid has no zero points of groups: ");
  EXPECT_EQ(failure(symmetric<4>{}, per_group{3}), "no error");
  EXPECT_EQ(failure(symmetric<4>{}, per_row{}), "from_codes: scales: expected 2 x 1, found 2 x 2");
  EXPECT_EQ(failure(Eigen::MatrixXi(zeros.col(0)), affine<4>{}),
            "from_codes: zero points: expected 2 x 2, found 2 x 1");
  EXPECT_EQ(failure(symmetric<4>{}, double_quantized{}).substr(0, 50),
            "from_codes: scales are numbers of f32, f16, bf16 o");
  codes(1, 2) = 8;
  EXPECT_EQ(failure(symmetric<4>{}), "from_codes: code at (1, 2): expected -7 to 7, found 8");
  codes(1, 2) = -8;
  EXPECT_EQ(failure(symmetric<4>{}), "from_codes: code at (1, 2): expected -7 to 7, found -8");
  EXPECT_EQ(failure(symmetric<4>{{.full = true}}), "no error");
  EXPECT_EQ(failure(nf4{}), "from_codes: code at (1, 2): expected 0 to 15, found -8");
  codes(1, 2) = 0;
  EXPECT_EQ(failure(symmetric<1>{}), "from_codes: code at (1, 2): expected -1 or 1, found 0");
  zeros(1, 0) = 16;
  EXPECT_EQ(failure(zeros, affine<4>{}), "from_codes: zero point of group 2: expected 0 to 15, found 16");
  scales(0, 1) = 0.1f;
  EXPECT_EQ(failure(symmetric<4>{}, f16_scales),
            "from_codes: scale of group 1: 0.100000 is not a number of the storage asked for, the nearest is "
            "0.099976: round the scales, or pass f32_scales");
  scales(0, 1) = 1e-5f;  // with as many digits as tell the two apart
  EXPECT_EQ(failure(symmetric<4>{}, f16_scales),
            "from_codes: scale of group 1: 1e-05 is not a number of the storage asked for, the nearest is "
            "1.00136e-05: round the scales, or pass f32_scales");
  scales(0, 1) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(failure(symmetric<4>{}),
            "from_codes: scale of group 1: expected a finite value from 0 up, found inf");
  scales = Eigen::MatrixXf::Ones(2, 3);
  EXPECT_EQ(
      failure(symmetric<4>{}),
      "from_codes: scales of 2 x 3 do not divide codes of 2 x 4: pass a granularity, such as per_group{128}");
}

// Catches scales of groups of 128 with a shorter last one that are taken for those of equal groups: the
// numbers would silently be others.
TEST(from_codes, scales_of_ragged_groups_are_not_guessed) {
  const Eigen::MatrixXf W = Eigen::MatrixXf::Random(4, 300);
  const auto q = quantize(W, symmetric<4>{}, per_group{128});
  const Eigen::MatrixXi codes = q.codes_as();
  const Eigen::MatrixXf scales = q.scales_as_matrix();
  EXPECT_EQ(test::message_of<shape_error>([&] { from_codes(codes, scales, symmetric<4>{}); }),
            "from_codes: scales of 4 x 3 for codes of 4 x 300 may be of groups of 100 or of 128: pass a "
            "granularity, such as per_group{128}");
  EXPECT_EQ(from_codes(codes, scales, symmetric<4>{}, per_group{128}), q);
  EXPECT_EQ(from_codes(codes, scales, symmetric<4>{}, per_group{100}).groups().granularity(),
            granularity(per_group{100}));
  for (const auto& [cols, count, size] : {std::array{256, 2, 128}, {384, 4, 96}, {12, 3, 4}, {20, 20, 1}})
    EXPECT_EQ(from_codes(Eigen::MatrixXi::Zero(2, cols), Eigen::MatrixXf::Ones(2, count), symmetric<4>{})
                  .groups()
                  .granularity(),
              granularity(per_group{size}));
}

// Catches codes that lose their sign or their high bit in the type asked for.
TEST(from_codes, codes_need_a_type_that_holds_them) {
  const auto q = quantize(Eigen::RowVectorXf{{-1, 1, 0.5f}}, symmetric<8>{});
  const auto p = quantize(Eigen::RowVectorXf{{0, 255, 64}}, affine<8>{});
  using bytes = Eigen::Matrix<std::int8_t, 1, Eigen::Dynamic>;
  using unsigned_bytes = Eigen::Matrix<std::uint8_t, 1, Eigen::Dynamic>;
  EXPECT_EQ(q.codes_as<bytes>().cast<int>(), (Eigen::RowVectorXi{{-127, 127, 64}}));
  EXPECT_EQ(p.codes_as<unsigned_bytes>().cast<int>(), (Eigen::RowVectorXi{{0, 255, 64}}));
  EXPECT_EQ(test::message_of<data_error>([&] { q.codes_as<unsigned_bytes>(); }),
            "codes_as: expected a type that holds -128 to 127, found one of 1 byte without a sign");
  EXPECT_EQ(test::message_of<data_error>([&] { p.codes_as<bytes>(); }),
            "codes_as: expected a type that holds 0 to 255, found one of 1 byte with a sign");
  EXPECT_EQ(test::message_of<data_error>([&] { p.zero_points_as_matrix<bytes>(); }).substr(0, 22),
            "zero_points_as_matrix:");
  EXPECT_EQ(test::message_of<shape_error>([&] { q.codes_as<Eigen::Vector3i>(); }),
            "codes_as: expected a matrix type for 1 x 3");
}

// README's lines.
TEST(from_codes, readme) {
  const Eigen::MatrixXf W = Eigen::MatrixXf::Random(64, 256);
  const auto q = bitgauge::quantize(W, bitgauge::affine<4>{}, bitgauge::per_group{128});
  const Eigen::MatrixXi codes = q.codes_as<Eigen::MatrixXi>();  // 64 x 256, from 0 to 15
  const Eigen::MatrixXf scales = q.scales_as_matrix();          // 64 x 2: a column for each group of a row
  const Eigen::MatrixXi zero_points = q.zero_points_as_matrix();
  const auto same = bitgauge::from_codes(codes, scales, zero_points, bitgauge::affine<4>{});
  EXPECT_EQ(same, q);
}

}  // namespace
