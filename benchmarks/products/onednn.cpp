// peer/onednn/<f32|bf16|int8>/...: oneDNN's matmul on weights in its own layout. Of int8 the weights have a scale a
// row, and the samples are unsigned codes already: to quantize them is not in its time.

#include "../arithmetic_loops.hpp"
#include "peaks.hpp"
#include "product.hpp"
#include "systems.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <dnnl.hpp>
#include <memory>
#include <omp.h>
#include <utility>
#include <vector>

namespace bench {
namespace {

using data_type = dnnl::memory::data_type;
using layout = dnnl::memory::format_tag;

struct number_types {
  data_type samples, weights;
};

/// W, read as its transpose: oneDNN multiplies samples by weights.
class onednn_weights {
 public:
  onednn_weights(weight_shape shape, number_types types) : shape_(shape), types_(types) {
    const dnnl::memory::desc stored({shape.cols, shape.rows}, types.weights, layout::ba);
    plain_ = dnnl::memory(stored, engine_);
    const std::size_t count = static_cast<std::size_t>(shape.rows * shape.cols);
    if (types.weights == data_type::s8) {  // codes of a byte; which ones, no product takes notice of
      auto* const codes = static_cast<std::int8_t*>(plain_.get_data_handle());
      std::transform(normal_weights(shape), normal_weights(shape) + count, codes,
                     [](float w) { return static_cast<std::int8_t>(std::clamp(w * 30, -127.0f, 127.0f)); });
    } else {
      convert(normal_weights(shape), {shape.cols, shape.rows}, layout::ba, plain_);
    }
  }

  double bytes() const {
    return shape_.size() * static_cast<double>(dnnl::memory::data_type_size(types_.weights));
  }

  void multiply(const product_call& call) {
    if (call.samples != samples_ || call.threads != threads_) prepare(call);
    // The samples that are converted are those of the first call; the result is written where it is wanted.
    y_.set_data_handle(call.y);
    matmul_.execute(
        stream_,
        {{DNNL_ARG_SRC, x_}, {DNNL_ARG_WEIGHTS, copies_[next_++ % copies_.size()]}, {DNNL_ARG_DST, y_}});
    stream_.wait();
  }

 private:
  void convert(const float* values, const dnnl::memory::dims& size, layout order, dnnl::memory& to) {
    // A source is not written, but its handle is not const.
    dnnl::memory from({size, data_type::f32, order}, engine_, const_cast<float*>(values));
    dnnl::reorder(from, to).execute(stream_, from, to);
    stream_.wait();
  }

  void prepare(const product_call& call) {
    omp_set_num_threads(call.threads);
    const dnnl::memory::dims x_size{call.samples, shape_.cols}, w_size{shape_.cols, shape_.rows},
        y_size{call.samples, shape_.rows};
    dnnl::primitive_attr attributes;
    if (types_.weights == data_type::s8)
      attributes.set_output_scales(1 << 1, std::vector<float>(static_cast<std::size_t>(shape_.rows), 0.01f));
    const dnnl::matmul::primitive_desc chosen({{x_size, types_.samples, layout::ab},
                                               {w_size, types_.weights, layout::any},
                                               {y_size, data_type::f32, layout::ab}},
                                              attributes, engine_);
    matmul_ = dnnl::matmul(chosen);
    y_ = dnnl::memory(chosen.dst_desc(), engine_, call.y);
    x_ = dnnl::memory(chosen.src_desc(), engine_);
    if (types_.samples == data_type::u8)
      std::memset(x_.get_data_handle(), 77, chosen.src_desc().get_size());
    else
      convert(call.x, x_size, layout::ab, x_);
    if (copies_.empty() || copies_.front().get_desc() != chosen.weights_desc()) {
      copies_.clear();
      for (std::size_t i = copies_beyond_caches(bytes()); i > 0; --i) {
        copies_.emplace_back(chosen.weights_desc(), engine_);
        dnnl::reorder(plain_, copies_.back()).execute(stream_, plain_, copies_.back());
      }
      stream_.wait();
    }
    samples_ = call.samples;
    threads_ = call.threads;
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  weight_shape shape_;
  number_types types_;
  dnnl::memory plain_, x_, y_;
  dnnl::matmul matmul_;
  std::vector<dnnl::memory> copies_;
  std::size_t next_ = 0;
  std::ptrdiff_t samples_ = 0;
  int threads_ = 0;
};

void register_types(const char* name, number_types types, precision how, double (*peak)(int)) {
  register_system({.name = "onednn",
                   .weights = name,
                   .precisions = {how},
                   .peak = [=](precision, int threads) { return peak(threads); },
                   .prepare = [=](weight_shape shape) -> prepared_weights {
                     const auto weights = std::make_shared<onednn_weights>(shape, types);
                     return {weights->bytes(), [=](const product_call& call) { weights->multiply(call); }};
                   }});
}

}  // namespace

void register_onednn() {
  register_types("f32", {data_type::f32, data_type::f32}, precision::exact, f32_peak);
  if (loops_of_processor().bf16_dot.run != nullptr)
    register_types("bf16", {data_type::bf16, data_type::bf16}, precision::exact, bf16_peak);
  register_types("int8", {data_type::u8, data_type::s8}, precision::integer, int8_peak);
}

}  // namespace bench
