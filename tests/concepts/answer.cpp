// Catches a type that answers another question than the one it is for, or more than one.
#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/grid/codebook_tables.hpp>
#include <bitgauge/matrix/answers/answers.hpp>
#include <bitgauge/matrix/answers/recipe.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/rounding/gptq.hpp>

using namespace bitgauge;
using detail::question;
using detail::question_of;

static_assert(question_of<affine<4>>() == question::grid && question_of<nf4>() == question::grid);
static_assert(question_of<per_row>() == question::granularity &&
              question_of<granularity>() == question::granularity);
static_assert(question_of<minmax_range>() == question::range && question_of<mse_range>() == question::range);
static_assert(question_of<nearest_rounding>() == question::rounding);
static_assert(question_of<stochastic_rounding>() == question::rounding);
static_assert(question_of<gptq<double>>() == question::rounding &&
              question_of<gptq<float>>() == question::rounding);
static_assert(question_of<scale_storage>() == question::scale_storage);
static_assert(question_of<double_quantized>() == question::scale_storage);
static_assert(question_of<importance>() == question::importance &&
              question_of<options>() == question::options);
static_assert(question_of<effort>() == question::effort);
static_assert(question_of<int>() == question::none && question_of<const char*>() == question::none);
static_assert(question_of<gguf::q4_0>() == question::none &&
              question_of<Eigen::VectorXf>() == question::none);

// an importance counts where a range weighs errors
static_assert(detail::is_weighing_range<mse_range> && !detail::is_weighing_range<minmax_range>);
