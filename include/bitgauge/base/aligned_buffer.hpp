#pragma once

/// \file
/// Memory for vectors of a processor.

#include <bitgauge/base/uninitialized_memory.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace bitgauge::detail {

/// Numbers from a cache line on, their values indeterminate; in huge pages where there are enough of them.
/// reserve() keeps the memory it has where that will do.
template <class T>
class aligned_buffer {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_default_constructible_v<T>);

 public:
  aligned_buffer() = default;
  explicit aligned_buffer(std::size_t count) { reserve(count); }

  /// Room for `count` numbers, not those that were there.
  T* reserve(std::size_t count) {
    if (count > size_) {
      const std::size_t bytes = count * sizeof(T);
      const std::size_t alignment = bytes >= huge_page ? huge_page : std::size_t{64};
      memory_ = {static_cast<T*>(::operator new(bytes, std::align_val_t{alignment})), release{alignment}};
      advise_huge_pages(memory_.get(), bytes);
      size_ = count;
    }
    return memory_.get();
  }

  T* data() noexcept { return memory_.get(); }
  const T* data() const noexcept { return memory_.get(); }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t i) noexcept { return memory_.get()[i]; }
  const T& operator[](std::size_t i) const noexcept { return memory_.get()[i]; }

 private:
  struct release {
    std::size_t alignment = 64;
    void operator()(T* memory) const noexcept { ::operator delete(memory, std::align_val_t{alignment}); }
  };

  std::unique_ptr<T, release> memory_;
  std::size_t size_ = 0;
};

}  // namespace bitgauge::detail
