#include "algos/ranges.h"

#include <algorithm>

namespace adze {
namespace {

// The record of what a group's quantizer must cover. Sources are combined, not merged: they were
// seen on the same samples, so the averaged extremes are the outermost of theirs.
Status CombineSources(const Graph& graph, const Statistics& statistics, Isa isa,
                      const ActivationGroup& group, TensorRecord* out) {
  for (const ValueId v : group.sources) {
    const Value& value = graph.value(v);
    TensorRecord constant;
    const TensorRecord* record = &constant;
    if (value.is_constant()) {
      CollectSample(isa, value.constant.values<float>(), &constant);
      if (constant.hist.nans + constant.hist.infs != 0) {
        return InvalidInput("constant '" + value.name + "' holds NaN or an infinity");
      }
    } else {
      const auto it = statistics.tensors.find(EncodingName(graph, v));
      if (it == statistics.tensors.end()) {
        return InvalidInput("the statistics have nothing about tensor '" + EncodingName(graph, v) +
                            "'");
      }
      record = &it->second;
    }
    if (record->range.samples == 0) continue;
    if (out->range.samples == 0) {
      *out = *record;
      continue;
    }
    const auto averaged = [](const RangeRecord& r, const ExactSum& sum) {
      return sum.Finish() / static_cast<double>(r.samples);
    };
    const double low = std::min(averaged(out->range, out->range.sum_min),
                                averaged(record->range, record->range.sum_min));
    const double high = std::max(averaged(out->range, out->range.sum_max),
                                 averaged(record->range, record->range.sum_max));
    RangeRecord range;
    range.Collect(std::min(out->range.min, record->range.min),
                  std::max(out->range.max, record->range.max));
    range.sum_min = ExactSum();
    range.sum_max = ExactSum();
    range.sum_min.Collect(low);
    range.sum_max.Collect(high);
    out->hist.Merge(record->hist);
    out->range = range;
  }
  return OkStatus();
}

// Inputs and outputs of the network and averages keep their whole range with every observer.
// Inputs are bounded data, and what is clipped there is lost to all layers; the largest scores
// are the decision; averaged features are few, and a rare large one is the evidence for a class:
// clipping any of them hardly moves the SQNR but turns decisions.
bool KeepsWholeRange(const Graph& graph, const ActivationGroup& group) {
  const std::vector<ValueId>& inputs = graph.top().inputs;
  return std::any_of(group.values.begin(), group.values.end(), [&](ValueId v) {
    const Node* const producer = graph.producer(v);
    const OpDef* const def = producer == nullptr ? nullptr : FindOp(producer->op);
    return std::find(inputs.begin(), inputs.end(), v) != inputs.end() || graph.IsGraphOutput(v) ||
           (def != nullptr && def->quant.kind == QuantKind::kAverage);
  });
}

}  // namespace

Result<std::vector<std::vector<RealRange>>> ProposeRanges(const Graph& graph,
                                                          const QuantizationPlan& plan,
                                                          const Statistics& statistics,
                                                          const ObserverSpec& spec, Isa isa,
                                                          ThreadPool* pool) {
  const auto observers = AllObservers();
  std::vector<std::vector<RealRange>> ranges(plan.groups.size(),
                                             std::vector<RealRange>(observers.size()));
  std::vector<Status> statuses(plan.groups.size());
  pool->ParallelFor(static_cast<int64_t>(plan.groups.size()), [&](int64_t i, int) {
    const size_t g = static_cast<size_t>(i);
    const ActivationGroup& group = plan.groups[g];
    ObserverSpec spec_of_group = spec;
    spec_of_group.storage = group.storage;
    TensorRecord record;
    if (group.needs_statistics)
      statuses[g] = CombineSources(graph, statistics, isa, group, &record);
    const bool whole_range = KeepsWholeRange(graph, group);
    for (size_t o = 0; o < observers.size(); ++o) {
      RealRange range;
      if (record.range.samples != 0) {
        range = whole_range ? RealRange{record.range.min, record.range.max}
                            : observers[o]->finish(record, spec_of_group);
      }
      if (group.has_fixed_range) {
        const bool only = record.range.samples == 0;
        range.min = only ? group.fixed_min : std::min(range.min, group.fixed_min);
        range.max = only ? group.fixed_max : std::max(range.max, group.fixed_max);
      }
      ranges[g][o] = range;
    }
  });
  for (const Status& s : statuses) ADZE_TRY(s);
  return ranges;
}

}  // namespace adze
