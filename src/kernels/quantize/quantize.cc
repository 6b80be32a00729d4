#include "kernels/quantize/quantize.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace adze {

#define ADZE_QUANTIZE(isa, name, quantize, dequantize)                            \
  void quantize(const QuantizeArgs& args, const float* x, int64_t n, uint8_t* y); \
  void dequantize(const QuantizeArgs& args, const uint8_t* x, int64_t n, float* y);
#include "kernels/quantize/quantize_list.inc"
#undef ADZE_QUANTIZE

namespace {

constexpr QuantizeRow kRows[] = {
#define ADZE_QUANTIZE(isa, name, quantize, dequantize) {isa, name, quantize, dequantize},
#include "kernels/quantize/quantize_list.inc"
#undef ADZE_QUANTIZE
};

// A block of planes is converted into a buffer that stays in L1, then its layout is changed.
constexpr int64_t kBlockPixels = 128;
constexpr int64_t kBlockChannels = 16;

// to[p * to_stride + c] = from[c * from_stride + p].
template <int kChannels>
void Interleave(const uint8_t* from, int64_t pixels, int64_t channels, uint8_t* to,
                int64_t to_stride) {
  const int64_t n = kChannels != 0 ? kChannels : channels;
  for (int64_t p = 0; p < pixels; ++p) {
    for (int64_t c = 0; c < n; ++c) to[p * to_stride + c] = from[c * kBlockPixels + p];
  }
}

}  // namespace

std::span<const QuantizeRow> QuantizeRows() { return kRows; }

const QuantizeRow& FindQuantize(Isa isa) {
  const QuantizeRow* best = &kRows[0];
  for (const QuantizeRow& row : kRows) {
    if (row.isa <= isa) best = &row;
  }
  return *best;
}

Status CheckQuantizeArgs(const QuantizeArgs& args) {
  if (!(args.scale > 0) || !std::isfinite(args.scale)) {
    return InvalidInput("scale = " + std::to_string(args.scale) + ", must be positive and finite");
  }
  if (args.zero_point < 0 || args.zero_point > 255) {
    return InvalidInput("zero point = " + std::to_string(args.zero_point) +
                        ", must be in [0, 255]");
  }
  return OkStatus();
}

void QuantizeToChannelsLast(const QuantizeRow& row, const QuantizeArgs& args, const float* x,
                            int64_t channels, int64_t pixels, int64_t begin, int64_t end,
                            uint8_t* y) {
  if (channels == 1) {
    row.quantize(args, x + begin, end - begin, y + begin);
    return;
  }
  uint8_t block[kBlockChannels * kBlockPixels];
  for (int64_t p = begin; p < end; p += kBlockPixels) {
    const int64_t np = std::min(kBlockPixels, end - p);
    for (int64_t c = 0; c < channels; c += kBlockChannels) {
      const int64_t nc = std::min(kBlockChannels, channels - c);
      for (int64_t k = 0; k < nc; ++k) {
        row.quantize(args, x + (c + k) * pixels + p, np, block + k * kBlockPixels);
      }
      const auto interleave = nc == 3 ? Interleave<3> : nc == 16 ? Interleave<16> : Interleave<0>;
      interleave(block, np, nc, y + p * channels + c, channels);
    }
  }
}

void DequantizeToPlanes(const QuantizeRow& row, const QuantizeArgs& args, const uint8_t* x,
                        int64_t channels, int64_t pixels, int64_t begin, int64_t end, float* y) {
  if (channels == 1) {
    row.dequantize(args, x + begin, end - begin, y + begin);
    return;
  }
  uint8_t plane[kBlockPixels];
  for (int64_t p = begin; p < end; p += kBlockPixels) {
    const int64_t np = std::min(kBlockPixels, end - p);
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t k = 0; k < np; ++k) plane[k] = x[(p + k) * channels + c];
      row.dequantize(args, plane, np, y + c * pixels + p);
    }
  }
}

}  // namespace adze
