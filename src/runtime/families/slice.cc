#include "kernels/slice/slice.h"

#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  StridedCopy copy;  // coalesced
  int64_t offset;    // of the first element read, in elements
};

// Strides of the input along its logical axes, in elements.
void LogicalStrides(const MemoryDims& m, int64_t* strides) {
  for (int i = 0; i < m.rank; ++i) {
    strides[m.axis[static_cast<size_t>(i)]] = m.Product(i + 1, m.rank);
  }
}

Status CheckCopy(const PreparedStep& p, int64_t rank) {
  ADZE_TRY(CheckArity(p, 1, 1));
  const StepValue& x = p.inputs[0];
  const StepValue& y = p.outputs[0];
  ADZE_TRY(CheckDType(y, x.dtype, "the output"));
  if (x.dims.size() != y.dims.size() || static_cast<int64_t>(x.dims.size()) != rank ||
      rank > kMaxCopyRank) {
    return InvalidInput("ranks of input, output and arguments differ");
  }
  return OkStatus();
}

Status PrepareSlice(PreparedStep& p) {
  ADZE_ASSIGN(const auto args, ReadArgs<SliceArgs>(p));
  ADZE_TRY(CheckCopy(p, args.rank));
  const StepValue& x = p.inputs[0];
  ADZE_ASSIGN(const MemoryDims in, MemoryOrder(x));
  ADZE_ASSIGN(const MemoryDims out, MemoryOrder(p.outputs[0]));
  int64_t strides[kMaxRank] = {};
  LogicalStrides(in, strides);
  StridedCopy copy;
  copy.rank = out.rank;
  copy.element_bytes = static_cast<int32_t>(SizeOf(x.dtype));
  State s{};
  const bool empty = p.outputs[0].size() == 0;
  for (int i = 0; i < out.rank; ++i) {
    const size_t axis = static_cast<size_t>(out.axis[static_cast<size_t>(i)]);
    const int64_t start = args.starts[axis];
    const int64_t step = args.steps[axis];
    const int64_t count = out.dims[static_cast<size_t>(i)];
    const int64_t dim = x.dims[axis];
    copy.dims[i] = count;
    if (empty) continue;
    // Steps that fit between `start` and the end of the axis in the direction of `step`.
    const int64_t room = step == 0 || start < 0 || start >= dim || step < -dim ? -1
                         : step > 0 ? (dim - 1 - start) / step
                                    : start / -step;
    if (room < count - 1) {
      return InvalidInput("a slice reaches outside axis " + std::to_string(axis));
    }
    if (count > 1) copy.strides[i] = strides[axis] * step;  // the step of one element may be huge
    s.offset += strides[axis] * start;
  }
  s.copy = Coalesce(copy);
  p.SetState(s);
  return OkStatus();
}

Status PrepareTranspose(PreparedStep& p) {
  ADZE_ASSIGN(const auto args, ReadArgs<TransposeArgs>(p));
  ADZE_TRY(CheckCopy(p, args.rank));
  const StepValue& x = p.inputs[0];
  ADZE_ASSIGN(const MemoryDims in, MemoryOrder(x));
  ADZE_ASSIGN(const MemoryDims out, MemoryOrder(p.outputs[0]));
  int64_t strides[kMaxRank] = {};
  LogicalStrides(in, strides);
  StridedCopy copy;
  copy.rank = out.rank;
  copy.element_bytes = static_cast<int32_t>(SizeOf(x.dtype));
  uint32_t seen = 0;
  for (int i = 0; i < out.rank; ++i) {
    const int32_t axis = args.perm[out.axis[static_cast<size_t>(i)]];
    if (axis < 0 || axis >= args.rank || (seen >> axis & 1) != 0 ||
        x.dims[static_cast<size_t>(axis)] != out.dims[static_cast<size_t>(i)]) {
      return InvalidInput("the permutation does not give the output's dims");
    }
    seen |= 1u << axis;
    copy.dims[i] = out.dims[static_cast<size_t>(i)];
    copy.strides[i] = strides[axis];
  }
  p.SetState(State{Coalesce(copy), 0});
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  if (p.outputs[0].size() == 0) return OkStatus();
  const StridedCopy& copy = s.copy;
  const std::byte* const x =
      static_cast<const std::byte*>(p.inputs[0].data) + s.offset * copy.element_bytes;
  const double row_ns = static_cast<double>(copy.dims[copy.rank - 1]) *
                        (copy.strides[copy.rank - 1] == 1 ? copy.element_bytes / 8.0 : 1.0);
  ParallelRanges(pool, CopyRows(copy), row_ns, [&](int64_t begin, int64_t end) {
    CopyStridedRows(copy, x, p.outputs[0].data, begin, end);
  });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kSliceFamily{
    .id = FamilyId::kSlice,
    .name = "slice",
    .summary = "strided slice, any element type; also Split",
    .prepare = PrepareSlice,
    .run = Run,
    .args_bytes = ArgsBytes<SliceArgs>(),
};
extern constexpr FamilyDef kTransposeFamily{
    .id = FamilyId::kTranspose,
    .name = "transpose",
    .summary = "permutation of axes, any element type",
    .prepare = PrepareTranspose,
    .run = Run,
    .args_bytes = ArgsBytes<TransposeArgs>(),
};

}  // namespace adze
