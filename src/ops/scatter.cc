#include "ops/scatter.h"

#include <cstring>
#include <string>

#include "ops/binary.h"

namespace adze {

Result<ScatterReduction> ReadScatterReduction(const AttrMap& attrs) {
  const std::string_view name = attrs.String("reduction", "none");
  if (name == "none") return ScatterReduction::kNone;
  if (name == "add") return ScatterReduction::kAdd;
  if (name == "mul") return ScatterReduction::kMul;
  if (name == "max") return ScatterReduction::kMax;
  if (name == "min") return ScatterReduction::kMin;
  return InvalidInput("reduction = '" + std::string(name) + "' is unknown");
}

namespace {

template <typename Fn>
Status Combine(const TensorView& y, int64_t at, const ConstTensorView& updates, int64_t from,
               int64_t count, Fn fn) {
  if (y.dtype == DType::kFloat16 || y.dtype == DType::kBFloat16) {
    for (int64_t i = 0; i < count; ++i) {
      SetFloatAt(y, at + i, fn(FloatAt(y, at + i), FloatAt(updates, from + i)));
    }
    return OkStatus();
  }
  if (y.dtype == DType::kBool) return UnsupportedDType(y.dtype);
  DispatchDType(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      T* const out = y.as<T>() + at;
      const T* const in = updates.as<T>() + from;
      for (int64_t i = 0; i < count; ++i) out[i] = fn(out[i], in[i]);
    }
  });
  return OkStatus();
}

}  // namespace

Status ApplyScatter(ScatterReduction reduction, const TensorView& y, int64_t at,
                    const ConstTensorView& updates, int64_t from, int64_t count) {
  switch (reduction) {
    case ScatterReduction::kNone:
      break;
    case ScatterReduction::kAdd:
      return Combine(y, at, updates, from, count, binary::Add{});
    case ScatterReduction::kMul:
      return Combine(y, at, updates, from, count, binary::Mul{});
    case ScatterReduction::kMax:
      return Combine(y, at, updates, from, count, binary::Max{});
    case ScatterReduction::kMin:
      return Combine(y, at, updates, from, count, binary::Min{});
  }
  const size_t bytes = SizeOf(y.dtype);
  std::memcpy(static_cast<char*>(y.data) + static_cast<size_t>(at) * bytes,
              static_cast<const char*>(updates.data) + static_cast<size_t>(from) * bytes,
              static_cast<size_t>(count) * bytes);
  return OkStatus();
}

}  // namespace adze
