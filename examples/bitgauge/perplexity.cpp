// bitgauge perplexity: how well a language model predicts a text, and what it has lost against another.

#include <bitgauge/error.hpp>
#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/model/token_file.hpp>
#include <bitgauge/model/perplexity.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "kv_text.hpp"
#include "progress.hpp"
#include "report.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;
namespace llama = bitgauge::llama;

nlohmann::ordered_json as_json(const bitgauge::window_mean& m) {
  return {{"mean", m.mean}, {"standard_error", m.standard_error}};
}

nlohmann::ordered_json as_json(const bitgauge::perplexity_report& r, double seconds, bitgauge::index_t bytes,
                               bitgauge::index_t kv_bytes) {
  nlohmann::ordered_json json{
      {"windows", r.windows},
      {"tokens", r.predicted},
      {"bits_per_token", as_json(r.bits)},
      {"perplexity", {{"mean", r.perplexity()}, {"standard_error", r.perplexity_error()}}},
      {"weight_bytes_per_token", bytes},
      {"kv_bytes_per_token", kv_bytes},
      {"tokens_per_second", static_cast<double>(r.predicted) / seconds}};
  if (r.against) {
    json["base_bits_per_token"] = as_json(r.against->base_bits);
    json["lost_bits_per_token"] = as_json(r.against->lost_bits);
    json["divergence_bits_per_token"] = as_json(r.against->divergence);
    json["same_top"] = r.against->same_top;
  }
  return json;
}

std::string as_text(const bitgauge::perplexity_report& r, double seconds) {
  const auto line = [](const char* what, const bitgauge::window_mean& m, const char* unit) {
    return fmt::format("{:<12} {:9.5f} +- {:.5f} {}\n", what, m.mean, m.standard_error, unit);
  };
  std::string text = line("bits", r.bits, "a token");
  text += line("perplexity", {r.perplexity(), r.perplexity_error()}, "");
  if (r.against) {
    text += line("base", r.against->base_bits, "bits a token");
    text += line("lost", r.against->lost_bits, "bits a token");
    text += line("divergence", r.against->divergence, "bits a token, from the base");
    text += fmt::format("{:<12} {:8.3f} % of tokens\n", "same top", 100 * r.against->same_top);
  }
  return text + fmt::format("{} tokens in {} windows, {:.0f} a second\n", r.predicted, r.windows,
                            static_cast<double>(r.predicted) / seconds);
}

}  // namespace

void perplexity(const perplexity_options& options) {
  const io::tensor_file file(options.model);
  const llama::config sizes = io::llama_config(file);
  const std::vector<llama::token> tokens =
      options.text.empty() ? io::read_tokens(options.tokens, sizes.vocabulary)
                           : io::llama_vocabulary(file).tokens_of(io::read_text(options.text));
  llama::load_options load{.threads = options.threads};
  if (options.dynamic) load.activations = bitgauge::activation_quantizer::dynamic();
  const llama::model model = llama::load(file, sizes, load);
  std::optional<llama::model> base;
  if (!options.base.empty()) base.emplace(io::load_llama(options.base, {.threads = options.threads}));

  progress bar(options.quiet);
  bitgauge::perplexity_options how;
  how.context = options.context > 0 ? options.context : sizes.context;
  how.windows = options.windows;
  how.base = base ? &*base : nullptr;
  how.kv = read_kv(options.kv);
  how.threads = options.threads;
  how.progress = [&](bitgauge::index_t done, bitgauge::index_t total) {
    bar.show({.tensor = options.model,
              .done = static_cast<std::uint64_t>(done),
              .total = static_cast<std::uint64_t>(total),
              .between_tensors = false});
  };
  const auto start = std::chrono::steady_clock::now();
  const bitgauge::perplexity_report report = bitgauge::perplexity(model, tokens, how);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  print(options.json ? json_text(as_json(report, seconds, model.bytes_per_token(),
                                         llama::kv_cache(sizes, how.context, how.kv).bytes() / how.context))
                     : as_text(report, seconds));
}

}  // namespace program
