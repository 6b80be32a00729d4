#include "formats/onnx/form.h"

#include <algorithm>
#include <utility>

#include "formats/onnx/onnx.h"

namespace adze::onnx {
namespace {

DType InputDType(const FormNode& n, size_t i) {
  const bool present = i < n.inputs.size() && n.inputs[i] != kNoId;
  return present ? n.graph.value(n.inputs[i]).type.dtype : DType::kUndefined;
}

// The attribute's value, `fallback` when absent. Attributes of another kind, which only operators
// without a definition can have, read as a default-constructed value.
template <typename T>
T Attr(const FormNode& n, const char* name, T fallback) {
  const AttrValue* const v = n.attrs.Find(name);
  if (v == nullptr) return fallback;
  const T* const typed = std::get_if<T>(v);
  return typed == nullptr ? T{} : *typed;
}

// Removes an attribute that the opset lacks; false if its value says something else than the
// opset's behaviour.
template <typename T>
bool Drop(FormNode& n, const char* name, const T& meaning) {
  const bool same = Attr<T>(n, name, meaning) == meaning;
  n.attrs.Erase(name);
  return same;
}
bool DropOnes(FormNode& n, const char* name) {
  const auto values = Attr<std::vector<int64_t>>(n, name, {});
  const bool same = std::all_of(values.begin(), values.end(), [](int64_t v) { return v == 1; });
  n.attrs.Erase(name);
  return same;
}
bool DropZero(FormNode& n, const char* name) { return Drop<int64_t>(n, name, 0); }

bool FormPlain(FormNode&, int) { return true; }

bool FormSmallIntegers(FormNode& n, int opset) {
  const DType t = InputDType(n, 0);
  return opset >= 14 || !IsInteger(t) || SizeOf(t) >= 4;
}

bool FormRelu(FormNode& n, int opset) { return opset >= 14 || !IsInteger(InputDType(n, 0)); }

bool FormAveragePool(FormNode& n, int opset) { return opset >= 19 || DropOnes(n, "dilations"); }

bool FormLpPool(FormNode& n, int opset) {
  return opset >= 18 || (DropOnes(n, "dilations") && DropZero(n, "ceil_mode"));
}

bool FormBatchNormalization(FormNode& n, int opset) {
  return opset >= 14 || (DropZero(n, "training_mode") && n.node.outputs.size() == 1);
}

// `saturate` concerns float8 results only, which adze does not have.
bool FormCast(FormNode& n, int opset) {
  if (opset < 19) n.attrs.Erase("saturate");
  return opset >= 21 || !IsNarrow(InputDType(n, 0));
}

// What both directions demand before opset 21 (one scale per tensor or channel, 8-bit codes) and 19
// (float32 scales).
bool FormQuantization(FormNode& n, int opset) {
  const DType code = InputDType(n, 2);
  if (IsNarrow(code) && BitsOf(code) == 2 && opset < 25) return false;
  const bool narrow = code == DType::kUndefined || code == DType::kInt8 || code == DType::kUInt8 ||
                      code == DType::kInt32;
  if (opset < 21 && !(DropZero(n, "block_size") && narrow)) return false;
  return opset >= 19 || InputDType(n, 1) == DType::kFloat32;
}

bool FormQuantizeLinear(FormNode& n, int opset) {
  if (opset < 21) {
    // The zero point carries the type; without one it is uint8.
    constexpr int64_t kOnnxUInt8 = 2;
    const bool has_zero_point = InputDType(n, 2) != DType::kUndefined;
    const int64_t type = Attr<int64_t>(n, "output_dtype", 0);
    if (!has_zero_point && type != 0 && type != kOnnxUInt8) return false;
    n.attrs.Erase("output_dtype");
  }
  if (opset < 19) n.attrs.Erase("saturate");
  return FormQuantization(n, opset);
}

bool FormDequantizeLinear(FormNode& n, int opset) {
  const DType code = InputDType(n, 0);
  if (opset < 21 && IsInteger(code) && (SizeOf(code) == 2 || IsNarrow(code))) return false;
  return FormQuantization(n, opset);
}

bool FormPad(FormNode& n, int opset) {
  if (opset < 19 && Attr<std::string>(n, "mode", "constant") == "wrap") return false;
  return opset >= 18 || n.inputs.size() <= 3;
}

bool FormRecurrent(FormNode& n, int opset) { return opset >= 14 || DropZero(n, "layout"); }

// Axes were an attribute before opset 18, and none meant all.
bool FormReduce(FormNode& n, int opset) {
  if (opset < 20 && InputDType(n, 0) == DType::kBool) return false;
  if (opset >= 18) return true;
  const bool has_axes = n.inputs.size() > 1 && n.inputs[1] != kNoId;
  std::vector<int64_t> axes;
  if (has_axes) {
    const Value& v = n.graph.value(n.inputs[1]);
    if (!v.is_constant()) return false;
    axes = ToInt64s(v.constant.view());
  }
  n.inputs.resize(1);
  if (axes.empty()) return DropZero(n, "noop_with_empty_axes");
  n.attrs.Erase("noop_with_empty_axes");
  n.attrs.Set("axes", std::move(axes));
  return true;
}

bool FormReshape(FormNode& n, int opset) { return opset >= 14 || DropZero(n, "allowzero"); }

bool FormResize(FormNode& n, int opset) {
  if (opset < 19 &&
      Attr<std::string>(n, "coordinate_transformation_mode", "") == "half_pixel_symmetric") {
    return false;
  }
  return opset >= 18 || (!n.attrs.Has("axes") && DropZero(n, "antialias") &&
                         Drop<std::string>(n, "keep_aspect_ratio_policy", "stretch"));
}

bool FormScatter(FormNode& n, int opset) {
  const std::string reduction = Attr<std::string>(n, "reduction", "none");
  if (opset < 18 && (reduction == "max" || reduction == "min")) return false;
  return opset >= 16 || Drop<std::string>(n, "reduction", "none");
}

bool FormShape(FormNode& n, int opset) {
  return opset >= 15 || (!n.attrs.Has("end") && DropZero(n, "start"));
}

// Before opset 18 a split without sizes was even, its number the number of outputs.
bool FormSplit(FormNode& n, int opset) {
  if (opset >= 18 || !n.attrs.Has("num_outputs")) return true;
  const auto& shape = n.graph.value(n.inputs[0]).type.shape;
  if (!shape || shape->empty()) return false;
  const int64_t rank = static_cast<int64_t>(shape->size());
  const int64_t axis = Attr<int64_t>(n, "axis", 0);
  if (axis < -rank || axis >= rank) return false;
  const Dim& d = (*shape)[static_cast<size_t>(axis < 0 ? axis + rank : axis)];
  const int64_t parts = static_cast<int64_t>(n.node.outputs.size());
  if (Attr<int64_t>(n, "num_outputs", 0) != parts || !d.is_const() || d.value() % parts != 0)
    return false;
  n.attrs.Erase("num_outputs");
  return true;
}

struct Row {
  std::string_view op;
  int first;
  bool (*form)(FormNode&, int);
};
constexpr Row kRows[] = {
#define ADZE_ONNX_FORM(op, first, function) {#op, first, function},
#include "formats/onnx/form_list.inc"
#undef ADZE_ONNX_FORM
};

const Row* FindRow(OpType op) {
  const auto row =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return op.Is(r.op); });
  return row == std::end(kRows) ? nullptr : row;
}

Status CheckWritable(const Graph& graph, RegionId region) {
  const auto quantized = [&](ValueId id) {
    return id != kNoId && graph.value(id).type.quant != nullptr;
  };
  const auto refuse = [&](ValueId id) {
    return Unsupported("value '" + graph.value(id).name +
                       "' is quantized: lower it to QuantizeLinear and DequantizeLinear first");
  };
  for (ValueId id : graph.region(region).inputs) {
    if (quantized(id)) return refuse(id);
  }
  for (NodeId id : graph.region(region).nodes) {
    const Node& n = graph.node(id);
    if (n.op.domain() == kAdzeDomain) {
      return Unsupported(DescribeNode(graph, id) + ": ONNX has no such operator");
    }
    for (ValueId v : n.inputs) {
      if (quantized(v)) return refuse(v);
    }
    for (ValueId v : n.outputs) {
      if (quantized(v)) return refuse(v);
    }
    for (const auto& [name, inner] : n.regions) ADZE_TRY(CheckWritable(graph, inner));
  }
  return OkStatus();
}

}  // namespace

bool ToForm(FormNode& n, int opset) {
  const Row* const row = FindRow(n.node.op);
  return row == nullptr || (opset >= row->first && row->form(n, opset));
}

Result<int> ChooseOpset(const Graph& graph, int at_least) {
  ADZE_TRY(CheckWritable(graph, 0));
  int opset = std::max(at_least, kOldestWrittenOpset);
  NodeId unknown = kNoId;
  for (NodeId id = 0; id < graph.num_nodes(); ++id) {
    const Node& n = graph.node(id);
    if (n.dead || !n.op.domain().empty()) continue;
    if (FindOp(n.op) == nullptr && FindRow(n.op) == nullptr) unknown = id;
    for (; opset <= kNewestOnnxOpset; ++opset) {
      FormNode form{graph, n, n.inputs, n.attrs};
      if (ToForm(form, opset)) break;
    }
    if (opset > kNewestOnnxOpset) {
      return Unsupported(DescribeNode(graph, id) + ": no opset up to " +
                         std::to_string(kNewestOnnxOpset) + " expresses it");
    }
  }
  if (unknown == kNoId) return opset;
  int64_t read_opset = kCanonicalOpset;  // of a graph that was not read from a file
  for (const auto& [domain, version] : graph.metadata.opset_imports) {
    if (domain.empty() || domain == "ai.onnx") read_opset = version;
  }
  if (read_opset >= opset && read_opset <= kNewestOnnxOpset) return static_cast<int>(read_opset);
  return Unsupported(DescribeNode(graph, unknown) +
                     ": adze does not know this operator, so the model must stay at opset " +
                     std::to_string(read_opset) + ", but writing it needs at least " +
                     std::to_string(opset));
}

}  // namespace adze::onnx
