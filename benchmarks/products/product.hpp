#pragma once

/// \file
/// The products that are measured, Y = W X with W (rows x cols) given in advance and X (cols x samples), and what
/// a system that computes them has to offer: this library with some scheme, or a peer.
/// Nothing of Eigen's is included: a peer may be compiled for another instruction set.

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace bench {

struct weight_shape {
  std::ptrdiff_t rows = 0, cols = 0;
  std::string text() const { return std::to_string(rows) + "x" + std::to_string(cols); }
  double size() const { return static_cast<double>(rows) * static_cast<double>(cols); }
  friend bool operator==(const weight_shape&, const weight_shape&) = default;
};

inline constexpr std::array weight_shapes{weight_shape{4096, 4096}, weight_shape{11008, 4096}};
inline constexpr std::array<std::ptrdiff_t, 4> sample_counts{1, 8, 64, 512};
inline constexpr std::array thread_counts{1, 2};

enum class precision { exact, integer };

inline const char* name_of(precision how) {
  return how == precision::exact ? "exact" : "integer";
}

/// One call: `x` and `y` are samples one after another, in Eigen's terms column-major.
struct product_call {
  const float* x;
  float* y;
  std::ptrdiff_t samples;
  int threads;
  precision how;
};

/// Weights in a system's own form.
struct prepared_weights {
  double bytes = 0;  ///< of one copy: what a product reads of it
  /// Calls take copies in turn, see copies_beyond_caches().
  std::function<void(const product_call&)> multiply;
};

/// A system, or one scheme of it.
struct product_system {
  std::string name;     ///< "bitgauge", "onednn"
  std::string weights;  ///< "affine4_g32", "int8"
  std::vector<precision> precisions;
  /// Operations a second of the arithmetic that the system can use on this machine.
  std::function<double(precision, int threads)> peak;
  std::function<prepared_weights(weight_shape)> prepare;
};

/// A product of one system.
struct product {
  std::string system, weights;
  precision how;
  weight_shape shape;
  std::ptrdiff_t samples;
  int threads;

  double operations() const { return 2 * shape.size() * static_cast<double>(samples); }
  /// gemv/<weights>/<shape>/<precision>/threads:T, gemm/<weights>/<shape>/m:M/<precision>/threads:T; of peers
  /// peer/<system>/<weights>/<shape>/m:M/threads:T.
  std::string title() const;
  friend bool operator==(const product&, const product&) = default;
};

struct product_result {
  product what;
  double bytes_per_second;  ///< of weights
  double operations_per_second;
  double fraction;  ///< of the rate at which memory or arithmetic would be busy all the time
};

/// Those that were measured so far.
const std::vector<product_result>& product_results();

/// Registers all shapes, numbers of samples, precisions and numbers of threads of a system.
void register_system(const product_system& system);

/// Standard normal values, row-major, the same in every call and for a shape of fewer rows. Valid for good.
const float* normal_weights(weight_shape shape);

/// How many copies of `bytes` a system has to take in turn for every product to read its weights from memory.
std::size_t copies_beyond_caches(double bytes);

}  // namespace bench
