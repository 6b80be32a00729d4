// Folding of per-channel factors and offsets into the constants of Conv, ConvTranspose, Gemm and
// MatMul.
#ifndef ADZE_PASSES_LINEAR_UTIL_H_
#define ADZE_PASSES_LINEAR_UTIL_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "passes/pass_util.h"

namespace adze {

// A multiply-accumulate operator as channels see it.
struct LinearNode {
  NodeId node = kNoId;
  ValueId weight = kNoId;
  ValueId bias = kNoId;
  bool can_have_bias = true;  // not MatMul
  int64_t outputs = 0;        // output channels
  int64_t inputs = 0;         // input channels (of all groups)
  int channel_axis = 1;       // of inputs and output: 1, or kLastAxis
  static constexpr int kLastAxis = -1;
  std::vector<int32_t> output_of;  // per weight element: its output channel
  std::vector<int32_t> input_of;   // per weight element: its input channel
};

// `id` with a float32 constant weight (and bias), not quantized. Otherwise nullopt, and `reason`
// says why if the node is a multiply-accumulate operator at all.
std::optional<LinearNode> AsLinear(const Graph& graph, NodeId id, std::string* reason);

// A constant that acts per channel on a tensor of shape `shape` by broadcasting: one number for
// each of `channels` channels along `axis` (or kLastAxis). nullopt when it varies along another
// dimension or is no float32 constant.
std::optional<std::vector<double>> PerChannel(const Graph& graph, ValueId constant,
                                              const Shape& shape, int axis, int64_t channels);

// The constant operand of a Mul, Div, Add or Sub as y = x * scale + shift.
struct ScaleShift {
  ValueId x = kNoId;
  std::vector<double> scale;
  std::vector<double> shift;
  bool scales() const;
  bool shifts() const;
};
// Of node `id`, whose variable operand has `channels` channels along `axis`; nullopt when it is no
// such node, and then `reason` says why if it is a Mul, Div, Add or Sub with a constant.
std::optional<ScaleShift> AsScaleShift(const Graph& graph, NodeId id, int axis, int64_t channels,
                                       std::string* reason);
// The operand of such a node that is not constant; kNoId when there is none.
ValueId VariableOperand(const Graph& graph, NodeId id);

// `by`, a new constant of the patch, stands for the constant `old` from now on: it takes over the
// name unless others still use `old`.
void SupersedeConstant(Patch& patch, const Graph& graph, ValueId old, ValueId by);

// The bias per output channel as it is added (a Gemm's beta multiplied in); zeros when there is
// none.
std::vector<double> BiasOf(const Graph& graph, const LinearNode& linear);

// Adds to `patch` the node `linear` reading `x`, with new weight contents (empty: the old weight)
// and the given bias (left out when it is zero and there was none), in place of `old_output`, whose
// quantizer it keeps. The caller replaces.
ValueId AddLinear(Patch& patch, const Graph& graph, const LinearNode& linear, ValueId x,
                  std::span<const float> weight, std::span<const double> bias, ValueId old_output);
// The same with y = (its output) * scale + shift.
ValueId AddRescaled(Patch& patch, const Graph& graph, const LinearNode& linear,
                    std::span<const double> scale, std::span<const double> shift,
                    ValueId old_output);

}  // namespace adze

#endif  // ADZE_PASSES_LINEAR_UTIL_H_
