// lower_qdq: types of values become QuantizeLinear and DequantizeLinear nodes, for consumers of the
// Q/DQ form: one pair behind each quantized tensor, integer constants with a DequantizeLinear each
// (int32 without zero point) or, of a codebook, a look-up, and adze.Requantize only as the pair it
// stands for. Names: the tensor before its pair keeps its name.
#include "passes/qdq_util.h"

namespace adze {
namespace {

// The real numbers behind codes of a codebook, with operators every consumer has: the numbers of
// the codes times their scales. Consumers compute that once, when they load the file.
ValueId LookUp(Graph& graph, const std::string& name, const QuantType& q, const Tensor& codes,
               ValueId integers, NodeId before) {
  const auto add = [&](const char* op, std::vector<ValueId> inputs, AttrMap attrs, DType dtype) {
    const NodeId node =
        graph.AddNode(OpType::Intern("", op), graph.UniqueName(name + "_" + op), std::move(inputs),
                      {graph.UniqueName(name + "_" + op)}, std::move(attrs), 0, before);
    const ValueId out = graph.node(node).outputs[0];
    graph.SetType(out, {dtype, ToShape(codes.dims()), nullptr});
    return out;
  };
  const auto constant = [&](const char* what, Tensor tensor) {
    return graph.AddConstant(graph.UniqueName(name + what), std::move(tensor));
  };
  AttrMap to_int32;
  to_int32.Set("to", int64_t{6});  // TensorProto.INT32
  const ValueId index = add("Cast", {integers}, std::move(to_int32), DType::kInt32);
  const auto entries = static_cast<int64_t>(q.codebook.size());
  const ValueId book = constant("_codebook", FloatTensor({entries}, q.codebook));
  const ValueId numbers = add("Gather", {book, index}, {}, DType::kFloat32);
  std::vector<int64_t> dims(codes.dims().size(), 1);
  if (!q.per_tensor()) dims = codes.dims();
  const auto axis = static_cast<size_t>(std::max(q.axis, 0));
  if (!q.per_tensor() && q.block_size == 0) {
    for (size_t d = 0; d < dims.size(); ++d) dims[d] = d == axis ? dims[d] : 1;
  } else if (q.block_size != 0) {
    dims[axis] = (dims[axis] + q.block_size - 1) / q.block_size;
  }
  ValueId scale = constant("_scale", FloatTensor(dims, q.scale));
  if (q.block_size != 0) {
    // Each scale as often as its block is long.
    const int64_t length = codes.dims()[axis];
    Tensor block = Tensor::Allocate(DType::kInt64, {length});
    for (int64_t i = 0; i < length; ++i) block.mutable_data<int64_t>()[i] = i / q.block_size;
    AttrMap along;
    along.Set("axis", int64_t{q.axis});
    scale = add("Gather", {scale, constant("_block", std::move(block))}, std::move(along),
                DType::kFloat32);
  }
  return add("Mul", {numbers, scale}, {}, DType::kFloat32);
}

void LowerConstant(Graph& graph, ValueId id) {
  // ONNX has integers of 4 and 8 bits, and of 2, which few consumers read yet.
  const DType storage = graph.value(id).type.quant->storage;
  if (IsNarrow(storage) && BitsOf(storage) != 4) {
    WidenConstant(graph, id, BitsOf(storage) < 4 ? 4 : 8);
  }
  const Value v = graph.value(id);
  const QuantType& q = *v.type.quant;
  const NodeId before = graph.top().nodes.empty() ? kNoId : graph.top().nodes.front();
  const auto store = [&] {
    return graph.AddConstant(graph.UniqueName(v.name + "_quantized"), v.constant);
  };
  ValueId real = kNoId;
  if (q.codebook.empty()) {
    const QuantConstants params = AddQuantConstants(graph, v.name, q, v.constant.dims());
    real = AddDequantize(graph, store(), q, params, 0, before, v.name + "_dequantized");
  } else {
    real = LookUp(graph, v.name, q, v.constant, store(), before);
  }
  graph.SetType(real, {DType::kFloat32, v.type.shape, nullptr});
  graph.ReplaceUses(id, real);
  // The typed constant has no users any more and dies; the float tensor is called as it was.
  TakeName(graph, real, v.name);
  for (const std::string& origin : v.origins) graph.AddOrigin(real, origin);
}

// A value that a node or a region input provides.
Status LowerActivation(Graph& graph, ValueId id) {
  const Value v = graph.value(id);
  if (!v.type.quant->per_tensor()) {
    return Unsupported("value '" + v.name + "' is not a constant and quantized per channel");
  }
  if (const DType t = v.type.quant->storage; IsNarrow(t) && BitsOf(t) != 4) {
    return Unsupported("value '" + v.name + "' has " + std::to_string(BitsOf(t)) +
                       " bits: ONNX knows activations of 4 and 8 (.adzir keeps any)");
  }
  if (v.producer == kNoId && !graph.users(id).empty() &&
      graph.node(graph.users(id)[0]).parent != 0) {
    return Unsupported("value '" + v.name + "' is a quantized input of an inner graph");
  }
  const bool was_output = graph.IsRegionOutput(id);
  // A Requantize is about to vanish; the pair is called after what it reads.
  const bool border =
      v.producer != kNoId && graph.node(v.producer).op.Is(kAdzeDomain, "Requantize");
  const std::string base = border ? graph.value(graph.node(v.producer).inputs[0]).name : v.name;
  const QuantConstants params = AddQuantConstants(graph, base, *v.type.quant, {});
  graph.SetQuant(id, nullptr);
  const ValueId real = AddQdq(graph, id, *v.type.quant, params, v.producer, base);
  graph.SetType(real, {DType::kFloat32, v.type.shape, nullptr});
  const ValueId integers = graph.producer(real)->inputs[0];
  const NodeId quantize = graph.value(integers).producer;
  graph.ReplaceUses(id, real);
  graph.SetInput(quantize, 0, id);
  graph.SetType(integers, {v.type.quant->storage, v.type.shape, nullptr});
  if (was_output) {
    graph.Rename(id, graph.UniqueName(v.name + "_before"));
    TakeName(graph, real, v.name);
  }
  return OkStatus();
}

// What is left of adze.Requantize: its output reads its input. Its format change is in the nodes
// around it now.
void RemoveRequantize(Graph& graph, NodeId id) {
  const ValueId x = graph.node(id).inputs[0];
  const ValueId y = graph.node(id).outputs[0];
  const std::string name = graph.value(y).name;
  const std::vector<std::string> origins = graph.value(y).origins;
  if (!WhyNotReplaceable(graph, y, x)) {
    const bool output = graph.IsRegionOutput(y);
    graph.ReplaceUses(y, x);
    graph.EraseNode(id);
    if (output) {
      graph.Rename(x, name);
    } else {
      graph.AddOrigin(x, name);
    }
    for (const std::string& origin : origins) graph.AddOrigin(x, origin);
    return;
  }
  const NodeId identity = graph.AddNode(OpType::Intern("", "Identity"), graph.node(id).name, {x},
                                        {graph.UniqueName(name)}, {}, graph.node(id).parent, id);
  const ValueId result = graph.node(identity).outputs[0];
  graph.SetType(result, graph.value(y).type);
  graph.ReplaceUses(y, result);
  graph.EraseNode(id);
  TakeName(graph, result, name);
}

Result<int64_t> Run(Graph& graph, const PassContext&) {
  int64_t changes = 0;
  const int num_values = graph.num_values();
  for (ValueId id = 0; id < num_values; ++id) {
    const Value& v = graph.value(id);
    if (v.dead || !v.type.quant) continue;
    if (v.is_constant()) {
      if (graph.users(id).empty() && !graph.IsRegionOutput(id)) continue;
      LowerConstant(graph, id);
    } else {
      ADZE_TRY(LowerActivation(graph, id));
    }
    ++changes;
  }
  const int num_nodes = graph.num_nodes();
  for (NodeId id = 0; id < num_nodes; ++id) {
    if (graph.node(id).dead || !graph.node(id).op.Is(kAdzeDomain, "Requantize")) continue;
    RemoveRequantize(graph, id);
    ++changes;
  }
  return changes;
}

}  // namespace

extern constexpr PassDef kLowerQdqPass = {
    .name = "lower_qdq",
    .summary = "Types of values become QuantizeLinear and DequantizeLinear",
    .run = Run,
};

}  // namespace adze
