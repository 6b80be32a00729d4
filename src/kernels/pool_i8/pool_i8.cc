#include "kernels/pool_i8/pool_i8.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>

namespace adze {

#define ADZE_POOL_I8(isa, name, max, average) \
  void max(const PoolI8Window& window);       \
  void average(const PoolI8Window& window);
#include "kernels/pool_i8/pool_i8_list.inc"
#undef ADZE_POOL_I8

namespace {

constexpr PoolI8Row kRows[] = {
#define ADZE_POOL_I8(isa, name, max, average) {isa, name, max, average},
#include "kernels/pool_i8/pool_i8_list.inc"
#undef ADZE_POOL_I8
};

constexpr int32_t kMaxWindow = 1 << 16;
constexpr int64_t kMaxCount = int64_t{1} << 23;  // 255 * count fits int32
constexpr int64_t kMaxTensor = int64_t{1} << 40;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Window positions k * dilation with 0 <= start + k * dilation < size: [first, last).
struct Span {
  int64_t first, last;
};
Span Clip(int64_t start, int64_t kernel, int64_t dilation, int64_t size) {
  const int64_t first = start < 0 ? CeilDiv(-start, dilation) : 0;
  const int64_t last = start >= size ? 0 : std::min(kernel, CeilDiv(size - start, dilation));
  return {std::min(first, std::max<int64_t>(last, 0)), std::max<int64_t>(last, 0)};
}

Status CheckAxis(const char* axis, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                 int64_t dilation, int64_t begin, int64_t end) {
  const auto in_range = [](int64_t v, int64_t lo) { return v >= lo && v <= kMaxWindow; };
  if (!in_range(kernel, 1) || !in_range(stride, 1) || !in_range(dilation, 1) ||
      !in_range(begin, 0) || !in_range(end, 0)) {
    return InvalidInput(std::string("pooling window, stride, dilation or padding of the ") + axis +
                        " is out of range");
  }
  const int64_t room = in + begin + end - ((kernel - 1) * dilation + 1);
  const int64_t floor = room < 0 ? 0 : room / stride + 1;
  const int64_t ceil = room < 0 ? 0 : CeilDiv(room, stride) + 1;
  if (out != floor && out != ceil) {
    return InvalidInput(std::string("pooling output ") + axis + " = " + std::to_string(out) +
                        ", but the window gives " + std::to_string(floor));
  }
  return OkStatus();
}

}  // namespace

std::span<const PoolI8Row> PoolI8Rows() { return kRows; }

const PoolI8Row& FindPoolI8(Isa isa) {
  const PoolI8Row* best = &kRows[0];
  for (const PoolI8Row& row : kRows) {
    if (row.isa <= isa) best = &row;
  }
  return *best;
}

Status CheckPoolI8(const PoolI8Args& a, const PoolI8Sizes& s) {
  for (int64_t d : {s.batch, s.in_h, s.in_w, s.channels, s.out_h, s.out_w}) {
    if (d < 0 || d > INT32_MAX) return InvalidInput("pooling size out of range");
  }
  for (const auto& dims : {std::array{s.in_h, s.in_w}, std::array{s.out_h, s.out_w}}) {
    int64_t n = 1;
    for (int64_t d : {s.batch, dims[0], dims[1], s.channels}) {
      if (d != 0 && n > kMaxTensor / d) return InvalidInput("a tensor of more than 2^40 elements");
      n *= d;
    }
  }
  if (a.mode != PoolI8Mode::kMax && a.mode != PoolI8Mode::kAverage) {
    return InvalidInput("unknown pooling mode");
  }
  if (a.global != 0) {
    if (s.out_h != 1 || s.out_w != 1) return InvalidInput("global pooling gives one pixel");
    if (s.in_h * s.in_w > kMaxCount)
      return Unsupported("global pooling over more than 2^23 pixels");
  } else {
    ADZE_TRY(CheckAxis("height", s.in_h, s.out_h, a.kernel_h, a.stride_h, a.dilation_h, a.pad_top,
                       a.pad_bottom));
    ADZE_TRY(CheckAxis("width", s.in_w, s.out_w, a.kernel_w, a.stride_w, a.dilation_w, a.pad_left,
                       a.pad_right));
    if (int64_t{a.kernel_h} * a.kernel_w > kMaxCount) {
      return Unsupported("a pooling window of more than 2^23 positions");
    }
  }
  const auto is_u8 = [](int32_t v) { return v >= 0 && v <= 255; };
  if (a.mode == PoolI8Mode::kAverage &&
      (!is_u8(a.x_zero_point) || !is_u8(a.y_zero_point) || !is_u8(a.act_min) || !is_u8(a.act_max) ||
       a.act_min > a.act_max || !std::isfinite(a.x_scale / a.y_scale))) {
    return InvalidInput("zero points, bounds or scales of an average pool are out of range");
  }
  return OkStatus();
}

void PoolI8RunRow(const PoolI8Row& kernels, const PoolI8Args& args, const PoolI8Sizes& s,
                  const uint8_t* x, int64_t row, uint8_t* y) {
  PoolI8Args a = args;
  if (a.global != 0) {
    a.kernel_h = static_cast<int32_t>(s.in_h);
    a.kernel_w = static_cast<int32_t>(s.in_w);
    a.stride_h = a.stride_w = a.dilation_h = a.dilation_w = 1;
    a.pad_top = a.pad_left = a.pad_bottom = a.pad_right = 0;
  }
  const bool max = a.mode == PoolI8Mode::kMax;
  const PoolI8Kernel kernel = max ? kernels.max : kernels.average;
  const int64_t n = row / s.out_h;
  const int64_t start_h = row % s.out_h * a.stride_h - a.pad_top;
  const Span h = Clip(start_h, a.kernel_h, a.dilation_h, s.in_h);
  const Span padded_h =
      Clip(start_h + a.pad_top, a.kernel_h, a.dilation_h, s.in_h + a.pad_top + a.pad_bottom);
  PoolI8Window window;
  window.args = &args;
  window.rows = h.last - h.first;
  window.row_stride = s.in_w * s.channels * a.dilation_h;
  window.col_stride = s.channels * a.dilation_w;
  window.channels = s.channels;
  const uint8_t* const image =
      x + (n * s.in_h + start_h + h.first * a.dilation_h) * s.in_w * s.channels;
  y += row * s.out_w * s.channels;
  for (int64_t col = 0; col < s.out_w; ++col, y += s.channels) {
    const int64_t start_w = col * a.stride_w - a.pad_left;
    const Span w = Clip(start_w, a.kernel_w, a.dilation_w, s.in_w);
    window.cols = w.last - w.first;
    if (window.rows == 0 || window.cols == 0) {
      const int32_t value = max ? 0 : std::clamp(a.y_zero_point, a.act_min, a.act_max);
      std::memset(y, value, static_cast<size_t>(s.channels));
      continue;
    }
    const Span padded_w =
        Clip(start_w + a.pad_left, a.kernel_w, a.dilation_w, s.in_w + a.pad_left + a.pad_right);
    const int64_t count = a.count_include_pad != 0
                              ? (padded_h.last - padded_h.first) * (padded_w.last - padded_w.first)
                              : window.rows * window.cols;
    window.multiplier = PoolI8Multiplier(a, count);
    window.x = image + (start_w + w.first * a.dilation_w) * s.channels;
    window.y = y;
    kernel(window);
  }
}

}  // namespace adze
