// Upsample and Resize.
#include "formats/onnx/adapt.h"

namespace adze::onnx {
namespace {

// What Upsample and the first Resize computed, in today's terms: output pixel i reads input
// position i / scale, which nearest rounds with `nearest_mode`.
Status SetAsymmetric(AdaptNode& n, const char* nearest_mode) {
  ADZE_ASSIGN(const auto mode, TakeAttr<std::string>(n, "mode"));
  const bool nearest = mode.value_or("nearest") == "nearest";
  n.attrs.Set("mode", mode.value_or("nearest") == "bilinear" ? "linear" : mode.value_or("nearest"));
  n.attrs.Set("coordinate_transformation_mode", std::string("asymmetric"));
  if (nearest) n.attrs.Set("nearest_mode", std::string(nearest_mode));
  return OkStatus();
}

// The inputs data and scales become data, roi (none) and scales.
Status SpreadInputs(AdaptNode& n) {
  if (n.inputs.size() != 2 || n.inputs[1] == kNoId) {
    return InvalidInput("must have 2 inputs, data and scales");
  }
  n.inputs = {n.inputs[0], kNoId, n.inputs[1]};
  return OkStatus();
}

}  // namespace

// Upsample only grows (scales >= 1) and rounds down.
Status AdaptUpsample(AdaptNode& n) {
  n.op = OpType::Intern("", "Resize");
  if (n.opset < 9) {
    if (n.inputs.size() != 1) return InvalidInput("must have 1 input at opset 7 and 8");
    ADZE_ASSIGN(const auto scales, TakeAttr<std::vector<float>>(n, "scales"));
    if (!scales) return InvalidInput("attribute 'scales' is missing");
    n.inputs.push_back(AddConstant(
        n, "scales", Tensor::FromValues<float>({static_cast<int64_t>(scales->size())}, *scales)));
  }
  ADZE_TRY(SpreadInputs(n));
  return SetAsymmetric(n, "floor");
}

// The opset text leaves the rounding open; ONNX Runtime rounds down when growing and up when
// shrinking.
Status AdaptResize10(AdaptNode& n) {
  ADZE_TRY(SpreadInputs(n));
  bool grows = false;
  bool shrinks = false;
  const AttrValue* const mode = n.attrs.Find("mode");
  const std::string* const text = mode == nullptr ? nullptr : std::get_if<std::string>(mode);
  if (mode == nullptr || (text != nullptr && *text == "nearest")) {
    const Tensor* const scales = ConstantInput(n, 2);
    if (scales == nullptr || scales->dtype() != DType::kFloat32) {
      return Unsupported("scales must be constant at opset 10");
    }
    for (float s : scales->values<float>()) {
      grows = grows || s > 1;
      shrinks = shrinks || s < 1;
    }
    if (grows && shrinks) {
      return Unsupported("grows one axis and shrinks another, which opset 10 leaves undefined");
    }
  }
  return SetAsymmetric(n, shrinks ? "ceil" : "floor");
}

// Opsets 11 and 12 demanded roi and scales, so files hold empty constants where today's omit the
// input.
Status AdaptResize(AdaptNode& n) {
  for (size_t i = 1; i <= 2; ++i) {
    const Tensor* const t = ConstantInput(n, i);
    if (t != nullptr && t->size() == 0) n.inputs[i] = kNoId;
  }
  const AttrValue* const mode = n.attrs.Find("coordinate_transformation_mode");
  const std::string* const text = mode == nullptr ? nullptr : std::get_if<std::string>(mode);
  if (text != nullptr && *text == "tf_half_pixel_for_nn") {
    return Unsupported("coordinate_transformation_mode 'tf_half_pixel_for_nn' is not supported");
  }
  return OkStatus();
}

}  // namespace adze::onnx
