// Catches a ggml type that is not taken for one.
#include <bitgauge/gguf/format/formats.hpp>
#include <bitgauge/gguf/quantize.hpp>
#include <bitgauge/grid/codebook_tables.hpp>

using namespace bitgauge;

static_assert(ggml_format<gguf::tensor_type> && ggml_format<gguf::q4_0> && ggml_format<gguf::q4_k>);
static_assert(ggml_format<gguf::iq4_nl>);
static_assert(!ggml_format<nf4> && !ggml_format<int> && !ggml_format<Eigen::MatrixXf>);

struct of_a_user {
  static constexpr gguf::tensor_type type = gguf::tensor_type::q4_0;
};
struct without_type {};
struct typed_by_number {
  static constexpr int type = 2;
};
struct typed_per_object {
  gguf::tensor_type type() const;
};
static_assert(ggml_format<of_a_user> && !ggml_format<without_type> && !ggml_format<typed_by_number>);
static_assert(!ggml_format<typed_per_object>);
