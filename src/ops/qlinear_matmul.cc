// QLinearMatMul and MatMulInteger: products of 8-bit codes with an exact int32 accumulator. The
// parameters of a may be per row, those of b per column.
#include "ops/matmul_util.h"
#include "ops/quantize_util.h"

namespace adze {
namespace {

// Rows of operand `a`, columns of operand `b`: how many parameters a vector of them has.
std::optional<Dim> Rows(const InferContext& ctx, int a) {
  const Shape* const s = ctx.shape(a);
  return s == nullptr || s->size() < 2 ? std::nullopt : std::optional<Dim>((*s)[s->size() - 2]);
}
std::optional<Dim> Columns(const InferContext& ctx, int b) {
  const Shape* const s = ctx.shape(b);
  return s == nullptr || s->size() < 2 ? std::nullopt : std::optional<Dim>(s->back());
}

// ONNX also allows parameters of rank >= 2, one vector for each matrix of a batch; nobody writes
// them.
Status RefuseBatchedParams(const InferContext& ctx, std::initializer_list<int> inputs) {
  for (int i : inputs) {
    const Shape* const s = ctx.shape(i);
    if (s != nullptr && s->size() > 1) {
      return Unsupported("quantization parameters of shape " + ShapeToString(*s) +
                         ", supported: one value, per row of A, per column of B");
    }
  }
  return OkStatus();
}

template <typename Finish>
void Accumulate(const MatMulDims& d, const ConstTensorView& a, const QuantParamView& a_params,
                const ConstTensorView& b, const QuantParamView& b_params, Finish&& finish) {
  int64_t at_row = -1;  // whose zero points these are
  int64_t at_column = -1;
  int32_t a_zero_point = 0;
  int32_t b_zero_point = 0;
  ForEachMatMulOutput<int64_t>(
      d,
      [&](int64_t i, int64_t j, int64_t row, int64_t column) -> int64_t {
        if (row != at_row || column != at_column) {
          at_row = row;
          at_column = column;
          a_zero_point = a_params.ZeroPointAt(row);
          b_zero_point = b_params.ZeroPointAt(column);
        }
        return (Int8At(a, i) - a_zero_point) * (Int8At(b, j) - b_zero_point);
      },
      finish);
}

Status InferQLinearMatMul(InferContext& ctx) {
  ADZE_TRY(RefuseBatchedParams(ctx, {1, 2, 4, 5, 6, 7}));
  ADZE_TRY(RequireQuantized(ctx, 0, 1, 2, "a", Rows(ctx, 0)));
  ADZE_TRY(RequireQuantized(ctx, 3, 4, 5, "b", Columns(ctx, 3)));
  ADZE_ASSIGN(const DType dtype, RequireOutputParams(ctx, 6, 7));
  ADZE_ASSIGN(std::optional<Shape> y, InferMatMulShape(ctx, 0, 3));
  ctx.SetOutput(0, dtype, std::move(y));
  return OkStatus();
}

Status EvalQLinearMatMul(const EvalContext& ctx) {
  const ConstTensorView& a = ctx.in(0);
  const ConstTensorView& b = ctx.in(3);
  const TensorView& y = ctx.out(0);
  const QuantParamView a_params = {ctx.in(1), ctx.in(2)};
  const QuantParamView b_params = {ctx.in(4), ctx.in(5)};
  const QuantParamView y_params = {ctx.in(6), ctx.in(7)};
  ADZE_ASSIGN(const MatMulDims d, ReadMatMulDims(a.dims, b.dims, y.dims));
  ADZE_TRY(CheckQuantParams(a_params, "a", d.rows));
  ADZE_TRY(CheckQuantParams(b_params, "b", d.columns));
  ADZE_TRY(CheckQuantParams(y_params, "y"));
  const CodeRange codes = CodesOf(y.dtype);
  Accumulate(d, a, a_params, b, b_params, [&](int64_t o, int64_t row, int64_t column, int64_t acc) {
    const float multiplier = a_params.ScaleAt(row) * b_params.ScaleAt(column) / y_params.ScaleAt(0);
    SetInt8At(y, o,
              RequantizeOne(static_cast<int32_t>(acc), multiplier, y_params.ZeroPointAt(0),
                            codes.lo, codes.hi));
  });
  return OkStatus();
}

int64_t Macs(const AttrMap&, std::span<const ConstTensorView> inputs,
             std::span<const ConstTensorView> outputs) {
  return MatMulMacs(inputs[0].dims, outputs[0].dims);
}

Status InferMatMulInteger(InferContext& ctx) {
  ADZE_TRY(RefuseBatchedParams(ctx, {2, 3}));
  ADZE_TRY(RequireDType(ctx, 0, "A", {DType::kInt8, DType::kUInt8}));
  ADZE_TRY(RequireDType(ctx, 1, "B", {DType::kInt8, DType::kUInt8}));
  ADZE_TRY(RequireSameDType(ctx, 2, "a_zero_point", 0));
  ADZE_TRY(RequireSameDType(ctx, 3, "b_zero_point", 1));
  const auto require = [&](int i, const char* name, const std::optional<Dim>& size) {
    const Shape* const s = ctx.shape(i);
    const bool one = s == nullptr || s->empty() || (*s)[0].IsConst(1);
    return one || !size ? RequireScalar(ctx, i, name) : RequireVector(ctx, i, name, *size);
  };
  ADZE_TRY(require(2, "a_zero_point", Rows(ctx, 0)));
  ADZE_TRY(require(3, "b_zero_point", Columns(ctx, 1)));
  ADZE_ASSIGN(std::optional<Shape> y, InferMatMulShape(ctx, 0, 1));
  ctx.SetOutput(0, DType::kInt32, std::move(y));
  return OkStatus();
}

Status EvalMatMulInteger(const EvalContext& ctx) {
  const ConstTensorView& a = ctx.in(0);
  const ConstTensorView& b = ctx.in(1);
  const TensorView& y = ctx.out(0);
  const QuantParamView a_params = {{}, ctx.in(2)};
  const QuantParamView b_params = {{}, ctx.in(3)};
  ADZE_ASSIGN(const MatMulDims d, ReadMatMulDims(a.dims, b.dims, y.dims));
  ADZE_TRY(CheckQuantParams(a_params, "A", d.rows));
  ADZE_TRY(CheckQuantParams(b_params, "B", d.columns));
  Accumulate(d, a, a_params, b, b_params, [&](int64_t o, int64_t, int64_t, int64_t acc) {
    y.as<int32_t>()[o] = static_cast<int32_t>(acc);
  });
  return OkStatus();
}

}  // namespace

extern constexpr OpDef kMatMulIntegerOp = {
    .name = "MatMulInteger",
    .summary = "matrix product of 8-bit codes with int32 result",
    .min_inputs = 2,
    .max_inputs = 4,
    .infer = InferMatMulInteger,
    .eval = EvalMatMulInteger,
    .macs = Macs,
};

extern constexpr OpDef kQLinearMatMulOp = {
    .name = "QLinearMatMul",
    .summary = "matrix product of quantized tensors with quantized result",
    .min_inputs = 8,
    .max_inputs = 8,
    .infer = InferQLinearMatMul,
    .eval = EvalQLinearMatMul,
    .macs = Macs,
};

}  // namespace adze
