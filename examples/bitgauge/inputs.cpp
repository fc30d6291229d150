#include "inputs.hpp"

#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/model/token_file.hpp>
#include <bitgauge/model/llama/calibration/quantize.hpp>

namespace program {

namespace io = bitgauge::io;

model_inputs::model_inputs(const quantize_options& options) : file_(options.input) {
  if (!options.importance.empty()) importance_.emplace(options.importance);
  if (!options.calibration.empty()) samples_.emplace(options.calibration);
  if (options.calibration_tokens.empty()) return;
  sizes_ = io::llama_config(file_);
  tokens_ = io::read_tokens(options.calibration_tokens, sizes_.vocabulary);
  context_ = options.calibration_context > 0 ? options.calibration_context : sizes_.context;
  seen_.emplace(file_, sizes_, tokens_,
                bitgauge::llama::calibration_options{.context = context_, .threads = options.threads});
}

const bitgauge::calibration_source* model_inputs::calibration() const noexcept {
  if (seen_) return &*seen_;
  return samples_ ? &*samples_ : nullptr;
}

std::vector<bitgauge::rule> model_inputs::defaults() const {
  if (!seen_) return {};
  return bitgauge::llama::keep_ends(file_, "kept by default: write --rule REGEX=FORMAT to quantize it");
}

}  // namespace program
