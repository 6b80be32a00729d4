#include <algorithm>
#include <cmath>

#include "kernels/softmax_f32/softmax_f32.h"

namespace adze {

void SoftmaxF32Ref(bool log, const float* x, float* y, int64_t n, int64_t inner, int64_t begin,
                   int64_t end) {
  for (int64_t o = begin; o < end; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      const float* const in = x + o * n * inner + i;
      float* const out = y + o * n * inner + i;
      double max = -INFINITY;
      for (int64_t k = 0; k < n; ++k) max = std::max(max, double{in[k * inner]});
      double sum = 0;
      for (int64_t k = 0; k < n; ++k) sum += std::exp(in[k * inner] - max);
      for (int64_t k = 0; k < n; ++k) {
        const double t = in[k * inner] - max;
        out[k * inner] = static_cast<float>(log ? t - std::log(sum) : std::exp(t) / sum);
      }
    }
}

}  // namespace adze
