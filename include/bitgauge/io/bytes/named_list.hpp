#pragma once

/// \file
/// Things in the order in which a file lists them, found by name.

#include <bitgauge/error.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

/// A list whose items have a member `name`, each name once. Order of insertion; a search takes logarithmic
/// time.
template <class Item>
class named_list {
 public:
  /// Appends `item`, or returns false where its name is taken.
  bool add(Item item) {
    if (!places_.emplace(item.name, items_.size()).second) return false;
    items_.push_back(std::move(item));
    return true;
  }

  const std::vector<Item>& items() const noexcept { return items_; }

  /// The item called `name`, or null.
  const Item* find(std::string_view name) const {
    const auto place = places_.find(name);
    return place == places_.end() ? nullptr : &items_[place->second];
  }
  Item* find(std::string_view name) { return const_cast<Item*>(std::as_const(*this).find(name)); }

  /// The item called `name`. Raises data_error, naming `file` and what it does hold, where there is none.
  const Item& at(std::string_view name, std::string_view file) const {
    if (const Item* found = find(name)) return *found;
    std::string message =
        std::string(file) + ": no tensor '" + excerpt(name) + "' among its " + std::to_string(items_.size());
    constexpr std::size_t shown = 5;
    for (std::size_t i = 0; i < items_.size() && i < shown; ++i) {
      message += (i == 0 ? ": '" : ", '") + printable(items_[i].name, 40) + "'";
    }
    raise(data_error(message + (items_.size() > shown ? ", ..." : "")));
  }

 private:
  std::vector<Item> items_;
  std::map<std::string, std::size_t, std::less<>> places_;
};

}  // namespace bitgauge::io
