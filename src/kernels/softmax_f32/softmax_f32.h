// Softmax and LogSoftmax of float tensors along one axis.
#ifndef ADZE_KERNELS_SOFTMAX_F32_SOFTMAX_F32_H_
#define ADZE_KERNELS_SOFTMAX_F32_SOFTMAX_F32_H_

#include <cstdint>

#include "base/cpu.h"

namespace adze {

// Step arguments of kSoftmaxF32.
struct SoftmaxF32Args {
  int32_t axis = 0;  // logical, in [0, rank)
  int32_t log = 0;   // LogSoftmax
};

// x and y are [outer][n][inner] in memory; computes the slices outer in [begin, end). With m = max
// over n, s = sum exp(x - m): y = exp(x - m) / s, or (x - m) - log s. y may be x. The relative
// error of softmax, and the absolute one of LogSoftmax, is below (m - x + 8) * 2^-23.
void SoftmaxF32(Isa isa, bool log, const float* x, float* y, int64_t n, int64_t inner,
                int64_t begin, int64_t end);
// The same in plain loops and double.
void SoftmaxF32Ref(bool log, const float* x, float* y, int64_t n, int64_t inner, int64_t begin,
                   int64_t end);

}  // namespace adze

#endif  // ADZE_KERNELS_SOFTMAX_F32_SOFTMAX_F32_H_
