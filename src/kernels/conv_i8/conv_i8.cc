#include "kernels/conv_i8/conv_i8.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/conv_check.h"
#include "kernels/finish_i8/finish_i8.h"
#include "kernels/window_band.h"

namespace adze {

// Of the AVX2 row.
void WidenAvx2(const uint8_t* src, int64_t n, int16_t* dst);

// conv_i8_list.inc: ADZE_CONV_I8(Isa, packing, function, widen), oldest first.
#define ADZE_CONV_I8(isa, packing, function, widen) void function(const ConvI8Block& block);
#include "kernels/conv_i8/conv_i8_list.inc"
#undef ADZE_CONV_I8

namespace {

constexpr ConvI8Row kRows[] = {
#define ADZE_CONV_I8(isa, packing, function, widen) {isa, #function, packing, function, widen},
#include "kernels/conv_i8/conv_i8_list.inc"
#undef ADZE_CONV_I8
};

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Real results of a chunk that wait for their activation: they stay in L2.
constexpr int64_t kRealBytes = int64_t{128} << 10;

// What one packing looks like, and what chunks suit its kernels.
struct PackingTraits {
  int32_t panel;    // channels
  int32_t k_group;  // neighbouring reduction elements
  int32_t x_bytes;  // of an activation: 2 if it is widened; weights are s8
  // Multiply-accumulates of a chunk: long against the cost of handing it out, short against a
  // layer.
  int64_t max_macs, min_macs;
  int64_t weight_bytes;  // of a chunk that should stay in cache
  int64_t pixel_bytes;   // of the activations of a chunk (and its outputs, if widened)
  int64_t min_pixels;    // with fewer, weights are read faster than the caches give them
  int64_t min_panels;    // with fewer, widening a pixel again for each chunk costs too much
};

PackingTraits TraitsOf(ConvI8Packing packing) {
  constexpr int64_t kKi = 1024;
  switch (packing) {
    case ConvI8Packing::kK1N8:
      return {8, 1, 1, 4096 * kKi, 4096 * kKi, 256 * kKi, 256 * kKi, 56, 1};
    // About 20 microseconds on a Zen 3 core; widened activations and outputs in L1.
    case ConvI8Packing::kK2N16:
      return {16, 2, 2, 2048 * kKi, 192 * kKi, 256 * kKi, 24 * kKi, 48, 4};
    // About 20 microseconds on a Cascade Lake core; its L2 of 1 MiB holds the outputs too.
    case ConvI8Packing::kK4N32:
      return {32, 4, 1, 4096 * kKi, 4096 * kKi, 256 * kKi, 256 * kKi, 56, 1};
  }
  ADZE_CHECK(false);
}

// How the window is cut into taps and the channels into groups and panels.
struct Taps {
  int32_t groups;   // after merging small ones
  int32_t in, out;  // channels per group
  int32_t rows, cols;
  int64_t elements;  // per tap
  int64_t quads;     // per tap, padded to 4
  int32_t panels;    // per group
};

// Small groups are merged into one with a block-diagonal weight matrix while their outputs fit half
// a wide panel: the multiply count per vector stays, and the epilogue works on full vectors.
int32_t MergedGroups(const ConvWindow& w) {
  const int32_t out = w.out_channels / w.groups;
  int32_t merge = 1;
  for (int32_t m = 2; m <= w.groups && int64_t{m} * out <= 16; ++m) {
    if (w.groups % m == 0) merge = m;
  }
  return w.groups / merge;
}

Taps TapsOf(const ConvWindow& w, const PackingTraits& traits) {
  Taps t;
  t.groups = MergedGroups(w);
  t.in = w.in_channels / t.groups;
  t.out = w.out_channels / t.groups;
  const bool dense = t.groups == 1 && w.dilation_w == 1;
  t.rows = w.kernel_h;
  t.cols = dense ? 1 : w.kernel_w;
  t.elements = dense ? int64_t{w.kernel_w} * t.in : t.in;
  t.quads = CeilDiv(t.elements, 4);
  t.panels = static_cast<int32_t>(CeilDiv(t.out, traits.panel));
  return t;
}

int64_t PanelElements(const Taps& t, const PackingTraits& traits) {
  return int64_t{t.rows} * t.cols * t.quads * 4 * traits.panel;
}

// Calls fn(channel, its place among the packed constants, for_weights) for every output channel;
// for_weights(g) calls g(place among the packed weights, in elements) for each of the channel's
// weights in the order of the unpacked tensor.
template <typename Fn>
void ForChannels(const ConvWindow& w, const PackingTraits& traits, Fn&& fn) {
  const Taps t = TapsOf(w, traits);
  const int32_t in_per_group = w.in_channels / w.groups;
  const int32_t out_per_group = w.out_channels / w.groups;
  const int64_t tap_elements = t.quads * 4 * traits.panel;
  const int64_t panel_elements = PanelElements(t, traits);
  const int k_shift =
      std::countr_zero(static_cast<uint32_t>(traits.k_group));  // divisions are slow
  for (int32_t n = 0; n < w.out_channels; ++n) {
    const int32_t in_group = n % t.out;  // within the merged group
    const int64_t panel = int64_t{n / t.out} * t.panels + in_group / traits.panel;
    const int32_t lane = in_group % traits.panel;
    // First input channel of the original group, within the merged one.
    const int64_t first_in = int64_t{n / out_per_group} * in_per_group % t.in;
    fn(n, panel * traits.panel + lane, [&](auto&& g) {
      for (int64_t c = first_in; c < first_in + in_per_group; ++c) {
        for (int32_t i = 0; i < w.kernel_h; ++i) {
          for (int32_t j = 0; j < w.kernel_w; ++j) {
            const int64_t tap = t.cols == 1 ? i : int64_t{i} * t.cols + j;
            const int64_t k = t.elements == t.in ? c : int64_t{j} * t.in + c;
            g(panel * panel_elements + tap * tap_elements +
              (((k >> k_shift) * traits.panel + lane) << k_shift) + (k & (traits.k_group - 1)));
          }
        }
      }
    });
  }
}

// A dense 1x1 window makes every pixel independent: one long row.
void FlattenPointwise(const ConvWindow& w, ConvSizes* s) {
  if (w.kernel_h != 1 || w.kernel_w != 1 || w.stride_h != 1 || w.stride_w != 1) return;
  if (w.pad_top != 0 || w.pad_left != 0 || w.pad_bottom != 0 || w.pad_right != 0) return;
  const int64_t pixels = int64_t{s->batch} * s->in_h * s->in_w;
  if (pixels > INT32_MAX) return;
  *s = {1, 1, static_cast<int32_t>(pixels), 1, static_cast<int32_t>(pixels)};
}

// Weights that fit the cache stay there while pixels pass, so pixels are cut first; else panels are
// cut first and each is read once for as many pixels as the cache holds.
void ChooseChunks(const ConvWindow& w, const ConvSizes& s, const Taps& t,
                  const PackingTraits& traits, ConvI8Plan* plan) {
  const int64_t panel_macs = PanelElements(t, traits);  // per pixel
  const bool widened = traits.x_bytes != 1;
  const int64_t chunk_macs = ChunkMacs(s.batch * int64_t{s.out_h} * s.out_w,
                                       plan->panels * panel_macs, traits.min_macs, traits.max_macs);
  const auto fits = [&](int64_t rows, int64_t cols) {
    const int64_t y_bytes = widened ? rows * cols * w.out_channels : 0;
    return WindowBandBytes(w, static_cast<int32_t>(rows), static_cast<int32_t>(cols),
                           traits.x_bytes) <= traits.pixel_bytes - y_bytes;
  };
  // The finest even cut of `total` into pieces of at most `step`.
  const auto even = [](int64_t total, int64_t step) {
    return CeilDiv(total, CeilDiv(total, std::max<int64_t>(step, 1)));
  };
  int64_t cols = std::max(s.out_w, 1);
  int64_t rows = std::max(s.out_h, 1);
  int64_t panels = plan->panels;
  const auto small = [&] {
    return widened && (rows * cols <= traits.min_pixels ||
                       rows * cols <= traits.min_macs / (panels * panel_macs));
  };
  while (rows > 1 && !fits(rows, cols) && !small()) rows = even(s.out_h, rows / 2);
  while (cols > traits.min_pixels && !fits(1, cols) && !small()) cols = even(s.out_w, cols / 2);
  // Weights that are read once count by their bytes: memory gives about 12 GB/s to one core.
  const auto too_long = [&] {
    const int64_t macs = panels * panel_macs;
    return rows * cols * macs > chunk_macs || macs > traits.weight_bytes;
  };
  const auto cut_pixels = [&] {
    while (rows * cols * panels * panel_macs > chunk_macs && rows * cols > traits.min_pixels) {
      if (rows > 1) {
        rows = even(s.out_h, rows / 2);
      } else {
        cols = even(s.out_w, cols / 2);
      }
    }
  };
  const bool weights_stay = panel_macs * plan->panels <= traits.weight_bytes;
  if (weights_stay) cut_pixels();
  while (too_long() && panels > 1) {
    const int64_t fewer = even(plan->panels, panels / 2);
    if (fewer < traits.min_panels && rows * cols > 1) break;
    panels = fewer;
  }
  cut_pixels();
  while (Finishes(plan->args) && rows * cols > 1 &&
         rows * cols * panels * traits.panel * 4 > kRealBytes) {
    if (rows > 1) {
      rows = even(s.out_h, rows / 2);
    } else {
      cols = even(s.out_w, cols / 2);
    }
  }
  plan->row_step = static_cast<int32_t>(rows);
  plan->col_step = static_cast<int32_t>(cols);
  plan->panel_step = static_cast<int32_t>(panels);
  plan->num_chunks =
      s.batch * CeilDiv(s.out_h, rows) * CeilDiv(s.out_w, cols) * CeilDiv(plan->panels, panels);
}

}  // namespace

std::span<const ConvI8Row> ConvI8Rows() { return kRows; }

const ConvI8Row* FindConvI8(Isa isa, ConvI8Packing packing) {
  const ConvI8Row* best = nullptr;
  for (const ConvI8Row& row : kRows) {
    if (row.isa <= isa && row.packing == packing) best = &row;
  }
  return best;
}

ConvI8Packing ConvI8PackingFor(Isa isa) {
  ConvI8Packing packing = ConvI8Packing::kK1N8;
  for (const ConvI8Row& row : kRows) {
    if (row.isa <= isa) packing = row.packing;
  }
  return packing;
}

bool IsKnownConvI8Packing(int32_t packing) {
  return packing >= 0 && packing <= static_cast<int32_t>(ConvI8Packing::kK4N32);
}

ConvI8PackedSize ConvI8Packed(const ConvWindow& window, ConvI8Packing packing) {
  const PackingTraits traits = TraitsOf(packing);
  const Taps t = TapsOf(window, traits);
  const int64_t panels = int64_t{t.groups} * t.panels;
  return {panels * PanelElements(t, traits), panels * traits.panel};
}

void ConvI8Pack(const ConvWindow& window, ConvI8Packing packing, int32_t x_zero_point,
                const int8_t* weights, const int32_t* bias, const float* multiplier, void* packed,
                int32_t* offset, float* packed_multiplier) {
  const PackingTraits traits = TraitsOf(packing);
  const ConvI8PackedSize size = ConvI8Packed(window, packing);
  std::memset(packed, 0, static_cast<size_t>(size.weight_bytes));
  std::fill_n(offset, size.channels, 0);
  std::fill_n(packed_multiplier, size.channels, 0.0f);
  const int8_t* w = weights;
  ForChannels(window, traits, [&](int32_t n, int64_t slot, const auto& for_weights) {
    uint32_t sum = 0;
    for_weights([&](int64_t at) {
      static_cast<int8_t*>(packed)[at] = *w;
      sum += static_cast<uint32_t>(static_cast<int32_t>(*w));
      ++w;
    });
    const uint32_t b = bias == nullptr ? 0 : static_cast<uint32_t>(bias[n]);
    offset[slot] = static_cast<int32_t>(b - static_cast<uint32_t>(x_zero_point) * sum);
    packed_multiplier[slot] = multiplier[n];
  });
}

void ConvI8Unpack(const ConvWindow& window, ConvI8Packing packing, const void* packed,
                  const int32_t* packed_offset, const float* packed_multiplier, int8_t* weights,
                  int32_t* offset, float* multiplier) {
  const PackingTraits traits = TraitsOf(packing);
  int8_t* w = weights;
  ForChannels(window, traits, [&](int32_t n, int64_t slot, const auto& for_weights) {
    for_weights([&](int64_t at) { *w++ = static_cast<const int8_t*>(packed)[at]; });
    offset[n] = packed_offset[slot];
    multiplier[n] = packed_multiplier[slot];
  });
}

Result<ConvI8Plan> MakeConvI8Plan(const ConvI8Row& row, const ConvI8Args& args,
                                  const ConvSizes& sizes) {
  ADZE_TRY(CheckConvI8Args(args, sizes));
  ConvI8Plan plan;
  plan.args = args;
  plan.args.packing = static_cast<int32_t>(row.packing);
  plan.sizes = sizes;
  FlattenPointwise(args.window, &plan.sizes);
  plan.kernel = row.kernel;
  plan.widen = row.widen;
  const PackingTraits traits = TraitsOf(row.packing);
  const Taps t = TapsOf(args.window, traits);
  plan.panels = t.groups * t.panels;
  ChooseChunks(args.window, plan.sizes, t, traits, &plan);
  const ConvWindow& w = args.window;
  const bool padded = w.pad_top + w.pad_left + w.pad_bottom + w.pad_right != 0;
  if (padded || traits.x_bytes != 1) {
    const int64_t bytes =
        WindowBandBytes(args.window, plan.row_step, plan.col_step, traits.x_bytes);
    if (bytes > (int64_t{1} << 40))
      return InvalidInput("a convolution row of more than 2^40 bytes");
    plan.band_bytes = (bytes + 63) / 64 * 64;
  }
  plan.scratch_bytes = plan.band_bytes;
  if (Finishes(args)) {
    plan.finish = FindFinishI8(row.isa).kernel;
    plan.kernel_args = RealResults(args);
    const int64_t channels = std::min<int64_t>(
        int64_t{plan.panel_step} * std::min(traits.panel, t.out), args.window.out_channels);
    plan.scratch_bytes += int64_t{plan.row_step} * plan.col_step * channels * 4;
  }
  return plan;
}

void ConvI8RunChunk(const ConvI8Plan& plan, const ConvI8Buffers& buffers, int64_t chunk,
                    void* scratch) {
  const ConvWindow& w = plan.args.window;
  const ConvSizes& s = plan.sizes;
  const PackingTraits traits = TraitsOf(static_cast<ConvI8Packing>(plan.args.packing));
  const Taps t = TapsOf(w, traits);
  // Panels outermost: a worker keeps its weights while it walks over pixels.
  const int64_t col_chunks = CeilDiv(s.out_w, plan.col_step);
  const int64_t row_chunks = CeilDiv(s.out_h, plan.row_step);
  OutputRect rect;
  rect.col0 = static_cast<int32_t>(chunk % col_chunks) * plan.col_step;
  chunk /= col_chunks;
  rect.row0 = static_cast<int32_t>(chunk % row_chunks) * plan.row_step;
  chunk /= row_chunks;
  rect.n = static_cast<int32_t>(chunk % s.batch);
  chunk /= s.batch;
  rect.rows = std::min(plan.row_step, s.out_h - rect.row0);
  rect.cols = std::min(plan.col_step, s.out_w - rect.col0);
  const int32_t panel_begin = static_cast<int32_t>(chunk) * plan.panel_step;
  const int32_t panel_end = std::min(plan.panels, panel_begin + plan.panel_step);

  const WindowBand band = MakeWindowBand(
      w, s, buffers.x, rect, static_cast<uint8_t>(plan.args.x_zero_point), plan.widen, scratch);
  // The chunk's channels, which are neighbours.
  const auto channel_of = [&](int32_t panel) {
    return panel / t.panels * t.out + std::min(panel % t.panels * traits.panel, t.out);
  };
  const int32_t channel_begin = channel_of(panel_begin);
  const int32_t channels = channel_of(panel_end) - channel_begin;
  const int64_t y_bytes = plan.args.output_f32 != 0 ? sizeof(float) : 1;
  const int64_t first_pixel = (int64_t{rect.n} * s.out_h + rect.row0) * s.out_w + rect.col0;

  ConvI8Block block;
  block.args = plan.finish == nullptr ? &plan.args : &plan.kernel_args;
  block.a_row_stride = band.row_stride * w.stride_h;
  block.a_pixel_stride = band.pixel_stride * w.stride_w;
  block.rows = rect.rows;
  block.cols = rect.cols;
  block.tap_rows = t.rows;
  block.tap_cols = t.cols;
  block.tap_row_stride = band.row_stride * w.dilation_h;
  block.tap_col_stride = band.pixel_stride * w.dilation_w;
  block.tap_quads = static_cast<int32_t>(t.quads);
  block.y_pixel_stride = int64_t{w.out_channels} * y_bytes;
  block.y_row_stride = block.y_pixel_stride * s.out_w;
  float* const real = reinterpret_cast<float*>(static_cast<uint8_t*>(scratch) + plan.band_bytes);
  if (plan.finish != nullptr) {
    block.y_pixel_stride = int64_t{channels} * 4;
    block.y_row_stride = block.y_pixel_stride * rect.cols;
  }
  // The panels of the chunk, group by group.
  for (int32_t panel = panel_begin; panel < panel_end;) {
    const int32_t group = panel / t.panels;
    const int32_t in_group = panel % t.panels;
    const int32_t count = std::min(panel_end - panel, t.panels - in_group);
    const int32_t channel = in_group * traits.panel;
    const int64_t out = first_pixel * w.out_channels + int64_t{group} * t.out + channel;
    block.a = static_cast<const uint8_t*>(band.base) + int64_t{group} * t.in * traits.x_bytes;
    block.weights = static_cast<const uint8_t*>(buffers.weights) + panel * PanelElements(t, traits);
    block.offset = buffers.offset + int64_t{panel} * traits.panel;
    block.multiplier = buffers.multiplier + int64_t{panel} * traits.panel;
    block.channels = std::min(t.out - channel, count * traits.panel);
    block.y = static_cast<uint8_t*>(buffers.y) + out * y_bytes;
    if (plan.finish != nullptr) block.y = real + (channel_of(panel) - channel_begin);
    block.residual = buffers.residual == nullptr ? nullptr : buffers.residual + out;
    plan.kernel(block);
    panel += count;
  }
  if (plan.finish == nullptr) return;
  for (int32_t row = 0; row < rect.rows; ++row) {
    const int64_t out = (first_pixel + int64_t{row} * s.out_w) * w.out_channels + channel_begin;
    plan.finish({&plan.args, real + int64_t{row} * rect.cols * channels,
                 buffers.factor == nullptr ? nullptr : buffers.factor + channel_begin,
                 static_cast<uint8_t*>(buffers.y) + out, rect.cols, channels, w.out_channels});
  }
}

}  // namespace adze
