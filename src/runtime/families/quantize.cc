// kQuantize and kDequantize, with a change of layout on the way where input and output differ.
#include "kernels/quantize/quantize.h"

#include <algorithm>

#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  QuantizeArgs args;
  bool transpose;
  int64_t images, channels,
      pixels;  // without transposition all elements are pixels of one image and channel
};

Status Prepare(PreparedStep& p, DType x_type, DType y_type, Layout x_layout) {
  State s{};
  ADZE_ASSIGN(s.args, ReadArgs<QuantizeArgs>(p));
  ADZE_TRY(CheckArity(p, 1, 1));
  const StepValue& x = p.inputs[0];
  const StepValue& y = p.outputs[0];
  ADZE_TRY(CheckDType(x, x_type, "the input"));
  ADZE_TRY(CheckDType(y, y_type, "the output"));
  ADZE_TRY(CheckQuantizeArgs(s.args));
  if (!std::equal(x.dims.begin(), x.dims.end(), y.dims.begin(), y.dims.end())) {
    return InvalidInput("input and output have other dims");
  }
  s.transpose = x.layout != y.layout;
  s.images = s.channels = 1;
  s.pixels = x.size();
  if (s.pixels < 0) return InvalidInput("a tensor of more than 2^40 elements");
  if (s.transpose) {
    if (x.layout != x_layout) {
      return Unsupported("only logical float and channels-last integers are converted at once");
    }
    if (x.dims.size() < 3) return InvalidInput("a channels-last tensor of rank below 3");
    s.images = x.dims[0];
    s.channels = x.dims[1];
    s.pixels = NumElements(x.dims.subspan(2));
  }
  p.SetState(s);
  return OkStatus();
}

Status PrepareQuantize(PreparedStep& p) {
  return Prepare(p, DType::kFloat32, DType::kUInt8, Layout::kLogical);
}

Status PrepareDequantize(PreparedStep& p) {
  return Prepare(p, DType::kUInt8, DType::kFloat32, Layout::kChannelsLast);
}

// Calls fn(offset of the image, begin, end) for pixel ranges of every image.
void ForPixels(const State& s, ThreadPool& pool,
               FunctionRef<void(int64_t offset, int64_t begin, int64_t end)> fn) {
  const double ns_per_pixel = (s.transpose ? 1.0 : 0.3) * static_cast<double>(s.channels);
  for (int64_t n = 0; n < s.images; ++n) {
    ParallelRanges(pool, s.pixels, ns_per_pixel,
                   [&](int64_t begin, int64_t end) { fn(n * s.channels * s.pixels, begin, end); });
  }
}

Status RunQuantize(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  const QuantizeRow& row = FindQuantize(p.isa);
  const float* const x = static_cast<const float*>(p.inputs[0].data);
  uint8_t* const y = static_cast<uint8_t*>(p.outputs[0].data);
  ForPixels(s, pool, [&](int64_t offset, int64_t begin, int64_t end) {
    QuantizeToChannelsLast(row, s.args, x + offset, s.channels, s.pixels, begin, end, y + offset);
  });
  return OkStatus();
}

Status RunDequantize(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  const QuantizeRow& row = FindQuantize(p.isa);
  const uint8_t* const x = static_cast<const uint8_t*>(p.inputs[0].data);
  float* const y = static_cast<float*>(p.outputs[0].data);
  ForPixels(s, pool, [&](int64_t offset, int64_t begin, int64_t end) {
    DequantizeToPlanes(row, s.args, x + offset, s.channels, s.pixels, begin, end, y + offset);
  });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kQuantizeFamily{
    .id = FamilyId::kQuantize,
    .name = "quantize",
    .summary = "float32 to u8, to channels-last on the way",
    .prepare = PrepareQuantize,
    .run = RunQuantize,
    .args_bytes = ArgsBytes<QuantizeArgs>(),
};

extern constexpr FamilyDef kDequantizeFamily{
    .id = FamilyId::kDequantize,
    .name = "dequantize",
    .summary = "u8 to float32, from channels-last on the way",
    .prepare = PrepareDequantize,
    .run = RunDequantize,
    .args_bytes = ArgsBytes<QuantizeArgs>(),
};

}  // namespace adze
