// GPTQ, in either precision.

#include <bitgauge/rounding/gptq_definitions.hpp>

template class bitgauge::gptq<float>;
template class bitgauge::gptq<double>;
