#include "kernels/quantize/quantize_body.h"

namespace adze {

void QuantizeAvx512Vnni(const QuantizeArgs& args, const float* x, int64_t n, uint8_t* y) {
  QuantizeRun(args, x, n, y);
}
void DequantizeAvx512Vnni(const QuantizeArgs& args, const uint8_t* x, int64_t n, float* y) {
  DequantizeRun(args, x, n, y);
}

}  // namespace adze
