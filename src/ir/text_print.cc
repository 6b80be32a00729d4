// Printing of the text form; text.h describes it, text_parse.cc reads it back.
#include <charconv>
#include <cmath>
#include <cstring>

#include "ir/text.h"
#include "numerics/half.h"
#include "numerics/number_format.h"

namespace adze {
namespace {

bool IsBareName(std::string_view name) {
  if (name.empty() || name.back() == ':') return false;
  for (char c : name) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    std::string_view("_./:-").find(c) != std::string_view::npos;
    if (!ok) return false;
  }
  return true;
}

std::string Quoted(std::string_view s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// The fewest digits that read back to the same value.
template <typename T>
std::string FormatFloat(T v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
  char text[40];
  return std::string(text, std::to_chars(text, text + sizeof(text), v).ptr);
}

// Float attributes carry a mark that tells them from integers.
std::string FormatFloatAttr(float v) {
  std::string text = FormatFloat(v);
  if (text.find_first_of(".einf") == std::string::npos) text += ".0";
  return text;
}

std::string FormatElement(const Tensor& t, int64_t i) {
  switch (t.dtype()) {
    case DType::kFloat32:
      return FormatFloat(t.data<float>()[i]);
    case DType::kFloat64:
      return FormatFloat(t.data<double>()[i]);
    case DType::kFloat16:
      return FormatFloat(DecodeFloat16(static_cast<const uint16_t*>(t.raw())[i]));
    case DType::kBFloat16:
      return FormatFloat(DecodeBFloat16(static_cast<const uint16_t*>(t.raw())[i]));
    case DType::kUInt64:
      return std::to_string(t.data<uint64_t>()[i]);
    default:
      return std::to_string(IntegerAt(t.view(), i));
  }
}

bool IsSplat(const Tensor& t) {
  if (t.size() < 3) return false;
  const size_t size = SizeOf(t.dtype());
  const char* const bytes = static_cast<const char*>(t.raw());
  return std::memcmp(bytes, bytes + size, t.bytes() - size) == 0;
}

std::string FormatElements(const Tensor& t, int64_t max_elements) {
  const int64_t n = t.size();
  if (IsSplat(t)) return "splat(" + FormatElement(t, 0) + ")";
  if (n > max_elements) return "...";
  std::string out = "[";
  for (int64_t i = 0; i < n; ++i) {
    if (i != 0) out += ", ";
    out += FormatElement(t, i);
  }
  return out + "]";
}

template <typename T, typename Fn>
std::string List(const T& items, Fn&& format) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ", ";
    out += format(item);
  }
  return out + "]";
}

std::string FormatQuant(const QuantType& q) {
  std::string out = std::string(" quant(") + DTypeName(q.storage);
  if (q.axis >= 0) out += ", axis=" + std::to_string(q.axis);
  out += ", scale=" + List(q.scale, FormatFloat<float>);
  out += ", zero_point=" + List(q.zero_point, [](int32_t v) { return std::to_string(v); });
  if (q.block_size != 0) out += ", block_size=" + std::to_string(q.block_size);
  if (!q.codebook.empty()) {
    const NumberFormat* const format = FormatOfCodebook(q.codebook);
    out += ", codebook=" +
           (format != nullptr ? Quoted(format->name) : List(q.codebook, FormatFloat<float>));
  }
  return out + ")";
}

std::string FormatType(const Value& v) {
  std::string out = "_";
  if (v.type.dtype != DType::kUndefined) {
    out = DTypeName(v.type.dtype);
    if (v.type.shape) out += ShapeToString(*v.type.shape);
  }
  if (v.type.quant) out += FormatQuant(*v.type.quant);
  if (!v.origins.empty()) {
    const std::string list = List(v.origins, Quoted);
    out += " origins(" + list.substr(1, list.size() - 2) + ")";
  }
  return out;
}

std::string FormatAttr(const AttrValue& value, int64_t max_elements) {
  switch (KindOf(value)) {
    case AttrKind::kInt:
      return std::to_string(std::get<int64_t>(value));
    case AttrKind::kFloat:
      return FormatFloatAttr(std::get<float>(value));
    case AttrKind::kString:
      return Quoted(std::get<std::string>(value));
    case AttrKind::kTensor: {
      const Tensor& t = std::get<Tensor>(value);
      return std::string("(") + DTypeName(t.dtype()) + ShapeToString(ToShape(t.dims())) + " = " +
             FormatElements(t, max_elements) + ")";
    }
    case AttrKind::kInts: {
      const auto& list = std::get<std::vector<int64_t>>(value);
      if (list.empty()) return "ints[]";
      return List(list, [](int64_t v) { return std::to_string(v); });
    }
    case AttrKind::kFloats: {
      const auto& list = std::get<std::vector<float>>(value);
      return list.empty() ? "floats[]" : List(list, FormatFloatAttr);
    }
    case AttrKind::kStrings: {
      const auto& list = std::get<std::vector<std::string>>(value);
      return list.empty() ? "strings[]" : List(list, Quoted);
    }
  }
  return "";
}

class Printer {
 public:
  Printer(const Graph& graph, const PrintOptions& options) : graph_(graph), options_(options) {}

  std::string Run() {
    out_ = "graph " + Quoted(graph_.metadata.graph_name) + " {\n";
    for (ValueId id : graph_.top().inputs) {
      out_ += "  input " + Name(id) + " : " + FormatType(graph_.value(id)) + "\n";
    }
    for (ValueId id = 0; id < graph_.num_values(); ++id) {
      const Value& v = graph_.value(id);
      if (v.dead || !v.is_constant()) continue;
      out_ += "  const " + Name(id) + " : " + FormatType(v) + " = " +
              FormatElements(v.constant, options_.max_elements) + "\n";
    }
    Body(graph_.top(), "  ");
    return out_ + "}\n";
  }

 private:
  std::string Name(ValueId id) const {
    if (id == kNoId) return "_";
    const std::string& name = graph_.value(id).name;
    return "%" + (IsBareName(name) ? name : Quoted(name));
  }

  std::string Names(const std::vector<ValueId>& ids) const {
    std::string out;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i != 0) out += ", ";
      out += Name(ids[i]);
    }
    return out;
  }

  void Body(const Region& region, const std::string& indent) {
    for (NodeId id : region.nodes) PrintNode(graph_.node(id), indent);
    for (ValueId id : region.outputs) out_ += indent + "output " + Name(id) + "\n";
  }

  void PrintNode(const Node& n, const std::string& indent) {
    const std::string op = n.op.ToString();
    out_ += indent + Names(n.outputs) + " = " + (IsBareName(op) ? op : Quoted(op)) + "(" +
            Names(n.inputs) + ")";
    if (!n.attrs.empty() || !n.regions.empty()) {
      out_ += " {";
      bool first = true;
      for (const auto& [name, value] : n.attrs) {
        if (!first) out_ += ", ";
        first = false;
        out_ += (IsBareName(name) ? name : Quoted(name)) + "=" +
                FormatAttr(value, options_.max_elements);
      }
      for (const auto& [name, id] : n.regions) {
        if (!first) out_ += ", ";
        first = false;
        PrintRegion(name, graph_.region(id), indent);
      }
      out_ += "}";
    }
    if (!n.name.empty()) out_ += " " + Quoted(n.name);
    PrintOutputTypes(n);
    out_ += "\n";
  }

  void PrintRegion(const std::string& name, const Region& region, const std::string& indent) {
    out_ += (IsBareName(name) ? name : Quoted(name)) + " = region (";
    for (size_t i = 0; i < region.inputs.size(); ++i) {
      if (i != 0) out_ += ", ";
      out_ += Name(region.inputs[i]) + " : " + FormatType(graph_.value(region.inputs[i]));
    }
    out_ += ") {\n";
    Body(region, indent + "  ");
    out_ += indent + "}";
  }

  void PrintOutputTypes(const Node& n) {
    std::string types;
    bool any = false;
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      const std::string type = n.outputs[i] == kNoId ? "_" : FormatType(graph_.value(n.outputs[i]));
      any = any || type != "_";
      types += (i == 0 ? " : " : ", ") + type;
    }
    if (any) out_ += types;
  }

  const Graph& graph_;
  const PrintOptions& options_;
  std::string out_;
};

}  // namespace

std::string PrintGraph(const Graph& graph, const PrintOptions& options) {
  return Printer(graph, options).Run();
}

}  // namespace adze
