#include "formats/onnx/build.h"

namespace adze::onnx {
namespace {

constexpr size_t kMaxAttributes = 256;  // of one node; AttrMap is a flat list

Result<AttrValue> ReadAttribute(const AttributeProto& a, const std::shared_ptr<const void>& owner,
                                ExternalFiles* external) {
  if (a.is_reference) return InvalidInput("refers to a function's attribute outside a function");
  switch (a.type) {
    case AttributeType::kFloat:
      return AttrValue(a.f);
    case AttributeType::kInt:
      return AttrValue(a.i);
    case AttributeType::kString:
      return AttrValue(std::string(a.s));
    case AttributeType::kTensor: {
      if (a.t == nullptr) return InvalidInput("holds no tensor");
      ADZE_ASSIGN(Tensor t, DecodeTensor(*a.t, owner, external));
      return AttrValue(std::move(t));
    }
    case AttributeType::kFloats:
      return AttrValue(a.floats);
    case AttributeType::kInts:
      return AttrValue(a.ints);
    case AttributeType::kStrings:
      return AttrValue(std::vector<std::string>(a.strings.begin(), a.strings.end()));
    case AttributeType::kUndefined:
      return InvalidInput("has neither type nor value");
    default:
      return Unsupported("is of kind " + std::to_string(static_cast<int64_t>(a.type)) +
                         " (lists of tensors or graphs, sparse tensors, types), which is not "
                         "supported");
  }
}

}  // namespace

Result<AttrMap> ReadAttributes(const NodeProto& node, const std::shared_ptr<const void>& owner,
                               ExternalFiles* external) {
  if (node.attributes.size() > kMaxAttributes) {
    return Unsupported("has more than " + std::to_string(kMaxAttributes) + " attributes");
  }
  AttrMap attrs;
  std::set<std::string_view> names;
  for (const AttributeProto& a : node.attributes) {
    const std::string context = "attribute '" + std::string(a.name) + "'";
    if (!names.insert(a.name).second) return InvalidInput(context + " is given twice");
    if (a.type == AttributeType::kGraph) continue;
    Result<AttrValue> value = ReadAttribute(a, owner, external);
    if (!value.ok()) return value.status().WithContext(context);
    attrs.Set(a.name, std::move(value).value());
  }
  return attrs;
}

Result<Tensor> DecodeConstant(const AttributeProto& a, const std::shared_ptr<const void>& owner,
                              ExternalFiles* external) {
  const auto list = [](const auto& values) {
    using T = typename std::decay_t<decltype(values)>::value_type;
    return Tensor::FromValues<T>({static_cast<int64_t>(values.size())}, values);
  };
  const std::string_view kind = a.name;
  if (a.is_reference) return InvalidInput("refers to a function's attribute outside a function");
  if (kind == "value" && a.type == AttributeType::kTensor && a.t != nullptr) {
    return DecodeTensor(*a.t, owner, external);
  }
  if (kind == "value_float" && a.type == AttributeType::kFloat) return Tensor::Scalar(a.f);
  if (kind == "value_int" && a.type == AttributeType::kInt) return Tensor::Scalar(a.i);
  if (kind == "value_floats" && a.type == AttributeType::kFloats) return list(a.floats);
  if (kind == "value_ints" && a.type == AttributeType::kInts) return list(a.ints);
  if (kind == "value_string" || kind == "value_strings") {
    return Unsupported("element type string is not supported");
  }
  if (kind == "sparse_value") return Unsupported("sparse constants are not supported");
  return InvalidInput("attribute '" + std::string(kind) + "' is not a constant");
}

}  // namespace adze::onnx
