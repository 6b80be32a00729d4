// Gradients are graphs: Differentiate builds, from a network, the graph that computes gradients of
// some of its values with respect to others, out of the operators' gradient rules (OpDef::vjp). It
// is an ordinary graph: passes simplify it, Lower plans it, the one executor runs it.
// docs/design/gradients.md lists the operators that have a rule.
//
//   DifferentiateOptions options;
//   options.of = {loss};                  // one element: its gradient is 1
//   options.with_respect_to = {weight};
//   options.unit_seed = true;
//   ADZE_ASSIGN(Graph gradient, Differentiate(graph, options));
//   ADZE_TRY(RunPipeline(gradient, "simplify"));
//   ADZE_ASSIGN(LoweredPlan plan, Lower(gradient, {ChooseIsa()}));
#ifndef ADZE_PASSES_DIFFERENTIATE_H_
#define ADZE_PASSES_DIFFERENTIATE_H_

#include <vector>

#include "base/status.h"
#include "ir/graph.h"

namespace adze {

struct DifferentiateOptions {
  std::vector<ValueId> of;               // the differentiated values
  std::vector<ValueId> with_respect_to;  // inputs, constants or values between
  std::vector<ValueId> outputs;          // values to compute as well
  // Each of `of` has one element and its gradient is 1; otherwise the caller gives these gradients.
  bool unit_seed = false;
  // Constants among `with_respect_to` become inputs (for training); otherwise they stay.
  bool constants_as_inputs = false;
};

// A graph of the same names, with
//   inputs:  those of `graph`; constants that became inputs, in the order of `with_respect_to`;
//            unless unit_seed, "seed/NAME" for each of `of`, of its shape;
//   outputs: `outputs`; then "grad/NAME" for each of `with_respect_to`, of its shape: the sum over
//            `of` of the seed times the derivative.
// What the gradients need of the forward computation is part of it. Only float32 and float64 values
// have gradients, and the integer codes between QuantizeLinear and DequantizeLinear (straight
// through).
//
// Refused, naming node or value: operators without a rule and control flow on the way, shapes that
// are not known, quantized types (run "lower_qdq" first), and a value on which nothing of `of`
// depends: a gradient that is zero everywhere is more likely a mistake.
Result<Graph> Differentiate(const Graph& graph, const DifferentiateOptions& options);

}  // namespace adze

#endif  // ADZE_PASSES_DIFFERENTIATE_H_
