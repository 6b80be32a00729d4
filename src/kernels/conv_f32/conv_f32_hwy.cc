#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/conv_f32/conv_f32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_f32/conv_f32_hwy.cc"
// In this order:
// clang-format off
#include "kernels/hwy_dispatch.h"
#include "kernels/gemm_f32-inl.h"
// clang-format on

// Shared by all targets: plain C++ that is compiled for the baseline.
#ifndef ADZE_CONV_F32_SHARED_
#define ADZE_CONV_F32_SHARED_
namespace adze {
namespace {

// Two ways to present the image to the register tile:
//  - direct: one tap per kernel position, pointers into the image, or to zeros for padding;
//  - band (few channels): the input rows of a chunk are copied between zero margins, so that one
//    tap is a whole kernel row of kernel_w * C contiguous floats. Chunks are then whole output
//    rows of one image.
constexpr int32_t kMaxBandChannels = 16;
// Rows of x at a distance of a multiple of 4 KB share one L1 set, which has fewer ways than a tile
// has rows: such a block of a 1x1 convolution is copied to rows that do not (measured: 1.15 times
// faster; at 2 KB slower).
constexpr int32_t kAliasFloats = 1024;
constexpr int32_t kAliasPad = 16;

struct ConvForm {
  bool band;  // see above
  bool copy;  // 1x1 with rows that collide in L1
  int64_t taps;
  int64_t tap_len;
  int64_t band_row;  // floats of one copied input row
};

ConvForm FormOf(const ConvWindow& w, const ConvSizes& s) {
  ConvForm f{};
  const int64_t cg = w.in_channels / w.groups;
  f.band = w.groups == 1 && w.kernel_w > 1 && w.dilation_w == 1 && cg <= kMaxBandChannels;
  f.taps = int64_t{w.kernel_h} * (f.band ? 1 : w.kernel_w);
  f.tap_len = cg * (f.band ? w.kernel_w : 1);
  f.band_row = f.band ? ((int64_t{s.out_w} - 1) * w.stride_w + w.kernel_w) * cg : 0;
  f.copy = f.taps == 1 && int64_t{w.in_channels} * w.stride_w % kAliasFloats == 0 &&
           w.pad_top == 0 && w.pad_left == 0 && w.pad_bottom == 0 && w.pad_right == 0;
  return f;
}

constexpr int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace
}  // namespace adze
#endif  // ADZE_CONV_F32_SHARED_

HWY_BEFORE_NAMESPACE();
namespace adze {
namespace HWY_NAMESPACE {

int ConvF32TileRowsImpl() { return kGemmRows; }

// Fills the pointer table a[tap * rows + i] for output pixels [row, row + rows), and what it points
// to in `scratch`.
HWY_NOINLINE void FillPointers(const ConvF32Call& call, const ConvForm& form, int64_t group,
                               int64_t row, int64_t rows, const float** a, float* scratch) {
  const ConvWindow& w = call.window;
  const ConvSizes& s = call.sizes;
  const int64_t cg = w.in_channels / w.groups;
  if (form.band) {
    const int64_t oh0 = row / s.out_w % s.out_h;
    const int64_t n = row / s.out_w / s.out_h;
    const int64_t ih0 = oh0 * w.stride_h - w.pad_top;
    const int64_t lines =
        (rows / s.out_w - 1) * w.stride_h + int64_t{w.kernel_h - 1} * w.dilation_h + 1;
    // Columns [left, right) of the band come from the image.
    const int64_t width = form.band_row / cg;
    const int64_t left = std::min<int64_t>(w.pad_left, width);
    const int64_t right = std::max(left, std::min<int64_t>(width, int64_t{w.pad_left} + s.in_w));
    for (int64_t line = 0; line < lines; ++line) {
      float* const out = scratch + line * form.band_row;
      const int64_t ih = ih0 + line;
      if (ih < 0 || ih >= s.in_h) {
        std::memset(out, 0, static_cast<size_t>(form.band_row) * sizeof(float));
        continue;
      }
      const float* const in = call.x + (n * s.in_h + ih) * s.in_w * cg;
      std::memset(out, 0, static_cast<size_t>(left * cg) * sizeof(float));
      if (right > left) {
        std::memcpy(out + left * cg, in + (left - w.pad_left) * cg,
                    static_cast<size_t>((right - left) * cg) * sizeof(float));
      }
      std::memset(out + right * cg, 0, static_cast<size_t>((width - right) * cg) * sizeof(float));
    }
    for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
      const float* line = scratch + kh * w.dilation_h * form.band_row;
      for (int64_t i = 0; i < rows; i += s.out_w, line += w.stride_h * form.band_row) {
        for (int64_t ow = 0; ow < s.out_w; ++ow) *a++ = line + ow * w.stride_w * cg;
      }
    }
    return;
  }
  for (int64_t kh = 0; kh < w.kernel_h; ++kh) {
    for (int64_t kw = 0; kw < w.kernel_w; ++kw) {
      int64_t ow = row % s.out_w;
      int64_t oh = row / s.out_w % s.out_h;
      int64_t n = row / s.out_w / s.out_h;
      for (int64_t i = 0; i < rows;) {
        const int64_t run = std::min(rows - i, s.out_w - ow);  // pixels of one output row
        const int64_t ih = oh * w.stride_h - w.pad_top + kh * w.dilation_h;
        const int64_t iw0 = kw * w.dilation_w - w.pad_left;
        const bool inside = ih >= 0 && ih < s.in_h;
        const float* const line =
            call.x + (n * s.in_h + (inside ? ih : 0)) * s.in_w * w.in_channels + group * cg;
        for (int64_t j = 0; j < run; ++j) {
          const int64_t iw = (ow + j) * w.stride_w + iw0;
          *a++ = inside && iw >= 0 && iw < s.in_w ? line + iw * w.in_channels : call.zeros;
        }
        i += run;
        ow = 0;
        if (++oh == s.out_h) {
          oh = 0;
          ++n;
        }
      }
    }
  }
  if (form.copy) {
    const int64_t stride = form.tap_len + kAliasPad;
    a -= rows;
    for (int64_t i = 0; i < rows; ++i) {
      float* const out = scratch + i * stride;
      std::memcpy(out, a[i], static_cast<size_t>(form.tap_len) * sizeof(float));
      a[i] = out;
    }
  }
}

void ConvF32ChunkImpl(const ConvF32Call& call, const ConvF32Blocking& blocking, int64_t chunk,
                      float* scratch) {
  const ConvWindow& w = call.window;
  const ConvSizes& s = call.sizes;
  const ConvForm form = FormOf(w, s);
  const int64_t og = w.out_channels / w.groups;
  const int64_t row_block = chunk % blocking.num_row_blocks;
  const int64_t panel_block = chunk / blocking.num_row_blocks % blocking.num_panel_blocks;
  const int64_t group = chunk / blocking.num_row_blocks / blocking.num_panel_blocks;
  int64_t row = 0;
  int64_t row_end = 0;
  if (form.band) {
    const int64_t lines = blocking.block_rows / s.out_w;
    const int64_t per_image = (s.out_h + lines - 1) / lines;
    const int64_t oh = row_block % per_image * lines;
    const int64_t image = row_block / per_image * s.out_h;
    row = (image + oh) * s.out_w;
    row_end = (image + std::min<int64_t>(oh + lines, s.out_h)) * s.out_w;
  } else {
    row = row_block * blocking.block_rows;
    row_end = std::min<int64_t>(row + blocking.block_rows, int64_t{s.batch} * s.out_h * s.out_w);
  }
  const int64_t rows = row_end - row;
  // The pointer table lies behind the copied floats.
  const int64_t table = blocking.worker_floats - form.taps * blocking.block_rows * 2;
  const float** const a = reinterpret_cast<const float**>(scratch + table);
  FillPointers(call, form, group, row, rows, a, scratch);

  GemmTile t;
  t.a = a;
  t.a_tap_stride = rows;
  t.taps = form.taps;
  t.tap_len = form.tap_len;
  t.bias = call.bias + group * og;
  t.stride = w.out_channels;
  t.y = call.y + row * w.out_channels + group * og;
  if (call.residual != nullptr) t.residual = call.residual + row * w.out_channels + group * og;
  t.lo = call.act_min;
  t.hi = call.act_max;
  const int64_t panel = panel_block * blocking.block_panels;
  GemmBlock(t, call.weights + group * GemmPackedFloats(form.taps * form.tap_len, og), og, rows,
            panel, std::min<int64_t>(panel + blocking.block_panels, GemmPanels(og)));
}

}  // namespace HWY_NAMESPACE
}  // namespace adze
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace adze {

ConvF32Packing ConvF32PackingFor(Isa isa) {
  // A constant, so that it can be asked for an ISA that this processor lacks.
  return static_cast<ConvF32Packing>(*ADZE_HWY_CALL(isa, kGemmPanel));
}

ConvF32Blocking BlockConvF32(const ConvWindow& w, const ConvSizes& s, Isa isa, int num_threads) {
  // A chunk should take at least some 20 microseconds, its part of the image should stay in L2
  // beside a panel of weights, and there should be a few chunks per thread.
  constexpr int64_t kMinChunkMacs = 1 << 20;
  constexpr int64_t kImageBytes = 320 << 10;
  constexpr int64_t kMaxRows = 480;
  const int64_t tile_rows = ADZE_HWY_CALL(isa, ConvF32TileRowsImpl)();
  const int64_t panel = *ADZE_HWY_CALL(isa, kGemmPanel);
  const ConvForm form = FormOf(w, s);
  const int64_t cg = w.in_channels / w.groups;
  const int64_t og = w.out_channels / w.groups;
  const int64_t panels = (og + panel - 1) / panel;
  const int64_t rows = int64_t{s.batch} * s.out_h * s.out_w;
  const int64_t macs_per_row = form.taps * form.tap_len * og;
  const int64_t wanted_chunks =
      num_threads == 1 ? 1
                       : std::clamp<int64_t>(rows * macs_per_row * w.groups / kMinChunkMacs, 1,
                                             int64_t{num_threads} * 4);

  ConvF32Blocking b;
  if (rows == 0) return b;
  // Distinct image bytes per output pixel.
  const int64_t reuse =
      std::min<int64_t>(int64_t{w.kernel_h} * w.kernel_w, int64_t{w.stride_h} * w.stride_w);
  int64_t block = std::clamp<int64_t>(kImageBytes / (cg * reuse * 4), tile_rows, kMaxRows);
  // Enough row blocks for all threads, if they keep a useful size; else panels are divided as well.
  const int64_t share = std::max<int64_t>((rows + wanted_chunks - 1) / wanted_chunks,
                                          std::min<int64_t>(rows, 4 * tile_rows));
  block = std::min(block, share);
  if (form.band) {
    b.block_rows = static_cast<int32_t>(std::clamp<int64_t>(block / s.out_w, 1, s.out_h) * s.out_w);
    const int64_t lines = b.block_rows / s.out_w;
    b.num_row_blocks = s.batch * ((s.out_h + lines - 1) / lines);
    const int64_t band_lines =
        (lines - 1) * w.stride_h + int64_t{w.kernel_h - 1} * w.dilation_h + 1;
    b.worker_floats = band_lines * form.band_row;
  } else {
    block = std::min(RoundUp(block, tile_rows), rows);
    b.block_rows = static_cast<int32_t>(block);
    b.num_row_blocks = (rows + block - 1) / block;
    b.worker_floats = form.copy ? block * (form.tap_len + kAliasPad) : 0;
    b.zero_floats = form.tap_len;
  }
  b.worker_floats = RoundUp(b.worker_floats, 16) + RoundUp(form.taps * b.block_rows * 2, 16);

  const int64_t row_chunks = std::max<int64_t>(1, b.num_row_blocks * w.groups);
  const int64_t panel_splits =
      std::clamp<int64_t>((wanted_chunks + row_chunks - 1) / row_chunks, 1, panels);
  b.block_panels = static_cast<int32_t>((panels + panel_splits - 1) / panel_splits);
  b.num_panel_blocks = (panels + b.block_panels - 1) / b.block_panels;
  b.num_chunks = b.num_row_blocks * b.num_panel_blocks * w.groups;
  return b;
}

void ConvF32Chunk(Isa isa, const ConvF32Call& call, const ConvF32Blocking& blocking, int64_t chunk,
                  float* worker_scratch) {
  ADZE_HWY_CALL(isa, ConvF32ChunkImpl)(call, blocking, chunk, worker_scratch);
}

}  // namespace adze
#endif  // HWY_ONCE
