#include "ops/binary.h"

#include <algorithm>
#include <utility>

#include "ops/shape_util.h"

namespace adze {

Result<BroadcastPlan> PlanBroadcast(std::span<const int64_t> y, std::span<const int64_t> a,
                                    std::span<const int64_t> b) {
  // Strides of an input in the output's dimensions, 0 where it repeats.
  const auto strides = [&](std::span<const int64_t> dims, int64_t* stride) {
    if (dims.size() > y.size()) return false;
    const size_t shift = y.size() - dims.size();
    int64_t s = 1;
    for (size_t i = y.size(); i-- > 0;) {
      const int64_t d = i >= shift ? dims[i - shift] : 1;
      if (d != 1 && d != y[i]) return false;
      stride[i] = d == 1 ? 0 : s;
      s *= d;
    }
    return true;
  };
  int64_t sa[kMaxRank];
  int64_t sb[kMaxRank];
  if (!strides(a, sa) || !strides(b, sb)) {
    return InvalidInput("inputs of shape " + DimsToString(a) + " and " + DimsToString(b) +
                        " do not broadcast to the output " + DimsToString(y));
  }
  BroadcastPlan plan;
  for (size_t i = 0; i < y.size(); ++i) {
    if (y[i] == 1) continue;
    const int last = plan.rank - 1;
    if (plan.rank > 0 && plan.a_stride[last] == sa[i] * y[i] &&
        plan.b_stride[last] == sb[i] * y[i]) {
      plan.dims[last] *= y[i];
      plan.a_stride[last] = sa[i];
      plan.b_stride[last] = sb[i];
    } else {
      plan.dims[plan.rank] = y[i];
      plan.a_stride[plan.rank] = sa[i];
      plan.b_stride[plan.rank++] = sb[i];
    }
  }
  if (plan.rank == 0) {
    plan.rank = 1;
    plan.dims[0] = plan.a_stride[0] = plan.b_stride[0] = 1;
  }
  return plan;
}

void CombineElements(InferContext& ctx,
                     FunctionRef<std::optional<Dim>(const Dim&, const Dim&)> elements) {
  const auto a = KnownElements(ctx, 0);
  const auto b = KnownElements(ctx, 1);
  if (!a || !b || a->empty() || b->empty()) return;
  std::vector<Dim> out;
  const size_t n = std::max(a->size(), b->size());
  for (size_t i = 0; i < n; ++i) {
    const std::optional<Dim> d =
        elements((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]);
    if (!d) return;
    out.push_back(*d);
  }
  SetElements(ctx, 0, std::move(out));
}

Status InferBinary(InferContext& ctx,
                   FunctionRef<std::optional<Dim>(const Dim&, const Dim&)> elements, DType dtype) {
  ADZE_TRY(InferBroadcast(ctx, dtype));
  if (ctx.input(0)->dtype == DType::kBool) {
    return InvalidInput("inputs are bool, must be numbers");
  }
  CombineElements(ctx, elements);
  return OkStatus();
}

}  // namespace adze
