// What an operator is: identity, signature, shape rule, reference evaluation, gradient rule, role
// in quantization and cost. One file per operator defines one `const OpDef` and adds one row to
// op_list.inc; src/ops/relu.cc is the template to copy. An operator knows no graph.
//
// Semantics are those of one canonical ONNX opset (kCanonicalOpset); readers adapt older nodes to
// it.
#ifndef ADZE_OPS_OP_DEF_H_
#define ADZE_OPS_OP_DEF_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ops/attr.h"
#include "ops/dim.h"
#include "ops/tensor.h"

namespace adze {

inline constexpr int kCanonicalOpset = 21;          // of the default ONNX domain ""
inline constexpr const char* kAdzeDomain = "adze";  // operators of our own
inline constexpr const char* kMicrosoftDomain = "com.microsoft";

// An interned (domain, name): compares and hashes as a pointer. Any name can be interned, known or
// not, so plugins and unknown operators have an identity too. Thread-safe. Domain "ai.onnx" is the
// same as "".
class OpType {
 public:
  OpType() = default;
  static OpType Intern(std::string_view domain, std::string_view name);

  std::string_view domain() const;
  std::string_view name() const;
  bool Is(std::string_view onnx_name) const { return domain().empty() && name() == onnx_name; }
  bool Is(std::string_view domain_name, std::string_view op_name) const {
    return domain() == domain_name && name() == op_name;
  }
  std::string ToString() const;  // "Conv", "adze.Requantize"
  friend bool operator==(OpType a, OpType b) { return a.entry_ == b.entry_; }

 private:
  struct Entry;
  const Entry* entry_ = nullptr;
};

// What is known about a value before running: its type, dimensions and, for small integer tensors
// that compute shapes, its elements, which may be symbolic ("the batch size").
struct ValueInfo {
  DType dtype = DType::kUndefined;
  std::optional<Shape> shape;                // nullopt: not even the rank is known
  std::optional<std::vector<Dim>> elements;  // row-major contents of an integer tensor of rank <= 1
  const Tensor* constant = nullptr;          // full contents when the value is a constant
  std::string_view name = {};                // in the graph, for refusals; may be empty
};

// Arguments and results of a shape rule.
class InferContext {
 public:
  InferContext(const AttrMap& attrs, std::span<const ValueInfo* const> inputs,
               std::span<ValueInfo> outputs)
      : attrs(attrs), inputs_(inputs), outputs_(outputs) {}

  const AttrMap& attrs;
  int num_inputs() const {
    return static_cast<int>(inputs_.size());
  }  // trailing absent ones included
  int num_outputs() const {
    return static_cast<int>(outputs_.size());
  }  // as many as the node declares
  // Null when the optional input is absent.
  const ValueInfo* input(int i) const {
    return i < num_inputs() ? inputs_[static_cast<size_t>(i)] : nullptr;
  }
  // The shape of a present input, or null when input or shape is missing.
  const Shape* shape(int i) const {
    const ValueInfo* v = input(i);
    return v != nullptr && v->shape ? &*v->shape : nullptr;
  }
  // Integer contents of input i if they are known (constant or symbolic), else nullopt.
  std::optional<std::vector<Dim>> Elements(int i) const;
  // The same, only if every element is a number.
  std::optional<std::vector<int64_t>> Integers(int i) const;
  ValueInfo& output(int i) { return outputs_[static_cast<size_t>(i)]; }
  // Sets dtype and shape of output i; the shape may be unknown.
  void SetOutput(int i, DType dtype, std::optional<Shape> shape) {
    outputs_[static_cast<size_t>(i)].dtype = dtype;
    outputs_[static_cast<size_t>(i)].shape = std::move(shape);
  }

 private:
  std::span<const ValueInfo* const> inputs_;
  std::span<ValueInfo> outputs_;
};

// Arguments of a reference evaluation. Output buffers are allocated with the dtype and dims that
// the shape rule gave. Evaluations are re-entrant, do not allocate unless the OpDef comment says
// so, and use only what is passed in.
struct EvalContext {
  const AttrMap& attrs;
  std::span<const ConstTensorView> inputs;
  std::span<const TensorView> outputs;

  const ConstTensorView& in(int i) const {
    static constexpr ConstTensorView kAbsent{};
    return i < static_cast<int>(inputs.size()) ? inputs[static_cast<size_t>(i)] : kAbsent;
  }
  bool has(int i) const { return in(i).present(); }
  const TensorView& out(int i) const { return outputs[static_cast<size_t>(i)]; }
};

struct AttrDef {
  const char* name;
  AttrKind kind;
  bool required = false;
};

// How an operator takes part in quantization.
enum class QuantKind : uint8_t {
  kFloat,       // stays in float (or is integer/shape arithmetic, untouched)
  kCompute,     // multiply-accumulate with a weight: Conv, Gemm, MatMul …
  kArithmetic,  // each input and the output have their own parameters: Add, Mul …
  kTable,       // unary function of one tensor: becomes a 256-entry table: Sigmoid, HardSwish …
  kSameScale,   // only moves or compares values: inputs and output share parameters: Concat,
                // MaxPool, Reshape …
  kAverage,     // averages values; integer result with its own rounding; shares parameters:
                // AveragePool …
  kFixedRange,  // output range known in advance: Softmax, and tables such as Sigmoid carry it as
                // well
};
struct QuantRole {
  QuantKind kind = QuantKind::kFloat;
  int8_t weight_input = -1;    // kCompute: which input is the weight when constant
  int8_t bias_input = -1;      // kCompute: which input is the bias
  bool is_activation = false;  // may fuse into the multiply-accumulate operator before it
  bool fixed_range = false;    // the output range is [fixed_min, fixed_max]
  float fixed_min = 0;
  float fixed_max = 0;
};

struct VjpContext;  // gradients as graphs: defined with the differentiate pass

struct OpDef {
  const char* domain = "";
  const char* name = nullptr;
  const char* summary = nullptr;  // one sentence for docs and `adze list ops`
  int min_inputs = 1;
  int max_inputs = 1;  // -1: any number
  int min_outputs = 1;
  int max_outputs = 1;  // -1: any number
  std::span<const AttrDef> attrs = {};
  // Sets dtype and (if derivable) shape of every output; refuses contradictions with kInvalidInput
  // and forms that adze cannot run with kUnsupported.
  Status (*infer)(InferContext& ctx) = nullptr;
  // The reference: slow, obvious, authoritative. Null only for operators with regions.
  Status (*eval)(const EvalContext& ctx) = nullptr;
  Status (*vjp)(VjpContext& ctx) = nullptr;  // null: not differentiable (yet)
  QuantRole quant = {};
  // Multiply-accumulates for concrete dims (index by input/output number); null: none.
  int64_t (*macs)(const AttrMap& attrs, std::span<const ConstTensorView> inputs,
                  std::span<const ConstTensorView> outputs) = nullptr;
  // Output may share the buffer of input 0 when sizes agree (element-wise operators).
  bool in_place = false;
  // Works on elements one by one in any order or on all of them in memory order (element-wise
  // operators whose inputs all have the output's shape): indifferent to the memory layout.
  bool elementwise = false;
};

// Every known operator, in list order (op_list.inc).
std::span<const OpDef* const> AllOps();
// Null when unknown.
const OpDef* FindOp(OpType type);

// Checks arity and attributes of a node against its definition: unknown, missing and wrongly typed
// attributes are refused by name.
Status CheckSignature(const OpDef& def, const AttrMap& attrs, int num_inputs, int num_outputs);

// Runs infer and eval on concrete tensors. Inputs may be undefined tensors (absent). kUnsupported
// if the output shape cannot be derived.
Result<std::vector<Tensor>> EvaluateOp(const OpDef& def, const AttrMap& attrs,
                                       std::span<const Tensor> inputs, int num_outputs);

}  // namespace adze

#endif  // ADZE_OPS_OP_DEF_H_
