// bitgauge dequantize: every quantized tensor, and 8-bit floats with their scales, become F32 in their
// original shape; the others are copied.

#include <bitgauge/io.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "progress.hpp"
#include "tensor_sink.hpp"

#include <string>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

void to_container(const io::tensor_file& file, const std::string& output, bool quiet) {
  const std::unique_ptr<tensor_sink> sink = open_sink(output);
  sink->take_metadata(file);
  std::uint64_t total = 0;
  for (const io::stored_tensor& tensor : file.tensors()) {
    if (tensor.is_encoded()) {
      sink->declare_floats(tensor.name, tensor.shape);
    } else {
      sink->declare_copy(tensor);
    }
    total += tensor.element_count();
  }
  sink->begin();
  progress bar(total, quiet);
  for (const io::stored_tensor& tensor : file.tensors()) {
    bar.begin(tensor.name);
    naming(file.path(), tensor.name, [&] {
      if (tensor.is_encoded()) return sink->write(tensor.name, file.matrix(tensor));
      sink->copy(file, tensor);
    });
    bar.finish(tensor.element_count());
  }
  sink->commit();
}

void to_npy(const io::tensor_file& file, const std::string& output) {
  if (file.tensors().size() != 1)
    bitgauge::raise(bitgauge::io_error(output + ": an .npy file holds one array: expected 1 tensor in " +
                                       file.path() + ", found " + std::to_string(file.tensors().size())));
  const io::stored_tensor& tensor = file.tensors().front();
  if (!tensor.is_real())
    bitgauge::raise(bitgauge::data_error(file.path() + ": tensor " + bitgauge::excerpt(tensor.name) +
                                         ": expected numbers to turn into floats, found " + tensor.format));
  io::write_npy(output, naming(file.path(), tensor.name, [&] { return file.matrix(tensor); }), tensor.shape);
}

}  // namespace

void dequantize(const dequantize_options& options) {
  const io::tensor_file file(options.input);
  if (options.output.ends_with(".npy")) return to_npy(file, options.output);
  to_container(file, options.output, options.quiet);
}

}  // namespace program
