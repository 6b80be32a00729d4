// Branches that meet in one tensor, one of them so small that the codes there hardly see it.
#include <algorithm>
#include <cmath>

#include "search/diagnosis/finding.h"

namespace adze {
namespace {

constexpr double kUnequal = 16;  // 4 bits
constexpr double kFewCodes = 16;

std::optional<Finding> Find(const LayerFacts& layer) {
  if (!layer.codes || layer.branches.size() < 2) return std::nullopt;
  const auto [small, large] = std::minmax_element(
      layer.branches.begin(), layer.branches.end(),
      [](const BranchFacts& a, const BranchFacts& b) { return a.reach < b.reach; });
  const double codes = 2 * small->reach / layer.codes->step;
  if (!(small->reach > 0 && large->reach >= kUnequal * small->reach && codes < kFewCodes)) {
    return std::nullopt;
  }
  Finding f;
  f.what =
      Clause("'%s' reaches %.3g, '%s' %.3g: behind the join %.2g codes are left for the former",
             small->tensor.c_str(), small->reach, large->tensor.c_str(), large->reach, codes);
  f.numbers = {{"small_reach", small->reach}, {"large_reach", large->reach}, {"codes", codes}};
  f.severity_db = 20 * std::log10(large->reach / small->reach);
  f.fixes = {{FixKind::kKeepReadersFloat, {}}};
  f.advice = "the layers that read it in float (quantize --keep-float), or equalized branches";
  return f;
}

}  // namespace

extern constexpr FindingDef kJoinedBranchesFinding = {
    .name = "joined_branches",
    .title = "branches of unequal ranges",
    .find = Find,
    .together = "the layers that read these tensors in float",
};

}  // namespace adze
