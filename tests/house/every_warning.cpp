// A user's unit whose flags are stricter than our own: what the headers instantiate must not warn there.
#include <bitgauge/bitgauge.hpp>
#include <bitgauge/bitsandbytes/tensor_4bit.hpp>
#include <bitgauge/io.hpp>
#include <bitgauge/layer/make_activation_quantizer.hpp>
#include <bitgauge/metrics/output_error.hpp>
#include <bitgauge/model/quantize.hpp>
#include <bitgauge/range/hqq.hpp>
#include <bitgauge/range/observer/histogram_observer.hpp>
#include <bitgauge/rounding/gptq.hpp>

#include <sstream>

namespace {

using namespace bitgauge;

/// The paths of a first day: typed, by scheme, by text, error feedback, blocks, other formats, files.
[[maybe_unused]] double use() {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Random(4, 256);
  const Eigen::VectorXd x = Eigen::VectorXd::Random(256);
  hessian h(w.cols());
  h.accumulate(w);
  double sum = 0;
  const auto take = [&](const auto& q) {
    sum += q.bits_per_weight() + static_cast<double>((q * x)(0)) + measure_error(w, q).sqnr_db() +
           measure_output_error(w, q, h).relative();
    std::ostringstream() << q;
  };
  const auto q = quantize(w, affine<4>{}, per_group{32}, mse_range{}, f16_scales);
  take(q);
  take(from_codes(q.codes_as(), q.scales_as_matrix(), q.zero_points_as_matrix(), affine<4>{}, f16_scales));
  take(quantize(w.cast<double>(), symmetric<3>{}, per_column{}, kl_range{}, stochastic_rounding{1}));
  take(quantize(w.cast<Eigen::half>(), nf4{}, per_block{64}, double_quantized{16}));
  take(quantize(w.cast<Eigen::bfloat16>(), fp8_e4m3{}, percentile_range{99.0f}));
  take(quantize(w, affine<4>{}, hqq_range{}, gptq(h, {.effort = effort::best})));
  take(quantize(w, scheme{.bits = 3}));
  take(quantize(w, "q4_k:rounding=gptq", h));
  take(quantize(w, gguf::q6_k{}, importance(w.row(0).cwiseAbs()), effort::best));
  const auto four = bitsandbytes::quantize_4bit(w);
  sum += static_cast<double>(bitsandbytes::dequantize(four)(0, 0));
  histogram_observer seen;
  seen.observe(w);
  take(make_activation_quantizer(parse_activation_scheme("static:affine:range=mse"), seen)(w));
  const auto bytes = io::saved_bytes({{"w", q}});
  take(io::load(bytes, "w"));
  return sum;
}

}  // namespace
