#include "kernels/fake_quant_f32/fake_quant_f32.h"

#include <cmath>

#include "runtime/families/family_util.h"

namespace adze {
namespace {

// The arguments are read at every Run, as they may be replaced between runs; Prepare is called
// again then.
Status Prepare(PreparedStep& p) {
  ADZE_ASSIGN(const auto args, ReadArgs<FakeQuantArgs>(p));
  ADZE_TRY(CheckArity(p, 1, 1));
  ADZE_TRY(CheckDType(p.inputs[0], DType::kFloat32, "the input"));
  ADZE_TRY(CheckDType(p.outputs[0], DType::kFloat32, "the output"));
  ADZE_TRY(CheckSameShape(p.inputs[0], p.outputs[0], "the input"));
  constexpr int32_t kMaxCode = 1 << 23;
  if (args.scale < 0 || !std::isfinite(args.scale))
    return InvalidInput("the scale is not a positive number");
  if (args.qmin > args.qmax || args.qmin < -kMaxCode || args.qmax > kMaxCode ||
      args.zero_point < -kMaxCode || args.zero_point > kMaxCode) {
    return InvalidInput("quantized range or zero point out of bounds");
  }
  p.SetState(args);
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const float* const x = static_cast<const float*>(p.inputs[0].data);
  float* const y = static_cast<float*>(p.outputs[0].data);
  ParallelRanges(pool, p.outputs[0].size(), 0.3, [&](int64_t begin, int64_t end) {
    FakeQuantF32(p.isa, p.State<FakeQuantArgs>(), x + begin, y + begin, end - begin);
  });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kFakeQuantF32Family{
    .id = FamilyId::kFakeQuantF32,
    .name = "fake_quant_f32",
    .summary = "quantize and dequantize in one step",
    .prepare = Prepare,
    .run = Run,
    .args_bytes = ArgsBytes<FakeQuantArgs>(),
    .in_place = true,
};

}  // namespace adze
