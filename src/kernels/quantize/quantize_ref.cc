// The definitions.
#include "kernels/quantize/quantize.h"
#include "numerics/rounding.h"

namespace adze {

void QuantizeGeneric(const QuantizeArgs& args, const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<uint8_t>(QuantizeOne(x[i], args.scale, args.zero_point, 0, 255));
  }
}

void DequantizeGeneric(const QuantizeArgs& args, const uint8_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = DequantizeOne(x[i], args.scale, args.zero_point);
}

}  // namespace adze
