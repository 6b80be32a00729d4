// Upsample and Resize.
#include "formats/onnx/adapt.h"

namespace adze::onnx {
namespace {

// What Upsample and the first Resize computed, in today's terms: output pixel i reads input position i / scale; nearest
// rounds it down when growing and up when shrinking (as ONNX Runtime does; the opset text leaves it open).
Status SetAsymmetric(AdaptNode& n, const Tensor* scales) {
  ADZE_ASSIGN(const auto mode_attr, TakeAttr<std::string>(n, "mode"));
  std::string mode = mode_attr.value_or("nearest");
  if (mode == "bilinear") mode = "linear";
  n.attrs.Set("coordinate_transformation_mode", std::string("asymmetric"));
  if (mode == "nearest") {
    if (scales == nullptr || scales->dtype() != DType::kFloat32) {
      return Unsupported("scales must be constant at opset " + std::to_string(n.opset));
    }
    bool grows = false;
    bool shrinks = false;
    for (float s : scales->values<float>()) {
      grows = grows || s > 1;
      shrinks = shrinks || s < 1;
    }
    if (grows && shrinks) {
      return Unsupported("grows one axis and shrinks another, which opset " +
                         std::to_string(n.opset) + " leaves undefined");
    }
    n.attrs.Set("nearest_mode", std::string(shrinks ? "ceil" : "floor"));
  }
  n.attrs.Set("mode", std::move(mode));
  return OkStatus();
}

}  // namespace

Status AdaptUpsample(AdaptNode& n) {
  n.op = OpType::Intern("", "Resize");
  if (n.opset < 9) {
    if (n.inputs.size() != 1) return InvalidInput("must have 1 input at opset 7 and 8");
    ADZE_ASSIGN(const auto scales, TakeAttr<std::vector<float>>(n, "scales"));
    if (!scales) return InvalidInput("attribute 'scales' is missing");
    n.inputs.push_back(AddConstant(
        n, "scales", Tensor::FromValues<float>({static_cast<int64_t>(scales->size())}, *scales)));
  }
  return AdaptResize10(n);
}

Status AdaptResize10(AdaptNode& n) {
  if (n.inputs.size() != 2 || n.inputs[1] == kNoId) {
    return InvalidInput("must have 2 inputs, data and scales");
  }
  n.inputs = {n.inputs[0], kNoId, n.inputs[1]};
  return SetAsymmetric(n, ConstantInput(n, 2));
}

// Opsets 11 and 12 demanded roi and scales, so files hold empty constants where today's omit the input.
Status AdaptResize(AdaptNode& n) {
  for (size_t i = 1; i <= 2; ++i) {
    const Tensor* const t = ConstantInput(n, i);
    if (t != nullptr && t->size() == 0) n.inputs[i] = kNoId;
  }
  const AttrValue* const v = n.attrs.Find("coordinate_transformation_mode");
  const std::string* const mode = v == nullptr ? nullptr : std::get_if<std::string>(v);
  if (mode != nullptr && *mode == "tf_half_pixel_for_nn") {
    return Unsupported("coordinate_transformation_mode 'tf_half_pixel_for_nn' is not supported");
  }
  return OkStatus();
}

}  // namespace adze::onnx
