// Float max and average pooling over NHWC images.
#ifndef ADZE_KERNELS_POOL_F32_POOL_F32_H_
#define ADZE_KERNELS_POOL_F32_POOL_F32_H_

#include <cstdint>

#include "base/cpu.h"
#include "kernels/conv_args.h"

namespace adze {

// Values are stable: they are stored in plans.
enum class PoolKind : int32_t { kMax = 0, kAverage = 1 };

// Step arguments of kPoolF32. Channels and groups of the window are ignored.
//
// Max: the largest x inside the image; -infinity for a window wholly outside; whether a NaN wins is
// not defined. Average: sum / count, taps in the order (kh, kw); count = taps inside the image, or
// with count_include_pad taps inside the padded image; 0 if there is none.
struct PoolF32Args {
  ConvWindow window;
  PoolKind kind = PoolKind::kMax;
  int32_t count_include_pad = 0;
  int32_t global = 0;  // the window is the whole image, whatever `window` says
};

struct PoolF32Call {
  PoolF32Args args;  // not global: Prepare has replaced the window
  ConvSizes sizes;
  int32_t channels = 0;
  const float* x = nullptr;
  float* y = nullptr;
};
// Output rows [row_begin, row_end) of batch * out_h. Rows are independent.
void PoolF32Rows(Isa isa, const PoolF32Call& call, int64_t row_begin, int64_t row_end);
// Channels [c_begin, c_end) of every output pixel of image n: for a few large windows (global
// pooling).
void PoolF32Channels(Isa isa, const PoolF32Call& call, int64_t n, int32_t c_begin, int32_t c_end);

// The definition in plain loops, averaging in double.
void PoolF32Ref(const PoolF32Call& call);

}  // namespace adze

#endif  // ADZE_KERNELS_POOL_F32_POOL_F32_H_
