// expand_computed_conv: a convolution whose weight is not constant (an input, or computed:
// training) becomes a matrix product over the windows of its image. The convolution kernels pack
// their weights when the plan is made. Depthwise layers stay as they are: their products have one
// row.
#include <algorithm>

#include "passes/pass_util.h"

namespace adze {
namespace {

bool IsPlainFloat(const Graph& graph, ValueId id) {
  return id == kNoId || (graph.value(id).type.dtype == DType::kFloat32 && !IsQuantized(graph, id));
}

Match MatchNode(const Graph& graph, NodeId id, const PassContext&) {
  const Node& n = graph.node(id);
  if (!n.op.Is("Conv") || graph.value(n.inputs[1]).is_constant()) return Match::NotApplicable();
  const Shape* const w = ShapeOrNull(graph, n.inputs[1]);
  const Shape* const x = ShapeOrNull(graph, n.inputs[0]);
  const Shape* const y = ShapeOrNull(graph, n.outputs[0]);
  if (w == nullptr || x == nullptr || y == nullptr || !ToConstDims(*w))
    return Match::No("a shape is not known");
  if (!IsPlainFloat(graph, n.inputs[0]) || !IsPlainFloat(graph, n.inputs[1]) ||
      !IsPlainFloat(graph, graph.input(id, 2)) || !IsPlainFloat(graph, n.outputs[0])) {
    return Match::No("a tensor is quantized or not float32");
  }
  if ((*w)[1].IsConst(1) && (*w)[0].IsConst(n.attrs.Int("group", 1)))
    return Match::No("it is depthwise");
  if (std::count_if(y->begin(), y->end(), [](const Dim& d) { return !d.is_const(); }) > 1) {
    return Match::No("the result has several symbolic dimensions");
  }
  return Match::Yes();
}

// Adds nodes before `anchor` one behind the other.
class Chain {
 public:
  Chain(Patch& patch, std::string name) : patch_(patch), name_(std::move(name)) {}
  ValueId Add(OpType op, std::vector<ValueId> inputs, AttrMap attrs = {}) {
    return patch_.AddNode(op, "", std::move(inputs), std::move(attrs), name_);
  }
  ValueId Reshape(ValueId v, const std::vector<int64_t>& shape) {
    return Add(OpType::Intern("", "Reshape"),
               {v, patch_.AddConstant(name_ + "_shape", Int64Tensor(shape))});
  }
  ValueId Transpose(ValueId v, std::vector<int64_t> perm) {
    return Add(OpType::Intern("", "Transpose"), {v}, {{"perm", std::move(perm)}});
  }

 private:
  Patch& patch_;
  std::string name_;
};

Result<Patch> Rewrite(const Graph& graph, NodeId id, const Match&, const PassContext&) {
  const Node& n = graph.node(id);
  const std::vector<int64_t> w = *ToConstDims(*ShapeOrNull(graph, n.inputs[1]));
  const Shape& y = *ShapeOrNull(graph, n.outputs[0]);
  const int64_t rank = static_cast<int64_t>(w.size());
  const int64_t groups = n.attrs.Int("group", 1);
  const int64_t out = w[0] / groups;
  const int64_t in = w[1];
  const int64_t k = NumElements(std::span(w).subspan(1));
  AttrMap window = n.attrs;
  window.Erase("group");
  window.Set("kernel_shape", std::vector<int64_t>(w.begin() + 2, w.end()));
  std::vector<int64_t> last = {0};  // to channels last, and back
  for (int64_t i = 2; i < rank; ++i) last.push_back(i);
  last.push_back(1);
  std::vector<int64_t> back = {0, rank - 1};
  for (int64_t i = 1; i + 1 < rank; ++i) back.push_back(i);

  Patch patch(graph, id);
  Chain c(patch, graph.value(n.outputs[0]).name + "_product");
  const OpType matmul = OpType::Intern("", "MatMul");
  // [pixels, k] * [k, out], group by group; k in the order window, channel.
  ValueId rows = c.Add(OpType::Intern(kAdzeDomain, "Unfold"), {c.Transpose(n.inputs[0], last)},
                       std::move(window));
  const ValueId weight = c.Transpose(n.inputs[1], last);
  ValueId product;
  if (groups == 1) {
    product = c.Add(matmul, {rows, c.Transpose(c.Reshape(weight, {out, k}), {1, 0})});
  } else {
    rows = c.Transpose(c.Reshape(rows, {-1, k / in, groups, in}), {2, 0, 1, 3});
    product = c.Add(matmul, {c.Reshape(rows, {groups, -1, k}),
                             c.Transpose(c.Reshape(weight, {groups, out, k}), {0, 2, 1})});
    product = c.Transpose(product, {1, 0, 2});
  }
  std::vector<int64_t> shape;
  for (const int64_t axis : last) {
    const Dim& d = y[static_cast<size_t>(axis)];
    shape.push_back(d.is_const() ? d.value() : -1);
  }
  product = c.Reshape(product, shape);
  if (graph.input(id, 2) != kNoId)
    product = c.Add(OpType::Intern("", "Add"), {product, n.inputs[2]});
  patch.Replace(n.outputs[0], c.Transpose(product, back));
  return patch;
}

}  // namespace

extern constexpr PassDef kExpandComputedConvPass = {
    .name = "expand_computed_conv",
    .summary = "Convolutions with computed weights become matrix products over windows",
    .match = MatchNode,
    .rewrite = Rewrite,
};

}  // namespace adze
