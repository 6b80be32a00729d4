// Float32 <-> u8, with an optional change between channels-first and channels-last on the way. The
// equations are beside QuantizeArgs (QuantizeOne and DequantizeOne of numerics/rounding.h); every
// kernel gives their bits.
#ifndef ADZE_KERNELS_QUANTIZE_QUANTIZE_H_
#define ADZE_KERNELS_QUANTIZE_QUANTIZE_H_

#include <cstdint>
#include <span>

#include "base/cpu.h"
#include "base/status.h"
#include "kernels/quantize/quantize_args.h"

namespace adze {

// One kernel variant; quantize_list.inc holds the rows.
struct QuantizeRow {
  Isa isa;
  const char* name;
  QuantizeKernel quantize;
  DequantizeKernel dequantize;
};
std::span<const QuantizeRow> QuantizeRows();  // oldest first
const QuantizeRow& FindQuantize(Isa isa);     // the newest that runs on `isa`

// Refuses a scale that is not positive and finite, or a zero point outside [0, 255].
Status CheckQuantizeArgs(const QuantizeArgs& args);

// Quantizes pixels [begin, end) of one image of `channels` planes of `pixels` floats into
// channels-last order.
void QuantizeToChannelsLast(const QuantizeRow& row, const QuantizeArgs& args, const float* x,
                            int64_t channels, int64_t pixels, int64_t begin, int64_t end,
                            uint8_t* y);
// The other way: one channels-last image of `pixels` * `channels` bytes into planes.
void DequantizeToPlanes(const QuantizeRow& row, const QuantizeArgs& args, const uint8_t* x,
                        int64_t channels, int64_t pixels, int64_t begin, int64_t end, float* y);

}  // namespace adze

#endif  // ADZE_KERNELS_QUANTIZE_QUANTIZE_H_
