#include "kernels/elementwise_f32/elementwise_f32.h"

#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  EltwiseArgs args;
  EltwiseShape shape;  // coalesced; binary only
  int64_t size;
};

// Nanoseconds per element, roughly, to size the chunks.
double CostNs(EltwiseOp op) {
  switch (op) {
    case EltwiseOp::kPow:
      return 20;
    case EltwiseOp::kSigmoid:
    case EltwiseOp::kTanh:
    case EltwiseOp::kSilu:
    case EltwiseOp::kElu:
    case EltwiseOp::kExp:
    case EltwiseOp::kLog:
    case EltwiseOp::kErf:
    case EltwiseOp::kGelu:
    case EltwiseOp::kSoftplus:
      return 1;
    default:
      return 0.2;
  }
}

// Strides of operand `v` along the output's axes in memory order, 0 where it is broadcast (NumPy's
// rule on logical dims), whatever its own layout.
Status BroadcastStrides(const StepValue& v, const MemoryDims& out, int64_t* strides) {
  ADZE_ASSIGN(const MemoryDims own, MemoryOrder(v));
  const int lead = out.rank - own.rank;
  if (lead < 0) return InvalidInput("an operand has a higher rank than the result");
  for (int i = 0; i < out.rank; ++i) {
    const size_t at = static_cast<size_t>(i);
    const int logical = out.axis[at] - lead;
    strides[i] = 0;
    if (logical < 0) continue;
    const int64_t dim = v.dims[static_cast<size_t>(logical)];
    if (dim == out.dims[at]) {
      strides[i] = dim == 1 ? 0 : own.Product(own.Find(logical) + 1, own.rank);
    } else if (dim != 1) {
      return InvalidInput("operand dims do not broadcast to the result's");
    }
  }
  return OkStatus();
}

Status Prepare(PreparedStep& p) {
  State s{};
  ADZE_ASSIGN(s.args, ReadArgs<EltwiseArgs>(p));
  if (!IsKnownEltwiseOp(s.args.op)) {
    return InvalidInput("unknown element-wise operation " +
                        std::to_string(static_cast<int32_t>(s.args.op)));
  }
  const bool binary = IsBinary(s.args.op);
  ADZE_TRY(CheckArity(p, binary ? 2 : 1, 1));
  const StepValue& y = p.outputs[0];
  for (const StepValue& x : p.inputs) ADZE_TRY(CheckDType(x, DType::kFloat32, "an input"));
  ADZE_TRY(CheckDType(y, DType::kFloat32, "the output"));
  s.size = y.size();
  if (!binary) {
    ADZE_TRY(CheckSameShape(p.inputs[0], y, "the input"));
  } else {
    if (p.step->in_place) ADZE_TRY(CheckSameShape(p.inputs[0], y, "the operand in place"));
    ADZE_ASSIGN(const MemoryDims out, MemoryOrder(y));
    EltwiseShape shape;
    shape.rank = out.rank;
    for (int i = 0; i < out.rank; ++i) shape.dims[i] = out.dims[static_cast<size_t>(i)];
    ADZE_TRY(BroadcastStrides(p.inputs[0], out, shape.a_strides));
    ADZE_TRY(BroadcastStrides(p.inputs[1], out, shape.b_strides));
    s.shape = Coalesce(shape);
  }
  p.SetState(s);
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  const float* const a = static_cast<const float*>(p.inputs[0].data);
  float* const y = static_cast<float*>(p.outputs[0].data);
  ParallelRanges(pool, s.size, CostNs(s.args.op), [&](int64_t begin, int64_t end) {
    if (IsBinary(s.args.op)) {
      EltwiseBinaryF32(p.isa, s.args, s.shape, a, static_cast<const float*>(p.inputs[1].data), y,
                       begin, end);
    } else {
      EltwiseUnaryF32(p.isa, s.args, a + begin, y + begin, end - begin);
    }
  });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kElementwiseF32Family{
    .id = FamilyId::kElementwiseF32,
    .name = "elementwise_f32",
    .summary = "float element-wise functions of one or two tensors, broadcasting",
    .prepare = Prepare,
    .run = Run,
    .args_bytes = ArgsBytes<EltwiseArgs>(),
    .in_place = true,
};

}  // namespace adze
