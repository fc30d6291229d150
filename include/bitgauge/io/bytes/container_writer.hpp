#pragma once

/// \file
/// What the writers of containers share: tensors that are declared first and then written one after another.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/byte_sink.hpp>
#include <bitgauge/io/bytes/dtype.hpp>
#include <bitgauge/io/bytes/named_list.hpp>
#include <bitgauge/io/bytes/tensor_stream.hpp>
#include <bitgauge/io/bytes/tensor_view.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io::detail {

/// A container declares its tensors by declare_tensor() and says by header() what precedes their data.
class container_writer {
 public:
  virtual ~container_writer() = default;

  /// Appends little-endian bytes of the tensor `name`: the first declared one that is not complete. Raises
  /// data_error for another name and shape_error for too many bytes.
  void write(std::string_view name, std::span<const std::byte> piece) {
    start();
    stream_.write(name, piece);
  }

  /// Appends a matrix or expression row by row, as a whole tensor or some rows of it. Raises data_error where
  /// its scalar is not of the declared type.
  template <class Derived>
  void write(std::string_view name, const Eigen::DenseBase<Derived>& matrix) {
    const declared& tensor = tensors_.at(name, shown());
    constexpr dtype found = dtype_of<typename Derived::Scalar>;
    if (tensor.type != found)
      raise(data_error(subject(name) + "expected elements of type " + std::string(tensor.type_name) +
                       ", found " + std::string(name_of(found))));
    write_elements(matrix, [&](std::span<const std::byte> piece) { write(name, piece); });
  }

  /// Makes the file appear. Raises shape_error where a tensor is not complete and io_error where the system
  /// refuses.
  void commit() {
    start();
    stream_.commit();
  }

 protected:
  explicit container_writer(const std::filesystem::path& path) : stream_(path) {}
  container_writer(std::unique_ptr<byte_sink> sink, std::string name)
      : stream_(std::move(sink), std::move(name)) {}
  container_writer(container_writer&&) = default;
  container_writer& operator=(container_writer&&) = default;

  struct header_bytes {
    std::vector<std::byte> bytes;
    std::uint64_t alignment;  ///< of each tensor's data; divides the size of `bytes`
  };
  virtual header_bytes header() const = 0;

  /// Adds a tensor of `size` bytes at the end. `type` is that of plain numbers, `type_name` for messages.
  /// Raises data_error for a name that is taken.
  void declare_tensor(const std::string& name, std::uint64_t size, std::optional<dtype> type,
                      std::string_view type_name) {
    stream_.declare(name, size);
    tensors_.add({name, type, type_name});
  }
  /// Raises data_error once the header is written.
  void require_unwritten() const {
    if (stream_.started()) raise(data_error(shown() + ": metadata is set after the first data was written"));
  }
  /// The path, as given, for messages.
  const std::string& shown() const noexcept { return stream_.shown(); }
  std::string subject(std::string_view name) const { return shown() + ": tensor " + excerpt(name) + ": "; }

 private:
  struct declared {
    std::string name;
    std::optional<dtype> type;
    std::string_view type_name;
  };

  void start() {
    if (stream_.started()) return;
    const header_bytes h = header();
    stream_.start(h.bytes, h.alignment);
  }

  tensor_stream stream_;
  named_list<declared> tensors_;
};

}  // namespace bitgauge::io::detail
