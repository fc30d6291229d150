#pragma once

/// \file
/// Buffers that outlive a work item.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace bitgauge::detail {

/// Lends objects to threads, as many as are in use at once: memory is fetched from the system once a thread
/// rather than once a work item, whatever runs the items. Objects come as the last borrower left them.
template <class T>
class scratch_pool {
 public:
  /// Gives the object back at the end of its life.
  class loan {
   public:
    loan(scratch_pool& from, std::unique_ptr<T> object) : from_(from), object_(std::move(object)) {}
    ~loan() { from_.take_back(std::move(object_)); }
    loan(const loan&) = delete;
    loan& operator=(const loan&) = delete;
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_.get(); }

   private:
    scratch_pool& from_;
    std::unique_ptr<T> object_;
  };

  loan borrow() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return {*this, std::make_unique<T>()};
    std::unique_ptr<T> object = std::move(idle_.back());
    idle_.pop_back();
    return {*this, std::move(object)};
  }

 private:
  void take_back(std::unique_ptr<T> object) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(object));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace bitgauge::detail
