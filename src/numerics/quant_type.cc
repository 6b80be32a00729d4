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

std::string QuantTypeSummary(const QuantType& q) {
  char text[96];
  if (q.per_tensor() && q.scale.size() == 1) {
    std::snprintf(text, sizeof(text), "%s<%.9g:%d>", DTypeName(q.storage), q.scale[0],
                  q.zero_point[0]);
  } else {
    std::snprintf(text, sizeof(text), "%s<axis=%d,%zu scales>", DTypeName(q.storage), q.axis,
                  q.scale.size());
  }
  return text;
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
