// deduplicate_constants: equal constants of rank 2 or more become one. Vectors stay: a bias belongs
// to its layer, because quantization gives each its own scale.
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include "passes/pass_util.h"

namespace adze {
namespace {

// What must agree before bytes are compared; keeps groups small.
std::string Key(const Value& v) {
  const Tensor& t = v.constant;
  std::string key = DTypeName(t.dtype());
  for (int64_t d : t.dims()) key += "," + std::to_string(d);
  const std::string_view bytes(static_cast<const char*>(t.raw()), t.bytes());
  return key + "#" + std::to_string(std::hash<std::string_view>()(bytes));
}

Result<int64_t> Run(Graph& graph, const PassContext& context) {
  std::map<std::string, std::vector<ValueId>> seen;
  int64_t merged = 0;
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Value& v = graph.value(id);
    if (v.dead || !v.is_constant() || v.constant.rank() < 2 || graph.users(id).empty()) continue;
    std::vector<ValueId>& group = seen[Key(v)];
    ValueId first = kNoId;
    for (ValueId other : group) {
      if (BitEqual(graph.value(other).constant, v.constant) && SameQuant(graph, other, id)) {
        first = other;
        break;
      }
    }
    if (first == kNoId) {
      group.push_back(id);
      continue;
    }
    if (graph.IsRegionOutput(id) || context.IsPreserved(id)) continue;
    graph.ReplaceUses(id, first);
    graph.AddOrigin(first, v.name);
    for (const std::string& origin : std::vector(v.origins)) graph.AddOrigin(first, origin);
    ++merged;
  }
  return merged;
}

}  // namespace

extern constexpr PassDef kDeduplicateConstantsPass = {
    .name = "deduplicate_constants",
    .summary = "Stores equal constants once",
    .run = Run,
};

}  // namespace adze
