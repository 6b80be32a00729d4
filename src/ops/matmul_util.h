// What MatMul, QLinearMatMul, MatMulInteger, Gemm and QGemm share: NumPy matmul shapes and the loop
// nest.
#ifndef ADZE_OPS_MATMUL_UTIL_H_
#define ADZE_OPS_MATMUL_UTIL_H_

#include <cstdint>
#include <optional>

#include "ops/nn_util.h"

namespace adze {

// Shape of input `a` times input `b` by NumPy's rules: a 1-D first operand is a row, a 1-D second
// one a column, and that dimension is dropped from the result; leading dimensions broadcast.
// nullopt when a shape is unknown.
Result<std::optional<Shape>> InferMatMulShape(const InferContext& ctx, int a, int b);

// Shape of op(A) * op(B) with A and B of rank 2, op a transposition where the attribute transA or
// transB is not 0; and the check that input `c`, if present, broadcasts to it.
Result<std::optional<Shape>> InferGemmShape(const InferContext& ctx, int a, int b, int c);

// A batch of row-major products [rows, depth] x [depth, columns], checked against the output size.
struct MatMulDims {
  int64_t rows = 0, depth = 0, columns = 0;
  // Leading dimensions; empty for a single product. They view the tensors' dims.
  std::span<const int64_t> a_batch, b_batch, y_batch;
};
Result<MatMulDims> ReadMatMulDims(std::span<const int64_t> a, std::span<const int64_t> b,
                                  std::span<const int64_t> y);

// acc = sum over depth of multiply(a index, b index, row, column), then finish(y index, row,
// column, acc).
template <typename Acc, typename Multiply, typename Finish>
void ForEachMatMulOutput(const MatMulDims& d, Multiply&& multiply, Finish&& finish) {
  ForEachBroadcast(d.y_batch, d.a_batch, d.b_batch, [&](int64_t y, int64_t a, int64_t b) {
    for (int64_t i = 0; i < d.rows; ++i) {
      for (int64_t j = 0; j < d.columns; ++j) {
        Acc acc = 0;
        for (int64_t k = 0; k < d.depth; ++k) {
          acc += multiply((a * d.rows + i) * d.depth + k, (b * d.depth + k) * d.columns + j, i, j);
        }
        finish((y * d.rows + i) * d.columns + j, i, j, acc);
      }
    }
  });
}

// The product of a Gemm: element (i, k) of op(A) is a[i * a_row + k * a_step], element (k, j) of
// op(B) likewise.
struct GemmDims {
  int64_t rows = 0, depth = 0, columns = 0;
  int64_t a_row = 0, a_step = 0, b_step = 0, b_column = 0;
  int64_t c_row = 0, c_column = 0;  // strides of the broadcast C
};
// `c` may be absent.
Result<GemmDims> ReadGemmDims(const AttrMap& attrs, std::span<const int64_t> a,
                              std::span<const int64_t> b, const ConstTensorView& c,
                              std::span<const int64_t> y);

// Multiply-accumulates of a product whose first operand has dims `a` (depth last, unless
// transposed) and output `y`.
int64_t MatMulMacs(std::span<const int64_t> a, std::span<const int64_t> y);
int64_t GemmMacs(const AttrMap& attrs, std::span<const int64_t> a, std::span<const int64_t> y);

}  // namespace adze

#endif  // ADZE_OPS_MATMUL_UTIL_H_
