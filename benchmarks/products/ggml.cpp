// peer/ggml/<type>/<path>/...: ggml's product of blocks, this library's bytes, with floats, which it rounds to 8 bits.
// The path "plain" takes blocks as a file has them, "cpu_repack" and "amx" in ggml's layouts for this processor.

#include "peaks.hpp"
#include "product.hpp"
#include "schemes.hpp"
#include "systems.hpp"

#include <cctype>
#include <ggml-backend.h>
#include <ggml-cpp.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bench {
namespace {

ggml_backend_t backend() {
  static const ggml_backend_ptr only(ggml_backend_cpu_init());
  return only.get();
}

/// A context that holds `tensors` tensors and a graph each, their values elsewhere.
ggml_context_ptr new_context(std::size_t tensors) {
  const std::size_t each = ggml_tensor_overhead() + ggml_graph_overhead_custom(8, false);
  return ggml_context_ptr(ggml_init({(tensors + 8) * each, nullptr, true}));
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

ggml_type type_of(const std::string& name) {
  for (int i = 0; i < GGML_TYPE_COUNT; ++i) {
    const auto type = static_cast<ggml_type>(i);
    if (ggml_type_name(type) != nullptr && lower_case(ggml_type_name(type)) == name) return type;
  }
  return GGML_TYPE_COUNT;
}

/// A way to lay weights out.
struct path {
  std::string name;
  ggml_backend_buffer_type_t memory;
};

std::vector<path> paths() {
  std::vector<path> found{{"plain", ggml_backend_get_default_buffer_type(backend())}};
  const ggml_backend_dev_t device = ggml_backend_get_device(backend());
  const auto more = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(ggml_backend_reg_get_proc_address(
      ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts"));
  if (more == nullptr) return found;
  for (ggml_backend_buffer_type_t* memory = more(device); memory != nullptr && *memory != nullptr; ++memory)
    found.push_back({lower_case(ggml_backend_buft_name(*memory)), *memory});
  return found;
}

class ggml_weights {
 public:
  ggml_weights(ggml_type type, weight_shape shape, const path& way, std::size_t copies)
      : shape_(shape), contents_(new_context(copies)) {
    for (std::size_t i = 0; i < copies; ++i)
      copies_.push_back(ggml_new_tensor_2d(contents_.get(), type, shape.cols, shape.rows));
    memory_.reset(ggml_backend_alloc_ctx_tensors_from_buft(contents_.get(), way.memory));
  }

  void fill(std::span<const std::byte> blocks) {
    for (ggml_tensor* const copy : copies_) ggml_backend_tensor_set(copy, blocks.data(), 0, blocks.size());
  }

  /// Whether ggml has code for this type on this path.
  bool works() {
    ggml_tensor* const x = ggml_new_tensor_2d(contents_.get(), GGML_TYPE_F32, shape_.cols, 1);
    const ggml_tensor* const y = ggml_mul_mat(contents_.get(), copies_[0], x);
    return memory_ != nullptr && ggml_backend_dev_supports_op(ggml_backend_get_device(backend()), y);
  }

  void multiply(const product_call& call) {
    if (call.samples != samples_) prepare(call);
    ggml_backend_cpu_set_n_threads(backend(), call.threads);
    // What is multiplied is a copy of the first call's samples; what comes out stays in ggml's memory.
    if (ggml_backend_graph_compute(backend(), graphs_[next_++ % graphs_.size()]) != GGML_STATUS_SUCCESS)
      throw std::runtime_error("ggml: the product failed");
  }

 private:
  /// A graph for each copy, with samples and results in common.
  void prepare(const product_call& call) {
    graphs_.clear();
    operands_ = new_context(2);
    ggml_tensor* const x = ggml_new_tensor_2d(operands_.get(), GGML_TYPE_F32, shape_.cols, call.samples);
    ggml_tensor* const y = ggml_new_tensor_2d(operands_.get(), GGML_TYPE_F32, shape_.rows, call.samples);
    operand_memory_.reset(ggml_backend_alloc_ctx_tensors(operands_.get(), backend()));
    ggml_backend_tensor_set(x, call.x, 0, ggml_nbytes(x));
    products_ = new_context(copies_.size());
    for (ggml_tensor* const copy : copies_) {
      ggml_tensor* const result = ggml_mul_mat(products_.get(), copy, x);
      ggml_backend_tensor_alloc(operand_memory_.get(), result, y->data);
      graphs_.push_back(ggml_new_graph_custom(products_.get(), 8, false));
      ggml_build_forward_expand(graphs_.back(), result);
    }
    samples_ = call.samples;
  }

  weight_shape shape_;
  ggml_context_ptr contents_, operands_, products_;
  ggml_backend_buffer_ptr memory_, operand_memory_;
  std::vector<ggml_tensor*> copies_;
  std::vector<ggml_cgraph*> graphs_;
  std::size_t next_ = 0;
  std::ptrdiff_t samples_ = 0;
};

prepared_weights prepare(const weight_scheme& scheme, const path& way, weight_shape shape) {
  const auto weights = scheme.quantize(shape);
  const auto& blocks = std::get<bitgauge::gguf::block_matrix>(weights).blocks();
  const auto bytes = static_cast<double>(blocks.size());
  const auto copies =
      std::make_shared<ggml_weights>(type_of(scheme.name), shape, way, copies_beyond_caches(bytes));
  copies->fill(blocks);
  return {bytes, [=](const product_call& call) { copies->multiply(call); }};
}

}  // namespace

void register_ggml() {
  for (const weight_scheme& scheme : weight_schemes())
    for (const path& way : paths()) {
      const ggml_type type = type_of(scheme.name);
      if (type == GGML_TYPE_COUNT || !ggml_weights(type, weight_shapes[0], way, 1).works()) continue;
      register_system({.name = "ggml",
                       .weights = scheme.name + "/" + way.name,
                       .precisions = {precision::integer},
                       .peak = [](precision, int threads) { return int8_peak(threads); },
                       .prepare = [=](weight_shape shape) { return prepare(scheme, way, shape); }});
    }
}

}  // namespace bench
