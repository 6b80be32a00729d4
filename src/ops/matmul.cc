// MatMul: NumPy's matmul on any ranks from 1.
#include "ops/matmul_util.h"
#include "ops/vjp.h"

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

// dA = dY * B^T and dB = A^T * dY, summed over batches that were broadcast; vectors as matrices of
// one row or column.
Status Vjp(VjpContext& c) {
  VjpValue a = c.input(0);
  VjpValue b = c.input(1);
  VjpValue g = c.gradient(0);
  const bool row = vjp::RankOf(c, a) == 1;
  const bool column = vjp::RankOf(c, b) == 1;
  if (row) a = vjp::Onnx(c, "Unsqueeze", {a, vjp::Ints(c, {0})});
  if (column) b = vjp::Onnx(c, "Unsqueeze", {b, vjp::Ints(c, {1})});
  if (column) g = vjp::Onnx(c, "Unsqueeze", {g, vjp::Ints(c, {-1})});
  if (row) g = vjp::Onnx(c, "Unsqueeze", {g, vjp::Ints(c, {-2})});
  if (c.wanted(0)) {
    ADZE_ASSIGN(const VjpValue da, vjp::SumTo(c, vjp::MatMul(c, g, vjp::SwapLastTwo(c, b)), a));
    c.SetGradient(0, vjp::ReshapeLike(c, da, c.input(0)));
  }
  if (!c.wanted(1)) return OkStatus();
  if (vjp::RankOf(c, b) == 2 && vjp::RankOf(c, a) > 2) {
    // One product over all rows instead of a sum of many.
    const auto columns = ToConstDims(vjp::ShapeOf(c, b));
    if (!columns) return Unsupported("the second operand's dims must be constant");
    a = vjp::Reshape(c, a, {-1, (*columns)[0]});
    g = vjp::Reshape(c, g, {-1, (*columns)[1]});
  }
  ADZE_ASSIGN(const VjpValue db, vjp::SumTo(c, vjp::MatMul(c, vjp::SwapLastTwo(c, a), g), b));
  c.SetGradient(1, vjp::ReshapeLike(c, db, c.input(1)));
  return OkStatus();
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
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kCompute, .weight_input = 1},
    .macs = Macs,
};

}  // namespace adze
