// Gradient rules. A rule (OpDef::vjp) is given the gradient of a scalar with respect to each output
// of a node and says which operators compute the gradient with respect to each input: a
// vector-Jacobian product, written as nodes. It knows no graph; the differentiate pass
// (passes/differentiate.h) stands behind VjpContext.
//
// Rules emit standard operators wherever these say it exactly, so that the kernels and passes that
// exist serve gradients too. src/ops/relu.cc is the template.
#ifndef ADZE_OPS_VJP_H_
#define ADZE_OPS_VJP_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/op_def.h"

namespace adze {

// A tensor of the graph under construction.
struct VjpValue {
  int32_t id = -1;
  bool present() const { return id >= 0; }
};

// One node and the graph that its rule adds to. Every input and output that a rule can see has a
// known element type and rank; the differentiated ones are float32 or float64.
//
// A failed Emit is remembered and gives an absent value; everything after it does nothing, and the
// pass reports it. So rules are written as expressions.
struct VjpContext {
  explicit VjpContext(const AttrMap& node_attrs) : attrs(node_attrs) {}
  virtual ~VjpContext() = default;

  const AttrMap& attrs;
  virtual int num_inputs() const = 0;
  virtual int num_outputs() const = 0;
  virtual VjpValue input(int i) const = 0;     // absent when it is omitted
  virtual VjpValue output(int i) const = 0;    // absent when it is omitted
  virtual VjpValue gradient(int i) const = 0;  // of output i; absent: zero
  virtual bool wanted(int i) const = 0;        // is the gradient of input i asked for?
  // The gradient of input i, of its shape and type. Every wanted one must be set.
  virtual void SetGradient(int i, VjpValue value) = 0;

  virtual VjpValue Emit(OpType op, std::vector<VjpValue> inputs, AttrMap op_attrs = {}) = 0;
  virtual VjpValue Constant(Tensor tensor) = 0;
  // The name and the constant in it are valid until the next node or constant.
  virtual ValueInfo Info(VjpValue value) const = 0;
};

// Shorthands for rules; `c` is where the nodes go.
namespace vjp {

VjpValue Onnx(VjpContext& c, std::string_view op, std::vector<VjpValue> inputs, AttrMap attrs = {});
VjpValue Adze(VjpContext& c, std::string_view op, std::vector<VjpValue> inputs, AttrMap attrs = {});
inline VjpValue Add(VjpContext& c, VjpValue a, VjpValue b) { return Onnx(c, "Add", {a, b}); }
inline VjpValue Sub(VjpContext& c, VjpValue a, VjpValue b) { return Onnx(c, "Sub", {a, b}); }
inline VjpValue Mul(VjpContext& c, VjpValue a, VjpValue b) { return Onnx(c, "Mul", {a, b}); }
inline VjpValue Div(VjpContext& c, VjpValue a, VjpValue b) { return Onnx(c, "Div", {a, b}); }
inline VjpValue MatMul(VjpContext& c, VjpValue a, VjpValue b) { return Onnx(c, "MatMul", {a, b}); }
inline VjpValue Neg(VjpContext& c, VjpValue a) { return Onnx(c, "Neg", {a}); }
VjpValue Times(VjpContext& c, VjpValue a, double factor);  // `a` itself for 1

// A scalar of the float type of `like`.
VjpValue FloatScalar(VjpContext& c, VjpValue like, double value);
VjpValue Ints(VjpContext& c, std::vector<int64_t> values);

// An empty shape when an emission failed before: what is built on it does nothing.
Shape ShapeOf(const VjpContext& c, VjpValue v);
int RankOf(const VjpContext& c, VjpValue v);
// Contents of an integer constant, as int64; nullopt when it is computed.
std::optional<std::vector<int64_t>> ConstantInts(const VjpContext& c, VjpValue v);

VjpValue ShapeValue(VjpContext& c,
                    VjpValue v);  // the dims of `v` as a tensor; constant where they are
VjpValue Reshape(VjpContext& c, VjpValue v, std::vector<int64_t> shape);
VjpValue ReshapeLike(VjpContext& c, VjpValue v, VjpValue like);  // `v` itself if it fits already
VjpValue Transpose(VjpContext& c, VjpValue v, std::vector<int64_t> perm);
VjpValue SwapLastTwo(VjpContext& c, VjpValue v);
VjpValue ExpandLike(VjpContext& c, VjpValue v, VjpValue like);
VjpValue ReduceSum(VjpContext& c, VjpValue v, std::vector<int64_t> axes, bool keepdims);
VjpValue ReduceMean(VjpContext& c, VjpValue v, std::vector<int64_t> axes);  // keeps dims
// `v`, whose elements each are a reduction of equally many of `x`, divided by how many these are.
VjpValue PerElement(VjpContext& c, VjpValue v, VjpValue x);
// The adjoint of broadcasting `to` to the shape of `v`: sums over the axes along which it was
// repeated. Unsupported where a symbolic dimension leaves open whether it was.
Result<VjpValue> SumTo(VjpContext& c, VjpValue v, VjpValue to);
// One value per channel as a factor of a tensor of `rank` with the channels at `axis`.
VjpValue AlongAxis(VjpContext& c, VjpValue vector, int axis, int rank);
// The sum over all axes but one (over all for -1), in the shape of `like`.
VjpValue SumToAxis(VjpContext& c, VjpValue v, int axis, VjpValue like);
// `g` where x is between the bounds, 0 elsewhere; at a bound itself: `g` if closed.
VjpValue Gate(VjpContext& c, VjpValue g, VjpValue x, double lo, double hi, bool closed);

}  // namespace vjp
}  // namespace adze

#endif  // ADZE_OPS_VJP_H_
