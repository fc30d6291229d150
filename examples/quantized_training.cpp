// Training with quantization: a classifier of handwritten digits at 3 and 2 bits.
//
//     quantized_training [--epochs N] [--networks N] [--seed S] [--svg FILE]
//
// Small networks of three layers learn in floats. Each is then quantized, by the extent of its numbers and by the
// range of the least squared error, and trained on with quantization in the loop: straight through, by learned steps
// (LSQ), and with a learned clip of activations (PACT). What is printed is the mean of the networks: how many of
// the test images are taken for another digit, and the share of what the better quantization after training loses
// that training with it recovers. docs/quantized_training.svg is this program's.

#include <bitgauge/base/parallel.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/matrix/quantize.hpp>
#include <bitgauge/range/mse.hpp>

#include "command_line.hpp"
#include "digit_classifier.hpp"
#include "progress_bar.hpp"
#include "svg_chart.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

namespace bg = bitgauge;
using namespace digit_classifier;

namespace {

struct settings {
  int epochs = 20, networks = 6, seed = 1;
  std::string svg{};
};

labelled read_digits(const std::string& name) {
  const std::string start = BITGAUGE_EXAMPLE_DATA "/digits/" + name;
  return {bg::io::read_npy<batch>(start + "_images.npy") / 16.0f,
          bg::io::read_npy<batch>(start + "_labels.npy").reshaped().cast<int>()};
}

bg::integer_grid grid_of(int bits) {
  return bg::make_symmetric(bits, {.full = true});
}
enum class range_of { extent, least_error };

/// Quantizes the weights of each layer, rows by scales of their own.
void quantize_weights(network& layers, int bits, range_of range) {
  for (layer& l : layers)
    l.weights =
        (range == range_of::extent ? bg::quantize(l.weights, grid_of(bits), bg::per_row{})
                                   : bg::quantize(l.weights, grid_of(bits), bg::per_row{}, bg::mse_range{}))
            .dequantize();
}

/// Quantizes the outputs of each layer but the last, by a clip that suits those of `all`.
void quantize_outputs(network& layers, int bits, range_of range, const labelled& all) {
  batch x = all.images;
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    x = layers[i].activated(layers[i].sums(x, layers[i].weights));
    float alpha = x.maxCoeff();
    if (range == range_of::least_error) {
      const auto q = bg::quantize(x, bg::make_affine(bits), bg::per_tensor{}, bg::mse_range{});
      alpha = q.scales_as_matrix<Eigen::MatrixXf>()(0) * static_cast<float>((1 << bits) - 1);
    }
    layers[i].clip = bg::pact{.bits = bits, .alpha = alpha};
  }
}

/// A row of the table: what becomes of a network that was trained in floats, before it is trained on or for good.
struct way {
  std::string name, color;
  bool outputs, trained;
  void (*prepare)(network& layers, int bits, const labelled& all);
};

void straight_through(network& layers, int bits, const labelled&) {
  for (layer& l : layers) l.straight.emplace(grid_of(bits), bg::per_row{});
}
void learned_steps(network& layers, int bits, const labelled&) {
  for (layer& l : layers) l.step.emplace(grid_of(bits), bg::per_row{}, l.weights);
}
void steps_and_clips(network& layers, int bits, const labelled& all) {
  quantize_outputs(layers, bits, range_of::least_error, all);
  learned_steps(layers, bits, all);
}
void steps_and_output_steps(network& layers, int bits, const labelled& all) {
  steps_and_clips(layers, bits, all);
  for (layer& l : layers) {
    if (!l.clip) continue;
    l.output_step.emplace(bg::make_affine(bits));
    l.output_step->step.setConstant(1, l.clip->alpha / static_cast<float>((1 << bits) - 1));
    l.clip.reset();
  }
}

const std::vector<way> ways = {
    {"after training, extent", "", false, false,
     [](network& n, int bits, const labelled&) { quantize_weights(n, bits, range_of::extent); }},
    {"after training, least error", "#888888", false, false,
     [](network& n, int bits, const labelled&) { quantize_weights(n, bits, range_of::least_error); }},
    {"straight through", "#8250df", false, true, straight_through},
    {"LSQ", "#0969da", false, true, learned_steps},
    {"after training, extent", "", true, false,
     [](network& n, int bits, const labelled& all) {
       quantize_outputs(n, bits, range_of::extent, all);
       quantize_weights(n, bits, range_of::extent);
     }},
    {"after training, least error", "#555555", true, false,
     [](network& n, int bits, const labelled& all) {
       quantize_outputs(n, bits, range_of::least_error, all);
       quantize_weights(n, bits, range_of::least_error);
     }},
    {"straight through, PACT", "#bf8700", true, true,
     [](network& n, int bits, const labelled& all) {
       quantize_outputs(n, bits, range_of::least_error, all);
       straight_through(n, bits, all);
     }},
    {"LSQ, PACT", "#c0392b", true, true, steps_and_clips},
    {"LSQ, LSQ", "#1a7f37", true, true, steps_and_output_steps}};
constexpr int all_bits[] = {3, 2};

/// What is wrong of the test images, after each epoch: by way and bits; and of floats.
struct results {
  explicit results(int epochs)
      : wrong(ways.size(), std::vector<Eigen::ArrayXd>(2, Eigen::ArrayXd::Zero(epochs + 1))) {}
  std::vector<std::vector<Eigen::ArrayXd>> wrong;
  double floats = 0;
};

results run(const settings& s) {
  const labelled training = read_digits("train"), test = read_digits("test");
  std::vector<results> found(static_cast<std::size_t>(s.networks), results(s.epochs));
  progress_bar bar(s.networks * s.epochs * 11.0);  // 5 ways are trained at 2 numbers of bits, after floats
  std::mutex one;
  bg::parallel_for(s.networks, 0, [&](index_t i) {
    const unsigned seed = static_cast<unsigned>(s.seed + static_cast<int>(i));
    const auto advance = [&](const std::string& name) {
      const std::lock_guard lock(one);
      bar.advance(1, name);
    };
    network floats = new_network(training.images.cols(), seed);
    train(floats, training, s.epochs, 0.003f, seed, [&](int done) {
      if (done > 0) advance("floats");
    });
    results& r = found[static_cast<std::size_t>(i)];
    r.floats = wrong(floats, test);
    for (std::size_t w = 0; w < ways.size(); ++w)
      for (std::size_t b = 0; b < 2; ++b) {
        network n = floats;
        ways[w].prepare(n, all_bits[b], training);
        if (!ways[w].trained) {
          r.wrong[w][b].setConstant(wrong(n, test));
          continue;
        }
        train(n, training, s.epochs, 0.002f, seed, [&](int done) {
          r.wrong[w][b](done) = wrong(n, test);
          if (done > 0) advance(ways[w].name);
        });
      }
  });
  results mean(s.epochs);
  for (const results& r : found) {
    mean.floats += r.floats / s.networks;
    for (std::size_t w = 0; w < ways.size(); ++w)
      for (std::size_t b = 0; b < 2; ++b) mean.wrong[w][b] += r.wrong[w][b] / s.networks;
  }
  return mean;
}

void print(const results& r) {
  fmt::print("{:<32} {:>8} {:>8} {:>18}\n{:<32} {:>6.2f} %\n", "wrong of the test images", "3 bits", "2 bits",
             "recovered, 2 bits", "floats", r.floats);
  double least = 0;
  for (std::size_t w = 0; w < ways.size(); ++w) {
    const bool begins = w == 0 || ways[w].outputs != ways[w - 1].outputs;
    if (begins) fmt::print("{}\n", ways[w].outputs ? "weights and activations" : "weights");
    const double three = r.wrong[w][0].tail(1)(0), two = r.wrong[w][1].tail(1)(0);
    fmt::print("  {:<30} {:>6.2f} % {:>6.2f} %", ways[w].name, three, two);
    if (ways[w].trained) fmt::print(" {:>16.0f} %", 100 * (least - two) / (least - r.floats));
    if (!ways[w].trained) least = begins ? two : std::min(least, two);
    fmt::print("\n");
  }
}

std::string as_svg(const results& r, int epochs) {
  std::vector<svg_chart> charts;
  for (const bool outputs : {false, true}) {
    svg_chart chart({74, outputs ? 494.0 : 44.0, 796, 330},
                    outputs ? "weights and activations in 2 bits" : "weights in 2 bits",
                    {"epochs of training with quantization", 0, static_cast<double>(epochs)},
                    {"wrong of the test images, %", 1, 100});
    for (std::size_t w = 0; w < ways.size(); ++w) {
      if (ways[w].outputs != outputs || ways[w].color.empty()) continue;
      svg_chart::points values;
      for (int e = 0; e <= epochs; ++e) values.emplace_back(e, r.wrong[w][1](e));
      chart.curve(values, ways[w].color, ways[w].name);
    }
    chart.curve({{0, r.floats}, {static_cast<double>(epochs), r.floats}}, "#bbbbbb", "floats");
    charts.push_back(chart);
  }
  return svg_chart::page(900, 910, charts);
}

settings read_arguments(int count, char** texts) {
  settings s;
  command_line::for_each_option(count, texts, [&](const std::string& option, const std::string& value) {
    int* const number = option == "--epochs"     ? &s.epochs
                        : option == "--networks" ? &s.networks
                        : option == "--seed"     ? &s.seed
                                                 : nullptr;
    if (option == "--svg") {
      s.svg = value;
    } else if (number == nullptr) {
      bg::raise(bg::data_error(option + ": expected --epochs, --networks, --seed or --svg"));
    } else {
      *number =
          command_line::read_number<int>(option, value, "a number from 1 up", [](int n) { return n >= 1; });
    }
  });
  return s;
}

}  // namespace

int main(int argc, char** argv) try {
  const settings s = read_arguments(argc, argv);
  const results r = run(s);
  print(r);
  if (!s.svg.empty()) command_line::write_file(s.svg, as_svg(r, s.epochs));
} catch (const std::exception& failure) {
  fmt::print(stderr, "quantized_training: {}\n", failure.what());
  return 2;
}
