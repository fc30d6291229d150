// Catches what belongs to the inputs before a transform where those after it are meant: an answer that is silently another's.
#include <bitgauge/matrix/scheme/recipe.hpp>
#include <bitgauge/range/mse.hpp>
#include <bitgauge/rounding/gptq.hpp>
#include <bitgauge/transform/auto_alpha.hpp>
#include <bitgauge/transform/awq.hpp>
#include <bitgauge/transform/rotation.hpp>

using namespace bitgauge;

void transforms(const Eigen::MatrixXf& w, const activation_stats& stats, const hessian& h,
                const importance& v) {
  const auto changed_hessian = [](const row_matrix& own, const hessian& changed) {
    return quantize(own, affine<4>{}, gptq{changed});
  };
  smooth_quant(w, stats, auto_alpha{}, h, symmetric<8>{});
  smooth_quant(w, stats, auto_alpha{}, h, changed_hessian);
  awq(w, stats, h, affine<4>{}, per_group{128}, mse_range{}, v);
  awq(w, stats, h, [](const row_matrix& own) { return quantize(own, parse_scheme("nf4")); });
  const transformed rotated(w, rotation(w.cols()));
  const hessian changed = rotated.hessian_of(h);
  const gptq after(changed);

  // error: smooth_quant changes the basis in which a Hessian or an importance holds: pass a function
  smooth_quant(w, stats, auto_alpha{}, h, symmetric<8>{}, gptq{h});
  // error: smooth_quant changes the basis in which a Hessian or an importance holds: pass a function
  smooth_quant(w, stats, auto_alpha{}, h, symmetric<8>{}, mse_range{}, v);
  // error: AWQ changes the inputs that the Hessian of a rounding is of. Pass a function instead
  awq(w, stats, h, affine<4>{}, gptq{h});
  // error: AWQ takes a ggml type, a scheme or a text as a function
  awq(w, stats, h, parse_scheme("nf4"));
  // error: AWQ takes a function that returns something quantized
  awq(w, stats, h, [](const row_matrix& own) { return own; });
  // error: deleted
  const gptq too_short(rotated.hessian_of(h));
}
