#include "algos/tie_margin.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quant/integer_form.h"

namespace adze {
namespace {

// Relative steps of a scale, and how many are tried: on real networks 50 have been enough.
constexpr double kStep = 1e-6;
constexpr int kMaxSteps = 1000;

}  // namespace

double TieDistance(bool product, const CodeScale& a, const CodeScale& b, const CodeScale& y) {
  // Results beyond these are clamped on either side of a tie.
  const auto first = static_cast<double>(y.codes.min - y.zero_point);
  const auto last = static_cast<double>(y.codes.max - y.zero_point);
  double nearest = 0.5;
  for (int64_t i = a.codes.min; i <= a.codes.max; ++i) {
    const double left = static_cast<double>(i - a.zero_point) * a.scale / y.scale;
    for (int64_t j = b.codes.min; j <= b.codes.max; ++j) {
      const double right = static_cast<double>(j - b.zero_point) * b.scale;
      const double v = product ? left * right : left + right / y.scale;
      if (v < first || v > last) continue;
      const double fraction = v - std::floor(v);
      nearest = std::min(nearest, std::abs(fraction - 0.5));
    }
  }
  return nearest;
}

void KeepFromTies(const Graph& graph, const QuantizationPlan& plan, Encodings* encodings) {
  std::vector<bool> settled(plan.groups.size(), false);
  const auto group_of = [&](ValueId v) {
    return plan.group_of[static_cast<size_t>(CanonicalValue(graph, v))];
  };
  const auto type_of = [&](int group) -> QuantType& {
    const ValueId v = plan.groups[static_cast<size_t>(group)].values[0];
    return encodings->tensors.at(EncodingName(graph, v)).type;
  };
  const auto scale_of = [&](int group) {
    const QuantType& q = type_of(group);
    return CodeScale{q.scale[0], q.zero_point[0], RangeOf(q.storage)};
  };
  for (const NodeId id : graph.top().nodes) {
    const Node& n = graph.node(id);
    const bool product = n.op.Is("Mul");
    const NodePlan kind = plan.nodes[static_cast<size_t>(id)];
    const bool fused = kind == NodePlan::kFusedBefore;  // with the clamp behind it
    if ((kind != NodePlan::kInteger && !fused) || n.inputs.size() != 2 ||
        !(product || n.op.Is("Add") || n.op.Is("Sub")) || ReadsFused(graph, id, plan.nodes)) {
      continue;
    }
    const ValueId result = fused ? graph.node(FusableChain(graph, id)[0]).outputs[0] : n.outputs[0];
    const int a = group_of(n.inputs[0]);
    const int b = group_of(n.inputs[1]);
    const int y = group_of(result);
    if (a < 0 || b < 0 || y == a || y == b) continue;
    settled[static_cast<size_t>(a)] = settled[static_cast<size_t>(b)] = true;
    if (settled[static_cast<size_t>(y)]) continue;
    settled[static_cast<size_t>(y)] = true;
    CodeScale right = scale_of(b);
    if (n.op.Is("Sub")) right.scale = -right.scale;
    const CodeScale whole = scale_of(y);
    for (int step = 0; step < kMaxSteps; ++step) {
      // As float32, which is what is stored.
      const auto scale = static_cast<float>(whole.scale * (1 + step * kStep));
      const CodeScale tried = {scale, whole.zero_point, whole.codes};
      if (TieDistance(product, scale_of(a), right, tried) < kTieMargin) continue;
      for (const ValueId v : plan.groups[static_cast<size_t>(y)].values) {
        encodings->tensors.at(EncodingName(graph, v)).type.scale = {scale};
      }
      break;
    }
  }
}

}  // namespace adze
