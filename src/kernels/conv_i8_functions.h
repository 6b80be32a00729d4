// conv_i8 and depthwise_i8 under one set of names, for what treats them alike: runtime adapters,
// tests, benchmarks.
#ifndef ADZE_KERNELS_CONV_I8_FUNCTIONS_H_
#define ADZE_KERNELS_CONV_I8_FUNCTIONS_H_

#include "kernels/conv_i8/conv_i8.h"
#include "kernels/depthwise_i8/depthwise_i8.h"

namespace adze {

struct ConvI8Functions {
  using Row = ConvI8Row;
  using Plan = ConvI8Plan;
  using Packing = ConvI8Packing;
  static constexpr auto Rows = ConvI8Rows;
  static constexpr auto Find = FindConvI8;
  static constexpr auto Packed = ConvI8Packed;
  static constexpr auto Pack = ConvI8Pack;
  static constexpr auto Unpack = ConvI8Unpack;
  static constexpr auto IsKnownPacking = IsKnownConvI8Packing;
  static constexpr auto PackingFor = ConvI8PackingFor;
  static constexpr auto MakePlan = MakeConvI8Plan;
  static constexpr auto RunChunk = ConvI8RunChunk;
};

struct DepthwiseI8Functions {
  using Row = DepthwiseI8Row;
  using Plan = DepthwiseI8Plan;
  using Packing = DepthwiseI8Packing;
  static constexpr auto Rows = DepthwiseI8Rows;
  static constexpr auto Find = FindDepthwiseI8;
  static constexpr auto Packed = DepthwiseI8Packed;
  static constexpr auto Pack = DepthwiseI8Pack;
  static constexpr auto Unpack = DepthwiseI8Unpack;
  static constexpr auto IsKnownPacking = IsKnownDepthwiseI8Packing;
  static constexpr auto PackingFor = DepthwiseI8PackingFor;
  static constexpr auto MakePlan = MakeDepthwiseI8Plan;
  static constexpr auto RunChunk = DepthwiseI8RunChunk;
};

}  // namespace adze

#endif  // ADZE_KERNELS_CONV_I8_FUNCTIONS_H_
