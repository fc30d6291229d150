// bitgauge dequantize: every quantized tensor, and 8-bit floats with their scales, become F32 in their
// original shape; the others are copied.

#include <bitgauge/io/npy.hpp>
#include <bitgauge/io/open_sink.hpp>
#include <bitgauge/io/tensor_file.hpp>
#include <bitgauge/model/plan/model_options.hpp>
#include <bitgauge/model/tensors/locate_failures.hpp>

#include "commands.hpp"
#include "progress.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace program {
namespace {

namespace io = bitgauge::io;

void to_container(const io::tensor_file& file, const std::string& output, bool quiet) {
  const std::unique_ptr<bitgauge::tensor_sink> sink = io::open_sink(output, file);
  bitgauge::model_progress now;
  for (std::size_t i = 0; i < file.tensors().size(); ++i) {
    const io::stored_tensor& tensor = file.tensors()[i];
    if (tensor.is_encoded()) {
      sink->declare_floats(tensor.name, tensor.shape);
    } else {
      sink->declare_copy(tensor, file.stored(i));
    }
    now.total += tensor.element_count();
  }
  sink->begin();
  progress bar(quiet);
  for (std::size_t i = 0; i < file.tensors().size(); ++i) {
    const io::stored_tensor& tensor = file.tensors()[i];
    now.tensor = tensor.name;
    bar.show(now);
    bitgauge::locate_failures(file.path(), tensor.name, [&] {
      if (tensor.is_encoded()) return sink->write(tensor.name, file.matrix(tensor));
      sink->copy(tensor, file.stored(i));
    });
    now.done += tensor.element_count();
    bar.show(now);
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
  io::write_npy(output,
                bitgauge::locate_failures(file.path(), tensor.name, [&] { return file.matrix(tensor); }),
                tensor.shape);
}

}  // namespace

void dequantize(const dequantize_options& options) {
  const io::tensor_file file(options.input);
  if (options.output.ends_with(".npy")) return to_npy(file, options.output);
  to_container(file, options.output, options.quiet);
}

}  // namespace program
