// MatMul: NumPy's matmul on any ranks from 1.
#include "ops/matmul_util.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "A"));
  ADZE_TRY(RequireInput(ctx, 1, "B"));
  ADZE_TRY(RequireSameDType(ctx, 1, "B", 0));
  ADZE_ASSIGN(std::optional<Shape> y, InferMatMulShape(ctx, 0, 1));
  ctx.SetOutput(0, ctx.input(0)->dtype, std::move(y));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& a = ctx.in(0);
  const ConstTensorView& b = ctx.in(1);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const MatMulDims d, ReadMatMulDims(a.dims, b.dims, y.dims));
  if (y.size() == 0) return OkStatus();
  return DispatchFloat(a.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    ForEachMatMulOutput<Real>(
        d,
        [&](int64_t i, int64_t j, int64_t, int64_t) {
          return Io::Load(a.data, i) * Io::Load(b.data, j);
        },
        [&](int64_t o, int64_t, int64_t, Real acc) { Io::Store(y.data, o, acc); });
  });
}

int64_t Macs(const AttrMap&, std::span<const ConstTensorView> inputs,
             std::span<const ConstTensorView> outputs) {
  return MatMulMacs(inputs[0].dims, outputs[0].dims);
}

}  // namespace

extern constexpr OpDef kMatMulOp = {
    .name = "MatMul",
    .summary = "matrix product with broadcast leading dimensions",
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = Infer,
    .eval = Eval,
    .quant = {.kind = QuantKind::kCompute, .weight_input = 1},
    .macs = Macs,
};

}  // namespace adze
