// Llamas from files.

#include <bitgauge/io/llama_definitions.hpp>
