// MaxPool: the largest value of each window; padding never wins.
#include <limits>

#include "ops/pool_util.h"
#include "ops/vjp.h"

namespace adze {
namespace {

constexpr AttrDef kAttrs[] = {
    {"auto_pad", AttrKind::kString}, {"ceil_mode", AttrKind::kInt},
    {"dilations", AttrKind::kInts},  {"kernel_shape", AttrKind::kInts, true},
    {"pads", AttrKind::kInts},       {"storage_order", AttrKind::kInt},
    {"strides", AttrKind::kInts},
};

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireDType(ctx, 0, "X",
                        {DType::kFloat32, DType::kFloat16, DType::kBFloat16, DType::kFloat64,
                         DType::kInt8, DType::kUInt8}));
  if (ctx.num_outputs() > 1) return Unsupported("the output 'Indices' is not supported");
  ADZE_ASSIGN(std::optional<Shape> y, InferPoolShape(ctx));
  ctx.SetOutput(0, ctx.input(0)->dtype, std::move(y));
  return OkStatus();
}

// `lowest` is what a window without any input gives.
template <typename Real, typename Load, typename Store>
void Pool(const PoolDims& d, Real lowest, Load&& load, Store&& store) {
  ForEachPoolWindow(d, [&](int64_t o, int64_t x_base, const TapRange* taps) {
    Real best = lowest;
    ForEachTap(d.window, d.x.size, taps, [&](int64_t i, int64_t) {
      const Real v = load(x_base + i);
      if (v > best || v != v) best = v;  // a NaN stays
    });
    store(o, best);
  });
}

template <typename T>
void PoolInts(const PoolDims& d, const ConstTensorView& x, const TensorView& y) {
  Pool<T>(
      d, std::numeric_limits<T>::lowest(), [&](int64_t i) { return x.as<T>()[i]; },
      [&](int64_t o, T v) { y.as<T>()[o] = v; });
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_ASSIGN(const PoolDims d, ReadPoolDims(ctx.attrs, x.dims, y.dims));
  if (y.size() == 0) return OkStatus();
  if (x.dtype == DType::kInt8) {
    PoolInts<int8_t>(d, x, y);
    return OkStatus();
  }
  if (x.dtype == DType::kUInt8) {
    PoolInts<uint8_t>(d, x, y);
    return OkStatus();
  }
  return DispatchFloat(x.dtype, [&](auto io) {
    using Io = decltype(io);
    using Real = typename Io::Real;
    Pool<Real>(
        d, -std::numeric_limits<Real>::infinity(), [&](int64_t i) { return Io::Load(x.data, i); },
        [&](int64_t o, Real v) { Io::Store(y.data, o, v); });
  });
}

Status Vjp(VjpContext& c) {
  c.SetGradient(0, vjp::Adze(c, "MaxPoolGradient", {c.gradient(0), c.input(0)}, c.attrs));
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kMaxPoolOp = {
    .name = "MaxPool",
    .summary = "largest value of each window",
    .max_outputs = 2,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
    .vjp = Vjp,
    .quant = {.kind = QuantKind::kSameScale},
};

}  // namespace adze
