#include "kernels/depthwise_i8/depthwise_i8.h"

#include <algorithm>
#include <cstring>

#include "kernels/conv_check.h"
#include "kernels/finish_i8/finish_i8.h"
#include "kernels/window_band.h"

namespace adze {

// depthwise_i8_list.inc: ADZE_DEPTHWISE_I8(Isa, packing, function), oldest first.
#define ADZE_DEPTHWISE_I8(isa, packing, function) void function(const DepthwiseI8Block& block);
#include "kernels/depthwise_i8/depthwise_i8_list.inc"
#undef ADZE_DEPTHWISE_I8

namespace {

constexpr DepthwiseI8Row kRows[] = {
#define ADZE_DEPTHWISE_I8(isa, packing, function) {isa, #function, packing, function},
#include "kernels/depthwise_i8/depthwise_i8_list.inc"
#undef ADZE_DEPTHWISE_I8
};

// Of a chunk: about 20 microseconds of one AVX-512 core at most, long against handing it out at
// least.
constexpr int64_t kMaxMacs = int64_t{1} << 20, kMinMacs = int64_t{192} << 10;
constexpr int64_t kCacheBytes = int64_t{256} << 10;  // of input rows per chunk: they stay in L2

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Where weight (channel, i, j) goes, in elements; the total by `Elements`.
struct PackingTraits {
  int32_t block;      // channels
  int32_t tap_group;  // neighbouring taps
  int32_t element_bytes;
  int32_t tap_rows;  // taps are numbered j * tap_rows + i
};

PackingTraits TraitsOf(const ConvWindow& w, DepthwiseI8Packing packing) {
  switch (packing) {
    case DepthwiseI8Packing::kPlain:
      return {1, 1, 1, w.kernel_h};
    case DepthwiseI8Packing::kT2C32:
      return {32, 2, 2, w.kernel_h};
    case DepthwiseI8Packing::kT4C64:
      return {64, 4, 1, w.kernel_h == 3 ? 4 : w.kernel_h};
  }
  ADZE_CHECK(false);
}

// Channels of a block in the order that two byte-unpacks of whole vectors leave them: 4 vectors of
// block / 4 lanes, lanes 4 h to 4 h + 3 of vector v hold channels 16 h + 4 v and the next three.
int32_t UnpackOrder(int32_t c, int32_t block) {
  return c / 4 % 4 * (block / 4) + c / 16 * 4 + c % 4;
}

// As in conv_i8.cc.
template <typename Fn>
void ForChannels(const ConvWindow& w, const PackingTraits& t, Fn&& fn) {
  const int64_t taps = CeilDiv(int64_t{w.kernel_w} * t.tap_rows, t.tap_group) * t.tap_group;
  for (int32_t c = 0; c < w.out_channels; ++c) {
    const int64_t block = c / t.block;
    const int32_t lane = t.block == 1 ? 0 : UnpackOrder(c % t.block, t.block);
    fn(c, block * t.block + lane, [&](auto&& g) {
      for (int32_t i = 0; i < w.kernel_h; ++i) {
        for (int32_t j = 0; j < w.kernel_w; ++j) {
          const int64_t tap = int64_t{j} * t.tap_rows + i;
          g(block * taps * t.block + (tap / t.tap_group * t.block + lane) * t.tap_group +
            tap % t.tap_group);
        }
      }
    });
  }
}

}  // namespace

std::span<const DepthwiseI8Row> DepthwiseI8Rows() { return kRows; }

const DepthwiseI8Row* FindDepthwiseI8(Isa isa, DepthwiseI8Packing packing) {
  const DepthwiseI8Row* best = nullptr;
  for (const DepthwiseI8Row& row : kRows) {
    if (row.isa <= isa && row.packing == packing) best = &row;
  }
  return best;
}

DepthwiseI8Packing DepthwiseI8PackingFor(Isa isa) {
  DepthwiseI8Packing packing = DepthwiseI8Packing::kPlain;
  for (const DepthwiseI8Row& row : kRows) {
    if (row.isa <= isa) packing = row.packing;
  }
  return packing;
}

bool IsKnownDepthwiseI8Packing(int32_t packing) {
  return packing >= 0 && packing <= static_cast<int32_t>(DepthwiseI8Packing::kT4C64);
}

ConvI8PackedSize DepthwiseI8Packed(const ConvWindow& window, DepthwiseI8Packing packing) {
  const PackingTraits t = TraitsOf(window, packing);
  const int64_t channels = CeilDiv(window.out_channels, t.block) * t.block;
  const int64_t taps = CeilDiv(int64_t{window.kernel_w} * t.tap_rows, t.tap_group) * t.tap_group;
  return {channels * taps * t.element_bytes, channels};
}

void DepthwiseI8Pack(const ConvWindow& window, DepthwiseI8Packing packing, int32_t x_zero_point,
                     const int8_t* weights, const int32_t* bias, const float* multiplier,
                     void* packed, int32_t* offset, float* packed_multiplier) {
  const PackingTraits t = TraitsOf(window, packing);
  const ConvI8PackedSize size = DepthwiseI8Packed(window, packing);
  std::memset(packed, 0, static_cast<size_t>(size.weight_bytes));
  std::fill_n(offset, size.channels, 0);
  std::fill_n(packed_multiplier, size.channels, 0.0f);
  const int8_t* w = weights;
  ForChannels(window, t, [&](int32_t c, int64_t slot, const auto& for_weights) {
    uint32_t sum = 0;
    for_weights([&](int64_t at) {
      if (t.element_bytes == 1) {
        static_cast<int8_t*>(packed)[at] = *w;
      } else {
        static_cast<int16_t*>(packed)[at] = *w;
      }
      sum += static_cast<uint32_t>(static_cast<int32_t>(*w));
      ++w;
    });
    const uint32_t b = bias == nullptr ? 0 : static_cast<uint32_t>(bias[c]);
    offset[slot] = static_cast<int32_t>(b - static_cast<uint32_t>(x_zero_point) * sum);
    packed_multiplier[slot] = multiplier[c];
  });
}

void DepthwiseI8Unpack(const ConvWindow& window, DepthwiseI8Packing packing, const void* packed,
                       const int32_t* packed_offset, const float* packed_multiplier,
                       int8_t* weights, int32_t* offset, float* multiplier) {
  const PackingTraits t = TraitsOf(window, packing);
  int8_t* w = weights;
  ForChannels(window, t, [&](int32_t c, int64_t slot, const auto& for_weights) {
    for_weights([&](int64_t at) {
      *w++ = t.element_bytes == 1 ? static_cast<const int8_t*>(packed)[at]
                                  : static_cast<int8_t>(static_cast<const int16_t*>(packed)[at]);
    });
    offset[c] = packed_offset[slot];
    multiplier[c] = packed_multiplier[slot];
  });
}

Result<DepthwiseI8Plan> MakeDepthwiseI8Plan(const DepthwiseI8Row& row, const ConvI8Args& args,
                                            const ConvSizes& s) {
  ADZE_TRY(CheckConvI8Args(args, s));
  const ConvWindow& w = args.window;
  ADZE_TRY(CheckDepthwise(w));
  DepthwiseI8Plan plan;
  plan.args = args;
  plan.sizes = s;
  plan.kernel = row.kernel;
  const auto even = [](int64_t total, int64_t step) {
    return CeilDiv(total, CeilDiv(total, std::max<int64_t>(step, 1)));
  };
  const int64_t pixel_macs = int64_t{w.out_channels} * w.kernel_h * w.kernel_w;
  const int64_t chunk_macs =
      ChunkMacs(s.batch * int64_t{s.out_h} * s.out_w, pixel_macs, kMinMacs, kMaxMacs);
  const auto fits = [&](int64_t rows, int64_t cols) {
    return WindowBandBytes(w, static_cast<int32_t>(rows), static_cast<int32_t>(cols), 1) <=
               kCacheBytes &&
           rows * cols * pixel_macs <= chunk_macs;
  };
  int64_t cols = std::max(s.out_w, 1);
  int64_t rows = std::max(s.out_h, 1);
  while (rows > 2 && !fits(rows, cols)) rows = even(s.out_h, rows / 2);
  while (cols > 8 && !fits(rows, cols)) cols = even(s.out_w, cols / 2);
  plan.row_step = static_cast<int32_t>(rows);
  plan.col_step = static_cast<int32_t>(cols);
  plan.num_chunks = s.batch * CeilDiv(s.out_h, rows) * CeilDiv(s.out_w, cols);
  if (w.pad_top + w.pad_left + w.pad_bottom + w.pad_right != 0) {
    const int64_t bytes = WindowBandBytes(w, plan.row_step, plan.col_step, 1);
    if (bytes > (int64_t{1} << 40))
      return InvalidInput("a convolution row of more than 2^40 bytes");
    plan.band_bytes = (bytes + 63) / 64 * 64;
  }
  plan.scratch_bytes = plan.band_bytes;
  if (Finishes(args)) {
    plan.finish = FindFinishI8(row.isa).kernel;
    plan.kernel_args = RealResults(args);
    plan.scratch_bytes += 2 * int64_t{plan.col_step} * w.out_channels * 4;
  }
  return plan;
}

void DepthwiseI8RunChunk(const DepthwiseI8Plan& plan, const ConvI8Buffers& buffers, int64_t chunk,
                         void* scratch) {
  const ConvWindow& w = plan.args.window;
  const ConvSizes& s = plan.sizes;
  const int64_t col_chunks = CeilDiv(s.out_w, plan.col_step);
  const int64_t row_chunks = CeilDiv(s.out_h, plan.row_step);
  OutputRect rect;
  rect.col0 = static_cast<int32_t>(chunk % col_chunks) * plan.col_step;
  chunk /= col_chunks;
  rect.row0 = static_cast<int32_t>(chunk % row_chunks) * plan.row_step;
  rect.n = static_cast<int32_t>(chunk / row_chunks);
  rect.rows = std::min(plan.row_step, s.out_h - rect.row0);
  rect.cols = std::min(plan.col_step, s.out_w - rect.col0);
  const WindowBand band = MakeWindowBand(
      w, s, buffers.x, rect, static_cast<uint8_t>(plan.args.x_zero_point), nullptr, scratch);
  const int64_t y_bytes = plan.args.output_f32 != 0 ? sizeof(float) : 1;
  const int64_t out =
      ((int64_t{rect.n} * s.out_h + rect.row0) * s.out_w + rect.col0) * w.out_channels;
  DepthwiseI8Block block;
  block.args = plan.finish == nullptr ? &plan.args : &plan.kernel_args;
  block.a = static_cast<const uint8_t*>(band.base);
  block.a_row_stride = band.row_stride * w.stride_h;
  block.a_pixel_stride = band.pixel_stride * w.stride_w;
  block.tap_row_stride = band.row_stride * w.dilation_h;
  block.tap_col_stride = band.pixel_stride * w.dilation_w;
  block.rows = rect.rows;
  block.cols = rect.cols;
  block.weights = buffers.weights;
  block.offset = buffers.offset;
  block.multiplier = buffers.multiplier;
  block.y = static_cast<uint8_t*>(buffers.y) + out * y_bytes;
  block.residual = buffers.residual == nullptr ? nullptr : buffers.residual + out;
  block.y_pixel_stride = int64_t{w.out_channels} * y_bytes;
  block.y_row_stride = block.y_pixel_stride * s.out_w;
  if (plan.finish == nullptr) {
    plan.kernel(block);
    return;
  }
  float* const real = reinterpret_cast<float*>(static_cast<uint8_t*>(scratch) + plan.band_bytes);
  uint8_t* const y = static_cast<uint8_t*>(buffers.y) + out;
  const int64_t y_row = int64_t{s.out_w} * w.out_channels;
  block.y = real;
  block.y_pixel_stride = int64_t{w.out_channels} * 4;
  block.y_row_stride = block.y_pixel_stride * rect.cols;
  for (int32_t row = 0; row < rect.rows; row += 2) {
    block.rows = std::min(2, rect.rows - row);
    plan.kernel(block);
    block.a += 2 * block.a_row_stride;
    for (int32_t i = 0; i < block.rows; ++i) {
      plan.finish({&plan.args, real + i * int64_t{rect.cols} * w.out_channels, buffers.factor,
                   y + (row + i) * y_row, rect.cols, w.out_channels, w.out_channels});
    }
  }
}

}  // namespace adze
