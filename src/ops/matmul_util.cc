#include "ops/matmul_util.h"

namespace adze {
namespace {

Status Contradiction() { return InvalidInput("operand and output sizes contradict each other"); }

// The leading dimensions of a matrix operand; none for a vector.
template <typename T>
std::span<const T> Batch(std::span<const T> dims) {
  return dims.size() > 2 ? dims.first(dims.size() - 2) : std::span<const T>();
}

}  // namespace

Result<std::optional<Shape>> InferMatMulShape(const InferContext& ctx, int a_input, int b_input) {
  const Shape* const a = ctx.shape(a_input);
  const Shape* const b = ctx.shape(b_input);
  if ((a != nullptr && a->empty()) || (b != nullptr && b->empty())) {
    return InvalidInput("an operand is a scalar, must have at least 1 dimension");
  }
  if (a == nullptr || b == nullptr) return std::optional<Shape>();
  const bool a_vector = a->size() == 1;
  const bool b_vector = b->size() == 1;
  const Dim& b_depth = b_vector ? (*b)[0] : (*b)[b->size() - 2];
  if (a->back().is_const() && b_depth.is_const() && !(a->back() == b_depth)) {
    return InvalidInput("shapes " + ShapeToString(*a) + " and " + ShapeToString(*b) +
                        " cannot be multiplied");
  }
  const std::span<const Dim> a_batch = Batch(std::span<const Dim>(*a));
  const std::span<const Dim> b_batch = Batch(std::span<const Dim>(*b));
  ADZE_ASSIGN(Shape y, BroadcastShapes(Shape(a_batch.begin(), a_batch.end()),
                                       Shape(b_batch.begin(), b_batch.end())));
  if (!a_vector) y.push_back((*a)[a->size() - 2]);
  if (!b_vector) y.push_back(b->back());
  return std::optional<Shape>(std::move(y));
}

Result<MatMulDims> ReadMatMulDims(std::span<const int64_t> a, std::span<const int64_t> b,
                                  std::span<const int64_t> y) {
  if (a.empty() || b.empty()) return Contradiction();
  const bool a_vector = a.size() == 1;
  const bool b_vector = b.size() == 1;
  MatMulDims d;
  d.rows = a_vector ? 1 : a[a.size() - 2];
  d.depth = a.back();
  d.columns = b_vector ? 1 : b.back();
  d.a_batch = Batch(a);
  d.b_batch = Batch(b);
  const size_t matrix_rank = (a_vector ? 0 : 1) + (b_vector ? 0 : 1);
  const size_t batch_rank = std::max(d.a_batch.size(), d.b_batch.size());
  if (y.size() != batch_rank + matrix_rank) return Contradiction();
  d.y_batch = y.first(batch_rank);
  const bool ok = (b_vector ? b[0] : b[b.size() - 2]) == d.depth &&
                  (a_vector || y[batch_rank] == d.rows) && (b_vector || y.back() == d.columns);
  if (!ok) return Contradiction();
  ADZE_TRY(CheckBroadcast(d.a_batch, d.y_batch));
  ADZE_TRY(CheckBroadcast(d.b_batch, d.y_batch));
  return d;
}

Result<std::optional<Shape>> InferGemmShape(const InferContext& ctx, int a_input, int b_input,
                                            int c_input) {
  const Shape* const a = ctx.shape(a_input);
  const Shape* const b = ctx.shape(b_input);
  if ((a != nullptr && a->size() != 2) || (b != nullptr && b->size() != 2)) {
    return InvalidInput("A and B must be matrices, one is " +
                        ShapeToString(a != nullptr && a->size() != 2 ? *a : *b));
  }
  if (a == nullptr || b == nullptr) return std::optional<Shape>();
  const size_t a_t = ctx.attrs.Int("transA") != 0 ? 1 : 0;
  const size_t b_t = ctx.attrs.Int("transB") != 0 ? 1 : 0;
  ADZE_TRY(SameDim((*a)[1 - a_t], (*b)[b_t], "the inner dimensions of A and B"));
  Shape y = {(*a)[a_t], (*b)[1 - b_t]};
  if (const Shape* const c = ctx.shape(c_input)) {
    bool ok = c->size() <= 2;
    for (size_t i = 0; ok && i < c->size(); ++i) {
      const Dim& from = (*c)[i];
      const Dim& to = y[2 - c->size() + i];
      ok = from.IsConst(1) || !from.is_const() || !to.is_const() || from == to;
    }
    if (!ok) {
      return InvalidInput("C has shape " + ShapeToString(*c) + ", which does not broadcast to " +
                          ShapeToString(y));
    }
  }
  return std::optional<Shape>(std::move(y));
}

Result<GemmDims> ReadGemmDims(const AttrMap& attrs, std::span<const int64_t> a,
                              std::span<const int64_t> b, const ConstTensorView& c,
                              std::span<const int64_t> y) {
  const bool a_t = attrs.Int("transA") != 0;
  const bool b_t = attrs.Int("transB") != 0;
  if (a.size() != 2 || b.size() != 2 || y.size() != 2) return Contradiction();
  GemmDims d;
  d.rows = a[a_t ? 1 : 0];
  d.depth = a[a_t ? 0 : 1];
  d.columns = b[b_t ? 0 : 1];
  if (b[b_t ? 1 : 0] != d.depth || y[0] != d.rows || y[1] != d.columns) return Contradiction();
  d.a_row = a_t ? 1 : d.depth;
  d.a_step = a_t ? d.rows : 1;
  d.b_step = b_t ? 1 : d.columns;
  d.b_column = b_t ? d.depth : 1;
  if (!c.present()) return d;
  ADZE_TRY(CheckBroadcast(c.dims, y));
  const size_t rank = c.dims.size();
  if (rank >= 1 && c.dims[rank - 1] != 1) d.c_column = 1;
  if (rank == 2 && c.dims[0] != 1) d.c_row = c.dims[1];
  return d;
}

int64_t MatMulMacs(std::span<const int64_t> a, std::span<const int64_t> y) {
  return a.empty() ? 0 : MulCount(NumElements(y), a.back());
}

int64_t GemmMacs(const AttrMap& attrs, std::span<const int64_t> a, std::span<const int64_t> y) {
  return a.size() != 2 ? 0 : MulCount(NumElements(y), a[attrs.Int("transA") != 0 ? 0 : 1]);
}

}  // namespace adze
