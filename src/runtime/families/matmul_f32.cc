#include "kernels/matmul_f32/matmul_f32.h"

#include <algorithm>

#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  MatMulF32Sizes sizes;
  int rank;                     // of the batch axes
  int64_t dims[kMaxRank];       // of the result's batch axes
  int64_t a_strides[kMaxRank];  // in matrices, 0 where broadcast
  int64_t b_strides[kMaxRank];
  int64_t batch;
  int64_t b_matrices;  // distinct ones: each is packed once
  int64_t packed_floats, panels;
};

// `strides` in matrices, for the leading dims of `v` broadcast to the result's.
Status BatchStrides(std::span<const int64_t> dims, const State& s, int64_t* strides) {
  const int own = static_cast<int>(dims.size()) - 2;
  int64_t stride = 1;
  for (int i = s.rank - 1; i >= 0; --i) {
    const int at = i - (s.rank - own);
    const int64_t dim = at < 0 ? 1 : dims[static_cast<size_t>(at)];
    if (dim != 1 && dim != s.dims[i]) return InvalidInput("batch dims do not broadcast");
    strides[i] = dim == 1 ? 0 : stride;
    stride *= dim;
  }
  return OkStatus();
}

Status Prepare(PreparedStep& p) {
  ADZE_TRY(CheckArity(p, 2, 1));
  if (!p.step->args.empty()) return InvalidInput("a matrix product has no arguments");
  const StepValue& a = p.inputs[0];
  const StepValue& b = p.inputs[1];
  const StepValue& c = p.outputs[0];
  for (const StepValue* v : {&a, &b, &c}) {
    ADZE_TRY(CheckDType(*v, DType::kFloat32, "an operand"));
    if (v->layout != Layout::kLogical || v->dims.size() < 2 || v->dims.size() > kMaxRank) {
      return InvalidInput("operands of a matrix product must be row-major and of rank 2 to 8");
    }
  }
  State s{};
  const size_t r = c.dims.size();
  s.sizes = {c.dims[r - 2], c.dims[r - 1], a.dims.back()};
  if (a.dims[a.dims.size() - 2] != s.sizes.m || b.dims.back() != s.sizes.n ||
      b.dims[b.dims.size() - 2] != s.sizes.k || a.dims.size() > r || b.dims.size() > r) {
    return InvalidInput("the operands' dims do not give the result's");
  }
  s.rank = static_cast<int>(r) - 2;
  s.batch = 1;
  for (int i = 0; i < s.rank; ++i) {
    s.dims[i] = c.dims[static_cast<size_t>(i)];
    s.batch *= s.dims[i];
  }
  ADZE_TRY(BatchStrides(a.dims, s, s.a_strides));
  ADZE_TRY(BatchStrides(b.dims, s, s.b_strides));
  s.b_matrices = s.sizes.k * s.sizes.n == 0 ? 0 : b.size() / (s.sizes.k * s.sizes.n);
  s.packed_floats = MatMulF32PackedFloats(s.sizes, p.isa);
  s.panels = MatMulF32Panels(s.sizes, p.isa);
  p.workspace_bytes = s.b_matrices * s.packed_floats * static_cast<int64_t>(sizeof(float));
  p.SetState(s);
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  const MatMulF32Sizes& sizes = s.sizes;
  if (s.batch == 0 || sizes.m == 0 || sizes.n == 0) return OkStatus();
  const float* const a = static_cast<const float*>(p.inputs[0].data);
  const float* const b = static_cast<const float*>(p.inputs[1].data);
  float* const c = static_cast<float*>(p.outputs[0].data);
  float* const packed = reinterpret_cast<float*>(p.workspace);
  ParallelRanges(pool, s.b_matrices * s.panels, static_cast<double>(sizes.k) * 10,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t matrix = i / s.panels;
                     PackMatMulF32(p.isa, sizes, b + matrix * sizes.k * sizes.n, i % s.panels,
                                   i % s.panels + 1, packed + matrix * s.packed_floats);
                   }
                 });
  // One item: up to 48 rows of one matrix times one panel.
  constexpr int64_t kRows = 48;
  const int64_t row_blocks = (sizes.m + kRows - 1) / kRows;
  const double item_ns =
      static_cast<double>(std::min(kRows, sizes.m)) * static_cast<double>(sizes.k);
  ParallelRanges(pool, s.batch * s.panels * row_blocks, item_ns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i % row_blocks * kRows;
      const int64_t panel = i / row_blocks % s.panels;
      const int64_t matrix = i / row_blocks / s.panels;
      int64_t rest = matrix;
      int64_t at_a = 0;
      int64_t at_b = 0;
      for (int k = s.rank - 1; k >= 0; --k) {
        at_a += rest % s.dims[k] * s.a_strides[k];
        at_b += rest % s.dims[k] * s.b_strides[k];
        rest /= s.dims[k];
      }
      MatMulF32(p.isa, sizes, a + at_a * sizes.m * sizes.k, packed + at_b * s.packed_floats,
                c + matrix * sizes.m * sizes.n, row, std::min(sizes.m, row + kRows), panel,
                panel + 1);
    }
  });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kMatMulF32Family{
    .id = FamilyId::kMatMulF32,
    .name = "matmul_f32",
    .summary = "float matrix product of two computed operands, batched",
    .prepare = Prepare,
    .run = Run,
};

}  // namespace adze
