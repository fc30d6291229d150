#pragma once

/// \file
/// Buffers that outlive a work item.

#include <mutex>
#include <vector>

namespace bitgauge::detail {

/// Objects that wait to be lent, their type no longer known, so that this is compiled once for all.
class idle_objects {
 public:
  explicit idle_objects(void (*destroy)(void* object)) : destroy_(destroy) {}
  ~idle_objects() {
    for (void* object : objects_) destroy_(object);
  }
  idle_objects(const idle_objects&) = delete;
  idle_objects& operator=(const idle_objects&) = delete;

  /// Null where there is none.
  void* take() {
    const std::lock_guard lock(mutex_);
    if (objects_.empty()) return nullptr;
    void* object = objects_.back();
    objects_.pop_back();
    return object;
  }
  void give_back(void* object) {
    const std::lock_guard lock(mutex_);
    objects_.push_back(object);
  }

 private:
  void (*destroy_)(void* object);
  std::mutex mutex_;
  std::vector<void*> objects_;
};

/// Lends objects to threads, as many as are in use at once: memory is fetched from the system once a thread
/// rather than once a work item, whatever runs the items. Objects come as the last borrower left them.
template <class T>
class scratch_pool {
 public:
  /// Gives the object back at the end of its life.
  class loan {
   public:
    loan(idle_objects& from, T* object) : from_(from), object_(object) {}
    ~loan() { from_.give_back(object_); }
    loan(const loan&) = delete;
    loan& operator=(const loan&) = delete;
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }

   private:
    idle_objects& from_;
    T* object_;
  };

  loan borrow() {
    T* const idle = static_cast<T*>(idle_.take());
    return {idle_, idle != nullptr ? idle : new T()};
  }

 private:
  idle_objects idle_{[](void* object) { delete static_cast<T*>(object); }};
};

}  // namespace bitgauge::detail
