// Rounding as nodes of a float graph: adze.FakeQuant, whose parameters can be changed where
// networks are tried with several.
#ifndef ADZE_ALGOS_FAKE_QUANT_H_
#define ADZE_ALGOS_FAKE_QUANT_H_

#include <string>
#include <vector>

#include "ir/graph.h"
#include "kernels/fake_quant_f32/fake_quant_f32.h"
#include "numerics/quant_type.h"
#include "quant/quantization_plan.h"

namespace adze {

// The quantizer's parameters with all codes of `storage`.
FakeQuantArgs FakeQuantOf(const AffineParams& params, DType storage);

AttrMap FakeQuantAttrs(const FakeQuantArgs& args);

// Puts an adze.FakeQuant behind value `v` of region 0; whatever read `v` reads its result.
NodeId InsertFakeQuant(Graph* graph, ValueId v, const FakeQuantArgs& args, const std::string& name);

// Where a tensor must be quantized so that its group behaves as on integers: where values of the
// group are computed (the rest are moved copies).
std::vector<ValueId> FakeQuantPoints(const Graph& graph, const ActivationGroup& group);

}  // namespace adze

#endif  // ADZE_ALGOS_FAKE_QUANT_H_
