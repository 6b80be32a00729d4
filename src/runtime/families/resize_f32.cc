#include "kernels/resize_f32/resize_f32.h"

#include <cmath>

#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  ResizeArgs args;
  ImageDims in, out;
};

Status Prepare(PreparedStep& p) {
  State s{};
  ADZE_ASSIGN(s.args, ReadArgs<ResizeArgs>(p));
  ADZE_TRY(CheckArity(p, 1, 1));
  ADZE_TRY(CheckDType(p.inputs[0], DType::kFloat32, "the input"));
  ADZE_TRY(CheckDType(p.outputs[0], DType::kFloat32, "the output"));
  ADZE_ASSIGN(s.in, ImageOf(p.inputs[0]));
  ADZE_ASSIGN(s.out, ImageOf(p.outputs[0]));
  if (s.in.n != s.out.n || s.in.c != s.out.c)
    return InvalidInput("batch or channels of input and output differ");
  if (p.outputs[0].size() > 0 && (s.in.h == 0 || s.in.w == 0))
    return InvalidInput("an empty image cannot be enlarged");
  const auto known = [](auto value, auto last) {
    return static_cast<int32_t>(value) >= 0 && value <= last;
  };
  if (!known(s.args.mode, ResizeMode::kLinear) ||
      !known(s.args.coordinates, ResizeCoordinates::kAsymmetric) ||
      !known(s.args.nearest, ResizeNearest::kCeil)) {
    return InvalidInput("unknown mode of resizing");
  }
  for (float scale : {s.args.scale_h, s.args.scale_w}) {
    if (scale < 0 || !std::isfinite(scale))
      return InvalidInput("the scale is not a positive number");
  }
  p.workspace_bytes = (int64_t{s.out.h} + s.out.w) * static_cast<int64_t>(sizeof(ResizeTap));
  p.SetState(s);
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  if (p.outputs[0].size() == 0) return OkStatus();
  ResizeTap* const taps_h = reinterpret_cast<ResizeTap*>(p.workspace);
  ResizeTap* const taps_w = taps_h + s.out.h;
  ResizeTaps(s.args, s.args.scale_h, s.in.h, s.out.h, taps_h);
  ResizeTaps(s.args, s.args.scale_w, s.in.w, s.out.w, taps_w);
  const ResizeF32Call call{s.in.h,
                           s.in.w,
                           s.out.h,
                           s.out.w,
                           s.in.c,
                           taps_h,
                           taps_w,
                           s.args.mode,
                           static_cast<const float*>(p.inputs[0].data),
                           static_cast<float*>(p.outputs[0].data)};
  ParallelRanges(pool, int64_t{s.out.n} * s.out.h, double{0.5} * s.out.w * s.out.c,
                 [&](int64_t begin, int64_t end) { ResizeF32Rows(p.isa, call, begin, end); });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kResizeF32Family{
    .id = FamilyId::kResize,
    .name = "resize_f32",
    .summary = "nearest and bilinear resampling of float images",
    .prepare = Prepare,
    .run = Run,
    .args_bytes = ArgsBytes<ResizeArgs>(),
};

}  // namespace adze
