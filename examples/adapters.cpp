// Fine-tuning a llama by adapters: beside float weights (LoRA), beside NF4 (QLoRA), and PRILoRA beside NF4.
//
//     adapters [--steps N] [--windows N] [--rank R] [--rate X] [--seed S] [--svg FILE]
//
// The model is examples/data/kjv_llama, which has read the King James Bible; it learns The Devil's Dictionary
// (examples/data/devils_dictionary). Adapters stand beside the output of attention and the three matrices of the
// feed-forward network of each block; all else is frozen. The three ways see the same text in the same order. A token
// is a byte, so what is printed are bits per byte of text that was not trained on. "Frozen" are the codes and scales, or
// the floats, of the matrices that have an adapter; "learned" is what learning takes: the adapters, their gradients
// and Adam's two moments. docs/adapters.svg is this program's with --windows 233.

#include <bitgauge/error.hpp>
#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/model/token_file.hpp>
#include <bitgauge/model/perplexity.hpp>
#include <bitgauge/training/adapters/prilora.hpp>
#include <bitgauge/training/adapters/qlora.hpp>

#include "adam.hpp"
#include "command_line.hpp"
#include "llama_training.hpp"
#include "progress_bar.hpp"
#include "svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bg = bitgauge;
namespace io = bitgauge::io;
namespace llama = bitgauge::llama;

namespace {

using bg::index_t;
using bg::row_matrix;
using llama::matrix_of;
using llama_training::place;

struct settings {
  int steps = 60, windows = 60, rank = 8, seed = 1;
  double rate = 0.01;
  std::string svg{};
};
constexpr index_t context = 128, batch = 4;  // tokens of a window, windows of a step

enum class way { lora, qlora, prilora };

/// What one way comes to.
struct result {
  std::string name, color;
  svg_chart::points curve{};        ///< steps and bits per byte on a few windows
  bg::window_mean bits{};           ///< in the end
  index_t trained = 0, frozen = 0;  ///< numbers that are learned; bytes of the weights beside them
};

std::string data(const std::string& name) {
  return BITGAUGE_EXAMPLE_DATA "/" + name;
}

class experiment {
 public:
  explicit experiment(const settings& s) : settings_(s), bar_(work()) {}

  /// The model before training, of floats or with what is to be adapted in NF4.
  result untouched(bool quantized) {
    result r{quantized ? "none, NF4" : "none", ""};
    llama_training::model m(base_);
    if (quantized) add_adapters(m, way::qlora);
    r.bits = bits(m.merged(), settings_.windows, r.name);
    return r;
  }

  result train(way how, const std::string& name, const std::string& color) {
    result r{name, color};
    llama_training::model m(base_);
    add_adapters(m, how);
    std::map<place, bg::prilora_pruning> pruning;
    if (how == way::prilora)
      m.observe = [&](index_t layer, matrix_of which, const row_matrix& inputs) {
        if (m.adapted.count({layer, which}) > 0) pruning[{layer, which}].observe(inputs);
        return true;
      };
    struct moments {
      adam A, B;
    };
    std::map<place, moments> optimiser;
    std::map<place, llama_training::gradients> g;
    std::mt19937 random(static_cast<unsigned>(settings_.seed));
    for (int step = 0; step < settings_.steps; ++step) {
      if (step % 10 == 0) r.curve.emplace_back(step, bits(m.merged(), few_windows_, name).mean);
      const auto [inputs, targets] = draw(random);
      m.loss(inputs, targets, context, &g);
      const float rate = rate_at(static_cast<float>(settings_.rate), step, settings_.steps);
      for (auto& [p, layer] : m.adapted) {
        bg::lora<float>& adapter = std::visit([](auto& l) -> bg::lora<float>& { return l.adapter; }, layer);
        optimiser[p].A.step(adapter.A, g[p].A, rate);
        optimiser[p].B.step(adapter.B, g[p].B, rate);
        if (how == way::prilora) pruning[p].step(adapter.A);
      }
      bar_.advance(3 * batch * context, name);
    }
    const llama::model merged = m.merged();
    r.curve.emplace_back(settings_.steps, bits(merged, few_windows_, name).mean);
    r.bits = bits(merged, settings_.windows, name);
    for (const auto& [p, layer] : m.adapted) {
      const auto count = [&](const auto& l) {
        r.trained += l.adapter.A.size() + l.adapter.B.size();
        r.frozen += l.bytes() - l.adapter.bytes();
      };
      std::visit(count, layer);
    }
    return r;
  }

 private:
  /// All of it, in tokens that go forward once.
  double work() const {
    const int points = (settings_.steps + 9) / 10 + 1;
    return 3.0 * (3.0 * batch * context * settings_.steps + 256.0 * few_windows_ * points) +
           5 * 256.0 * settings_.windows;
  }

  void add_adapters(llama_training::model& m, way how) const {
    const index_t rank = settings_.rank, layers = sizes_.layers;
    const std::vector<index_t> ranks = how == way::prilora
                                           ? bg::prilora_ranks(layers, rank - rank / 2, rank + rank / 2)
                                           : std::vector<index_t>(static_cast<std::size_t>(layers), rank);
    auto seed = static_cast<std::uint64_t>(settings_.seed) * 1000;
    for (index_t l = 0; l < layers; ++l)
      for (const matrix_of which : {matrix_of::output, matrix_of::gate, matrix_of::up, matrix_of::down}) {
        const row_matrix& w = m.weights({l, which});
        const index_t r = ranks[static_cast<std::size_t>(l)];
        const bg::lora<float> start(w.rows(), w.cols(),
                                    {.rank = r, .alpha = 2 * static_cast<double>(r), .seed = ++seed});
        if (how == way::lora) {
          m.adapted.emplace(place{l, which}, llama_training::float_lora{w, start});
        } else {
          const auto q = bg::quantize(w, bg::nf4{}, bg::per_block{64}, bg::double_quantized{256});
          m.adapted.emplace(place{l, which}, bg::qlora(q, start));
        }
      }
  }

  /// Windows of text, and the tokens that follow each of theirs.
  std::pair<std::vector<llama::token>, std::vector<llama::token>> draw(std::mt19937& random) const {
    std::vector<llama::token> inputs, targets;
    for (index_t i = 0; i < batch; ++i) {
      const auto first = train_.begin() + static_cast<std::ptrdiff_t>(random() % (train_.size() - context));
      inputs.insert(inputs.end(), first, first + context);
      targets.insert(targets.end(), first + 1, first + 1 + context);
    }
    return {inputs, targets};
  }

  bg::window_mean bits(const llama::model& m, int windows, const std::string& name) {
    return bg::perplexity(
               m, test_, {.windows = windows, .progress = [&](index_t, index_t) { bar_.advance(256, name); }})
        .bits;
  }

  settings settings_;
  int few_windows_ = std::min(12, settings_.windows);  ///< of a point of the curve
  io::tensor_file file_{data("kjv_llama/kjv_llama.f16.gguf")};
  llama::config sizes_ = io::llama_config(file_);
  llama::model base_ = llama::load(file_, sizes_);
  std::vector<llama::token> train_ = io::read_tokens(data("devils_dictionary/train_tokens.npy")),
                            test_ = io::read_tokens(data("devils_dictionary/test_tokens.npy"));
  progress_bar bar_;
};

void print(const result& r) {
  fmt::print("{:<16} {:>14.3f} +- {:.3f}", r.name, r.bits.mean, r.bits.standard_error);
  if (r.trained > 0)
    fmt::print(" {:>10} {:>12.2f} {:>12.2f}", r.trained, static_cast<double>(r.frozen) / 1e6,
               static_cast<double>(16 * r.trained) / 1e6);
  fmt::print("\n");
  std::fflush(stdout);
}

std::string as_svg(const std::vector<result>& results, int steps) {
  svg_chart chart(
      {74, 44, 796, 400}, "Fine-tuning a llama of 3.5 million parameters on The Devil's Dictionary",
      {"steps", 0, static_cast<double>(steps)}, {"bits per byte of text not trained on", 2.6, 4.2});
  for (const result& r : results)
    if (!r.color.empty()) chart.curve(r.curve, r.color, r.name, true);
  return svg_chart::page(900, 520, {chart});
}

template <class Number>
Number read(const std::string& option, const std::string& text) {
  return command_line::read_number<Number>(option, text, "a number above 0", [](Number n) { return n > 0; });
}

settings read_arguments(int count, char** texts) {
  settings s;
  command_line::for_each_option(count, texts, [&](const std::string& option, const std::string& value) {
    if (option == "--steps")
      s.steps = read<int>(option, value);
    else if (option == "--windows")
      s.windows = read<int>(option, value);
    else if (option == "--rank")
      s.rank = read<int>(option, value);
    else if (option == "--seed")
      s.seed = read<int>(option, value);
    else if (option == "--rate")
      s.rate = read<double>(option, value);
    else if (option == "--svg")
      s.svg = value;
    else
      bg::raise(bg::data_error(option + ": expected --steps, --windows, --rank, --rate, --seed or --svg"));
  });
  return s;
}

}  // namespace

int main(int argc, char** argv) try {
  const settings s = read_arguments(argc, argv);
  experiment devil(s);
  fmt::print("{:<16} {:>23} {:>10} {:>12} {:>12}\n", "adapters", "bits per byte", "parameters", "frozen, MB",
             "learned, MB");
  std::vector<result> results;
  const auto add = [&](result r) {
    results.push_back(std::move(r));
    print(results.back());
  };
  add(devil.untouched(false));
  add(devil.untouched(true));
  add(devil.train(way::lora, "LoRA", "#0969da"));
  add(devil.train(way::qlora, "QLoRA", "#c0392b"));
  add(devil.train(way::prilora, "PRILoRA", "#1a7f37"));
  if (!s.svg.empty()) command_line::write_file(s.svg, as_svg(results, s.steps));
} catch (const std::exception& failure) {
  fmt::print(stderr, "adapters: {}\n", failure.what());
  return 2;
}
