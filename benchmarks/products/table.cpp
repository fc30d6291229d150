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

class product_table {
 public:
  product_table(precision how, int threads) : how_(how), threads_(threads) {
    for (const product_result& result : product_results()) {
      if (result.what.how != how_ || result.what.threads != threads_) continue;
      const row its{result.what.system, result.what.weights, result.what.shape};
      if (std::find(rows_.begin(), rows_.end(), its) == rows_.end()) rows_.push_back(its);
    }
  }

  void print(std::ostream& out) const {
    if (rows_.empty()) return;
    out << "\n"
        << (how_ == precision::exact ? "Float activations" : "8-bit activations") << ", " << threads_
        << (threads_ == 1 ? " thread" : " threads") << ":\n\n| weights | shape |";
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
  const product_result* find(const row& its, std::ptrdiff_t samples, precision how) const {
    const product wanted{its.system, its.weights, how, its.shape, samples, threads_};
    for (const product_result& result : product_results())
      if (result.what == wanted) return &result;
    return nullptr;
  }

  /// "41 GB/s, 94 %; 1.0 onednn int8": speed, fraction of the limit, and speed in that of each peer.
  std::string cell(const row& its, std::ptrdiff_t samples) const {
    const product_result* const result = find(its, samples, how_);
    if (result == nullptr) return "";
    std::string text = samples == 1 ? number("%.1f GB/s, ", result->bytes_per_second / 1e9)
                                    : number("%.0f GOP/s, ", result->operations_per_second / 1e9);
    text += number("%.0f %%", 100 * result->fraction);
    if (its.system != "bitgauge") return text;
    return text + against(its, *result);
  }

  /// Peers with the same kind of activations, and ggml on weights of the same name; of its paths the best.
  std::string against(const row& its, const product_result& ours) const {
    std::vector<std::pair<std::string, double>> peers;
    for (const product_result& other : product_results()) {
      const product& what = other.what;
      const bool ggml = what.system == "ggml";
      if (what.system == "bitgauge" || what.shape != its.shape || what.samples != ours.what.samples ||
          what.threads != threads_)
        continue;
      if (ggml ? !what.weights.starts_with(its.weights + "/") : what.how != how_) continue;
      const std::string name = ggml ? "ggml" : what.system + " " + what.weights;
      const auto known =
          std::find_if(peers.begin(), peers.end(), [&](const auto& peer) { return peer.first == name; });
      if (known == peers.end())
        peers.emplace_back(name, other.operations_per_second);
      else
        known->second = std::max(known->second, other.operations_per_second);
    }
    std::string text;
    for (const auto& [name, rate] : peers)
      text += (text.empty() ? "; " : ", ") + number("%.2f ", ours.operations_per_second / rate) + name;
    return text;
  }

  precision how_;
  int threads_;
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
