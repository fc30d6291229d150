// GPTQ, in either precision, and SparseGPT.

#include <bitgauge/rounding/gptq_definitions.hpp>
#include <bitgauge/rounding/sparse_gpt_definitions.hpp>

template class bitgauge::gptq<float>;
template class bitgauge::gptq<double>;
