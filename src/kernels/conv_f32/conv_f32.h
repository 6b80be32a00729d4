// Float convolution over NHWC images, grouped and dilated, with bias, residual add and clamp fused;
// also Gemm and MatMul with constant weights (a 1x1 convolution of an image of height 1 and width =
// rows).
//
//   ih = oh * stride_h - pad_top + kh * dilation_h, iw likewise,
//   Cg = in_channels / groups, g = o / (out_channels / groups)
//   sum = sum_{kh,kw,c} x[n, ih, iw, g * Cg + c] * w[o, c, kh, kw]
//   y[n, oh, ow, o] = clamp((sum + bias[o]) + residual[n, oh, ow, o], act_min, act_max)
//
// The sum starts at 0 and runs in the order (kh, kw, c) with one fused multiply-add per term (two
// roundings where the target has no FMA); pixels outside the image contribute x = 0. It is never
// split, so the result of an output does not depend on threads, chunks or its neighbours: only on
// the ISA.
#ifndef ADZE_KERNELS_CONV_F32_CONV_F32_H_
#define ADZE_KERNELS_CONV_F32_CONV_F32_H_

#include <cstdint>

#include "base/cpu.h"
#include "kernels/conv_args.h"

namespace adze {

// Where weight (o, c, kh, kw) lies in a source array, in elements.
struct ConvWeightStrides {
  int64_t out = 0, in = 0, kernel_h = 0, kernel_w = 0;
};
// Of a dense ONNX Conv weight [out_channels][in_channels / groups][kernel_h][kernel_w]; also Gemm
// with transB = 1 ([N][K]). MatMul's B[K][N] is {1, N, 0, 0}.
ConvWeightStrides OihwStrides(const ConvWindow& window);

// Packed weights: for each group, panels of 2 vectors of output channels (the last one 1 vector if
// that suffices), each [kernel_h * kernel_w * Cg][panel width], missing channels zero. The layout
// is named by the width of a full panel. Stable numbers: stored in plans.
enum class ConvF32Packing : int32_t {
  kPanels2 = 2,
  kPanels8 = 8,
  kPanels16 = 16,
  kPanels32 = 32,
};
bool IsKnownConvF32Packing(int32_t packing);
// The layout that the kernel for `isa` reads.
ConvF32Packing ConvF32PackingFor(Isa isa);

int64_t ConvF32PackedFloats(const ConvWindow& window, ConvF32Packing packing);
void PackConvF32(const ConvWindow& window, ConvF32Packing packing, const float* weights,
                 const ConvWeightStrides& strides, float* packed);
// The way back, to a dense ONNX Conv weight.
void UnpackConvF32(const ConvWindow& window, ConvF32Packing packing, const float* packed,
                   float* weights);

// How one convolution is cut into work. Depends on window, sizes, ISA and number of threads; the
// results do not depend on it. Plain data.
struct ConvF32Blocking {
  int32_t block_rows = 0;    // output pixels per chunk
  int32_t block_panels = 0;  // panels of output channels per chunk
  int64_t num_row_blocks = 0;
  int64_t num_panel_blocks = 0;  // per group
  int64_t num_chunks = 0;
  int64_t worker_floats = 0;  // scratch per worker, 64-byte aligned
  int64_t zero_floats = 0;    // shared zeros that padding reads
};
ConvF32Blocking BlockConvF32(const ConvWindow& window, const ConvSizes& sizes, Isa isa,
                             int num_threads);

struct ConvF32Call {
  ConvWindow window;
  ConvSizes sizes;
  const float* x = nullptr;
  const float* weights = nullptr;   // packed as ConvF32PackingFor(isa)
  const float* bias = nullptr;      // out_channels
  const float* residual = nullptr;  // like y, or null; may be y itself
  float* y = nullptr;
  float act_min = 0, act_max = 0;
  const float* zeros = nullptr;  // blocking.zero_floats zeros
};
// Computes one chunk in [0, blocking.num_chunks). Chunks write disjoint outputs, in any order, from
// any thread.
void ConvF32Chunk(Isa isa, const ConvF32Call& call, const ConvF32Blocking& blocking, int64_t chunk,
                  float* worker_scratch);

// The definition above in plain loops, on unpacked OIHW weights, accumulating in double: the tests'
// oracle.
void ConvF32Ref(const ConvF32Call& call, const float* oihw);

}  // namespace adze

#endif  // ADZE_KERNELS_CONV_F32_CONV_F32_H_
