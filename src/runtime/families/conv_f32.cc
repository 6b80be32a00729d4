#include "kernels/conv_f32/conv_f32.h"

#include <cmath>
#include <cstring>

#include "kernels/conv_check.h"
#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  ConvF32Args args;
  ConvSizes sizes;
  ConvF32Blocking blocking;
  int64_t zero_floats;  // of the workspace, before the workers' scratch; a multiple of 16
};

Status Prepare(PreparedStep& p) {
  State s{};
  ADZE_ASSIGN(s.args, ReadArgs<ConvF32Args>(p));
  ADZE_TRY(CheckArity(p, s.args.has_residual != 0 ? 2 : 1, 1));
  ADZE_TRY(CheckDType(p.inputs[0], DType::kFloat32, "the input"));
  ADZE_TRY(CheckDType(p.outputs[0], DType::kFloat32, "the output"));
  ADZE_TRY(CheckConvWindow(s.args.window));
  ADZE_ASSIGN(s.sizes, ConvSizesOf(s.args.window, p.inputs[0], p.outputs[0]));
  if (s.args.has_residual != 0) {
    ADZE_TRY(CheckDType(p.inputs[1], DType::kFloat32, "the residual"));
    ADZE_TRY(CheckSameShape(p.inputs[1], p.outputs[0], "the residual"));
  }
  if (!(s.args.act_min <= s.args.act_max)) return InvalidInput("empty activation range");
  const ConvF32Packing packing = ConvF32PackingFor(p.isa);
  if (s.args.packing != static_cast<int32_t>(packing)) {
    return Unsupported("weights in packing layout " + std::to_string(s.args.packing) +
                       ", which no kernel for " + IsaName(p.isa) + " reads");
  }
  ADZE_TRY(CheckWeight(*p.step, 0, DType::kFloat32, ConvF32PackedFloats(s.args.window, packing)));
  ADZE_TRY(CheckWeight(*p.step, 1, DType::kFloat32, s.args.window.out_channels));
  s.blocking = BlockConvF32(s.args.window, s.sizes, p.isa, p.num_threads);
  s.zero_floats = (s.blocking.zero_floats + 15) / 16 * 16;
  p.workspace_bytes = (s.zero_floats + s.blocking.worker_floats * p.num_threads) *
                      static_cast<int64_t>(sizeof(float));
  p.SetState(s);
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  float* const workspace = reinterpret_cast<float*>(p.workspace);
  if (s.zero_floats > 0) {
    std::memset(workspace, 0, static_cast<size_t>(s.zero_floats) * sizeof(float));
  }
  ConvF32Call call;
  call.window = s.args.window;
  call.sizes = s.sizes;
  call.x = static_cast<const float*>(p.inputs[0].data);
  call.weights = p.step->weights[0].data<float>();
  call.bias = p.step->weights[1].data<float>();
  if (s.args.has_residual != 0) call.residual = static_cast<const float*>(p.inputs[1].data);
  call.y = static_cast<float*>(p.outputs[0].data);
  call.act_min = s.args.act_min;
  call.act_max = s.args.act_max;
  call.zeros = workspace;
  pool.ParallelFor(s.blocking.num_chunks, [&](int64_t chunk, int worker) {
    ConvF32Chunk(p.isa, call, s.blocking, chunk,
                 workspace + s.zero_floats + worker * s.blocking.worker_floats);
  });
  return OkStatus();
}

Result<bool> Repack(Step& step, Isa isa) {
  ADZE_ASSIGN(ConvF32Args args, ReadArgs<ConvF32Args>(step));
  const ConvF32Packing wanted = ConvF32PackingFor(isa);
  if (args.packing == static_cast<int32_t>(wanted)) return false;
  if (!IsKnownConvF32Packing(args.packing)) return UnknownPacking(args.packing);
  const ConvWindow& w = args.window;
  ADZE_TRY(CheckConvWindow(w));
  const ConvF32Packing from = static_cast<ConvF32Packing>(args.packing);
  ADZE_TRY(CheckWeight(step, 0, DType::kFloat32, ConvF32PackedFloats(w, from)));
  const ConvWeightStrides oihw = OihwStrides(w);
  ADZE_ASSIGN(Tensor weights, Tensor::TryAllocate(DType::kFloat32, {w.out_channels, oihw.out}));
  ADZE_ASSIGN(Tensor packed,
              Tensor::TryAllocate(DType::kFloat32, {ConvF32PackedFloats(w, wanted)}));
  UnpackConvF32(w, from, step.weights[0].data<float>(), weights.mutable_data<float>());
  PackConvF32(w, wanted, weights.data<float>(), oihw, packed.mutable_data<float>());
  step.weights[0] = std::move(packed);
  args.packing = static_cast<int32_t>(wanted);
  step.SetArgs(args);
  return true;
}

}  // namespace

extern constexpr FamilyDef kConvF32Family{
    .id = FamilyId::kConvF32,
    .name = "conv_f32",
    .summary = "float convolution, Gemm and MatMul with constant weights",
    .prepare = Prepare,
    .run = Run,
    .args_bytes = ArgsBytes<ConvF32Args>(),
    .repack = Repack,
};

}  // namespace adze
