// Gemm: y = alpha * op(A) * op(B) + beta * C on matrices, op a transposition where transA or transB
// asks for it.
#include "ops/matmul_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"alpha", AttrKind::kFloat},
    {"beta", AttrKind::kFloat},
    {"transA", AttrKind::kInt},
    {"transB", AttrKind::kInt},
};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireFloat(ctx, 0, "A"));
  ADZE_TRY(RequireInput(ctx, 1, "B"));
  ADZE_TRY(RequireSameDType(ctx, 1, "B", 0));
  ADZE_TRY(RequireSameDType(ctx, 2, "C", 0));
  ADZE_ASSIGN(std::optional<Shape> y, InferGemmShape(ctx, 0, 1, 2));
  ctx.SetOutput(0, ctx.input(0)->dtype, std::move(y));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& a = ctx.in(0);
  const ConstTensorView& b = ctx.in(1);
  const ConstTensorView& c = ctx.in(2);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const GemmDims d, ReadGemmDims(ctx.attrs, a.dims, b.dims, c, y.dims));
  const float alpha = ctx.attrs.Float("alpha", 1.0f);
  const float beta = ctx.attrs.Float("beta", 1.0f);
  return DispatchFloat(a.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    for (int64_t i = 0; i < d.rows; ++i) {
      for (int64_t j = 0; j < d.columns; ++j) {
        Real acc = 0;
        for (int64_t k = 0; k < d.depth; ++k) {
          acc += Io::Load(a.data, i * d.a_row + k * d.a_step) *
                 Io::Load(b.data, k * d.b_step + j * d.b_column);
        }
        if (alpha != 1.0f) acc *= static_cast<Real>(alpha);
        if (c.present()) {
          const Real bias = Io::Load(c.data, i * d.c_row + j * d.c_column);
          acc += beta == 1.0f ? bias : static_cast<Real>(beta) * bias;
        }
        Io::Store(y.data, i * d.columns + j, acc);
      }
    }
  });
}

// With A' and B' as multiplied: dA' = alpha * dY * B'^T, dB' = alpha * A'^T * dY.
Status Vjp(VjpContext& c) {
  const bool trans_a = c.attrs.Int("transA") != 0;
  const bool trans_b = c.attrs.Int("transB") != 0;
  const VjpValue a = c.input(0);
  const VjpValue b = c.input(1);
  const auto transposed = [&](VjpValue v) { return vjp::SwapLastTwo(c, v); };
  const VjpValue g = vjp::Times(c, c.gradient(0), c.attrs.Float("alpha", 1));
  if (c.wanted(0)) {
    const VjpValue b_t = trans_b ? b : transposed(b);
    c.SetGradient(
        0, trans_a ? vjp::MatMul(c, transposed(b_t), transposed(g)) : vjp::MatMul(c, g, b_t));
  }
  if (c.wanted(1)) {
    const VjpValue a_t = trans_a ? a : transposed(a);
    c.SetGradient(
        1, trans_b ? vjp::MatMul(c, transposed(g), transposed(a_t)) : vjp::MatMul(c, a_t, g));
  }
  if (!c.wanted(2)) return OkStatus();
  ADZE_ASSIGN(const VjpValue bias, vjp::SumTo(c, c.gradient(0), c.input(2)));
  c.SetGradient(2, vjp::Times(c, bias, c.attrs.Float("beta", 1)));
  return OkStatus();
}

int64_t Macs(const AttrMap& attrs, std::span<const ConstTensorView> inputs,
             std::span<const ConstTensorView> outputs) {
  return GemmMacs(attrs, inputs[0].dims, outputs[0].dims);
}

}  // namespace

extern constexpr OpDef kGemmOp = {
    .name = "Gemm",
    .summary = "alpha * op(A) * op(B) + beta * C on matrices",
    .min_inputs = 2,
    .max_inputs = 3,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kCompute, .weight_input = 1, .bias_input = 2},
    .macs = Macs,
};

}  // namespace adze
