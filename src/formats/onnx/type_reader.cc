#include <algorithm>
#include <cctype>

#include "formats/onnx/build.h"

namespace adze::onnx {
namespace {

// Names that exporters write where they mean "unknown": two of them need not be equal.
bool IsPlaceholder(std::string_view name) {
  static constexpr std::string_view kNames[] = {"", "?", "*", "-1", "None", "none", "unk"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::string Sanitize(std::string_view name) {
  std::string out;
  for (char c : name.substr(0, 200)) {
    const bool keep =
        std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == ':' || c == '/';
    out += keep && static_cast<unsigned char>(c) < 0x80 ? c : '_';
  }
  if (out.empty() || std::isdigit(static_cast<unsigned char>(out[0]))) out.insert(0, "_");
  return out;
}

}  // namespace

std::string TypeReader::FreshSymbol(std::string_view wish) {
  const std::string base = Sanitize(wish);
  std::string name = base;
  while (!taken_.insert(name).second) name = base + "_" + std::to_string(++counters_[base]);
  return name;
}

Result<TensorType> TypeReader::Read(const ValueInfoProto& info) {
  TensorType type;
  if (info.elem_type != 0) {
    const std::optional<DType> dtype = DTypeFromOnnx(info.elem_type);
    if (!dtype) {
      return Unsupported("element type " + OnnxTypeName(info.elem_type) + " is not supported");
    }
    type.dtype = *dtype;
  }
  if (!info.has_shape) return type;
  if (info.dims.size() > static_cast<size_t>(kMaxRank)) {
    return Unsupported("rank " + std::to_string(info.dims.size()) + ", at most " +
                       std::to_string(kMaxRank) + " is supported");
  }
  Shape shape;
  std::vector<int64_t> known;
  for (const DimProto& d : info.dims) {
    if (d.kind == DimProto::kValue && d.value >= 0) {
      shape.emplace_back(d.value);
      known.push_back(d.value);
    } else if (d.kind == DimProto::kParam && !IsPlaceholder(d.param)) {
      auto it = symbols_.find(d.param);
      if (it == symbols_.end()) {
        it = symbols_.emplace(std::string(d.param), FreshSymbol(d.param)).first;
      }
      shape.push_back(Dim::Symbol(it->second));
    } else {
      shape.push_back(
          Dim::Symbol(FreshSymbol(std::string(info.name) + "_dim" + std::to_string(shape.size()))));
    }
  }
  if (NumElements(known) < 0) {
    return InvalidInput("dimensions " + ShapeToString(shape) + " are too large");
  }
  type.shape = std::move(shape);
  return type;
}

}  // namespace adze::onnx
