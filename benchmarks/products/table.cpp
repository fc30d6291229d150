#include "table.hpp"

#include "../arithmetic_limits.hpp"
#include "product.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

namespace bench {
namespace {

std::string number(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// "43.7 / 83.9 GB/s" by threads.
std::string text_of(const rate& limit, const char* unit) {
  return number("%.0f", limit.one_thread / 1e9) + " / " + number("%.0f ", limit.two_threads / 1e9) + unit;
}

void print_limits(std::ostream& out) {
  const arithmetic_limits& arithmetic = machine_arithmetic();
  out << "Limits, one / two threads: memory read " << text_of(machine_limits().read, "GB/s") << ", float FMA "
      << text_of(arithmetic.fma_f32, "GFLOP/s");
  const auto print = [&](const char* name, const rate& limit, const char* unit) {
    if (limit.one_thread > 0) out << ", " << name << " " << text_of(limit, unit);
  };
  print("bf16", arithmetic.bf16_dot, "GFLOP/s");
  print("int8", arithmetic.int8_dot, "GOP/s");
  print("AMX bf16", arithmetic.amx_bf16, "GFLOP/s");
  print("AMX int8", arithmetic.amx_int8, "GOP/s");
  out << ". Weights beyond caches: " << machine_limits().beyond_caches / (1 << 20) << " MiB.\n";
}

/// One row of a table: a system and its weights in one shape.
struct row {
  std::string system, weights;
  weight_shape shape;
  friend bool operator==(const row&, const row&) = default;
};

/// What a result is compared with: a peer that treats activations alike, or ggml, which has its own path for every
/// type and of which the best counts.
std::string peer_of(const product& what) {
  return what.system == "ggml" ? "ggml" : what.system + " " + what.weights;
}

class product_table {
 public:
  product_table(precision how, int threads) : how_(how), threads_(threads) {
    for (const product_result& result : product_results()) {
      const product& what = result.what;
      if (what.threads != threads_) continue;
      if (what.system != "bitgauge" && (what.how == how_ || what.system == "ggml"))
        append(peers_, peer_of(what));
      if (what.how == how_) append(rows_, {what.system, what.weights, what.shape});
    }
  }

  void print(std::ostream& out) const {
    if (rows_.empty()) return;
    out << "\n"
        << (how_ == precision::exact ? "Float activations" : "8-bit activations") << ", " << threads_
        << (threads_ == 1 ? " thread" : " threads") << ": rate, share of the limit that binds";
    for (const std::string& peer : peers_) out << (peer == peers_.front() ? ", multiple of " : " / ") << peer;
    out << ".\n\n| weights | shape |";
    for (const std::ptrdiff_t samples : sample_counts) out << " m = " << samples << " |";
    out << "\n|---|---|";
    for (std::size_t i = 0; i < sample_counts.size(); ++i) out << "---|";
    out << "\n";
    for (const row& its : rows_) {
      out << "| " << (its.system == "bitgauge" ? "" : its.system + " ") << its.weights << " | "
          << its.shape.text() << " |";
      for (const std::ptrdiff_t samples : sample_counts) out << " " << cell(its, samples) << " |";
      out << "\n";
    }
  }

 private:
  template <class Value>
  static void append(std::vector<Value>& all, const Value& value) {
    if (std::find(all.begin(), all.end(), value) == all.end()) all.push_back(value);
  }

  /// "41.3 GB/s, 94 %, 1.02 / 1.61"
  std::string cell(const row& its, std::ptrdiff_t samples) const {
    const product wanted{its.system, its.weights, how_, its.shape, samples, threads_};
    const auto& all = product_results();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const product_result& result) { return result.what == wanted; });
    if (found == all.end()) return "";
    std::string text = samples == 1 ? number("%.1f GB/s, ", found->bytes_per_second / 1e9)
                                    : number("%.0f GOP/s, ", found->operations_per_second / 1e9);
    text += number("%.0f %%", 100 * found->fraction);
    if (its.system != "bitgauge") return text;
    for (const std::string& peer : peers_) {
      const double rate = rate_of(peer, wanted);
      text += peer == peers_.front() ? ", " : " / ";
      text += rate > 0 ? number("%.2f", found->operations_per_second / rate) : "-";
    }
    return text;
  }

  /// Operations a second of a peer on what is ours; 0: not measured.
  static double rate_of(const std::string& peer, const product& ours) {
    double best = 0;
    for (const product_result& result : product_results()) {
      const product& what = result.what;
      const bool same_weights = what.system != "ggml" || what.weights.starts_with(ours.weights + "/");
      if (what.system != "bitgauge" && peer_of(what) == peer && same_weights && what.shape == ours.shape &&
          what.samples == ours.samples && what.threads == ours.threads)
        best = std::max(best, result.operations_per_second);
    }
    return best;
  }

  precision how_;
  int threads_;
  std::vector<std::string> peers_;
  std::vector<row> rows_;
};

}  // namespace

void print_product_table(std::ostream& out) {
  if (product_results().empty()) return;
  print_limits(out);
  for (const precision how : {precision::integer, precision::exact})
    for (const int threads : thread_counts) product_table(how, threads).print(out);
}

}  // namespace bench
