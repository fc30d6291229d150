#pragma once

/// \file
/// The systems whose products are measured, each registered by the source file of its name.

namespace bench {

void register_packed();  ///< this library
void register_eigen();
void register_onednn();  ///< where CMake found it
void register_ggml();    ///< where CMake found it

}  // namespace bench
