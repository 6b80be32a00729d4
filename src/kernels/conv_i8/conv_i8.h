// u8 x s8 convolution with a fused integer epilogue: an indirect GEMM over channels-last
// activations. Gemm and MatMul are 1x1 convolutions on an image of height 1. The equation is beside
// ConvI8Args; every kernel gives its bits.
//
// How it works: output channels are cut into panels (8, 16 or 32 channels by packing). The
// reduction runs over "taps", pieces of the window that are contiguous in memory: a whole window
// row of kernel_w * in_channels bytes when the window is dense (groups == 1, dilation_w == 1), else
// one pixel's channels of the group. Each tap is padded to a multiple of 4 with zero weights, so a
// kernel may read up to 3 activation bytes past a tap, whatever they are. Windows are read straight
// from the activation unless they touch the padding (or the kernel wants s16): then the rows a
// chunk needs are copied once to scratch with the padding filled in. No im2col.
#ifndef ADZE_KERNELS_CONV_I8_CONV_I8_H_
#define ADZE_KERNELS_CONV_I8_CONV_I8_H_

#include <cstdint>
#include <span>

#include "base/cpu.h"
#include "base/status.h"
#include "kernels/conv_args.h"
#include "kernels/conv_i8/conv_i8_block.h"
#include "kernels/finish_i8/finish_i8_block.h"
#include "kernels/window_band.h"

namespace adze {

// Layouts of s8 weights: [panel][tap][k / group][channel in panel][k % group], groups of channels
// one after another. Stable numbers: stored in plans.
enum class ConvI8Packing : int32_t {
  kK1N8 = 0,   // panels of 8
  kK2N16 = 1,  // panels of 16, pairs: vpmaddwd
  kK4N32 = 2,  // panels of 32, quads: vpdpbusd
};

// The layout that the best kernel for `isa` reads.
ConvI8Packing ConvI8PackingFor(Isa isa);

// Sizes of what ConvI8Pack writes. The window must have passed CheckConvWindow.
struct ConvI8PackedSize {
  int64_t weight_bytes = 0;
  int64_t channels = 0;  // of offset and multiplier: every group padded to whole panels
};
ConvI8PackedSize ConvI8Packed(const ConvWindow& window, ConvI8Packing packing);

// Packs weights [out_channels][in_channels / groups][kernel_h][kernel_w] and the per-channel
// constants. `bias` may be null (zero). `offset` and `packed_multiplier` receive
// ConvI8PackedSize::channels entries, the padding zero.
void ConvI8Pack(const ConvWindow& window, ConvI8Packing packing, int32_t x_zero_point,
                const int8_t* weights, const int32_t* bias, const float* multiplier, void* packed,
                int32_t* offset, float* packed_multiplier);

// The way back: weights as ConvI8Pack takes them, and the channels' constants without padding.
// Packed again with x_zero_point 0 and `offset` as the bias they give the same constants.
void ConvI8Unpack(const ConvWindow& window, ConvI8Packing packing, const void* packed,
                  const int32_t* packed_offset, const float* packed_multiplier, int8_t* weights,
                  int32_t* offset, float* multiplier);
bool IsKnownConvI8Packing(int32_t packing);

// One kernel variant; conv_i8_list.inc holds the rows.
struct ConvI8Row {
  Isa isa;
  const char* name;
  ConvI8Packing packing;
  ConvI8Kernel kernel;
  WidenRow widen;  // null: the kernel reads u8
};
std::span<const ConvI8Row> ConvI8Rows();  // oldest first
// The newest row for this packing that runs on `isa`; null when there is none.
const ConvI8Row* FindConvI8(Isa isa, ConvI8Packing packing);

// Checked geometry and chunking: plain data, depends on shapes only (never on the number of
// threads).
struct ConvI8Plan {
  ConvI8Args args;
  ConvSizes sizes;  // a dense 1x1 window is flattened to one image of height 1
  ConvI8Kernel kernel = nullptr;
  WidenRow widen = nullptr;
  int32_t panels = 0;                                  // of all groups
  int32_t row_step = 1, col_step = 1, panel_step = 1;  // output rows, columns and panels per chunk
  int64_t num_chunks = 0;
  int64_t scratch_bytes = 0;  // per worker, 64-byte aligned
  // With an activation or factors the kernel writes real results behind the first `band_bytes` of
  // the scratch, and `finish` makes codes of them.
  int64_t band_bytes = 0;
  FinishI8Kernel finish = nullptr;
  ConvI8Args kernel_args;  // what the kernel is told then
};
// Refuses arguments that are out of range or contradict the sizes; after it, ConvI8RunChunk stays
// within batch * in_h * in_w * in_channels (+ 3) input bytes and batch * out_h * out_w *
// out_channels outputs.
Result<ConvI8Plan> MakeConvI8Plan(const ConvI8Row& row, const ConvI8Args& args,
                                  const ConvSizes& sizes);

struct ConvI8Buffers {
  const uint8_t* x = nullptr;
  const void* weights = nullptr;  // packed
  const int32_t* offset = nullptr;
  const float* multiplier = nullptr;
  const uint8_t* residual = nullptr;  // null unless has_residual
  void* y = nullptr;                  // uint8_t, or float when output_f32
  const float* factor = nullptr;      // null unless has_factor
};
// Computes chunk `chunk` of [0, num_chunks): chunks write disjoint outputs and may run in any order
// and in parallel, each worker with its own scratch.
void ConvI8RunChunk(const ConvI8Plan& plan, const ConvI8Buffers& buffers, int64_t chunk,
                    void* scratch);

// The definition, in plain loops over unpacked weights [out_channels][in_channels /
// groups][kernel_h][kernel_w].
void ConvI8Ref(const ConvI8Args& args, const ConvSizes& sizes, const uint8_t* x,
               const int8_t* weights, const int32_t* bias, const float* multiplier,
               const uint8_t* residual, void* y, const float* factor = nullptr);

}  // namespace adze

#endif  // ADZE_KERNELS_CONV_I8_CONV_I8_H_
