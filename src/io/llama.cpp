// Llamas from files.

#include <bitgauge/io/model/llama_definitions.hpp>
