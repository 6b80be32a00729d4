// adze.Conv, adze.Gemm, adze.MatMul: the standard operators followed by what their kernels do on
// the way out.
//   t = op(inputs 0 … 2)                        input 2 of adze.MatMul is a bias of one element per
//                                               column
//   t = fake-quantized to uint8 (inter_scale, inter_zero_point), if inter_scale is given
//   t = activation(t) * factor                  if `activation` names an operator (its alpha and
//                                               beta are act_alpha, act_beta); factor is input 4,
//                                               optional, one element per channel (axis 1); of Conv
//                                               only
//   y = clamp(t + residual, act_min, act_max)   input 3, of the output's shape, and the bounds are
//                                               optional
// adze.Add: y = clamp(a + b, act_min, act_max), of equal shapes or broadcast.
// The fuse pipeline makes them; they are never written to a file.
#include <limits>

#include "numerics/rounding.h"
#include "ops/conv_util.h"
#include "ops/matmul_util.h"

namespace adze {

extern const OpDef kAddOp;
extern const OpDef kConvOp;
extern const OpDef kGemmOp;
extern const OpDef kMatMulOp;

namespace {

constexpr AttrDef kActAlpha = {"act_alpha", AttrKind::kFloat};
constexpr AttrDef kActBeta = {"act_beta", AttrKind::kFloat};
constexpr AttrDef kActMax = {"act_max", AttrKind::kFloat};
constexpr AttrDef kActMin = {"act_min", AttrKind::kFloat};
constexpr AttrDef kActivation = {"activation", AttrKind::kString};
constexpr AttrDef kInterScale = {"inter_scale", AttrKind::kFloat};
constexpr AttrDef kInterZeroPoint = {"inter_zero_point", AttrKind::kInt};
constexpr AttrDef kFusedConvAttrs[] = {kActAlpha,     kActBeta,      kActMax,         kActMin,
                                       kActivation,   kInterScale,   kInterZeroPoint, kConvAttrs[0],
                                       kConvAttrs[1], kConvAttrs[2], kConvAttrs[3],   kConvAttrs[4],
                                       kConvAttrs[5]};
constexpr AttrDef kFusedGemmAttrs[] = {kActAlpha,
                                       kActBeta,
                                       kActMax,
                                       kActMin,
                                       kActivation,
                                       kInterScale,
                                       kInterZeroPoint,
                                       {"alpha", AttrKind::kFloat},
                                       {"beta", AttrKind::kFloat},
                                       {"transA", AttrKind::kInt},
                                       {"transB", AttrKind::kInt}};
constexpr AttrDef kFusedAddAttrs[] = {kActMax, kActMin};
constexpr AttrDef kFusedMatMulAttrs[] = {kActAlpha,   kActBeta,    kActMax,        kActMin,
                                         kActivation, kInterScale, kInterZeroPoint};

Status InferFused(InferContext& ctx, const OpDef& op) {
  ADZE_TRY(op.infer(ctx));
  ADZE_TRY(RequireSameDType(ctx, 3, "residual", 0));
  const Shape* const residual = ctx.shape(3);
  if (residual != nullptr && ctx.output(0).shape) {
    const auto have = ToConstDims(*residual);
    const auto want = ToConstDims(*ctx.output(0).shape);
    if (residual->size() != ctx.output(0).shape->size() || (have && want && *have != *want)) {
      return InvalidInput("the residual has shape " + ShapeToString(*residual) + ", the output " +
                          ShapeToString(*ctx.output(0).shape));
    }
  }
  if (ctx.attrs.Float("act_min", 0) > ctx.attrs.Float("act_max", 0) && ctx.attrs.Has("act_min") &&
      ctx.attrs.Has("act_max")) {
    return InvalidInput("act_min is greater than act_max");
  }
  return OkStatus();
}

// y = activation(y) * factor, in place.
Status Activate(const EvalContext& ctx) {
  const TensorView& y = ctx.out(0);
  const std::string_view name = ctx.attrs.String("activation");
  if (!name.empty()) {
    const OpDef* def = FindOp(OpType::Intern("", name));
    if (def == nullptr) def = FindOp(OpType::Intern(kAdzeDomain, name));
    if (def == nullptr || def->max_inputs != 1 || def->eval == nullptr) {
      return InvalidInput("activation = " + std::string(name) + " is no function of one tensor");
    }
    AttrMap attrs;
    if (ctx.attrs.Has("act_alpha")) attrs.Set("alpha", ctx.attrs.Float("act_alpha"));
    if (ctx.attrs.Has("act_beta")) attrs.Set("beta", ctx.attrs.Float("act_beta"));
    const ConstTensorView x = y;
    ADZE_TRY(def->eval(EvalContext{attrs, {&x, 1}, ctx.outputs}));
  }
  const ConstTensorView& factor = ctx.in(4);
  if (!factor.present() || y.size() == 0) return OkStatus();
  if (y.rank() < 2) return InvalidInput("channel factors need channels");
  ADZE_TRY(CheckSize(factor, y.dims[1], "factor"));
  const int64_t inner = y.size() / (y.dims[0] * y.dims[1]);
  return DispatchFloat(y.dtype, [&](auto io) {
    using Io = decltype(io);
    for (int64_t i = 0; i < y.size(); ++i) {
      Io::Store(y.data, i, Io::Load(y.data, i) * Io::Load(factor.data, i / inner % y.dims[1]));
    }
  });
}

// The part behind the operator, in place on its output. `bias` is per element of the last
// dimension, or absent.
Status Finish(const EvalContext& ctx, const ConstTensorView& bias) {
  const TensorView& y = ctx.out(0);
  const ConstTensorView& residual = ctx.in(3);
  ADZE_TRY(CheckSize(residual, y.size(), "residual"));
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const float lo = ctx.attrs.Float("act_min", -kInf);
  const float hi = ctx.attrs.Float("act_max", kInf);
  const float scale = ctx.attrs.Float("inter_scale", 0);
  const auto zero_point = static_cast<int32_t>(ctx.attrs.Int("inter_zero_point", 0));
  const int64_t columns = bias.present() ? bias.size() : 1;
  return DispatchFloat(y.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    for (int64_t i = 0; i < y.size(); ++i) {
      Real v = Io::Load(y.data, i);
      if (bias.present()) v += Io::Load(bias.data, i % columns);
      if (scale > 0) {
        const int32_t q = QuantizeOne(static_cast<float>(v), scale, zero_point, 0, 255);
        v = static_cast<Real>(DequantizeOne(q, scale, zero_point));
      }
      if (residual.present()) v += Io::Load(residual.data, i);
      v = v < static_cast<Real>(lo) ? static_cast<Real>(lo) : v;
      v = v > static_cast<Real>(hi) ? static_cast<Real>(hi) : v;
      Io::Store(y.data, i, v);
    }
  });
}

Status EvalFused(const EvalContext& ctx, const OpDef& op) {
  const size_t n = std::min<size_t>(ctx.inputs.size(), static_cast<size_t>(op.max_inputs));
  ADZE_TRY(op.eval(EvalContext{ctx.attrs, ctx.inputs.first(n), ctx.outputs}));
  ADZE_TRY(Activate(ctx));
  return Finish(ctx, {});
}

Status InferConv(InferContext& ctx) { return InferFused(ctx, kConvOp); }
Status InferGemm(InferContext& ctx) { return InferFused(ctx, kGemmOp); }
Status InferMatMul(InferContext& ctx) {
  ADZE_TRY(InferFused(ctx, kMatMulOp));
  ADZE_TRY(RequireSameDType(ctx, 2, "bias", 0));
  const std::optional<Shape>& y = ctx.output(0).shape;
  return y && !y->empty() ? RequireVector(ctx, 2, "bias", y->back()) : OkStatus();
}
Status EvalConv(const EvalContext& ctx) { return EvalFused(ctx, kConvOp); }
Status EvalGemm(const EvalContext& ctx) { return EvalFused(ctx, kGemmOp); }
Status EvalMatMul(const EvalContext& ctx) {
  ADZE_TRY(kMatMulOp.eval(EvalContext{ctx.attrs, ctx.inputs.first(2), ctx.outputs}));
  const ConstTensorView& y = ctx.out(0);
  if (y.rank() > 0 && y.size() > 0) ADZE_TRY(CheckSize(ctx.in(2), y.dims.back(), "bias"));
  return y.size() > 0 ? Finish(ctx, ctx.in(2)) : OkStatus();
}

Status InferAdd(InferContext& ctx) { return kAddOp.infer(ctx); }
Status EvalAdd(const EvalContext& ctx) {
  ADZE_TRY(kAddOp.eval(ctx));
  return Finish(EvalContext{ctx.attrs, {}, ctx.outputs}, {});
}

int64_t MacsConv(const AttrMap&, std::span<const ConstTensorView> inputs,
                 std::span<const ConstTensorView> outputs) {
  return ConvMacs(inputs[1].dims, outputs[0].dims);
}
int64_t MacsGemm(const AttrMap& attrs, std::span<const ConstTensorView> inputs,
                 std::span<const ConstTensorView> outputs) {
  return GemmMacs(attrs, inputs[0].dims, outputs[0].dims);
}
int64_t MacsMatMul(const AttrMap&, std::span<const ConstTensorView> inputs,
                   std::span<const ConstTensorView> outputs) {
  return MatMulMacs(inputs[0].dims, outputs[0].dims);
}

constexpr QuantRole kRole = {.kind = QuantKind::kCompute, .weight_input = 1, .bias_input = 2};

}  // namespace

extern constexpr OpDef kFusedAddOp = {
    .domain = kAdzeDomain,
    .name = "Add",
    .summary = "Add with clamp",
    .min_inputs = 2,
    .max_inputs = 2,
    .attrs = kFusedAddAttrs,
    .infer = InferAdd,
    .eval = EvalAdd,
    .quant = {.kind = QuantKind::kArithmetic},
};

extern constexpr OpDef kFusedConvOp = {
    .domain = kAdzeDomain,
    .name = "Conv",
    .summary = "Conv with residual addition and clamp",
    .min_inputs = 2,
    .max_inputs = 5,
    .attrs = kFusedConvAttrs,
    .infer = InferConv,
    .eval = EvalConv,
    .quant = kRole,
    .macs = MacsConv,
};

extern constexpr OpDef kFusedGemmOp = {
    .domain = kAdzeDomain,
    .name = "Gemm",
    .summary = "Gemm with residual addition and clamp",
    .min_inputs = 2,
    .max_inputs = 5,
    .attrs = kFusedGemmAttrs,
    .infer = InferGemm,
    .eval = EvalGemm,
    .quant = kRole,
    .macs = MacsGemm,
};

extern constexpr OpDef kFusedMatMulOp = {
    .domain = kAdzeDomain,
    .name = "MatMul",
    .summary = "MatMul with bias, residual addition and clamp",
    .min_inputs = 2,
    .max_inputs = 5,
    .attrs = kFusedMatMulAttrs,
    .infer = InferMatMul,
    .eval = EvalMatMul,
    .quant = kRole,
    .macs = MacsMatMul,
};

}  // namespace adze
