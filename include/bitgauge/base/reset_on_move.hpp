#pragma once

/// \file
/// Members that say what other members hold: where those are moved away, these go back to their defaults.

#include <type_traits>
#include <utility>

namespace bitgauge::detail {

/// A T that is T{} again once it has been moved from. A number of rows beside a vector of their elements is
/// declared as reset_on_move<index_t>: what is left of its owner after a move is empty, not broken.
template <class T>
class reset_on_move : public T {
 public:
  reset_on_move() = default;
  reset_on_move(T value) : T(std::move(value)) {}
  reset_on_move(const reset_on_move&) = default;
  reset_on_move(reset_on_move&& other) noexcept : T(std::exchange(static_cast<T&>(other), T{})) {}
  reset_on_move& operator=(const reset_on_move&) = default;
  reset_on_move& operator=(reset_on_move&& other) noexcept {
    static_cast<T&>(*this) = std::exchange(static_cast<T&>(other), T{});
    return *this;
  }
  ~reset_on_move() = default;
};

template <class T>
requires std::is_arithmetic_v<T>
class reset_on_move<T> {
 public:
  constexpr reset_on_move() = default;
  constexpr reset_on_move(T value) noexcept : value_(value) {}
  constexpr reset_on_move(const reset_on_move&) = default;
  constexpr reset_on_move(reset_on_move&& other) noexcept : value_(std::exchange(other.value_, T{})) {}
  constexpr reset_on_move& operator=(const reset_on_move&) = default;
  constexpr reset_on_move& operator=(reset_on_move&& other) noexcept {
    value_ = std::exchange(other.value_, T{});
    return *this;
  }
  ~reset_on_move() = default;
  constexpr operator T() const noexcept { return value_; }
  constexpr reset_on_move& operator+=(T more) noexcept {
    value_ += more;
    return *this;
  }

 private:
  T value_{};
};

}  // namespace bitgauge::detail
