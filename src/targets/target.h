// Targets: what a consumer of a quantized network can and cannot do, as data. One file per profile
// in profiles/ and one row in target_list.inc.
#ifndef ADZE_TARGETS_TARGET_H_
#define ADZE_TARGETS_TARGET_H_

#include <span>
#include <string_view>

namespace adze {

struct TargetDef {
  const char* name;
  const char* summary;
  // How the .onnx says it: QLinear* operators, or Quantize/DequantizeLinear around float operators.
  bool qoperator;
  // Takes a convolution whose real result goes through Silu, HardSwish, Sigmoid … before it is
  // rounded; false: wants the convolution's own result quantized.
  bool fuses_activations;
  // Largest weight code. 63 where pairs of uint8 x int8 products are added in 16 bits and saturate.
  int weight_limit;
};

std::span<const TargetDef* const> AllTargets();      // the order of target_list.inc
const TargetDef* FindTarget(std::string_view name);  // null if unknown

}  // namespace adze

#endif  // ADZE_TARGETS_TARGET_H_
