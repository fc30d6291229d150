// bitgauge dequantize: every quantized tensor becomes F32 in its original shape; the others are copied.

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

void to_container(const io::tensor_file& file, const std::string& output) {
  const std::unique_ptr<tensor_sink> sink = open_sink(output);
  sink->take_metadata(file);
  std::uint64_t total = 0;
  for (const io::stored_tensor& tensor : file.tensors()) {
    if (tensor.is_quantized()) {
      sink->declare_floats(tensor.name, tensor.shape);
    } else {
      sink->declare_copy(tensor);
    }
    total += tensor.bytes;
  }
  sink->begin();
  progress bar(total);
  for (const io::stored_tensor& tensor : file.tensors()) {
    bar.advance(0, tensor.name);
    naming(file.path(), tensor.name, [&] {
      if (tensor.is_quantized()) return sink->write(tensor.name, file.matrix(tensor));
      sink->copy(file, tensor);
    });
    bar.advance(tensor.bytes, tensor.name);
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
  io::write_npy(output, naming(file.path(), tensor.name, [&] { return file.matrix(tensor); }));
}

}  // namespace

void dequantize(const dequantize_options& options) {
  const io::tensor_file file(options.input);
  options.output.ends_with(".npy") ? to_npy(file, options.output) : to_container(file, options.output);
}

}  // namespace program
