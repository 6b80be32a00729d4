// The definition, and the portable variants.
#include <algorithm>

#include "kernels/pool_i8/pool_i8.h"
#include "numerics/rounding.h"

namespace adze {

void PoolI8Ref(const PoolI8Args& args, const PoolI8Sizes& s, const uint8_t* x, uint8_t* y) {
  PoolI8Args a = args;
  if (a.global != 0) {
    a.kernel_h = static_cast<int32_t>(s.in_h);
    a.kernel_w = static_cast<int32_t>(s.in_w);
    a.stride_h = a.stride_w = a.dilation_h = a.dilation_w = 1;
    a.pad_top = a.pad_left = a.pad_bottom = a.pad_right = 0;
  }
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t row = 0; row < s.out_h; ++row) {
      for (int64_t col = 0; col < s.out_w; ++col) {
        for (int64_t c = 0; c < s.channels; ++c) {
          int32_t max = 0;
          int32_t sum = 0;  // of x - x_zero_point
          int32_t count = 0;
          for (int64_t i = 0; i < a.kernel_h; ++i) {
            for (int64_t j = 0; j < a.kernel_w; ++j) {
              const int64_t h = row * a.stride_h + i * a.dilation_h - a.pad_top;
              const int64_t w = col * a.stride_w + j * a.dilation_w - a.pad_left;
              const bool inside = h >= 0 && h < s.in_h && w >= 0 && w < s.in_w;
              if (inside) {
                const int32_t v = x[((n * s.in_h + h) * s.in_w + w) * s.channels + c];
                max = std::max(max, v);
                sum += v - a.x_zero_point;
              }
              const bool padded = h < s.in_h + a.pad_bottom && w < s.in_w + a.pad_right;
              if (inside || (a.count_include_pad != 0 && padded)) ++count;
            }
          }
          uint8_t& out = y[((n * s.out_h + row) * s.out_w + col) * s.channels + c];
          if (a.mode == PoolI8Mode::kMax) {
            out = static_cast<uint8_t>(max);
          } else {
            const float m = PoolI8Multiplier(a, std::max(count, 1));
            out = static_cast<uint8_t>(RequantizeOne(sum, m, a.y_zero_point, a.act_min, a.act_max));
          }
        }
      }
    }
  }
}

void MaxPoolI8Generic(const PoolI8Window& w) {
  for (int64_t c = 0; c < w.channels; ++c) {
    uint8_t max = 0;
    for (int64_t i = 0; i < w.rows; ++i) {
      for (int64_t j = 0; j < w.cols; ++j) {
        max = std::max(max, w.x[i * w.row_stride + j * w.col_stride + c]);
      }
    }
    w.y[c] = max;
  }
}

void AveragePoolI8Generic(const PoolI8Window& w) {
  const PoolI8Args& a = *w.args;
  for (int64_t c = 0; c < w.channels; ++c) {
    int32_t sum = 0;
    for (int64_t i = 0; i < w.rows; ++i) {
      for (int64_t j = 0; j < w.cols; ++j) {
        sum += w.x[i * w.row_stride + j * w.col_stride + c] - a.x_zero_point;
      }
    }
    w.y[c] = static_cast<uint8_t>(
        RequantizeOne(sum, w.multiplier, a.y_zero_point, a.act_min, a.act_max));
  }
}

}  // namespace adze
