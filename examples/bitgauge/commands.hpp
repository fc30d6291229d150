#pragma once

// The sub-commands of the program, each a function of what its command line said.

#include <bitgauge/matrix/answers/recipe.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace program {

struct quantize_options {
  std::string input, output, scheme, calibration, activations, transform, importance, include, exclude,
      fallback, report;
  std::string drop;                ///< regular expression: these tensors are not written
  std::string plan;                ///< of `bitgauge plan`, instead of a scheme
  std::string calibration_tokens;  ///< of a language model, which is quantized block after block
  int calibration_context = 0;     ///< 0: what the model was made for
  int divergence_windows = 4;      ///< over which it is compared with the original after each block; 0: not
  std::vector<std::string> rules;  ///< REGEX=FORMAT, the first match wins
  std::vector<std::string> rows;   ///< REGEX=first|last, the first match wins
  bool requantize = false;         ///< quantized tensors too, from their values
  bool quiet = false;              ///< neither bar nor table
  int threads = 0;
  bitgauge::nonfinite on_nonfinite = bitgauge::nonfinite::reject;
};
void quantize(const quantize_options& options);

struct plan_command_options {
  quantize_options model;  ///< its output is that of the plan
  std::string output;      ///< .json; empty: none
  std::string budget;      ///< empty: what --scheme says
  std::string formats = "q2_k,q3_k,q4_k,q5_k,q6_k,q8_0";
  bool output_error = false;  ///< by outputs' errors, where tokens could tell the divergence
  int windows = 8;            ///< of the divergence; 0: all
};
/// What would become of each tensor; with a budget, which formats lose least within it.
void plan(const plan_command_options& options);

struct dequantize_options {
  std::string input, output;
  bool quiet = false;
};
void dequantize(const dequantize_options& options);

struct compare_options {
  std::string original, approximation;
  bool json = false;
};
void compare(const compare_options& options);

struct inspect_options {
  std::string file;
  bool json = false;
};
void inspect(const inspect_options& options);

struct perplexity_options {
  std::string model, tokens, text, base, kv;
  int context = 0, windows = 0;  ///< 0: the model's own, and all
  bool dynamic = false;          ///< 8-bit activations in quantized layers
  int threads = 0;
  bool json = false, quiet = false;
};
/// How well a language model predicts a text, and what it has lost against another.
void perplexity(const perplexity_options& options);

struct importance_options {
  std::string model, tokens, output;
  int context = 0, windows = 0;  ///< 0: the model's own, and all
  int threads = 0;
  bool quiet = false;
};
/// Writes how much each column of a model's matrices matters.
void importance(const importance_options& options);

struct generate_options {
  std::string model, prompt, kv;
  int tokens = 128, threads = 0;
  double temperature = 0;
  std::uint64_t seed = 0;
};
/// Continues a text.
void generate(const generate_options& options);

struct schemes_options {
  bool json = false;
};
/// Lists what --scheme takes.
void schemes(const schemes_options& options);

}  // namespace program
