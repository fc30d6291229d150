#pragma once

/// \file
/// What each tensor of a model can become, and what a budget makes of it.

#include <bitgauge/base/number_text.hpp>
#include <bitgauge/error.hpp>
#include <bitgauge/gguf/tensor_type.hpp>
#include <bitgauge/matrix/trellis/trellis_scheme.hpp>
#include <bitgauge/model/budget/bit_budget.hpp>
#include <bitgauge/model/budget/budget.hpp>
#include <bitgauge/model/budget/rate_curve.hpp>
#include <bitgauge/model/budget/tensor_options.hpp>
#include <bitgauge/model/format.hpp>
#include <bitgauge/model/plan/plan.hpp>
#include <bitgauge/model/plan/plan_options.hpp>
#include <bitgauge/model/plan/planner.hpp>
#include <bitgauge/model/plan/rule.hpp>
#include <bitgauge/model/tensors/tensor_source.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bitgauge {

/// What a tensor would be in one format, and what that costs.
struct candidate {
  planned_tensor plan;
  std::optional<double> cost{};  ///< none until it is measured: <bitgauge/model/budget/sensitivity.hpp>
  /// One of the rates at which a format is measured that can have any between: <bitgauge/model/budget/any_rate.hpp>.
  bool has_any_rate = false;
};

/// What a tensor can become: one thing where a rule or its own nature says so, else what formats make of it.
struct tensor_candidates {
  std::vector<candidate> formats;

  const planned_tensor& first() const noexcept { return formats.front().plan; }
  bool is_copied() const noexcept { return first().is_copied(); }
  /// True where a budget has a choice.
  bool is_free() const noexcept { return formats.size() > 1; }
};

/// The tensors of a model with all that they can become.
struct model_candidates {
  std::vector<tensor_candidates> tensors;
  std::vector<std::string> remarks;

  /// Elements of the tensors that are not copied, which a budget in bits is over.
  std::uint64_t weights() const noexcept {
    std::uint64_t sum = 0;
    for (const tensor_candidates& each : tensors)
      if (!each.is_copied())
        sum += static_cast<std::uint64_t>(each.first().rows) * static_cast<std::uint64_t>(each.first().cols);
    return sum;
  }
};

namespace detail {

inline constexpr const char* misfit = "blocks do not divide its rows";

/// Tensors whose rows the blocks of a format do not divide.
inline rule leave_misfits(const tensor_source& source, const tensor_format& f) {
  return {.names = {"format", to_text(f),
                    [&source, type = f.type()](std::string_view name) {
                      for (std::size_t i = 0; type && i < source.tensor_count(); ++i)
                        if (source.info(i).name == name)
                          return !source.info(i).shape.empty() &&
                                 source.info(i).shape.back() % gguf::traits_of(*type).elements != 0;
                      return false;
                    }},
          .to = tensor_format::copy(),
          .why = misfit,
          .is_remarked = false};
}

}  // namespace detail

/// Plans a model in each of some formats: tensors that a rule matches become what it says, all others can become any
/// of the formats whose blocks divide their rows, or what plan_options::fallbacks make of the others. Raises
/// invalid_scheme where there is no format or one is a copy, shape_error for a tensor that none fits, else what plan()
/// raises.
inline model_candidates candidates(const tensor_source& source, const std::vector<rule>& rules,
                                   std::span<const tensor_format> formats, const plan_options& o = {}) {
  if (formats.empty()) raise(invalid_scheme("budget: expected at least 1 format to choose from, found none"));
  model_candidates all;
  for (std::size_t f = 0; f < formats.size(); ++f) {
    if (formats[f].what() == tensor_format::kind::copy)
      raise(invalid_scheme("budget: expected formats to choose from, found copy (a rule can copy a tensor)"));
    std::vector<rule> with = rules;
    if (o.fallbacks.empty()) with.push_back(detail::leave_misfits(source, formats[f]));
    with.push_back({.names = "*", .to = formats[f], .why = "the budget", .is_remarked = false});
    quantization_plan p = plan(source, with, o);
    if (f == 0) {
      all.tensors.resize(p.tensors.size());
      all.remarks = p.remarks;
    }
    for (std::size_t t = 0; t < p.tensors.size(); ++t) {
      planned_tensor& row = p.tensors[t];
      auto& known = all.tensors[t].formats;
      const bool fits = row.why != detail::misfit;
      const bool is_fixed = row.why != "the budget";
      const bool is_last = f + 1 == formats.size();
      if (fits ? known.empty() || !is_fixed : known.empty() && is_last) known.push_back({std::move(row)});
      if (!known.empty() && known.front().plan.why == detail::misfit)
        detail::raise_message<shape_error>(
            {source.source_name(), ": tensor ", excerpt(known.front().plan.name), ": ",
             known.front().plan.cols, " columns are no multiple of the blocks of any format",
             " to choose from (choose one with a rule, or ", o.words.fallback, ")"});
    }
  }
  return all;
}

/// A plan within a budget, and how it compares.
struct budget_plan {
  quantization_plan plan;
  std::vector<std::optional<double>> costs;  ///< of each tensor of the plan; none: not measured
  std::uint64_t weights = 0;                 ///< of the tensors that are quantized, as the figures below are
  std::uint64_t limit = 0;                   ///< in bytes
  budget_allocation allocation{};            ///< chosen among the candidates; its bytes, cost and bound
  double multiplier_cost = 0;                ///< that of allocate_by_multiplier()
  bool has_rates = false;                    ///< some tensors may have any rate

  double bits_per_weight() const noexcept {
    return weights > 0 ? 8.0 * static_cast<double>(allocation.bytes) / static_cast<double>(weights) : 0;
  }
};

/// Raises data_error, saying the least size possible, where nothing is within a budget: before costs are measured.
inline void require_room(const model_candidates& all, const bit_budget& budget) {
  std::uint64_t least = 0;
  for (const tensor_candidates& tensor : all.tensors) {
    if (tensor.is_copied()) continue;
    std::uint64_t own = tensor.first().bytes_after;
    for (const candidate& each : tensor.formats) own = std::min(own, each.plan.bytes_after);
    least += own;
  }
  const std::uint64_t weights = all.weights(), limit = budget.bytes_for(weights);
  if (weights == 0) raise(data_error("budget: expected tensors to quantize, found none"));
  const auto bits = [&](std::uint64_t bytes) {
    return detail::general_text(8.0 * static_cast<double>(bytes) / static_cast<double>(weights), 5) +
           " bits a weight";
  };
  if (least > limit)
    detail::raise_message<data_error>({"budget: expected at least ", least, " bytes (", bits(least),
                                       "), the least that these formats take, found ", limit, " (",
                                       bits(limit), ")"});
}

namespace detail {

/// The candidates of a tensor as options of a budget.
inline tensor_options options_of(const tensor_candidates& tensor) {
  const planned_tensor& first = tensor.first();
  tensor_options all(static_cast<double>(first.rows) * static_cast<double>(first.cols));
  for (std::size_t i = 0; i < tensor.formats.size(); ++i) {
    const candidate& each = tensor.formats[i];
    if (tensor.is_free() && !each.cost)
      raise(data_error("budget: tensor " + excerpt(each.plan.name) + ": expected the cost of " +
                       to_text(each.plan.to) + ", found none measured"));
    const budget_option option{each.plan.is_copied() ? 0 : each.plan.bytes_after, each.cost.value_or(0)};
    if (each.has_any_rate) {
      all.add_rate(*each.plan.to.trellis(), option, i);
    } else {
      all.add(option, i);
    }
  }
  all.finish();
  return all;
}

/// A tensor of a trellis at another rate.
inline planned_tensor at_rate(planned_tensor row, double bits) {
  trellis_scheme s = *row.to.trellis();
  s.bits = std::clamp(bits, trellis_scheme::least_bits, trellis_scheme::most_bits);
  row.to = s;
  row.entry->scheme = to_text(row.to);
  row.entry->trellis_bytes = storage_bytes(s, row.rows, row.cols);
  row.bytes_after = static_cast<std::uint64_t>(*row.entry->trellis_bytes);
  return row;
}

/// Gives tensors of any rate what the others leave of the budget, by equal slope, and says what that comes to.
inline void refine_rates(std::span<const tensor_options> tensors, budget_plan& result) {
  budget_allocation& a = result.allocation;
  std::vector<rated_weights> rated;
  std::vector<std::size_t> places;
  std::uint64_t left = result.limit;
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    if (const rate_curve* const curve = tensors[t].curve_of(a.chosen[t])) {
      rated.push_back({curve, tensors[t].weights()});
      places.push_back(t);
    } else {
      left -= tensors[t].options()[a.chosen[t]].bytes;
    }
  }
  if (!rated.empty()) {
    const auto [rates, price] = rates_of_equal_slope(rated, static_cast<double>(left));
    a.multiplier = price;
    for (std::size_t i = 0; i < places.size(); ++i) {
      planned_tensor& row = result.plan.tensors[places[i]];
      row = at_rate(std::move(row), std::floor(1000 * rates[i]) / 1000);
      result.costs[places[i]] = rated[i].curve->cost(row.bits_per_weight());
    }
  }
  a.bytes = 0;
  a.cost = 0;
  a.bound = -a.multiplier * static_cast<double>(result.limit);
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    if (!result.plan.tensors[t].is_copied()) a.bytes += result.plan.tensors[t].bytes_after;
    a.cost += result.costs[t].value_or(0);
    a.bound += tensors[t].lagrangian(a.multiplier);
    a.chosen[t] = tensors[t].format_of(a.chosen[t]);
  }
}

}  // namespace detail

/// Chooses among candidates so that the sum of costs is least within the budget: allocate(). What is copied does not
/// count, tensors that a rule decided take their part of the budget. Raises data_error where nothing is within it, and
/// for a candidate to choose whose cost was not measured.
///
/// Where formats can have any rate, costs between the rates that were measured are those of a rate_curve. The search
/// has them in steps of an eighth of a bit; it decides which tensors get a format that has one rate alone. What those
/// leave of the budget goes to the others by equal slope, rates_of_equal_slope(), in thousandths of a bit. The bound is
/// that of all rates.
inline budget_plan plan_within(const model_candidates& all, const bit_budget& budget) {
  std::vector<detail::tensor_options> tensors;
  std::vector<std::vector<budget_option>> options;
  for (const tensor_candidates& each : all.tensors) {
    tensors.push_back(detail::options_of(each));
    options.push_back(tensors.back().options());
  }
  require_room(all, budget);
  budget_plan result;
  result.weights = all.weights();
  result.limit = budget.bytes_for(result.weights);
  result.allocation = allocate(options, result.limit);
  result.multiplier_cost = allocate_by_multiplier(options, result.limit).cost;
  result.plan.remarks = all.remarks;
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const candidate& chosen = all.tensors[t].formats[tensors[t].format_of(result.allocation.chosen[t])];
    result.plan.tensors.push_back(chosen.plan);
    result.costs.push_back(chosen.plan.is_copied() ? std::nullopt : chosen.cost);
    result.has_rates = result.has_rates || tensors[t].has_curves();
  }
  if (result.has_rates) detail::refine_rates(tensors, result);
  std::map<gguf::tensor_type, double> asked;
  for (const planned_tensor& row : result.plan.tensors)
    if (const auto type = row.to.type())
      asked[*type] += static_cast<double>(row.rows) * static_cast<double>(row.cols);
  const auto most = std::max_element(asked.begin(), asked.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != asked.end()) result.plan.main_type = most->first;
  return result;
}

}  // namespace bitgauge
