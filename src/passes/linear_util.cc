#include "passes/linear_util.h"

#include <algorithm>

namespace adze {
namespace {

const Tensor* FloatConstant(const Graph& graph, ValueId id) {
  const Tensor* const t = ConstantOrNull(graph, id);
  return t != nullptr && t->dtype() == DType::kFloat32 ? t : nullptr;
}

// Output and input channel of weight element i for a convolution: w[m][c][k...] in groups, or for
// ConvTranspose w[c][m][k...].
void MapConvolution(LinearNode* linear, const std::vector<int64_t>& dims, int64_t group,
                    bool transposed) {
  int64_t window = 1;
  for (size_t i = 2; i < dims.size(); ++i) window *= dims[i];
  linear->outputs = transposed ? dims[1] * group : dims[0];
  linear->inputs = transposed ? dims[0] : dims[1] * group;
  const int64_t rows_per_group = dims[0] / group;
  for (int64_t a = 0; a < dims[0]; ++a) {
    const int64_t g = a / rows_per_group;
    for (int64_t b = 0; b < dims[1]; ++b) {
      const auto row = static_cast<int32_t>(a);
      const auto column = static_cast<int32_t>(g * dims[1] + b);
      for (int64_t k = 0; k < window; ++k) {
        linear->output_of.push_back(transposed ? column : row);
        linear->input_of.push_back(transposed ? row : column);
      }
    }
  }
}

void MapMatrix(LinearNode* linear, const std::vector<int64_t>& dims, bool transposed) {
  linear->channel_axis = LinearNode::kLastAxis;
  linear->outputs = dims[transposed ? 0 : 1];
  linear->inputs = dims[transposed ? 1 : 0];
  for (int64_t a = 0; a < dims[0]; ++a) {
    for (int64_t b = 0; b < dims[1]; ++b) {
      linear->output_of.push_back(static_cast<int32_t>(transposed ? a : b));
      linear->input_of.push_back(static_cast<int32_t>(transposed ? b : a));
    }
  }
}

}  // namespace

std::optional<LinearNode> AsLinear(const Graph& graph, NodeId id, std::string* reason) {
  const auto no = [&](std::string why) {
    *reason = std::move(why);
    return std::nullopt;
  };
  const Node& n = graph.node(id);
  const bool conv = n.op.Is("Conv");
  const bool conv_transpose = n.op.Is("ConvTranspose");
  const bool gemm = n.op.Is("Gemm");
  if (!conv && !conv_transpose && !gemm && !n.op.Is("MatMul")) return std::nullopt;
  LinearNode linear;
  linear.node = id;
  linear.weight = n.inputs[1];
  linear.bias = graph.input(id, 2);
  linear.can_have_bias = !n.op.Is("MatMul");
  const Value& w = graph.value(linear.weight);
  if (IsQuantized(graph, linear.weight)) return no("the weight is quantized");
  const Tensor* const weight = FloatConstant(graph, linear.weight);
  if (weight == nullptr) return no("weight '" + w.name + "' is not a float32 constant");
  const std::vector<int64_t>& dims = weight->dims();
  if (weight->size() < 1) return no("the weight is empty");
  if (conv || conv_transpose) {
    const int64_t group = n.attrs.Int("group", 1);
    if (dims.size() < 3 || group < 1 || dims[0] % group != 0)
      return no("the weight has no channels");
    MapConvolution(&linear, dims, group, conv_transpose);
  } else {
    if (dims.size() != 2) return no("the weight is not a matrix");
    if (gemm && n.attrs.Int("transA", 0) != 0) return no("the input is transposed");
    MapMatrix(&linear, dims, gemm && n.attrs.Int("transB", 0) != 0);
  }
  if (linear.bias != kNoId) {
    const Tensor* const bias = FloatConstant(graph, linear.bias);
    if (bias == nullptr) {
      return no("bias '" + graph.value(linear.bias).name + "' is not a float32 constant");
    }
    // A Gemm's C may be a scalar, a vector, or a matrix with one row.
    const bool vector = bias->size() == linear.outputs &&
                        (bias->rank() == 0 || bias->dims().back() == bias->size());
    if (!vector && bias->size() != 1) return no("the bias differs from row to row");
  }
  return linear;
}

std::optional<std::vector<double>> PerChannel(const Graph& graph, ValueId constant,
                                              const Shape& shape, int axis, int64_t channels) {
  const Tensor* const t = FloatConstant(graph, constant);
  const int rank = static_cast<int>(shape.size());
  if (t == nullptr || t->rank() > rank) return std::nullopt;
  if (axis == LinearNode::kLastAxis) axis = rank - 1;
  if (axis < 0 || axis >= rank) return std::nullopt;
  for (int i = 0; i < t->rank(); ++i) {
    const int64_t d = t->dims()[static_cast<size_t>(i)];
    if (d != 1 && (i + rank - t->rank() != axis || d != channels)) return std::nullopt;
  }
  const std::span<const float> values = t->values<float>();
  std::vector<double> result(static_cast<size_t>(channels));
  for (size_t c = 0; c < result.size(); ++c) result[c] = values[values.size() == 1 ? 0 : c];
  return result;
}

bool ScaleShift::scales() const {
  return std::any_of(scale.begin(), scale.end(), [](double v) { return v != 1; });
}
bool ScaleShift::shifts() const {
  return std::any_of(shift.begin(), shift.end(), [](double v) { return v != 0; });
}

ValueId VariableOperand(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.inputs.size() != 2) return kNoId;
  const bool first = graph.value(n.inputs[0]).is_constant();
  const bool second = graph.value(n.inputs[1]).is_constant();
  return first == second ? kNoId : n.inputs[first ? 1 : 0];
}

std::optional<ScaleShift> AsScaleShift(const Graph& graph, NodeId id, int axis, int64_t channels,
                                       std::string* reason) {
  const auto no = [&](std::string why) {
    *reason = std::move(why);
    return std::nullopt;
  };
  const Node& n = graph.node(id);
  const bool add = n.op.Is("Add");
  const bool sub = n.op.Is("Sub");
  const bool mul = n.op.Is("Mul");
  if (!add && !sub && !mul && !n.op.Is("Div")) return std::nullopt;
  ScaleShift result;
  result.x = VariableOperand(graph, id);
  if (result.x == kNoId) return std::nullopt;
  const bool constant_first = result.x == n.inputs[1];
  if (IsQuantized(graph, result.x) || IsQuantized(graph, n.outputs[0]) ||
      IsQuantized(graph, n.inputs[constant_first ? 0 : 1])) {
    return no("it is quantized");
  }
  if (!SameShape(graph, result.x, n.outputs[0])) return no("the constant changes the shape");
  const auto values = PerChannel(graph, n.inputs[constant_first ? 0 : 1],
                                 *ShapeOrNull(graph, result.x), axis, channels);
  if (!values) return no("the constant is not one number per channel");
  const size_t count = values->size();
  result.scale.assign(count, 1);
  result.shift.assign(count, 0);
  if (add) {
    result.shift = *values;
  } else if (sub) {
    for (size_t c = 0; c < count; ++c) {
      result.scale[c] = constant_first ? -1 : 1;
      result.shift[c] = constant_first ? (*values)[c] : -(*values)[c];
    }
  } else if (mul) {
    result.scale = *values;
  } else {
    if (constant_first) return no("it divides the constant");
    for (size_t c = 0; c < count; ++c) {
      if ((*values)[c] == 0) return no("it divides by zero");
      result.scale[c] = 1 / (*values)[c];
    }
  }
  return result;
}

void SupersedeConstant(Patch& patch, const Graph& graph, ValueId old, ValueId by) {
  if (graph.users(old).size() == 1 && !graph.IsRegionOutput(old)) {
    patch.Replace(old, by);
  } else {
    patch.KeepName(old, by);
  }
}

std::vector<double> BiasOf(const Graph& graph, const LinearNode& linear) {
  std::vector<double> bias(static_cast<size_t>(linear.outputs), 0);
  if (linear.bias == kNoId) return bias;
  const Node& n = graph.node(linear.node);
  const double beta = n.op.Is("Gemm") ? n.attrs.Float("beta", 1) : 1;
  const std::span<const float> values = graph.value(linear.bias).constant.values<float>();
  for (size_t c = 0; c < bias.size(); ++c) bias[c] = beta * values[values.size() == 1 ? 0 : c];
  return bias;
}

ValueId AddLinear(Patch& patch, const Graph& graph, const LinearNode& linear, ValueId x,
                  std::span<const float> weight, std::span<const double> bias, ValueId old_output) {
  const Node& n = graph.node(linear.node);
  const std::string& out_name = graph.value(old_output).name;
  std::vector<ValueId> inputs = {x, linear.weight};
  if (!weight.empty()) {
    const Value& old = graph.value(linear.weight);
    inputs[1] = patch.AddConstant(old.name, FloatTensor(old.constant.dims(), weight));
    SupersedeConstant(patch, graph, linear.weight, inputs[1]);
  }
  AttrMap attrs = n.attrs;
  if (linear.bias != kNoId ||
      std::any_of(bias.begin(), bias.end(), [](double v) { return v != 0; })) {
    attrs.Erase("beta");
    const std::vector<float> values(bias.begin(), bias.end());
    const std::string name =
        linear.bias != kNoId ? graph.value(linear.bias).name : out_name + "_bias";
    inputs.push_back(patch.AddConstant(name, FloatTensor({linear.outputs}, values)));
    if (linear.bias != kNoId) SupersedeConstant(patch, graph, linear.bias, inputs[2]);
  }
  const ValueId out = patch.AddNode(n.op, n.name, std::move(inputs), std::move(attrs), out_name);
  patch.SetQuant(out, graph.value(old_output).type.quant);
  return out;
}

ValueId AddRescaled(Patch& patch, const Graph& graph, const LinearNode& linear,
                    std::span<const double> scale, std::span<const double> shift,
                    ValueId old_output) {
  std::vector<double> bias = BiasOf(graph, linear);
  for (size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * scale[c] + shift[c];
  std::vector<float> weight;
  if (std::any_of(scale.begin(), scale.end(), [](double v) { return v != 1; })) {
    const std::span<const float> old = graph.value(linear.weight).constant.values<float>();
    for (size_t i = 0; i < old.size(); ++i) {
      const double factor = scale[static_cast<size_t>(linear.output_of[i])];
      weight.push_back(static_cast<float>(old[i] * factor));
    }
  }
  return AddLinear(patch, graph, linear, graph.node(linear.node).inputs[0], weight, bias,
                   old_output);
}

}  // namespace adze
