#pragma once

/// \file
/// The groups of benchmarks, each registered by the source file of its name.

namespace bench {

void register_limits();
void register_arithmetic_limits();
void register_quantize();
void register_range();
void register_rotate();
void register_floats();
void register_gguf();
void register_gptq();
void register_peers();
void register_products();

}  // namespace bench
