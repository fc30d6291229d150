#pragma once

// The encoders of ggml's formats by what they cost to compile, one file of this folder each.

#include <bitgauge/gguf/rows/encode_row_as.hpp>

// BITGAUGE_ENCODERS_...(extern template) declares what BITGAUGE_ENCODERS_...(template) compiles. A format that is in no
// list is compiled with encode_row.cpp.
#define BITGAUGE_ENCODER(keyword, format)                                                                  \
  keyword void encode_row_as<format>(tensor_type, const float*, index_t, const float*, effort, std::byte*, \
                                     const row_hints&, const row_place&);

#define BITGAUGE_ENCODERS_ONE_SCALE(keyword) \
  BITGAUGE_ENCODER(keyword, q4_0)            \
  BITGAUGE_ENCODER(keyword, q5_0)            \
  BITGAUGE_ENCODER(keyword, q8_0)            \
  BITGAUGE_ENCODER(keyword, q8_1)            \
  BITGAUGE_ENCODER(keyword, q8_k)            \
  BITGAUGE_ENCODER(keyword, iq4_nl)          \
  BITGAUGE_ENCODER(keyword, q1_0)            \
  BITGAUGE_ENCODER(keyword, q2_0)            \
  BITGAUGE_ENCODER(keyword, tq1_0)           \
  BITGAUGE_ENCODER(keyword, tq2_0)
#define BITGAUGE_ENCODERS_SCALE_MIN(keyword) \
  BITGAUGE_ENCODER(keyword, q4_1)            \
  BITGAUGE_ENCODER(keyword, q5_1)            \
  BITGAUGE_ENCODER(keyword, mxfp4)           \
  BITGAUGE_ENCODER(keyword, nvfp4)
#define BITGAUGE_ENCODERS_SUPER_SCALE_MIN(keyword) \
  BITGAUGE_ENCODER(keyword, q2_k)                  \
  BITGAUGE_ENCODER(keyword, q4_k)                  \
  BITGAUGE_ENCODER(keyword, q5_k)
#define BITGAUGE_ENCODERS_SUPER_SCALE(keyword) \
  BITGAUGE_ENCODER(keyword, q3_k)              \
  BITGAUGE_ENCODER(keyword, q6_k)              \
  BITGAUGE_ENCODER(keyword, iq4_xs)
#define BITGAUGE_ENCODERS_CODEBOOK(keyword) \
  BITGAUGE_ENCODER(keyword, iq2_xxs)        \
  BITGAUGE_ENCODER(keyword, iq2_xs)         \
  BITGAUGE_ENCODER(keyword, iq2_s)          \
  BITGAUGE_ENCODER(keyword, iq3_xxs)        \
  BITGAUGE_ENCODER(keyword, iq3_s)          \
  BITGAUGE_ENCODER(keyword, iq1_s)          \
  BITGAUGE_ENCODER(keyword, iq1_m)
