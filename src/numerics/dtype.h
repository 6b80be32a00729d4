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
  // Narrow integers: how quantized values are stored, not what operators compute on. One element
  // per byte in memory, sign-extended; files pack them.
  kInt2 = 14,
  kUInt2 = 15,
  kInt3 = 16,
  kUInt3 = 17,
  kInt4 = 18,
  kUInt4 = 19,
  kInt5 = 20,
  kUInt5 = 21,
  kInt6 = 22,
  kUInt6 = 23,
  kInt7 = 24,
  kUInt7 = 25,
};

// What operators compute on: all but the narrow integers.
inline constexpr DType kAllDTypes[] = {
    DType::kFloat32, DType::kFloat16, DType::kBFloat16, DType::kFloat64, DType::kInt8,
    DType::kUInt8,   DType::kInt16,   DType::kUInt16,   DType::kInt32,   DType::kUInt32,
    DType::kInt64,   DType::kUInt64,  DType::kBool};
inline constexpr DType kNarrowDTypes[] = {DType::kInt2, DType::kUInt2, DType::kInt3, DType::kUInt3,
                                          DType::kInt4, DType::kUInt4, DType::kInt5, DType::kUInt5,
                                          DType::kInt6, DType::kUInt6, DType::kInt7, DType::kUInt7};

constexpr bool IsNarrow(DType t) { return t >= DType::kInt2 && t <= DType::kUInt7; }

// The type whose elements lie in memory: int8 or uint8 for a narrow integer, else the type itself.
constexpr DType ContainerOf(DType t) {
  if (!IsNarrow(t)) return t;
  return static_cast<uint8_t>(t) % 2 == 0 ? DType::kInt8 : DType::kUInt8;
}

// Bytes per element in memory; 0 for kUndefined.
constexpr size_t SizeOf(DType t) {
  switch (ContainerOf(t)) {
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
    default:
      return 0;
  }
}

// Bits that one element needs; of a narrow integer 2 to 7.
constexpr int BitsOf(DType t) {
  return IsNarrow(t) ? (static_cast<int>(t) - static_cast<int>(DType::kInt2)) / 2 + 2
                     : static_cast<int>(8 * SizeOf(t));
}
// The signed or unsigned integer of 2 to 8 bits.
constexpr DType IntegerOf(int bits, bool is_signed) {
  if (bits == 8) return is_signed ? DType::kInt8 : DType::kUInt8;
  return static_cast<DType>(static_cast<int>(DType::kInt2) + 2 * (bits - 2) + (is_signed ? 0 : 1));
}

constexpr bool IsFloat(DType t) {
  return t == DType::kFloat32 || t == DType::kFloat16 || t == DType::kBFloat16 ||
         t == DType::kFloat64;
}
// Integers, not bool.
constexpr bool IsInteger(DType t) {
  return (t >= DType::kInt8 && t <= DType::kUInt64) || IsNarrow(t);
}

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
      break;
  }
  if (!IsNarrow(t)) return {0, 0};
  const int64_t half = int64_t{1} << (BitsOf(t) - 1);
  return ContainerOf(t) == DType::kInt8 ? IntRange{-half, half - 1} : IntRange{0, 2 * half - 1};
}

const char* DTypeName(DType t);                          // "float32", "uint4", "bool" …
std::optional<DType> ParseDType(std::string_view name);  // the inverse

}  // namespace adze

#endif  // ADZE_NUMERICS_DTYPE_H_
