#include "numerics/quant_type.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace adze {

bool QuantType::symmetric() const {
  return std::all_of(zero_point.begin(), zero_point.end(), [](int32_t z) { return z == 0; });
}

Status VerifyQuantType(const QuantType& q, int64_t channels) {
  if (!IsInteger(q.storage) || SizeOf(q.storage) > 4 || q.storage == DType::kUInt32) {
    return InvalidInput(std::string("quantized storage type is ") + DTypeName(q.storage) +
                        ", must be an integer of 2 to 8 or 16 bits, or int32");
  }
  if (q.scale.empty() || q.scale.size() != q.zero_point.size()) {
    return InvalidInput("quantization has " + std::to_string(q.scale.size()) + " scales and " +
                        std::to_string(q.zero_point.size()) + " zero points");
  }
  if (q.per_tensor() && (q.scale.size() != 1 || q.block_size != 0)) {
    return InvalidInput("per-tensor quantization needs exactly one scale and no block size");
  }
  if (!q.per_tensor() && q.block_size == 0 &&
      q.scale.size() != static_cast<size_t>(std::max<int64_t>(channels, 0))) {
    return InvalidInput("per-channel quantization has " + std::to_string(q.scale.size()) +
                        " scales for " + std::to_string(channels) + " channels");
  }
  const IntRange range = RangeOf(q.storage);
  if (!q.codebook.empty()) {
    if (range.min != 0 || SizeOf(q.storage) != 1 ||
        q.codebook.size() != static_cast<size_t>(range.max) + 1) {
      return InvalidInput("a codebook of " + std::to_string(q.codebook.size()) +
                          " numbers does not fit storage " + DTypeName(q.storage));
    }
    for (size_t i = 0; i < q.codebook.size(); ++i) {
      if (!std::isfinite(q.codebook[i]) || (i > 0 && q.codebook[i] < q.codebook[i - 1])) {
        return InvalidInput("a codebook's numbers must be finite and ascending");
      }
    }
    if (!q.symmetric()) return InvalidInput("with a codebook zero points must be 0");
  }
  for (size_t i = 0; i < q.scale.size(); ++i) {
    if (!std::isfinite(q.scale[i]) || q.scale[i] <= 0.0f) {
      return InvalidInput("scale " + std::to_string(i) + " is not a positive finite number");
    }
    if (q.zero_point[i] < range.min || q.zero_point[i] > range.max) {
      return InvalidInput("zero point " + std::to_string(q.zero_point[i]) + " does not fit " +
                          DTypeName(q.storage));
    }
  }
  return OkStatus();
}

ScaleIndex::ScaleIndex(std::span<const int64_t> dims, const QuantType& q) {
  if (q.per_tensor()) return;
  const auto axis = static_cast<size_t>(q.axis);
  axis_ = dims[axis];
  for (const int64_t d : dims.subspan(axis + 1)) inner_ *= d;
  count_ = axis_;
  blocked_ = q.block_size != 0;
  if (!blocked_) return;
  block_ = q.block_size;
  blocks_ = axis_ / block_ + (axis_ % block_ != 0);
  count_ = blocks_ * inner_;
  for (const int64_t d : dims.first(axis)) count_ *= d;
}

void Dequantize(const QuantType& q, std::span<const int64_t> dims, const void* codes, float* real) {
  const ScaleIndex index(dims, q);
  int64_t size = 1;
  for (const int64_t d : dims) size *= d;
  const auto convert = [&]<typename T>(const T* stored) {
    for (int64_t begin = 0; begin < size;) {
      const size_t s = index(begin);
      const int64_t end = begin + std::min(index.run(), size - begin);
      for (int64_t i = begin; i < end; ++i) {
        real[i] = q.codebook.empty()
                      ? static_cast<float>(int64_t{stored[i]} - q.zero_point[s]) * q.scale[s]
                      : q.codebook[static_cast<size_t>(stored[i])] * q.scale[s];
      }
      begin = end;
    }
  };
  switch (ContainerOf(q.storage)) {
    case DType::kInt8:
      return convert(static_cast<const int8_t*>(codes));
    case DType::kUInt8:
      return convert(static_cast<const uint8_t*>(codes));
    case DType::kInt16:
      return convert(static_cast<const int16_t*>(codes));
    case DType::kUInt16:
      return convert(static_cast<const uint16_t*>(codes));
    default:
      return convert(static_cast<const int32_t*>(codes));
  }
}

std::string QuantTypeSummary(const QuantType& q) {
  const std::string storage = q.codebook.empty()
                                  ? DTypeName(q.storage)
                                  : "codebook of " + std::to_string(q.codebook.size());
  char text[96];
  if (q.per_tensor() && q.scale.size() == 1) {
    std::snprintf(text, sizeof(text), "<%.9g:%d>", q.scale[0], q.zero_point[0]);
  } else {
    std::snprintf(text, sizeof(text), "<axis=%d,%zu scales>", q.axis, q.scale.size());
  }
  return storage + text;
}

AffineParams ChooseAffineParams(float min, float max, DType storage, bool symmetric,
                                float min_range) {
  const IntRange range = RangeOf(storage);
  const bool is_signed = range.min < 0;
  // A statistic may be NaN or infinite; double keeps max - min from overflowing and the zero point
  // exact.
  constexpr double kLargest = std::numeric_limits<float>::max();
  const auto finite = [](float v) { return std::isnan(v) ? 0.0 : static_cast<double>(v); };
  double lo = std::clamp(finite(min), -kLargest, 0.0);
  double hi = std::clamp(finite(max), 0.0, kLargest);
  const double width = std::isnormal(min_range) && min_range > 0 ? min_range : 1e-6;
  // Never zero or subnormal, whatever min_range and the number of levels are.
  const auto to_scale = [](double scale) {
    return std::max(static_cast<float>(scale), std::numeric_limits<float>::min());
  };
  if (symmetric) {
    const int64_t levels = is_signed ? range.max : (range.max - range.min) / 2;
    const double bound = std::max({-lo, hi, width / 2});
    const int64_t zero_point = is_signed ? 0 : (range.max + 1) / 2;
    return {to_scale(bound / static_cast<double>(levels)), static_cast<int32_t>(zero_point)};
  }
  if (hi - lo < width) {
    if (-lo > hi) {
      lo = hi - width;
    } else {
      hi = lo + width;
    }
  }
  const float scale = to_scale((hi - lo) / static_cast<double>(range.max - range.min));
  // At most 32 bits wide: exact in double, where RoundSaturate would not be for int32.
  const double zero_point = std::nearbyint(static_cast<double>(range.min) - lo / scale);
  return {scale, static_cast<int32_t>(std::clamp(zero_point, static_cast<double>(range.min),
                                                 static_cast<double>(range.max)))};
}

}  // namespace adze
