#include "kernels/softmax_f32/softmax_f32.h"

#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  int64_t outer, n, inner;
  bool log;
};

Status Prepare(PreparedStep& p) {
  ADZE_ASSIGN(const auto args, ReadArgs<SoftmaxF32Args>(p));
  ADZE_TRY(CheckArity(p, 1, 1));
  ADZE_TRY(CheckDType(p.inputs[0], DType::kFloat32, "the input"));
  ADZE_TRY(CheckDType(p.outputs[0], DType::kFloat32, "the output"));
  ADZE_TRY(CheckSameShape(p.inputs[0], p.outputs[0], "the input"));
  ADZE_ASSIGN(const MemoryDims m, MemoryOrder(p.inputs[0]));
  if (args.axis < 0 || args.axis >= m.rank) {
    return InvalidInput("axis " + std::to_string(args.axis) + " of a tensor of rank " +
                        std::to_string(m.rank));
  }
  const int axis = m.Find(args.axis);
  p.SetState(State{m.Product(0, axis), m.dims[static_cast<size_t>(axis)],
                   m.Product(axis + 1, m.rank), args.log != 0});
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  ParallelRanges(pool, s.outer, static_cast<double>(s.n) * static_cast<double>(s.inner) * 1.5,
                 [&](int64_t begin, int64_t end) {
                   SoftmaxF32(p.isa, s.log, static_cast<const float*>(p.inputs[0].data),
                              static_cast<float*>(p.outputs[0].data), s.n, s.inner, begin, end);
                 });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kSoftmaxF32Family{
    .id = FamilyId::kSoftmaxF32,
    .name = "softmax_f32",
    .summary = "float softmax and log-softmax along one axis",
    .prepare = Prepare,
    .run = Run,
    .args_bytes = ArgsBytes<SoftmaxF32Args>(),
};

}  // namespace adze
