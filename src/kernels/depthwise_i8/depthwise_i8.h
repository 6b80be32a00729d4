// u8 x s8 depthwise convolution (groups == in_channels == out_channels), channels-last, with the
// epilogue of conv_i8. The equation is beside ConvI8Args; every kernel gives its bits. Channels are
// vectorised: kernels may read up to 63 bytes past the activation (kOverreadBytes of the executor).
#ifndef ADZE_KERNELS_DEPTHWISE_I8_DEPTHWISE_I8_H_
#define ADZE_KERNELS_DEPTHWISE_I8_DEPTHWISE_I8_H_

#include <cstdint>
#include <span>

#include "base/cpu.h"
#include "base/status.h"
#include "kernels/conv_args.h"
#include "kernels/conv_i8/conv_i8.h"
#include "kernels/depthwise_i8/depthwise_i8_block.h"

namespace adze {

// Weight layouts: [block of channels][tap / group][channel][tap % group]. Taps are numbered down
// the window's columns: tap = column * rows + row, with rows = kernel_h (kT4C64 rounds 3 up to 4,
// so that a quad is one column of a 3x3 window). Stable numbers: stored in plans.
enum class DepthwiseI8Packing : int32_t {
  kPlain = 0,  // single channels, single taps, s8
  kT2C32 = 1,  // 32 channels in the order of two byte-unpacks, tap pairs of s16: vpmaddwd
  kT4C64 = 2,  // 64 channels in that order, tap quads of s8: vpdpbusd
};

// The layout that the best kernel for `isa` reads.
DepthwiseI8Packing DepthwiseI8PackingFor(Isa isa);

// As ConvI8Packed and ConvI8Pack; weights [channels][1][kernel_h][kernel_w].
ConvI8PackedSize DepthwiseI8Packed(const ConvWindow& window, DepthwiseI8Packing packing);
void DepthwiseI8Pack(const ConvWindow& window, DepthwiseI8Packing packing, int32_t x_zero_point,
                     const int8_t* weights, const int32_t* bias, const float* multiplier,
                     void* packed, int32_t* offset, float* packed_multiplier);

// As ConvI8Unpack.
void DepthwiseI8Unpack(const ConvWindow& window, DepthwiseI8Packing packing, const void* packed,
                       const int32_t* packed_offset, const float* packed_multiplier,
                       int8_t* weights, int32_t* offset, float* multiplier);
bool IsKnownDepthwiseI8Packing(int32_t packing);

// One kernel variant; depthwise_i8_list.inc holds the rows.
struct DepthwiseI8Row {
  Isa isa;
  const char* name;
  DepthwiseI8Packing packing;
  DepthwiseI8Kernel kernel;
};
std::span<const DepthwiseI8Row> DepthwiseI8Rows();  // oldest first
// The newest row for this packing that runs on `isa`; null when there is none.
const DepthwiseI8Row* FindDepthwiseI8(Isa isa, DepthwiseI8Packing packing);

// Checked geometry and chunking, from shapes only.
struct DepthwiseI8Plan {
  ConvI8Args args;
  ConvSizes sizes;
  DepthwiseI8Kernel kernel = nullptr;
  int32_t row_step = 1, col_step = 1;  // output rows and columns per chunk
  int64_t num_chunks = 0;
  int64_t scratch_bytes = 0;  // per worker, 64-byte aligned
  // As in ConvI8Plan, for two output rows at a time.
  int64_t band_bytes = 0;
  FinishI8Kernel finish = nullptr;
  ConvI8Args kernel_args;
};
Result<DepthwiseI8Plan> MakeDepthwiseI8Plan(const DepthwiseI8Row& row, const ConvI8Args& args,
                                            const ConvSizes& sizes);
// As ConvI8RunChunk. The definition is ConvI8Ref.
void DepthwiseI8RunChunk(const DepthwiseI8Plan& plan, const ConvI8Buffers& buffers, int64_t chunk,
                         void* scratch);

}  // namespace adze

#endif  // ADZE_KERNELS_DEPTHWISE_I8_DEPTHWISE_I8_H_
