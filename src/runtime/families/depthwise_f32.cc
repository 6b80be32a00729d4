#include "kernels/depthwise_f32/depthwise_f32.h"

#include "kernels/conv_check.h"
#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  ConvF32Args args;
  ConvSizes sizes;
};

Status Prepare(PreparedStep& p) {
  State s{};
  ADZE_ASSIGN(s.args, ReadArgs<ConvF32Args>(p));
  const ConvWindow& w = s.args.window;
  ADZE_TRY(CheckArity(p, s.args.has_residual != 0 ? 2 : 1, 1));
  ADZE_TRY(CheckDType(p.inputs[0], DType::kFloat32, "the input"));
  ADZE_TRY(CheckDType(p.outputs[0], DType::kFloat32, "the output"));
  ADZE_TRY(CheckConvWindow(w));
  ADZE_TRY(CheckDepthwise(w));
  if (p.inputs[0].layout != Layout::kChannelsLast)
    return InvalidInput("the input is not channels-last");
  ADZE_ASSIGN(s.sizes, ConvSizesOf(w, p.inputs[0], p.outputs[0]));
  if (s.args.has_residual != 0) {
    ADZE_TRY(CheckDType(p.inputs[1], DType::kFloat32, "the residual"));
    ADZE_TRY(CheckSameShape(p.inputs[1], p.outputs[0], "the residual"));
  }
  if (!(s.args.act_min <= s.args.act_max)) return InvalidInput("empty activation range");
  ADZE_TRY(CheckWeight(*p.step, 0, DType::kFloat32, DepthwiseF32PackedFloats(w)));
  ADZE_TRY(CheckWeight(*p.step, 1, DType::kFloat32, w.out_channels));
  p.SetState(s);
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  const ConvWindow& w = s.args.window;
  DepthwiseF32Call call;
  call.window = w;
  call.sizes = s.sizes;
  call.x = static_cast<const float*>(p.inputs[0].data);
  call.weights = p.step->weights[0].data<float>();
  call.bias = p.step->weights[1].data<float>();
  if (s.args.has_residual != 0) call.residual = static_cast<const float*>(p.inputs[1].data);
  call.y = static_cast<float*>(p.outputs[0].data);
  call.act_min = s.args.act_min;
  call.act_max = s.args.act_max;
  // About 16 multiply-adds per nanosecond.
  const double row_ns = double{1} * s.sizes.out_w * w.in_channels * w.kernel_h * w.kernel_w / 16;
  ParallelRanges(pool, int64_t{s.sizes.batch} * s.sizes.out_h, row_ns,
                 [&](int64_t begin, int64_t end) { DepthwiseF32Rows(p.isa, call, begin, end); });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kDepthwiseF32Family{
    .id = FamilyId::kDepthwiseF32,
    .name = "depthwise_f32",
    .summary = "float depthwise convolution",
    .prepare = Prepare,
    .run = Run,
    .args_bytes = ArgsBytes<ConvF32Args>(),
};

}  // namespace adze
