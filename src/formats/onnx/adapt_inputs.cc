// Operators whose attributes became inputs.
#include "formats/onnx/adapt.h"

namespace adze::onnx {
namespace {

// The int64 list attribute `attr_name`, if present, becomes constant input i.
Status IntsToInput(AdaptNode& n, const char* attr_name, size_t i) {
  ADZE_ASSIGN(const auto values, TakeAttr<std::vector<int64_t>>(n, attr_name));
  if (values) SetInput(n, i, AddInts(n, attr_name, *values));
  return OkStatus();
}

// The same for one float, in the element type of input 0.
Status FloatToInput(AdaptNode& n, const char* attr_name, size_t i) {
  ADZE_ASSIGN(const auto value, TakeAttr<float>(n, attr_name));
  if (value) SetInput(n, i, AddScalarLikeInput(n, attr_name, *value));
  return OkStatus();
}

Status ExpectInputs(const AdaptNode& n, size_t count) {
  if (n.inputs.size() == count) return OkStatus();
  return InvalidInput("has " + std::to_string(n.inputs.size()) + " inputs, must have " +
                      std::to_string(count) + " at opset " + std::to_string(n.opset));
}

}  // namespace

// Reduce*, Squeeze, Unsqueeze.
Status AdaptAxes(AdaptNode& n) {
  ADZE_TRY(ExpectInputs(n, 1));
  return IntsToInput(n, "axes", 1);
}

Status AdaptClip(AdaptNode& n) {
  ADZE_TRY(ExpectInputs(n, 1));
  ADZE_TRY(FloatToInput(n, "min", 1));
  return FloatToInput(n, "max", 2);
}

// The ratio does not matter for inference, but is kept. The mask of opset 7 has the type of the
// data, the later one is boolean.
Status AdaptDropout(AdaptNode& n) {
  ADZE_TRY(ExpectInputs(n, 1));
  if (n.opset < 10 && n.outputs.size() == 2) {
    if (n.output_used[1]) return Unsupported("the mask output is used");
    n.outputs.pop_back();
  }
  return FloatToInput(n, "ratio", 1);
}

Status AdaptPad(AdaptNode& n) {
  ADZE_TRY(ExpectInputs(n, 1));
  if (!n.attrs.Has("pads")) return InvalidInput("attribute 'pads' is missing");
  ADZE_TRY(IntsToInput(n, "pads", 1));
  return FloatToInput(n, "value", 2);
}

Status AdaptSlice(AdaptNode& n) {
  ADZE_TRY(ExpectInputs(n, 1));
  if (!n.attrs.Has("starts") || !n.attrs.Has("ends")) {
    return InvalidInput("attribute 'starts' or 'ends' is missing");
  }
  ADZE_TRY(IntsToInput(n, "starts", 1));
  ADZE_TRY(IntsToInput(n, "ends", 2));
  return IntsToInput(n, "axes", 3);
}

// Without sizes the parts were equal and as many as the outputs; since opset 18 their number is an
// attribute.
Status AdaptSplit(AdaptNode& n) {
  if (n.opset < 13) {
    ADZE_TRY(ExpectInputs(n, 1));
    ADZE_TRY(IntsToInput(n, "split", 1));
  }
  if (n.input(1) == kNoId) n.attrs.Set("num_outputs", static_cast<int64_t>(n.outputs.size()));
  return OkStatus();
}

Status AdaptTopK(AdaptNode& n) {
  ADZE_TRY(ExpectInputs(n, 1));
  ADZE_ASSIGN(const auto k, TakeAttr<int64_t>(n, "k"));
  if (!k) return InvalidInput("attribute 'k' is missing");
  SetInput(n, 1, AddInts(n, "k", {*k}));
  return OkStatus();
}

}  // namespace adze::onnx
