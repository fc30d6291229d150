#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include "support/layer.hpp"
#include "support/message_of.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

namespace bg = bitgauge;

// Catches a format that error feedback breaks: bytes that decode to other numbers than were chosen (the
// report's error is what was chosen, the decoded error what is stored), scales below 0, minima left out. All
// must gain on the same format's own encoder with the same importance, and lose nothing to refinement.
TEST(feedback_blocks, every_format_gains) {
  using bg::gguf::tensor_type;
  const Eigen::MatrixXf w = test::normal_matrix(6, 512, 1);
  bg::hessian h(512);
  h.accumulate(test::correlated_inputs(600, 512, 0.9f, 2));
  const bg::importance diagonal(h.diagonal() / h.diagonal().maxCoeff());
  for (const tensor_type type :
       {tensor_type::q4_0, tensor_type::q4_1, tensor_type::q5_0, tensor_type::q5_1, tensor_type::q8_0,
        tensor_type::q2_k, tensor_type::q3_k, tensor_type::q4_k, tensor_type::q5_k, tensor_type::q6_k,
        tensor_type::iq4_nl, tensor_type::iq4_xs, tensor_type::tq1_0, tensor_type::tq2_0, tensor_type::mxfp4,
        tensor_type::nvfp4}) {
    SCOPED_TRACE(std::string(bg::gguf::traits_of(type).name));
    const double own = test::output_error(w, bg::quantize(w, type, diagonal).dequantize(), h.matrix());
    bg::gptq_report report;
    const auto fed = bg::quantize(w, type, bg::gptq(h, {.report = &report}));
    const double error = test::output_error(w, fed.dequantize(), h.matrix());
    EXPECT_NEAR(report.gptq_error, error, 1e-6 * error);
    EXPECT_LT(error, 0.75 * own);
  }
}

// Catches a search that moves scales it cannot store: only codes may change, and the damped error may not
// rise.
TEST(feedback_blocks, refinement_changes_codes_only) {
  const Eigen::MatrixXf w = test::normal_matrix(3, 512, 3);
  bg::hessian h(512);
  h.accumulate(test::correlated_inputs(600, 512, 0.9f, 4));
  bg::gptq_report report;
  const bg::gptq best(h, {.static_groups = true, .effort = bg::effort::best, .report = &report});
  const auto q = bg::quantize(w, bg::gguf::q4_k{}, best);
  const double error = test::output_error(w, q.dequantize(), h.matrix());
  EXPECT_NEAR(report.error, error, 1e-6 * error);
  EXPECT_LT(report.error, report.gptq_error);
}

// Catches importance held above a fixed bound, which is lost for inputs in other units: with all inputs times
// a power of two the bytes must be the same. Dead inputs included, whose weights are taken as 0.
TEST(feedback_blocks, the_unit_of_the_inputs_does_not_matter) {
  const Eigen::MatrixXf w = test::normal_matrix(2, 512, 6);
  Eigen::MatrixXf x = test::correlated_inputs(300, 512, 0.5f, 7);
  x.middleCols(16, 64).setZero();
  const auto fed = [&](float unit, bg::gguf::tensor_type type) {
    bg::hessian h(512);
    h.accumulate(unit * x);
    return bg::quantize(w, type, bg::gptq(h));
  };
  for (const auto type : {bg::gguf::tensor_type::q4_0, bg::gguf::tensor_type::q4_k,
                          bg::gguf::tensor_type::q6_k, bg::gguf::tensor_type::nvfp4}) {
    const auto expected = fed(1.0f, type);
    EXPECT_EQ(fed(0x1p-30f, type), expected) << bg::gguf::traits_of(type).name;
    EXPECT_EQ(fed(0x1p+30f, type), expected) << bg::gguf::traits_of(type).name;
  }
}

// Catches codebook formats that are quietly rounded to nearest.
TEST(feedback_blocks, codebooks_are_refused) {
  const Eigen::MatrixXf w = test::normal_matrix(1, 256, 5);
  const auto h = bg::hessian::from_matrix(Eigen::MatrixXd::Identity(256, 256));
  EXPECT_EQ(test::message_of<bg::invalid_scheme>([&] { bg::quantize(w, bg::gguf::iq2_s{}, bg::gptq(h)); }),
            "gptq: iq2_s: elements are coded in groups by a codebook; expected a format with a code for each "
            "element, such as q4_K");
}

}  // namespace
