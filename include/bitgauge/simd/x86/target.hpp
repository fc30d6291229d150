#pragma once

/// \file
/// What code with x86 intrinsics shares. Each function names the instruction sets it uses, so that a program
/// needs no -m flags and holds code for all of them. Lambdas do not inherit a function's target: helpers are
/// functions.
///
///     [[BITGAUGE_AVX512]] inline void f(...);                            // called through a dispatch table
///     [[BITGAUGE_AVX512, gnu::always_inline]] inline __m512 g(__m512);   // its helper

#include <bitgauge/base/config.hpp>

#if BITGAUGE_X86
#include <immintrin.h>

#define BITGAUGE_AVX2 gnu::target("avx2,fma,f16c,bmi2")
#define BITGAUGE_AVX2_VNNI gnu::target("avxvnni,avx2,fma,f16c,bmi2")
#define BITGAUGE_AVX512 gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2")
/// For code without intrinsics, which GCC would otherwise give vectors of 32 bytes.
#if defined(__clang__)
#define BITGAUGE_AVX512_WIDE BITGAUGE_AVX512
#else
#define BITGAUGE_AVX512_WIDE \
  gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,prefer-vector-width=512")
#endif
#define BITGAUGE_AVX512_VNNI gnu::target("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2")
#define BITGAUGE_AVX512_VBMI gnu::target("avx512vbmi,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2")
#define BITGAUGE_AMX                                                                                    \
  gnu::target(                                                                                          \
      "amx-tile,amx-int8,amx-bf16,avx512bf16,avx512vbmi,avx512vnni,avx512f,avx512bw,avx512dq,avx512vl," \
      "avx2,fma,f16c,bmi2")

/// Around AVX-512 code: GCC 12 takes the undefined pass-through operand of its own intrinsics for a mistake
/// (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593). It also warns of an int that is a template's parameter
/// as the bound of an array, and without optimisation of the masks in its intrinsics, which are macros then.
#if defined(__GNUC__) && !defined(__clang__)
#define BITGAUGE_BEGIN_AVX512                                      \
  _Pragma("GCC diagnostic push")                              /**/ \
      _Pragma("GCC diagnostic ignored \"-Wuninitialized\"")   /**/ \
      _Pragma("GCC diagnostic ignored \"-Wsign-conversion\"") /**/ \
      _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
#define BITGAUGE_END_AVX512 _Pragma("GCC diagnostic pop")
#else
#define BITGAUGE_BEGIN_AVX512
#define BITGAUGE_END_AVX512
#endif
#endif
