// What quantizing costs a language model: a small llama by a dozen and more schemes, and how well each predicts a text.
//
//     language_model [--windows N] [--calibration-windows N] [--scheme TEXT]... [--csv FILE] [--svg FILE]
//     language_model --names
//
// --scheme: any that `bitgauge schemes` explains, or the name of a row, as --names lists them, instead of all rows.
// The model is examples/data/kjv_llama; a token is a byte. Every scheme is for all matrices but the embedding and
// the output, which stay F16, as in `bitgauge quantize --calibration-tokens`. docs/language_model.svg is this
// program's, and README.md has its table.

#include <bitgauge/error.hpp>
#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/model/token_file.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/layer/activation.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/llama/calibration/importance.hpp>
#include <bitgauge/model/llama/calibration/quantize.hpp>
#include <bitgauge/model/llama/generate.hpp>
#include <bitgauge/model/perplexity.hpp>
#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/model/quantize_model.hpp>

#include "command_line.hpp"
#include "svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace bg = bitgauge;
namespace io = bitgauge::io;
namespace llama = bitgauge::llama;
namespace fs = std::filesystem;

namespace {

/// How a row of the table comes about, beside its scheme.
enum class with { nothing, importance, activations };

struct row {
  std::string scheme, label;  ///< `label`: in the chart
  with what = with::nothing;

  std::string name() const {
    const char* const more[] = {"", " with importance", " with 8-bit activations"};
    return "`" + scheme + "`" + more[static_cast<std::size_t>(what)];
  }
  bool is_searched() const {
    return what == with::importance || scheme.find("best") != std::string::npos ||
           scheme.find("mse") != std::string::npos;
  }
  bool is_calibrated() const { return scheme.find("gptq") != std::string::npos; }
};

const std::vector<row> all_rows = {
    {"f16", "f16"},
    {"q8_0", "q8_0"},
    {"affine", "W8A8", with::activations},
    {"q6_k", "q6_k"},
    {"q5_k", "q5_k"},
    {"q4_k", "q4_k"},
    {"q4_k", "q4_k", with::importance},
    {"q4_k:effort=best", "q4_k"},
    {"q4_k:rounding=gptq", "q4_k"},
    {"iq4_xs", "iq4_xs"},
    {"nf4:double=256", "nf4"},
    {"affine:bits=4,group=64,scale=f16", "affine 4"},
    {"affine:bits=4,group=64,scale=f16,range=mse", "affine 4"},
    {"affine:bits=4,group=64,scale=f16,rounding=gptq,act_order=1", "affine 4"},
    {"affine:bits=3,group=64,scale=f16", "affine 3"},
    {"affine:bits=3,group=64,scale=f16,rounding=gptq,act_order=1", "affine 3"},
    {"q2_k", "q2_k"},
    {"q2_k:effort=best", "q2_k"},
    {"q2_k:effort=best,rounding=gptq", "q2_k"},
    {"affine:bits=2,group=64,scale=f16,rounding=gptq,act_order=1", "affine 2"},
};

struct settings {
  bg::index_t windows = 60, calibration_windows = 0;
  std::vector<row> rows;  ///< none: all_rows
  std::string csv, svg;
};

/// What a row says.
struct result {
  row of;
  double bits_per_weight = 0, megabytes = 0;
  bg::perplexity_report text;
  double prefill = 0, decode = 0;  ///< tokens a second

  const bg::window_mean& lost() const { return text.against->lost_bits; }
};

/// A folder that goes with its files.
class scratch_folder {
 public:
  scratch_folder()
      : path_(fs::temp_directory_path() / fmt::format("bitgauge-{:08x}", std::random_device()())) {
    fs::create_directory(path_);
  }
  ~scratch_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The model, its texts, and how far from it a quantized one is.
class experiment {
 public:
  explicit experiment(const settings& s) : settings_(s) {}

  result run(const row& r) const {
    if (r.scheme == "f16") return measure(r, base_, 16, file_.path());
    const bg::tensor_format format = bg::parse_format(r.scheme);
    const fs::path path = folder_ / (format.type() ? "model.gguf" : "model.safetensors");
    const double bits = quantize(r, format, path);
    llama::load_options how;
    if (r.what == with::activations) how.activations = bg::activation_quantizer::dynamic();
    return measure(r, llama::load(io::tensor_file(path), sizes_, how), bits, path);
  }

 private:
  static std::string data(const std::string& name) { return BITGAUGE_EXAMPLE_DATA "/kjv_llama/" + name; }

  /// Writes the model in another format; returns the bits per weight of what is quantized.
  double quantize(const row& r, const bg::tensor_format& format, const fs::path& path) const {
    const llama::calibration_options tokens{.windows = settings_.calibration_windows};
    std::optional<llama::calibration> seen;
    if (format.feeds_back()) seen.emplace(file_, sizes_, calibration_tokens_, tokens);
    std::optional<llama::token_importance> weights;
    if (r.what == with::importance) weights.emplace(file_, sizes_, calibration_tokens_, tokens);
    std::vector<bg::rule> rules = llama::keep_ends(file_);
    rules.push_back({"*", format});
    const bg::quantization_plan plan = bg::plan(
        file_, rules, {.calibration = seen ? &*seen : nullptr, .importance = weights ? &*weights : nullptr});
    const auto sink = io::open_sink(path, file_);
    const bg::model_report report =
        seen ? llama::quantize(file_, plan, *sink, *seen) : bg::quantize_model(file_, plan, *sink);
    return total(report.tensors)->bits_per_weight;
  }

  result measure(const row& r, const llama::model& m, double bits, const fs::path& path) const {
    result found{.of = r, .bits_per_weight = bits, .text = {}};
    found.megabytes = static_cast<double>(fs::file_size(path)) / 1e6;
    found.text =
        bg::perplexity(m, test_tokens_, {.windows = settings_.windows, .base_logits = &base_logits_});
    const auto window = std::span(test_tokens_).first(static_cast<std::size_t>(sizes_.context));
    constexpr int times = 8;
    found.prefill = times * static_cast<double>(window.size()) / seconds_of([&] {
                      for (int i = 0; i < times; ++i) {
                        llama::kv_cache cache(sizes_, sizes_.context);
                        static_cast<void>(m.forward(window, cache, {.last_only = true}));
                      }
                    });
    constexpr bg::index_t generated = 200;
    found.decode =
        generated / seconds_of([&] {
          llama::generate(m, window.first(1), {.tokens = generated}, [](llama::token) { return true; });
        });
    return found;
  }

  settings settings_;
  io::tensor_file file_{data("kjv_llama.f16.gguf")};
  llama::config sizes_ = io::llama_config(file_);
  llama::model base_ = llama::load(file_, sizes_);
  std::vector<llama::token> test_tokens_ = io::read_tokens(data("test_tokens.npy"));
  bg::window_logits base_logits_ = bg::logits_of_windows(base_, test_tokens_, {.windows = settings_.windows});
  std::vector<llama::token> calibration_tokens_ = io::read_tokens(data("calibration_tokens.npy"));
  scratch_folder folder_;
};

/// A line of the table, in Markdown; it appears as soon as it is known.
void print(const result& r) {
  const bg::window_mean &bits = r.text.bits, &lost = r.lost();
  fmt::print("| {} | {:.3f} | {:.2f} | {:.4f} ± {:.4f} | {:.4f} ± {:.4f} | {:.4f} | {:.0f} | {:.0f} |\n",
             r.of.name(), r.bits_per_weight, r.megabytes, bits.mean, bits.standard_error, lost.mean,
             lost.standard_error, r.text.against->divergence.mean, r.prefill, r.decode);
  std::fflush(stdout);
}

std::string as_csv(const std::vector<result>& results) {
  std::string text =
      "scheme,bits_per_weight,megabytes,bits_per_byte,bits_per_byte_error,lost,lost_error,divergence,"
      "same_top,prefill_tokens_per_second,decode_tokens_per_second\n";
  for (const result& r : results)
    text += fmt::format("\"{}\",{},{},{},{},{},{},{},{},{},{}\n", r.of.name(), r.bits_per_weight, r.megabytes,
                        r.text.bits.mean, r.text.bits.standard_error, r.lost().mean, r.lost().standard_error,
                        r.text.against->divergence.mean, r.text.against->same_top, r.prefill, r.decode);
  return text;
}

/// The divergence, not the bits lost: it is never negative, and chance moves it less.
std::string as_svg(const std::vector<result>& results) {
  struct series {
    std::string color, name;
    std::vector<const result*> results{};
  };
  series all[] = {{"#c0392b", "to nearest"},
                  {"#0969da", "least squared error, importance"},
                  {"#1a7f37", "GPTQ"},
                  {"#8250df", "8-bit activations"}};
  for (const result& r : results)
    if (r.of.scheme != "f16")
      all[r.of.what == with::activations ? 3
          : r.of.is_calibrated()         ? 2
          : r.of.is_searched()           ? 1
                                         : 0]
          .results.push_back(&r);
  svg_chart chart({74, 44, 796, 470}, "What quantizing costs a llama of 3.5 million parameters",
                  {"size of the file in MB (F16: 7.1)", 1, 4.2},
                  {"KL divergence from F16, bits a byte", 1e-5, 1});
  for (const series& s : all) {
    svg_chart::points places;
    for (const result* r : s.results) places.emplace_back(r->megabytes, r->text.against->divergence.mean);
    chart.dots(places, s.color, s.name);
  }
  for (const series& s : all)
    for (const result* r : s.results)
      chart.name_dot(r->megabytes, r->text.against->divergence.mean, s.color, r->of.label);
  return svg_chart::page(900, 590, {chart});
}

bg::index_t read_count(const std::string& option, const std::string& text) {
  return command_line::read_number<bg::index_t>(option, text, "a number from 0 up (0: all)",
                                                [](bg::index_t n) { return n >= 0; });
}

settings read_arguments(int count, char** texts) {
  settings s;
  command_line::for_each_option(count, texts, [&](const std::string& option, const std::string& value) {
    if (option == "--windows") {
      s.windows = read_count(option, value);
    } else if (option == "--calibration-windows") {
      s.calibration_windows = read_count(option, value);
    } else if (option == "--scheme") {
      const auto known =
          std::find_if(all_rows.begin(), all_rows.end(), [&](const row& r) { return r.name() == value; });
      s.rows.push_back(known == all_rows.end() ? row{value, value} : *known);
    } else if (option == "--csv") {
      s.csv = value;
    } else if (option == "--svg") {
      s.svg = value;
    } else {
      bg::raise(
          bg::data_error(option + ": expected --windows, --calibration-windows, --scheme, --csv or --svg"));
    }
  });
  return s;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 2 && std::string(argv[1]) == "--names") {
    for (const row& r : all_rows) fmt::print("{}\n", r.name());
    return 0;
  }
  const settings s = read_arguments(argc, argv);
  const experiment kjv(s);
  fmt::print(
      "| `--scheme` | bits per weight | MB | bits per byte | lost to f16 | KL in bits | prefill, tokens/s | "
      "decode |\n"
      "|---|---|---|---|---|---|---|---|\n");
  std::vector<result> results;
  for (const row& r : s.rows.empty() ? all_rows : s.rows) {
    results.push_back(kjv.run(r));
    print(results.back());
  }
  if (!s.csv.empty()) command_line::write_file(s.csv, as_csv(results));
  if (!s.svg.empty()) command_line::write_file(s.svg, as_svg(results));
} catch (const std::exception& failure) {
  fmt::print(stderr, "language_model: {}\n", failure.what());
  return 2;
}
