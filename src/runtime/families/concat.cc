#include "kernels/concat/concat.h"

#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  int64_t outer;      // rows of the result before the axis
  int64_t row_bytes;  // of the result
};

Status Prepare(PreparedStep& p) {
  ADZE_ASSIGN(const auto args, ReadArgs<ConcatArgs>(p));
  ADZE_TRY(CheckArity(p, p.inputs.size(), 1));
  const StepValue& y = p.outputs[0];
  ADZE_ASSIGN(const MemoryDims out, MemoryOrder(y));
  if (args.axis < 0 || args.axis >= out.rank) {
    return InvalidInput("axis " + std::to_string(args.axis) + " of a tensor of rank " +
                        std::to_string(out.rank));
  }
  const int axis = out.Find(args.axis);
  int64_t sum = 0;
  for (const StepValue& x : p.inputs) {
    ADZE_TRY(CheckDType(x, y.dtype, "an input"));
    bool fits = x.layout == y.layout && x.dims.size() == y.dims.size();
    for (size_t i = 0; fits && i < y.dims.size(); ++i) {
      fits = static_cast<int>(i) == args.axis || x.dims[i] == y.dims[i];
    }
    if (!fits) return InvalidInput("an input does not fit the concatenation");
    sum += x.dims[static_cast<size_t>(args.axis)];
  }
  if (sum != y.dims[static_cast<size_t>(args.axis)]) {
    return InvalidInput("the sizes along the axis do not add up");
  }
  p.SetState(State{out.Product(0, axis),
                   out.Product(axis, out.rank) * static_cast<int64_t>(SizeOf(y.dtype))});
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  if (s.outer == 0) return OkStatus();
  const int64_t element = static_cast<int64_t>(SizeOf(p.outputs[0].dtype));
  // About 8 bytes per nanosecond.
  ParallelRanges(pool, s.outer, static_cast<double>(s.row_bytes) / 8,
                 [&](int64_t begin, int64_t end) {
                   int64_t offset = 0;
                   for (const StepValue& x : p.inputs) {
                     const int64_t bytes = x.size() / s.outer * element;
                     CopyRuns(x.data, bytes, p.outputs[0].data, s.row_bytes, offset, begin, end);
                     offset += bytes;
                   }
                 });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kConcatFamily{
    .id = FamilyId::kConcat,
    .name = "concat",
    .summary = "concatenation along one axis, any element type",
    .prepare = Prepare,
    .run = Run,
    .args_bytes = ArgsBytes<ConcatArgs>(),
};

}  // namespace adze
