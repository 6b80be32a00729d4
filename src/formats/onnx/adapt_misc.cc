// Renamed operators and attributes that appeared after the canonical opset.
#include "formats/onnx/adapt.h"
#include "formats/onnx/tensor_proto.h"

namespace adze::onnx {
namespace {

// A type attribute of a newer opset may only repeat what the canonical opset does anyway: 0 (unset)
// or the type of the scale.
Status TypeAttrLikeScale(AdaptNode& n, const char* attr_name) {
  ADZE_ASSIGN(const auto type, TakeAttr<int64_t>(n, attr_name));
  if (!type || *type == 0) return OkStatus();
  const ValueId scale = n.input(1);
  const auto dtype = DTypeFromOnnx(*type);
  if (scale != kNoId && dtype && n.graph.value(scale).type.dtype == *dtype) return OkStatus();
  return Unsupported(std::string("attribute '") + attr_name + "' asks for " + OnnxTypeName(*type) +
                     ", only the type of the scale is supported");
}

}  // namespace

Status AdaptDequantizeLinear(AdaptNode& n) { return TypeAttrLikeScale(n, "output_dtype"); }

Status AdaptQuantizeLinear(AdaptNode& n) { return TypeAttrLikeScale(n, "precision"); }

// Concerns casts to float8e8m0 only, an element type that is refused.
Status AdaptRoundMode(AdaptNode& n) {
  n.attrs.Erase("round_mode");
  return OkStatus();
}

Status AdaptScatter(AdaptNode& n) {
  const OpType op = OpType::Intern("", "ScatterElements");
  if (FindOp(op) != nullptr) n.op = op;
  return OkStatus();
}

}  // namespace adze::onnx
