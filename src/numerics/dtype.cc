#include "numerics/dtype.h"

namespace adze {

const char* DTypeName(DType t) {
  switch (t) {
    case DType::kUndefined:
      return "undefined";
    case DType::kFloat32:
      return "float32";
    case DType::kFloat16:
      return "float16";
    case DType::kBFloat16:
      return "bfloat16";
    case DType::kFloat64:
      return "float64";
    case DType::kInt8:
      return "int8";
    case DType::kUInt8:
      return "uint8";
    case DType::kInt16:
      return "int16";
    case DType::kUInt16:
      return "uint16";
    case DType::kInt32:
      return "int32";
    case DType::kUInt32:
      return "uint32";
    case DType::kInt64:
      return "int64";
    case DType::kUInt64:
      return "uint64";
    case DType::kBool:
      return "bool";
    case DType::kInt2:
      return "int2";
    case DType::kUInt2:
      return "uint2";
    case DType::kInt3:
      return "int3";
    case DType::kUInt3:
      return "uint3";
    case DType::kInt4:
      return "int4";
    case DType::kUInt4:
      return "uint4";
    case DType::kInt5:
      return "int5";
    case DType::kUInt5:
      return "uint5";
    case DType::kInt6:
      return "int6";
    case DType::kUInt6:
      return "uint6";
    case DType::kInt7:
      return "int7";
    case DType::kUInt7:
      return "uint7";
  }
  return "?";
}

std::optional<DType> ParseDType(std::string_view name) {
  for (DType t : kAllDTypes) {
    if (name == DTypeName(t)) return t;
  }
  for (DType t : kNarrowDTypes) {
    if (name == DTypeName(t)) return t;
  }
  return std::nullopt;
}

}  // namespace adze
