// What the lowering rules write into: the plan under construction and where each graph value lives
// in it.
//
// Every graph value has one *native* plan value, made by the step that produces it, and may get
// converted forms (another layout, dequantized) on demand; each form is made once. Signed 8-bit
// activations are relabelled: they are stored as uint8 with the zero point moved by 128, so kernels
// know one activation type.
#ifndef ADZE_LOWER_BUILDER_H_
#define ADZE_LOWER_BUILDER_H_

#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/cpu.h"
#include "ir/graph.h"
#include "runtime/plan.h"

namespace adze {

// The per-tensor quantizer of a value of at most 8 bits as kernels see it: uint8 storage.
struct U8Quant {
  float scale = 0;
  int32_t zero_point = 0;
  int32_t lo = 0, hi = 255;  // codes that occur

  bool narrow() const { return lo > 0 || hi < 255; }
};

class PlanBuilder {
 public:
  PlanBuilder(const Graph& graph, Isa isa);

  const Graph& graph() const { return graph_; }
  Isa isa() const { return plan_.isa; }

  // --- types
  // Quantizer of a per-tensor quantized value of at most 8 bits (uint8 view), else nullopt.
  std::optional<U8Quant> QuantOf(ValueId id) const;
  bool IsQuantized(ValueId id) const { return graph_.value(id).type.quant != nullptr; }
  const Shape& ShapeOf(ValueId id) const { return *graph_.value(id).type.shape; }
  // Contents of a float32 constant (dequantized if it is quantized), or an undefined tensor.
  Tensor FloatConstant(ValueId id) const;
  // Contents of an unquantized or quantized constant in storage type; undefined if the value is no
  // constant.
  Tensor StoredConstant(ValueId id) const;

  // --- reading values: plan value indices
  int32_t Native(ValueId id);  // as it was produced
  Layout NativeLayout(ValueId id);
  int32_t As(ValueId id, Layout layout);       // native element type in this layout
  int32_t AsFloat(ValueId id, Layout layout);  // float32, dequantized when quantized
  int32_t AsFloat(ValueId id) { return AsFloat(id, NativeLayout(id)); }
  // In logical layout and logical dtype: what reference operators and the caller see.
  int32_t AsLogical(ValueId id);

  // --- defining values
  // The native form of a graph value: the storage type of its quantization, or its dtype.
  int32_t Define(ValueId id, Layout layout);
  // A float32 stand-in for a quantized value that its producer can only compute in float;
  // FinishFloat quantizes it into the native form. For a value that is not quantized both are just
  // Define.
  int32_t DefineFloat(ValueId id, Layout layout);
  void FinishFloat(ValueId id, int32_t float_value);
  // The native form of a quantized value whose kernel yields all codes of uint8; FinishCodes brings
  // them into the value's range. Just Define for 8 bits.
  int32_t DefineCodes(ValueId id, Layout layout);
  void FinishCodes(ValueId id, int32_t codes);
  int32_t NewTemporary(DType dtype, Shape shape, Layout layout);
  int32_t AddConstant(Tensor tensor, Layout layout = Layout::kLogical);
  // uint8 `to` from float32 `from` with quantizer `q`, which is that of `to`, or the other way; the
  // layout may change.
  void AddQuantize(NodeId id, int32_t from, int32_t to, const U8Quant& q);
  void AddDequantize(NodeId id, int32_t from, int32_t to);
  // A step of `family` for node `id`; the reference is valid until the next AddStep.
  Step& AddStep(FamilyId family, NodeId id, std::vector<int32_t> inputs,
                std::vector<int32_t> outputs);

  PlanValue& plan_value(int32_t i) { return plan_.values[static_cast<size_t>(i)]; }
  Plan& plan() { return plan_; }

 private:
  void AddClamp(NodeId id, int32_t from, int32_t to, const U8Quant& q);
  int32_t Convert(int32_t from, Layout layout);
  int32_t Dequantize(int32_t from, Layout layout);
  const Graph& graph_;
  Plan plan_;
  NodeId current_ = kNoId;                                  // for the names of conversion steps
  std::vector<int32_t> native_;                             // per ValueId; -1: not defined yet
  std::map<std::tuple<int32_t, Layout>, int32_t> layouts_;  // native plan value -> other layout
  std::map<std::tuple<int32_t, Layout>, int32_t> floats_;   // quantized plan value -> dequantized
};

// A lowering rule: emits the steps of one node, or returns false when its kernels cannot do this
// form and the generic rule should.
using LowerFn = Result<bool> (*)(PlanBuilder& builder, NodeId id);
// Rules by operator, from lower_list.inc; null when there is none.
LowerFn FindLowering(OpType op);

// The generic rule: the reference operator on logical tensors, in float around quantized values.
Status LowerGeneric(PlanBuilder& builder, NodeId id);

}  // namespace adze

#endif  // ADZE_LOWER_BUILDER_H_
