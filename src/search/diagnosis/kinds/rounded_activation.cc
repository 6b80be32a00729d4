// The result of a layer is rounded before its Silu, Sigmoid or HardSwish and again behind it: the
// first range must hold values that the activation hardly looks at.
#include "search/diagnosis/finding.h"

namespace adze {
namespace {

constexpr double kSmallDb = 50;

std::optional<Finding> Find(const LayerFacts& layer) {
  const double own = layer.compared.own_sqnr_db;
  if (!layer.codes || !layer.before_activation || !(own < kSmallDb)) return std::nullopt;
  Finding f;
  f.what = Clause("rounded to steps of %.3g before the activation", layer.codes->step);
  f.numbers = {{"step", layer.codes->step}};
  f.severity_db = kSmallDb - own;
  f.fixes = {{FixKind::kUnround, {}}};
  f.advice = "the activation on the unrounded result (adze quantize does that)";
  return f;
}

}  // namespace

extern constexpr FindingDef kRoundedActivationFinding = {
    .name = "rounded_activation",
    .title = "rounded before its activation",
    .find = Find,
    .together = "activations on unrounded results (adze quantize does that)",
};

}  // namespace adze
