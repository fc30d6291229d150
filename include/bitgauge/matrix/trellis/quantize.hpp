#pragma once

/// \file
/// quantize(W, trellis{.bits = 2.25}): entropy-coded levels of a trellis in a given number of bits.

#include <bitgauge/base/config.hpp>
#include <bitgauge/matrix/answers/importance.hpp>
#include <bitgauge/matrix/answers/options.hpp>
#include <bitgauge/matrix/rows/row_source.hpp>
#include <bitgauge/matrix/trellis/trellis_matrix.hpp>
#include <bitgauge/rounding/hessian.hpp>
#include <bitgauge/rounding/trellis/trellis_options.hpp>

#include <Eigen/Core>

#include <type_traits>

namespace bitgauge {
namespace detail {

/// What a call is given beside the matrix and the settings.
struct trellis_inputs {
  const bitgauge::hessian* hessian = nullptr;
  importance column_weights{};
  bitgauge::options options{};

  void set(const bitgauge::hessian& h) { hessian = &h; }
  void set(const importance& weights) { column_weights = weights; }
  void set(const bitgauge::options& o) { options = o; }
  template <class Extra>
  void set(const Extra&) {
    static_assert(!std::is_same_v<Extra, Extra>,
                  "bitgauge: beside a trellis expected a hessian, an importance or options");
  }
};

/// Quantizes to `bytes` bytes, what is left of them being filled with zeros; settings.bits, if not the same, is what
/// damping is chosen for.
BITGAUGE_DECLARE trellis_matrix quantize_to_size(const row_source& rows, const trellis& settings,
                                                 index_t bytes, const trellis_inputs& inputs);

}  // namespace detail

/// Quantizes `matrix` (out x in) to levels of a trellis that take t.bits bits a weight, all that is stored counted:
/// bits may be any real number. `extras`, in any order: the hessian of the layer's inputs, by which each column gets
/// the step that its errors deserve and errors are fed back, as gptq does; an importance, which chooses steps alone;
/// options.
///
///     #include <bitgauge/bitgauge.hpp>
///     #include <bitgauge/matrix/trellis/quantize.hpp>
///
///     int main() {
///       const Eigen::MatrixXf W = Eigen::MatrixXf::Random(512, 512);
///       const auto q = bitgauge::quantize(W, bitgauge::trellis{.bits = 2.25, .states = 64});
///       std::cout << q << ", SQNR " << bitgauge::measure_error(W, q).sqnr_db() << " dB\n";
///     }
///
/// Normal data lie .50 dB (8 states) or .35 dB (64) from the rate-distortion bound at every rate. The result does not
/// depend on the number of threads, nor, without a Hessian, on the compiler or instruction set.
///
/// Raises invalid_scheme for settings out of range, shape_error for a Hessian or an importance of another number of
/// columns, data_error for NaN and infinity, and where a matrix is so small that what stands beside symbols takes more.
///
/// Cost: some 30 ns a weight, with a Hessian of n inputs three to five factorizations of n^3 / 3 multiplications (eight more
/// where there are fewer than 16 n samples) and 2 m n^2 more.
template <class Derived, class... Extras>
trellis_matrix quantize(const Eigen::DenseBase<Derived>& matrix, const trellis& t, const Extras&... extras) {
  detail::trellis_inputs inputs;
  (inputs.set(extras), ...);
  return detail::with_rows(matrix, [&](const row_source& rows) {
    t.check();
    const auto elements = static_cast<double>(rows.rows()) * static_cast<double>(rows.cols());
    return detail::quantize_to_size(rows, t, static_cast<index_t>(t.bits * elements / 8), inputs);
  });
}

}  // namespace bitgauge

#if !defined(BITGAUGE_COMPILED)
#include <bitgauge/matrix/trellis/quantize_definitions.hpp>
#endif
