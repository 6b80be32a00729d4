#include "kernels/pool_f32/pool_f32.h"

#include <algorithm>

#include "kernels/conv_check.h"
#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  PoolF32Args args;
  ConvSizes sizes;
  int32_t channels;
};

// The last window may begin inside the image or its left padding, and end beyond it (ceil_mode).
Status CheckOutput(int32_t in, int32_t out, int32_t stride, int32_t pad_begin, const char* axis) {
  if (out == 0 || (int64_t{out} - 1) * stride < int64_t{in} + pad_begin) return OkStatus();
  return InvalidInput(std::string("output ") + axis + " = " + std::to_string(out) +
                      " has windows wholly outside the image");
}

Status Prepare(PreparedStep& p) {
  State s{};
  ADZE_ASSIGN(s.args, ReadArgs<PoolF32Args>(p));
  ADZE_TRY(CheckArity(p, 1, 1));
  ADZE_TRY(CheckDType(p.inputs[0], DType::kFloat32, "the input"));
  ADZE_TRY(CheckDType(p.outputs[0], DType::kFloat32, "the output"));
  ADZE_ASSIGN(const ImageDims in, ImageOf(p.inputs[0]));
  ADZE_ASSIGN(const ImageDims out, ImageOf(p.outputs[0]));
  if (in.n != out.n || in.c != out.c)
    return InvalidInput("batch or channels of input and output differ");
  ConvWindow& w = s.args.window;
  if (s.args.global != 0) {
    if (out.h != 1 || out.w != 1) return InvalidInput("global pooling must give 1x1 images");
    w = ConvWindow();
    w.kernel_h = in.h;
    w.kernel_w = in.w;
  } else {
    w.in_channels = w.out_channels = w.groups = 1;
    ADZE_TRY(CheckConvWindow(w));
    ADZE_TRY(CheckOutput(in.h, out.h, w.stride_h, w.pad_top, "height"));
    ADZE_TRY(CheckOutput(in.w, out.w, w.stride_w, w.pad_left, "width"));
  }
  if (s.args.kind != PoolKind::kMax && s.args.kind != PoolKind::kAverage) {
    return InvalidInput("unknown kind of pooling");
  }
  s.sizes = {in.n, in.h, in.w, out.h, out.w};
  s.channels = in.c;
  p.SetState(s);
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  PoolF32Call call;
  call.args = s.args;
  call.sizes = s.sizes;
  call.channels = s.channels;
  call.x = static_cast<const float*>(p.inputs[0].data);
  call.y = static_cast<float*>(p.outputs[0].data);
  const double taps = double{1} * s.args.window.kernel_h * s.args.window.kernel_w;
  const int64_t pixels = int64_t{s.sizes.out_h} * s.sizes.out_w;
  if (pixels == 1) {
    // One pixel per image: blocks of 64 channels are the parallel unit.
    const int64_t blocks = (int64_t{s.channels} + 63) / 64;
    ParallelRanges(pool, blocks * s.sizes.batch, taps * 64 * 0.1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int32_t c = static_cast<int32_t>(i % blocks * 64);
        PoolF32Channels(p.isa, call, i / blocks, c, std::min(s.channels, c + 64));
      }
    });
    return OkStatus();
  }
  ParallelRanges(pool, int64_t{s.sizes.batch} * s.sizes.out_h,
                 taps * s.sizes.out_w * s.channels * 0.1,
                 [&](int64_t begin, int64_t end) { PoolF32Rows(p.isa, call, begin, end); });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kPoolF32Family{
    .id = FamilyId::kPoolF32,
    .name = "pool_f32",
    .summary = "float max and average pooling",
    .prepare = Prepare,
    .run = Run,
    .args_bytes = ArgsBytes<PoolF32Args>(),
};

}  // namespace adze
