// bitgauge importance: how much each column of a language model's matrices matters, from tokens, as llama.cpp's
// importance matrix.

#include <bitgauge/io/gguf/imatrix_writer.hpp>
#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/io/model/token_file.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/model/llama/calibration/importance.hpp>

#include "commands.hpp"
#include "progress.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace program {

void importance(const importance_options& options) {
  const bitgauge::io::tensor_file file(options.model);
  const auto sizes = bitgauge::io::llama_config(file);
  progress bar(options.quiet);
  const bitgauge::llama::calibration_options how{
      .context = options.context > 0 ? options.context : sizes.context,
      .windows = options.windows,
      .threads = options.threads};
  const auto sums = bitgauge::llama::measure_importance(
      file, sizes, bitgauge::io::read_tokens(options.tokens, sizes.vocabulary), how,
      [&](bitgauge::index_t done, bitgauge::index_t all) {
        bar.show({"importance", static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(all)});
      });
  bitgauge::io::save_importance(options.output, sums,
                                {.dataset = std::filesystem::path(options.tokens).filename().string(),
                                 .windows = static_cast<std::uint32_t>(sums.front().count / how.context),
                                 .context = static_cast<std::uint32_t>(how.context)});
}

}  // namespace program
