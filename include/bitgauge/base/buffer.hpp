#pragma once

/// \file
/// What results are stored in: an array of fixed size that is not zeroed before it is written.

#include <bitgauge/base/uninitialized_memory.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace bitgauge {

/// Owns `size()` numbers that lie together, as a std::vector of fixed size does: it converts to std::span,
/// and a std::vector converts to it without a copy. Copies are deep; what has been moved from is empty.
///
///     buffer<std::byte> bytes = std::vector<std::byte>(34);  // takes the vector's memory over
///     buffer<std::byte> room(34);                            // values indeterminate: write them all
template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_default_constructible_v<T>);

 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  buffer() = default;
  /// Room for `count` elements, their values indeterminate.
  explicit buffer(std::size_t count)
      : fresh_(static_cast<T*>(detail::uninitialized_memory(count * sizeof(T))), {count}),
        data_(fresh_.get()),
        size_(count) {}
  /// Takes over the elements of a vector. Cost: none.
  buffer(std::vector<T> elements) noexcept
      : given_(std::move(elements)), data_(given_.data()), size_(given_.size()) {}
  buffer(const buffer& other) : buffer(other.size_) { std::copy_n(other.data_, size_, data_); }
  buffer(buffer&& other) noexcept { swap(*this, other); }
  buffer& operator=(buffer other) noexcept {
    swap(*this, other);
    return *this;
  }
  ~buffer() = default;

  friend void swap(buffer& a, buffer& b) noexcept {
    std::swap(a.fresh_, b.fresh_);
    std::swap(a.given_, b.given_);
    std::swap(a.data_, b.data_);
    std::swap(a.size_, b.size_);
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  T* begin() noexcept { return data_; }
  const T* begin() const noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  const T* end() const noexcept { return data_ + size_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

  friend bool operator==(const buffer& a, const buffer& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  struct release {
    std::size_t count;
    void operator()(T* memory) const noexcept { detail::release_memory(memory, count * sizeof(T)); }
  };

  // One of the two holds the elements.
  std::unique_ptr<T, release> fresh_{nullptr, {0}};
  std::vector<T> given_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace bitgauge
