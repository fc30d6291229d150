#pragma once

/// \file
/// What plan_file.hpp declares.

#include <bitgauge/error.hpp>
#include <bitgauge/io/bytes/named_list.hpp>
#include <bitgauge/io/json/visitor.hpp>
#include <bitgauge/io/model/plan_file.hpp>
#include <bitgauge/model/tensors/locate_failures.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitgauge::io {

namespace detail {

/// "768 x 256", outermost first.
inline std::string extents_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

/// Collects the member "tensors" of a plan, `{TENSOR: {"format": TEXT, "shape": TEXT, ...}, ...}`; all else is passed
/// over.
class plan_visitor final : public open_json_visitor {
 public:
  using open_json_visitor::open_json_visitor;

  named_list<plan_entry> tensors;
  bool has_tensors = false;

  bool key(string_t& text) override {
    key_ = text;
    return true;
  }
  bool string(string_t& text) override {
    if (in_tensors_ && depth() == 3 && key_ == "format") return set(now_.format, text);
    if (in_tensors_ && depth() == 3 && key_ == "shape") return set(now_.shape, text);
    return open_json_visitor::string(text);
  }

 private:
  bool set(std::string& member, const std::string& text) {
    if (!member.empty()) fail("'" + key_ + "' appears twice");
    if (text.empty()) fail("expected a text, found an empty one");
    member = text;
    return true;
  }
  void value(const char* found) const override {
    if (depth() == 0 || (depth() == 1 && key_ == "tensors") || (in_tensors_ && depth() == 2))
      unexpected(found);
    if (in_tensors_ && depth() == 3 && (key_ == "format" || key_ == "shape")) unexpected(found);
  }
  void begin_object() override {
    if (in_tensors_ && depth() == 2) now_ = {key_, {}, {}};
    if (in_tensors_ && depth() > 2) unexpected("an object");
    if (depth() != 1 || key_ != "tensors") return;
    if (has_tensors) fail("'tensors' appears twice");
    has_tensors = in_tensors_ = true;
  }
  void end_of_object() override {
    if (!in_tensors_) return;
    if (depth() == 1) return in_tensors_ = false, void();
    if (now_.format.empty() || now_.shape.empty())
      fail(std::string("expected a member '") + (now_.format.empty() ? "format" : "shape") + "'");
    if (!tensors.add(now_)) fail("'" + now_.name + "' appears twice");
  }

  std::string field() const override {
    return in_tensors_ ? "tensors: " + (depth() > 2 ? now_.name + ": " : std::string()) + key_ : "plan";
  }
  std::string expected() const override {
    if (!in_tensors_) return "an object";
    return depth() > 2 ? "a text" : "an object with 'format' and 'shape'";
  }

  plan_entry now_{};
  std::string key_;
  bool in_tensors_ = false;
};

}  // namespace detail

BITGAUGE_DEFINE nlohmann::ordered_json plan_json(const quantization_plan& p,
                                                 std::span<const std::optional<double>> costs) {
  nlohmann::ordered_json tensors = nlohmann::ordered_json::object();
  for (std::size_t t = 0; t < p.tensors.size(); ++t) {
    const planned_tensor& row = p.tensors[t];
    nlohmann::ordered_json json{{"shape", detail::extents_text(row.shape)},
                                {"format", to_text(row.to)},
                                {"bits_per_weight", row.bits_per_weight()},
                                {"bytes", row.bytes_after}};
    if (t < costs.size() && costs[t]) json["cost"] = *costs[t];
    json["why"] = row.why;
    tensors[row.name] = std::move(json);
  }
  return {
      {"bytes_before", p.bytes_before()}, {"bytes_after", p.bytes_after()}, {"tensors", std::move(tensors)}};
}
BITGAUGE_DEFINE nlohmann::ordered_json plan_json(const budget_plan& b) {
  nlohmann::ordered_json json{{"budget_bytes", b.limit},
                              {"quantized_bytes", b.allocation.bytes},
                              {"quantized_weights", b.weights},
                              {"bits_per_weight", b.bits_per_weight()},
                              {"cost", b.allocation.cost},
                              {"cost_bound", b.allocation.bound},
                              {"cost_by_multiplier", b.multiplier_cost}};
  json.update(plan_json(b.plan, b.costs));
  return json;
}

BITGAUGE_DEFINE plan_file::plan_file(const byte_source& source) : name_(source.name()) {
  detail::plan_visitor plan(name_, 0);
  plan.visit({reinterpret_cast<const char*>(source.bytes().data()), source.bytes().size()});
  if (!plan.has_tensors)
    raise(parse_error(name_, source.bytes().size(), "plan", "expected a member 'tensors'"));
  for (const detail::plan_entry& each : plan.tensors.items()) {
    const tensor_format to = locate_failures(name_, each.name, [&] { return parse_format(each.format); });
    tensors_.push_back({each, to});
  }
}

BITGAUGE_DEFINE std::vector<rule> plan_file::rules_for(const tensor_source& source) const {
  std::map<std::string_view, std::string> found;
  for (std::size_t i = 0; i < source.tensor_count(); ++i)
    found.emplace(source.info(i).name, detail::extents_text(source.info(i).shape));
  for (const planned& each : tensors_) {
    const auto place = found.find(each.said.name);
    const bool is_there = place != found.end();
    if (is_there && place->second == each.said.shape) continue;
    raise(data_error(name_ + ": expected a plan of " + source.source_name() + ", found tensor " +
                     excerpt(each.said.name) + " of " + excerpt(each.said.shape) + ", which " +
                     (is_there ? "is " + place->second : "is not") + " there"));
  }
  std::map<std::string, std::set<std::string, std::less<>>> names;
  std::map<std::string, tensor_format> formats;
  for (const planned& each : tensors_) {
    found.erase(each.said.name);
    const std::string text = to_text(each.to);
    names[text].insert(each.said.name);
    formats.emplace(text, each.to);
  }
  if (!found.empty())
    raise(data_error(name_ + ": expected a plan of " + source.source_name() +
                     ", found no format for tensor " + excerpt(found.begin()->first)));
  std::vector<rule> rules;
  rules.reserve(names.size());
  for (auto& [text, those] : names)
    rules.push_back({.names = {name_, text,
                               [set = std::make_shared<const std::set<std::string, std::less<>>>(std::move(
                                    those))](std::string_view name) { return set->contains(name); }},
                     .to = formats.at(text),
                     .why = name_,
                     .is_remarked = false});
  return rules;
}

}  // namespace bitgauge::io
