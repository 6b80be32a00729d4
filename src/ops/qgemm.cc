// com.microsoft.QGemm: Gemm of 8-bit codes, b's parameters possibly per column. With acc = sum of
// (a - a_zero_point) * (b - b_zero_point) + C in int32 and s = alpha * a_scale * b_scale, the
// result is saturate(rne(acc * (s / y_scale)) + y_zero_point), or the float acc * s when y's
// parameters are absent.
#include "ops/matmul_util.h"
#include "ops/quantize_util.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"alpha", AttrKind::kFloat},
    {"transA", AttrKind::kInt},
    {"transB", AttrKind::kInt},
};

Status Infer(InferContext& ctx) {
  ADZE_ASSIGN(std::optional<Shape> y, InferGemmShape(ctx, 0, 3, 6));
  const Shape* const b = ctx.shape(3);
  std::optional<Dim> columns;
  if (b != nullptr) columns = (*b)[ctx.attrs.Int("transB") != 0 ? 0 : 1];
  ADZE_TRY(RequireQuantized(ctx, 0, 1, 2, "A"));
  ADZE_TRY(RequireQuantized(ctx, 3, 4, 5, "B", columns));
  if (ctx.input(6) != nullptr) ADZE_TRY(RequireDType(ctx, 6, "C", {DType::kInt32}));
  DType dtype = DType::kFloat32;
  if (ctx.input(7) != nullptr) {
    ADZE_ASSIGN(dtype, RequireOutputParams(ctx, 7, 8));
  } else if (ctx.input(8) != nullptr) {
    return InvalidInput("input 'y_scale' is missing, 'y_zero_point' is given");
  }
  ctx.SetOutput(0, dtype, std::move(y));
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& a = ctx.in(0);
  const ConstTensorView& b = ctx.in(3);
  const ConstTensorView& c = ctx.in(6);
  const TensorView& y = ctx.out(0);
  const QuantParamView a_params = {ctx.in(1), ctx.in(2)};
  const QuantParamView b_params = {ctx.in(4), ctx.in(5)};
  const QuantParamView y_params = {ctx.in(7), ctx.in(8)};
  ADZE_ASSIGN(const GemmDims d, ReadGemmDims(ctx.attrs, a.dims, b.dims, c, y.dims));
  ADZE_TRY(CheckQuantParams(a_params, "A"));
  ADZE_TRY(CheckQuantParams(b_params, "B", d.columns));
  ADZE_TRY(CheckQuantParams(y_params, "y"));
  const float alpha = ctx.attrs.Float("alpha", 1.0f);
  const int32_t a_zero_point = a_params.ZeroPointAt(0);
  const CodeRange codes = CodesOf(y.dtype);
  for (int64_t i = 0; i < d.rows; ++i) {
    for (int64_t j = 0; j < d.columns; ++j) {
      const int32_t b_zero_point = b_params.ZeroPointAt(j);
      int64_t sum = c.present() ? c.as<int32_t>()[i * d.c_row + j * d.c_column] : 0;
      for (int64_t k = 0; k < d.depth; ++k) {
        sum += (Int8At(a, i * d.a_row + k * d.a_step) - a_zero_point) *
               (Int8At(b, k * d.b_step + j * d.b_column) - b_zero_point);
      }
      const int32_t acc = static_cast<int32_t>(sum);  // modulo 2^32, as an int32 accumulator
      const float scale = alpha * a_params.ScaleAt(0) * b_params.ScaleAt(j);
      const int64_t o = i * d.columns + j;
      if (!y_params.scale.present()) {
        y.as<float>()[o] = static_cast<float>(acc) * scale;
      } else {
        SetInt8At(y, o,
                  RequantizeOne(acc, scale / y_params.ScaleAt(0), y_params.ZeroPointAt(0), codes.lo,
                                codes.hi));
      }
    }
  }
  return OkStatus();
}

int64_t Macs(const AttrMap& attrs, std::span<const ConstTensorView> inputs,
             std::span<const ConstTensorView> outputs) {
  return GemmMacs(attrs, inputs[0].dims, outputs[0].dims);
}

}  // namespace

extern constexpr OpDef kQGemmOp = {
    .domain = kMicrosoftDomain,
    .name = "QGemm",
    .summary = "Gemm of quantized matrices with quantized or float result",
    .min_inputs = 6,
    .max_inputs = 9,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .macs = Macs,
};

}  // namespace adze
