// bitgauge: quantizes, restores, compares and lists files of tensors, and runs language models. Run `bitgauge --help`.

#include <bitgauge/base/printable.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/version.hpp>

#include "commands.hpp"
#include "console.hpp"
#include "explain.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <limits>
#include <map>
#include <new>
#include <string>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {

/// A number of something, from 0 up.
CLI::Option* add_count(CLI::App* command, const char* name, int& count, const char* meaning) {
  return command->add_option(name, count, meaning)->check(CLI::Range(0, std::numeric_limits<int>::max()));
}
void add_threads(CLI::App* command, int& threads) {
  add_count(command, "--threads", threads, "0: all");
}
void add_context(CLI::App* command, const char* name, int& tokens) {
  add_count(command, name, tokens, "tokens of a window; 0: what the model was made for");
}
void add_model(CLI::App* command, std::string& path) {
  command->add_option("MODEL", path, "a llama: .gguf, or .safetensors beside its config.json")->required();
}
void add_kv(CLI::App* command, std::string& format) {
  command
      ->add_option("--kv", format,
                   "keep keys and values in 8 or 4 bits, a scale for every token and head, or for keys one "
                   "for every channel of 32 tokens")
      ->check(CLI::IsMember({"f32", "q8", "q4", "q8_rotated", "q4_rotated", "q8_channels", "q4_channels"}));
}

/// What decides on each tensor, whether it is quantized or planned.
void add_decisions(CLI::App* command, program::quantize_options& options) {
  command->add_option("IN", options.input, ".npy, .safetensors, .index.json or .gguf")->required();
  command->add_option("--scheme", options.scheme, "NAME[:KEY=VALUE,...], such as affine:bits=4,group=128");
  command->add_option("--calibration", options.calibration,
                      "activations, samples x in: .npy, or .safetensors by tensor name");
  command->add_option(
      "--calibration-tokens", options.calibration_tokens,
      "tokens of a text, .npy: a llama is quantized block after block, each matrix by what it sees "
      "behind those that are quantized already; what is ended goes on where it was");
  add_context(command, "--calibration-context", options.calibration_context);
  add_count(command, "--divergence-windows", options.divergence_windows,
            "windows of --calibration-tokens over which the model is compared with the original after "
            "each block; 0: none");
  command->add_option(
      "--rule", options.rules,
      "REGEX=FORMAT: tensors whose name matches get this scheme, or copy; may be repeated, the first "
      "match counts");
  command->add_option(
      "--importance", options.importance,
      "a positive weight per column, or per column of each expert: .npy, .safetensors by tensor "
      "name, or an importance matrix of llama.cpp: .gguf, .dat, .imatrix");
  command->add_option("--include", options.include,
                      "quantize only tensors whose name matches this regular expression");
  command->add_option("--exclude", options.exclude,
                      "copy tensors whose name matches this regular expression");
  command->add_option(
      "--rows", options.rows,
      "REGEX=first|last: the rows of tensors of 3 and more dimensions are the first, or all but "
      "the last; else by the last one's size, 32 or more being a layer's inputs; may be repeated");
  command->add_option("--fallback", options.fallback,
                      "ggml types for rows that the scheme's blocks do not divide, the first that fits: "
                      "q4_0,q8_0,f16");
  command->add_flag("--requantize", options.requantize,
                    "quantize what is quantized already, from its values; else it is copied");
  command->add_flag("-q,--quiet", options.quiet, "neither bar nor table");
  add_threads(command, options.threads);
  static const std::map<std::string, bitgauge::nonfinite> policies{
      {"reject", bitgauge::nonfinite::reject}, {"saturate", bitgauge::nonfinite::saturate}};
  command
      ->add_option("--nonfinite", options.on_nonfinite,
                   "what to do about NaN and infinity: reject or saturate")
      ->transform(CLI::CheckedTransformer(policies));
}

void add_quantize(CLI::App& app) {
  static program::quantize_options options;
  CLI::App* command = app.add_subcommand("quantize", "Quantize the matrices of a file");
  add_decisions(command, options);
  command->add_option("-o,--output", options.output, "where to write; the ending chooses the container")
      ->required();
  command->add_option("--plan", options.plan,
                      "what `bitgauge plan` has written, instead of --scheme: each tensor's format");
  command->add_option("--activations", options.activations,
                      "how the layers' inputs become 8-bit: dynamic[:SCHEME] or static[:SCHEME], "
                      "such as static:affine:range=kl; static needs --calibration");
  command->add_option(
      "--transform", options.transform,
      "what rewrites the weights first, so that outliers cost less: smooth[:alpha=A|auto], awq "
      "(both need --calibration), rotate[:seed=S] or equalize");
  command->add_option("--drop", options.drop, "leave out tensors whose name matches this regular expression");
  command->add_option("--report", options.report, "write the report too: .json, .csv or .md");
  command->callback([] { program::quantize(options); });
}

void add_plan(CLI::App& app) {
  static program::plan_command_options options;
  CLI::App* command = app.add_subcommand(
      "plan", "Say what would become of each tensor, or choose the formats that lose least within a budget");
  add_decisions(command, options.model);
  command->add_option("-o,--output", options.output, "a .json for quantize --plan");
  command->add_option("--budget", options.budget,
                      "bits a weight such as 3.5, or bytes such as 2.0MB, of the tensors that are quantized");
  command
      ->add_option("--formats", options.formats,
                   "what a budget chooses from, separated by commas; a trellis without bits: at any rate")
      ->capture_default_str();
  command->add_flag("--output-error", options.output_error,
                    "measure errors of outputs where --calibration-tokens could tell the divergence: sooner");
  add_count(command, "--windows", options.windows, "measure the divergence over so many windows; 0: all")
      ->capture_default_str();
  command->callback([] { program::plan(options); });
}

void add_dequantize(CLI::App& app) {
  static program::dequantize_options options;
  CLI::App* command = app.add_subcommand("dequantize", "Turn quantized tensors back into floats");
  command->add_option("IN", options.input, "a quantized file")->required();
  command->add_option("-o,--output", options.output, ".npy, .safetensors or .gguf")->required();
  command->add_flag("-q,--quiet", options.quiet, "no bar");
  command->callback([] { program::dequantize(options); });
}

void add_compare(CLI::App& app) {
  static program::compare_options options;
  CLI::App* command = app.add_subcommand("compare", "Print the error of each tensor of B against A");
  command->add_option("A", options.original, "the original")->required();
  command->add_option("B", options.approximation, "the approximation, quantized or not")->required();
  command->add_flag("--json", options.json, "print JSON");
  command->callback([] { program::compare(options); });
}

void add_inspect(CLI::App& app) {
  static program::inspect_options options;
  CLI::App* command = app.add_subcommand("inspect", "List what a file holds");
  command->add_option("FILE", options.file, "any file the program reads")->required();
  command->add_flag("--json", options.json, "print JSON");
  command->callback([] { program::inspect(options); });
}

void add_perplexity(CLI::App& app) {
  static program::perplexity_options options;
  CLI::App* command = app.add_subcommand("perplexity", "Measure how well a language model predicts a text");
  add_model(command, options.model);
  CLI::Option_group* text = command->add_option_group("text");
  text->add_option("--tokens", options.tokens, "whole numbers, one dimension: .npy");
  text->add_option("--text", options.text, "a file of text, which the model's vocabulary takes apart");
  text->require_option(1);
  add_context(command, "--context", options.context);
  add_count(command, "--windows", options.windows, "read so many windows at most; 0: all");
  command->add_option("--base", options.base, "compare with this model, in the same pass");
  add_kv(command, options.kv);
  command->add_flag("--dynamic", options.dynamic, "8-bit inputs in all quantized layers, a scale a token");
  add_threads(command, options.threads);
  command->add_flag("--json", options.json, "print JSON");
  command->add_flag("-q,--quiet", options.quiet, "no bar");
  command->callback([] { program::perplexity(options); });
}

void add_importance(CLI::App& app) {
  static program::importance_options options;
  CLI::App* command = app.add_subcommand(
      "importance", "Measure how much each column of a language model's matrices matters, for --importance");
  add_model(command, options.model);
  command->add_option("--tokens", options.tokens, "of a text: whole numbers, one dimension, .npy")
      ->required();
  command->add_option("-o,--output", options.output, "an importance matrix of llama.cpp: .gguf")->required();
  add_context(command, "--context", options.context);
  add_count(command, "--windows", options.windows, "read so many windows at most; 0: all");
  add_threads(command, options.threads);
  command->add_flag("-q,--quiet", options.quiet, "no bar");
  command->callback([] { program::importance(options); });
}

void add_generate(CLI::App& app) {
  static program::generate_options options;
  CLI::App* command = app.add_subcommand("generate", "Let a language model continue a text");
  add_model(command, options.model);
  command->add_option("--prompt", options.prompt, "what to continue")->required();
  add_count(command, "--count", options.tokens, "tokens at most");
  command->add_option("--temperature", options.temperature, "0: always the most likely token")
      ->check(CLI::NonNegativeNumber);
  add_kv(command, options.kv);
  command->add_option("--seed", options.seed, "of the draws");
  add_threads(command, options.threads);
  command->callback([] { program::generate(options); });
}

void add_schemes(CLI::App& app) {
  static program::schemes_options options;
  CLI::App* command = app.add_subcommand("schemes", "List the names, keys and values that --scheme takes");
  command->add_flag("--json", options.json, "print JSON");
  command->callback([] { program::schemes(options); });
}

/// Failures are one line on stderr and exit code 2.
int fail(std::string message) {
  while (!message.empty() && message.back() == '\n') message.pop_back();
  std::replace(message.begin(), message.end(), '\n', ' ');
  fmt::print(stderr, "bitgauge: {}\n", bitgauge::printable(message, 4096));
  return 2;
}

}  // namespace

/// Large arrays, which come and go with every matrix, get memory of their own that goes back to the system at once.
/// By default the C library of GNU keeps more and more of them between small ones, where it stays taken.
static void return_large_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

int main(int argc, char** argv) {
  return_large_memory();
  CLI::App app("bitgauge: quantize files of tensors", "bitgauge");
  app.set_version_flag("--version", fmt::format("bitgauge {}.{}.{}", BITGAUGE_VERSION_MAJOR,
                                                BITGAUGE_VERSION_MINOR, BITGAUGE_VERSION_PATCH));
  app.require_subcommand(1);
  add_quantize(app);
  add_plan(app);
  add_dequantize(app);
  add_compare(app);
  add_inspect(app);
  add_perplexity(app);
  add_importance(app);
  add_generate(app);
  add_schemes(app);
  program::end_cleanly_on_signals();
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& request) {
    if (request.get_exit_code() != 0) return fail(program::explained(app, request, argc, argv));
    app.exit(request);  // --help and --version
    return std::cout.flush() ? 0 : fail("standard output: cannot write");
  } catch (const std::bad_alloc&) {
    return fail("not enough memory");
  } catch (const std::exception& failure) {
    return fail(failure.what());
  }
}
