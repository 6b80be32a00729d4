// Element types of tensors in memory. Values are stable (they are stored in plans).
#ifndef ADZE_NUMERICS_DTYPE_H_
#define ADZE_NUMERICS_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace adze {

enum class DType : uint8_t {
  kUndefined = 0,
  kFloat32 = 1,
  kFloat16 = 2,
  kBFloat16 = 3,
  kFloat64 = 4,
  kInt8 = 5,
  kUInt8 = 6,
  kInt16 = 7,
  kUInt16 = 8,
  kInt32 = 9,
  kUInt32 = 10,
  kInt64 = 11,
  kUInt64 = 12,
  kBool = 13,  // one byte, 0 or 1
};

inline constexpr DType kAllDTypes[] = {
    DType::kFloat32, DType::kFloat16, DType::kBFloat16, DType::kFloat64, DType::kInt8,
    DType::kUInt8,   DType::kInt16,   DType::kUInt16,   DType::kInt32,   DType::kUInt32,
    DType::kInt64,   DType::kUInt64,  DType::kBool};

// Bytes per element; 0 for kUndefined.
constexpr size_t SizeOf(DType t) {
  switch (t) {
    case DType::kInt8:
    case DType::kUInt8:
    case DType::kBool:
      return 1;
    case DType::kFloat16:
    case DType::kBFloat16:
    case DType::kInt16:
    case DType::kUInt16:
      return 2;
    case DType::kFloat32:
    case DType::kInt32:
    case DType::kUInt32:
      return 4;
    case DType::kFloat64:
    case DType::kInt64:
    case DType::kUInt64:
      return 8;
    case DType::kUndefined:
      return 0;
  }
  return 0;
}

constexpr bool IsFloat(DType t) {
  return t == DType::kFloat32 || t == DType::kFloat16 || t == DType::kBFloat16 ||
         t == DType::kFloat64;
}
// Integers, not bool.
constexpr bool IsInteger(DType t) { return t >= DType::kInt8 && t <= DType::kUInt64; }

// Smallest and largest value of an integer type of at most 32 bits, or int64; {0, 0} for other
// types.
struct IntRange {
  int64_t min;
  int64_t max;
};
constexpr IntRange RangeOf(DType t) {
  switch (t) {
    case DType::kInt8:
      return {-128, 127};
    case DType::kUInt8:
      return {0, 255};
    case DType::kInt16:
      return {-32768, 32767};
    case DType::kUInt16:
      return {0, 65535};
    case DType::kInt32:
      return {INT32_MIN, INT32_MAX};
    case DType::kUInt32:
      return {0, UINT32_MAX};
    case DType::kInt64:
      return {INT64_MIN, INT64_MAX};
    default:
      return {0, 0};
  }
}

const char* DTypeName(DType t);                          // "float32", "uint8", "bool" …
std::optional<DType> ParseDType(std::string_view name);  // the inverse

}  // namespace adze

#endif  // ADZE_NUMERICS_DTYPE_H_
