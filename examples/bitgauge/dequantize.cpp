// bitgauge dequantize: every quantized tensor becomes F32 in its original shape; the others are copied.

#include <bitgauge/io.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "progress.hpp"

#include <fmt/core.h>

#include <string>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

bool is_copied(const io::stored_tensor& tensor) {
  return tensor.quantized == nullptr;
}

void to_safetensors(const io::tensor_file& file, const std::string& output) {
  io::safetensors_writer writer(output);
  for (const io::metadata_entry& text : file.metadata()) writer.set_metadata(text.name, text.value);
  std::uint64_t total = 0;
  for (const io::stored_tensor& tensor : file.tensors()) {
    writer.declare(tensor.name, is_copied(tensor) ? tensor.plain->type : io::dtype::f32, tensor.shape);
    total += tensor.bytes;
  }
  progress bar(total);
  for (const io::stored_tensor& tensor : file.tensors()) {
    bar.advance(0, tensor.name);
    naming(file.path(), tensor.name, [&] {
      if (is_copied(tensor)) return writer.write(tensor.name, tensor.plain->data);
      writer.write(tensor.name, file.matrix(tensor));
    });
    bar.advance(tensor.bytes, tensor.name);
  }
  writer.commit();
}

void to_npy(const io::tensor_file& file, const std::string& output) {
  if (file.tensors().size() != 1)
    bitgauge::raise(bitgauge::io_error(output + ": an .npy file holds one array: expected 1 tensor in " +
                                       file.path() + ", found " + std::to_string(file.tensors().size())));
  const io::stored_tensor& tensor = file.tensors().front();
  if (!tensor.is_real())
    bitgauge::raise(bitgauge::data_error(file.path() + ": tensor " + tensor.name +
                                         ": expected numbers to turn into floats, found " + tensor.format));
  io::write_npy(output, naming(file.path(), tensor.name, [&] { return file.matrix(tensor); }));
}

}  // namespace

void dequantize(const dequantize_options& options) {
  const io::tensor_file file(options.input);
  if (options.output.ends_with(".safetensors")) return to_safetensors(file, options.output);
  if (options.output.ends_with(".npy")) return to_npy(file, options.output);
  bitgauge::raise(bitgauge::io_error(options.output + ": expected an output ending in .npy or .safetensors"));
}

}  // namespace program
