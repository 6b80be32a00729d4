// Steps that move values without computing: reshapes, transposes, concatenation, slices, and
// changes of quantizer.
#include <algorithm>
#include <optional>

#include "kernels/concat/concat.h"
#include "kernels/slice/slice.h"
#include "lower/builder.h"
#include "lower/rules.h"

namespace adze {
namespace {

// `in` in the representation `out` has, so that bytes can be moved: uint8 with the quantizer of
// `out`, float32, or the common integer type. -1 when there is none.
int32_t Movable(PlanBuilder& b, NodeId user, ValueId in, ValueId out, Layout layout) {
  if (b.IsQuantized(out)) {
    const auto q = b.QuantOf(out);
    return q && b.graph().value(in).type.dtype == DType::kFloat32 ? AsU8(b, user, in, *q, layout)
                                                                  : -1;
  }
  return b.IsQuantized(in) ? b.AsFloat(in, layout) : b.As(in, layout);
}

// Known integers of an input, or nullopt.
std::optional<std::vector<int64_t>> Integers(const PlanBuilder& b, NodeId id, int index) {
  const ValueId v = b.graph().input(id, index);
  if (v == kNoId) return std::nullopt;
  const Value& value = b.graph().value(v);
  if (value.is_constant()) return ToInt64s(value.constant.view());
  return value.has_elements ? ToConstDims(value.elements) : std::nullopt;
}

bool IsPerm(std::span<const int64_t> perm, std::initializer_list<int64_t> wanted) {
  return std::equal(perm.begin(), perm.end(), wanted.begin(), wanted.end());
}

}  // namespace

int32_t AsU8(PlanBuilder& b, NodeId user, ValueId id, const U8Quant& q, Layout layout) {
  const auto own = b.QuantOf(id);
  if (own && own->scale == q.scale && own->zero_point == q.zero_point && own->lo >= q.lo &&
      own->hi <= q.hi) {
    return b.As(id, layout);
  }
  const int32_t source = own ? b.As(id, layout) : b.AsFloat(id, layout);
  const int32_t to = b.NewTemporary(DType::kUInt8, b.ShapeOf(id), b.plan_value(source).layout);
  b.plan_value(to).scale = q.scale;
  b.plan_value(to).zero_point = q.zero_point;
  if (own) {
    b.AddStep(FamilyId::kTableI8, user, {source}, {to}).weights = {
        MakeTable(*own, q, [](float x) { return x; })};
  } else {
    b.AddQuantize(user, source, to, q);
  }
  return to;
}

Result<bool> LowerRequantize(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const ValueId x = n.inputs[0];
  const ValueId y = n.outputs[0];
  const auto in = b.QuantOf(x);
  const auto out = b.QuantOf(y);
  if ((!in && b.IsQuantized(x)) || (!out && b.IsQuantized(y))) return false;
  const int32_t source = b.Native(x);
  // Kernels want channels last: change the layout while quantizing.
  const bool to_last = out && !in && b.ShapeOf(x).size() == 4;
  const int32_t result = b.Define(y, to_last ? Layout::kChannelsLast : b.NativeLayout(x));
  if (in && out) {
    b.AddStep(FamilyId::kTableI8, id, {source}, {result}).weights = {
        MakeTable(*in, *out, [](float v) { return v; })};
  } else if (out) {
    b.AddQuantize(id, source, result, *out);
  } else if (in) {
    b.AddDequantize(id, source, result);
  } else {
    b.AddStep(FamilyId::kAlias, id, {source}, {result});
  }
  return true;
}

Result<bool> LowerReshape(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  if (n.outputs.size() > 1 && n.outputs[1] != kNoId) return false;  // Dropout with a mask
  // Element by element the same tensor: the layout may stay.
  const bool same = n.op.Is("Identity") || n.op.Is("Dropout");
  const Layout layout = same ? b.NativeLayout(n.inputs[0]) : Layout::kLogical;
  const int32_t source = Movable(b, id, n.inputs[0], n.outputs[0], layout);
  if (source < 0) return false;
  b.AddStep(FamilyId::kAlias, id, {source}, {b.Define(n.outputs[0], layout)});
  return true;
}

Result<bool> LowerTranspose(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const ValueId x = n.inputs[0];
  const int rank = static_cast<int>(b.ShapeOf(x).size());
  std::vector<int64_t> perm(n.attrs.Ints("perm").begin(), n.attrs.Ints("perm").end());
  if (perm.empty()) {
    for (int i = rank - 1; i >= 0; --i) perm.push_back(i);
  }
  // Channels-last bytes already are the transposed tensor, in either direction.
  const bool to_last = IsPerm(perm, {0, 2, 3, 1}) || IsPerm(perm, {0, 2, 1});
  const bool from_last = IsPerm(perm, {0, 3, 1, 2});
  if (to_last && b.NativeLayout(x) == Layout::kChannelsLast) {
    const int32_t source = Movable(b, id, x, n.outputs[0], Layout::kChannelsLast);
    if (source < 0) return false;
    b.AddStep(FamilyId::kAlias, id, {source}, {b.Define(n.outputs[0], Layout::kLogical)});
    return true;
  }
  const int32_t source = Movable(b, id, x, n.outputs[0], Layout::kLogical);
  if (source < 0) return false;
  if (from_last) {
    b.AddStep(FamilyId::kAlias, id, {source}, {b.Define(n.outputs[0], Layout::kChannelsLast)});
    return true;
  }
  TransposeArgs args;
  args.rank = rank;
  for (int i = 0; i < rank; ++i) args.perm[i] = static_cast<int32_t>(perm[static_cast<size_t>(i)]);
  b.AddStep(FamilyId::kTranspose, id, {source}, {b.Define(n.outputs[0], Layout::kLogical)})
      .SetArgs(args);
  return true;
}

Result<bool> LowerConcat(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const ValueId y = n.outputs[0];
  ADZE_ASSIGN(const int axis,
              NormalizeAxis(n.attrs.Int("axis"), static_cast<int>(b.ShapeOf(y).size())));
  const Layout layout = CommonLayout(b, n.inputs);
  std::vector<int32_t> inputs;
  for (ValueId in : n.inputs) {
    const int32_t source = Movable(b, id, in, y, layout);
    if (source < 0) return false;
    inputs.push_back(source);
  }
  ConcatArgs args;
  args.axis = axis;
  const int32_t result = b.Define(y, layout);
  b.AddStep(FamilyId::kConcat, id, std::move(inputs), {result}).SetArgs(args);
  return true;
}

namespace {

Result<bool> LowerSplit(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  const ValueId x = n.inputs[0];
  ADZE_ASSIGN(const int axis,
              NormalizeAxis(n.attrs.Int("axis"), static_cast<int>(b.ShapeOf(x).size())));
  for (ValueId out : n.outputs) {
    if (out == kNoId || !b.ShapeOf(out)[static_cast<size_t>(axis)].is_const()) return false;
    if (b.IsQuantized(out) && !b.QuantOf(out)) return false;
  }
  const Layout layout = b.NativeLayout(x);
  SliceArgs args;
  args.rank = static_cast<int64_t>(b.ShapeOf(x).size());
  for (int i = 0; i < args.rank; ++i) args.steps[i] = 1;
  for (ValueId out : n.outputs) {
    const int32_t source = Movable(b, id, x, out, layout);
    const int32_t result = b.Define(out, layout);
    b.AddStep(FamilyId::kSlice, id, {source}, {result}).SetArgs(args);
    args.starts[axis] += b.ShapeOf(out)[static_cast<size_t>(axis)].value();
  }
  return true;
}

}  // namespace

Result<bool> LowerSlice(PlanBuilder& b, NodeId id) {
  const Node& n = b.graph().node(id);
  if (n.op.Is("Split")) return LowerSplit(b, id);
  const ValueId x = n.inputs[0];
  const ValueId y = n.outputs[0];
  const Shape& shape = b.ShapeOf(x);
  const auto starts = Integers(b, id, 1);
  if (!starts) return false;
  auto axes = Integers(b, id, 3);
  auto steps = Integers(b, id, 4);
  if ((b.graph().input(id, 3) != kNoId && !axes) || (b.graph().input(id, 4) != kNoId && !steps)) {
    return false;
  }
  SliceArgs args;
  args.rank = static_cast<int64_t>(shape.size());
  for (int i = 0; i < args.rank; ++i) args.steps[i] = 1;
  for (size_t i = 0; i < starts->size(); ++i) {
    int64_t axis = axes ? (*axes)[i] : static_cast<int64_t>(i);
    if (axis < 0) axis += args.rank;
    const int64_t step = steps ? (*steps)[i] : 1;
    int64_t start = (*starts)[i];
    const Dim& dim = shape[static_cast<size_t>(axis)];
    // Starts that count from the end, or may lie beyond it, need the size.
    if (start < 0 || step < 0 || start > 0) {
      if (!dim.is_const()) {
        if (start < 0 || step < 0) return false;
      } else {
        if (start < 0) start += dim.value();
        start = std::clamp<int64_t>(start, 0, step > 0 ? dim.value() : dim.value() - 1);
      }
    }
    args.starts[axis] = start;
    args.steps[axis] = step;
  }
  const Layout layout = b.NativeLayout(x);
  const int32_t source = Movable(b, id, x, y, layout);
  if (source < 0) return false;
  const int32_t result = b.Define(y, layout);
  b.AddStep(FamilyId::kSlice, id, {source}, {result}).SetArgs(args);
  return true;
}

}  // namespace adze
