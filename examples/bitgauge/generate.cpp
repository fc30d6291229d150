// bitgauge generate: continues a text, token by token.

#include <bitgauge/io/model/llama.hpp>
#include <bitgauge/model/llama/generate.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "kv_text.hpp"

#include <string>
#include <vector>

namespace program {

void generate(const generate_options& options) {
  namespace llama = bitgauge::llama;
  const bitgauge::io::tensor_file file(options.model);
  const llama::vocabulary words = bitgauge::io::llama_vocabulary(file);
  const llama::model model =
      llama::load(file, bitgauge::io::llama_config(file), {.threads = options.threads});
  llama::generate_options how;
  how.tokens = options.tokens;
  how.temperature = options.temperature;
  how.seed = options.seed;
  how.end = words.end();
  how.kv = read_kv(options.kv);
  how.threads = options.threads;
  const std::vector<llama::token> prompt = words.tokens_of(options.prompt);
  print(options.prompt);
  llama::generate(model, prompt, how, [&](llama::token t) {
    print(words.text_of(t));
    return true;
  });
  print("\n");
}

}  // namespace program
