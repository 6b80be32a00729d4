#include "kernels/fake_quant_f32/fake_quant_f32.h"
#include "numerics/rounding.h"

namespace adze {

void FakeQuantF32Ref(const FakeQuantArgs& args, const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (args.scale == 0) {
      y[i] = x[i];
      continue;
    }
    y[i] = DequantizeOne(QuantizeOne(x[i], args.scale, args.zero_point, args.qmin, args.qmax),
                         args.scale, args.zero_point);
  }
}

}  // namespace adze
