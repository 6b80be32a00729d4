// Trilu: the upper or lower triangle of the last two dimensions; the rest becomes 0.
#include <algorithm>
#include <cstring>

#include "ops/op_util.h"
#include "ops/shape_util.h"

namespace adze {
namespace {

Status Infer(InferContext& ctx) {
  ADZE_TRY(InferSameAsInput(ctx));
  const Shape* const x = ctx.shape(0);
  if (x != nullptr && x->size() < 2) {
    return InvalidInput("input " + ShapeToString(*x) + " must have rank 2 or more");
  }
  if (const ValueInfo* const k = ctx.input(1)) {
    if (k->dtype != DType::kInt64) return InvalidInput("k must be int64");
    if (k->shape && NumElements(*k->shape).is_const() && !NumElements(*k->shape).IsConst(1)) {
      return InvalidInput("k must be one number");
    }
  }
  return OkStatus();
}

Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  ADZE_TRY(CheckDims(y.dims, x.dims));
  if (x.rank() < 2 || (ctx.has(1) && ctx.in(1).size() != 1)) {
    return InvalidInput("input must have rank 2 or more, and k must be one number");
  }
  const bool upper = ctx.attrs.Int("upper", 1) != 0;
  const int64_t columns = x.dims.back();
  const int64_t rows = x.dims[x.dims.size() - 2];
  // Diagonal k, beyond the matrix is as good as far beyond.
  const int64_t k = ctx.has(1) ? std::clamp(IntegerAt(ctx.in(1), 0), -rows - 1, columns + 1) : 0;
  const size_t bytes = SizeOf(x.dtype);
  const int64_t lines = columns == 0 ? 0 : x.size() / columns;
  for (int64_t line = 0; line < lines; ++line) {
    // Row r keeps the columns from r + k on (upper) or up to it (lower).
    const int64_t diagonal = line % rows + k;
    const int64_t begin = upper ? std::clamp<int64_t>(diagonal, 0, columns) : 0;
    const int64_t end = upper ? columns : std::clamp<int64_t>(diagonal + 1, 0, columns);
    const char* const from =
        static_cast<const char*>(x.data) + static_cast<size_t>(line * columns) * bytes;
    char* const to = static_cast<char*>(y.data) + static_cast<size_t>(line * columns) * bytes;
    const auto at = [&](int64_t column) { return static_cast<size_t>(column) * bytes; };
    std::memset(to, 0, at(begin));
    std::memcpy(to + at(begin), from + at(begin), at(end - begin));
    std::memset(to + at(end), 0, at(columns - end));
  }
  return OkStatus();
}

constexpr AttrDef kAttrs[] = {{"upper", AttrKind::kInt}};

}  // namespace

extern constexpr OpDef kTriluOp = {
    .name = "Trilu",
    .summary = "The upper or lower triangle of matrices",
    .max_inputs = 2,
    .attrs = kAttrs,
    .infer = Infer,
    .eval = Eval,
};

}  // namespace adze
