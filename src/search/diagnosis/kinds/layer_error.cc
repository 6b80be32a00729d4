// A layer that loses much by itself, for whatever reason.
#include <algorithm>
#include <cmath>

#include "search/diagnosis/finding.h"

namespace adze {
namespace {

constexpr double kSmallDb = 50;  // a layer that keeps more has nothing to gain

std::optional<Finding> Find(const LayerFacts& layer) {
  const double own = layer.compared.own_sqnr_db;
  if (!layer.weight || !(own < kSmallDb)) return std::nullopt;
  Finding f;
  f.what = Clause("its own step leaves %.1f dB", own);
  f.numbers = {{"own_sqnr_db", own}};
  f.severity_db = kSmallDb - own;
  f.fixes = {{FixKind::kKeepFloat, {}}};
  f.advice = "the layer in float (quantize --keep-float)";
  return f;
}

}  // namespace

extern constexpr FindingDef kLayerErrorFinding = {
    .name = "layer_error",
    .title = "a layer that loses much",
    .find = Find,
    .together = "these layers in float (quantize --keep-float)",
    .best_only = 5,
};

}  // namespace adze
