// Two networks in floats and quantized: their size, time and outputs side by side.
//
//     quantized_network
//
// The first is a chain of real layers of a text recogniser, with ReLU between them and inputs made up. The
// second is trained here, in a second, to tell handwritten digits apart. All layers but the last are replaced.
// The time of floats is that of Eigen as it is compiled here, for any processor of this kind.

#include <bitgauge/bitgauge.hpp>
#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/safetensors.hpp>
#include <bitgauge/layer/replace_layers.hpp>
#include <bitgauge/range/observer/minmax.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bg = bitgauge;

namespace {

using batch = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;  // samples x values
using network = std::vector<bg::float_layer>;

/// What comes out of layers of either kind, ReLU between them. `before` sees each layer's inputs.
template <class Layers, class Before>
batch outputs_of(const Layers& layers, batch x, const Before& before) {
  std::size_t i = 0;
  for (const auto& layer : layers) {
    before(i, x);
    x = layer(x);
    if (++i < layers.size()) x = x.cwiseMax(0.0f);
  }
  return x;
}
template <class Layers>
batch outputs_of(const Layers& layers, const batch& x) {
  return outputs_of(layers, x, [](std::size_t, const batch&) {});
}

network text_recogniser() {
  const bg::io::safetensors_file file(BITGAUGE_EXAMPLE_DATA "/real_weights.safetensors");
  network layers;
  for (const char* name : {"conv2d_166", "conv2d_168", "conv2d_174", "linear_84", "conv2d_118", "conv2d_184",
                           "conv2d_117", "linear_81"})
    layers.push_back(
        {name, bg::io::to_matrix<Eigen::MatrixXf>(file.at("ppocr_rec." + std::string(name) + ".w_0"))});
  return layers;
}

/// Correlated from one to the next, as the inputs of real layers are.
batch made_up_inputs(Eigen::Index samples, Eigen::Index inputs) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  batch x = batch::NullaryExpr(samples, inputs, [&] { return normal(random); });
  for (Eigen::Index j = 1; j < inputs; ++j) x.col(j) = 0.9f * x.col(j - 1) + 0.44f * x.col(j);
  return x;
}

struct digits {
  batch train, test;
  Eigen::VectorXi train_labels, test_labels;
};

digits read_digits() {
  const std::string folder = BITGAUGE_EXAMPLE_DATA "/digits/";
  const auto images = [&](const char* name) -> batch {
    return bg::io::read_npy<batch>(folder + name) / 16.0f;
  };
  const auto labels = [&](const char* name) -> Eigen::VectorXi {
    return bg::io::read_npy<Eigen::MatrixXf>(folder + name).reshaped().cast<int>();
  };
  return {images("train_images.npy"), images("test_images.npy"), labels("train_labels.npy"),
          labels("test_labels.npy")};
}

/// Three layers, by stochastic gradient descent with momentum on the cross-entropy.
network trained_on(const batch& x, const Eigen::VectorXi& labels) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  network layers;
  const Eigen::Index widths[] = {x.cols(), 128, 64, 10};
  for (std::size_t i = 0; i < 3; ++i) {
    const float deviation = std::sqrt(2.0f / static_cast<float>(widths[i]));
    layers.push_back(
        {"layer" + std::to_string(i),
         Eigen::MatrixXf::NullaryExpr(widths[i + 1], widths[i], [&] { return deviation * normal(random); }),
         Eigen::VectorXf::Zero(widths[i + 1])});
  }
  network momentum = layers;
  for (auto& each : momentum) each.weights.setZero();
  const Eigen::Index samples = 32;
  for (int step = 0; step < 2400; ++step) {
    std::vector<batch> inputs(3);
    const Eigen::Index first = step * samples % (x.rows() - samples);
    batch error = outputs_of(layers, x.middleRows(first, samples),
                             [&](std::size_t i, const batch& seen) { inputs[i] = seen; });
    error = (error.colwise() - error.rowwise().maxCoeff()).array().exp().matrix().eval();
    error = error.array().colwise() / error.rowwise().sum().array().eval();
    for (Eigen::Index s = 0; s < samples; ++s) error(s, labels(first + s)) -= 1;
    error /= static_cast<float>(samples);
    for (std::size_t i = 3; i-- > 0;) {
      momentum[i].weights = 0.9f * momentum[i].weights + error.transpose() * inputs[i];
      momentum[i].bias = 0.9f * momentum[i].bias + error.colwise().sum().transpose();
      const batch before =
          (error * layers[i].weights).cwiseProduct((inputs[i].array() > 0).cast<float>().matrix());
      layers[i].weights -= 0.05f * momentum[i].weights;
      layers[i].bias -= 0.05f * momentum[i].bias;
      error = before;
    }
  }
  return layers;
}

double accuracy(const batch& outputs, const Eigen::VectorXi& labels) {
  Eigen::Index right = 0;
  for (Eigen::Index s = 0; s < outputs.rows(); ++s) {
    Eigen::Index best = 0;
    outputs.row(s).maxCoeff(&best);
    right += best == labels(s);
  }
  return static_cast<double>(right) / static_cast<double>(outputs.rows());
}

template <class Layers>
double microseconds(const Layers& layers, const batch& x) {
  using clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int round = 0; round < 20; ++round) {
    const auto start = clock::now();
    outputs_of(layers, x);
    best = std::min(best, std::chrono::duration<double, std::micro>(clock::now() - start).count());
  }
  return best;
}

/// The network in five ways. Static scales come from `calibration`, figures from `x`.
void print_table(const network& layers, const batch& calibration, const batch& x,
                 const Eigen::VectorXi* labels) {
  std::map<std::string, bg::minmax_observer> seen;
  outputs_of(layers, calibration,
             [&](std::size_t i, const batch& inputs) { seen[layers[i].name].observe(inputs); });
  const bg::scheme w8 = bg::parse_scheme("symmetric"),
                   w4 = bg::parse_scheme("affine:bits=4,group=32,scale=f16");
  const auto with_frozen_scales = [&](const bg::float_layer& l) {
    const auto p = seen.at(l.name).finish(bg::affine<8>{}).front();
    return bg::linear(bg::quantize(l.weights, w8), l.bias,
                      {.activations = bg::activation_quantizer::frozen(p)});
  };
  const bg::linear_options dynamic{.activations = bg::activation_quantizer::dynamic()};
  const std::pair<const char*, bg::layer_conversion> ways[] = {
      {"W8A16", bg::quantized_by(w8)},
      {"W8A8, a scale a sample", bg::quantized_by(w8, dynamic)},
      {"W8A8, static scales", with_frozen_scales},
      {"W4A16, groups of 32", bg::quantized_by(w4)}};

  const batch exact = outputs_of(layers, x);
  const auto row = [&](const char* name, bg::index_t bytes, double time, const batch& y) {
    fmt::print("{:<24} {:>9.1f} {:>9.0f} {:>11.2f} %", name, static_cast<double>(bytes) / 1024, time,
               100 * static_cast<double>((y - exact).norm() / exact.norm()));
    if (labels != nullptr) fmt::print(" {:>9.1f} %", 100 * accuracy(y, *labels));
    fmt::print("\n");
  };
  fmt::print("{:<24} {:>9} {:>9} {:>13}{}\n", "", "KiB", "us", "output error",
             labels != nullptr ? "    accuracy" : "");
  bg::index_t bytes = 0;
  for (const auto& each : layers) bytes += 4 * (each.weights.size() + each.bias.size());
  row("float", bytes, microseconds(layers, x), exact);
  for (const auto& [name, conversion] : ways) {
    const auto replaced = bg::replace_layers(layers, conversion);
    row(name, replaced.bytes(), microseconds(replaced, x), outputs_of(replaced, x));
  }
  for (const auto& kept : bg::replace_layers(layers, bg::quantized_by(w8)).kept())
    fmt::print("kept: {}: {}\n", kept.name, kept.reason);
}

}  // namespace

int main() {
  try {
    const network recogniser = text_recogniser();
    const batch x = made_up_inputs(512, recogniser.front().weights.cols());
    fmt::print("Eight layers of a text recogniser, 256 samples\n");
    print_table(recogniser, x.topRows(256), x.bottomRows(256), nullptr);
    const digits all = read_digits();
    const network classifier = trained_on(all.train, all.train_labels);
    fmt::print("\nHandwritten digits: 64 inputs, 128, 64 and 10 outputs, {} images\n", all.test.rows());
    print_table(classifier, all.train, all.test, &all.test_labels);
  } catch (const bg::bitgauge_error& failure) {
    fmt::print(stderr, "quantized_network: {}\n", failure.what());
    return 2;
  }
}
