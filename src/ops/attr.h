// Operator attributes: a small sorted map from name to a typed value.
#ifndef ADZE_OPS_ATTR_H_
#define ADZE_OPS_ATTR_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ops/tensor.h"

namespace adze {

using AttrValue = std::variant<int64_t, float, std::string, Tensor, std::vector<int64_t>,
                               std::vector<float>, std::vector<std::string>>;

// The order of AttrValue's alternatives.
enum class AttrKind : int { kInt, kFloat, kString, kTensor, kInts, kFloats, kStrings };
const char* AttrKindName(AttrKind kind);
inline AttrKind KindOf(const AttrValue& v) { return static_cast<AttrKind>(v.index()); }

// Lookups are allocation-free linear searches: operators have at most a dozen attributes. The typed
// getters return the default when the name is absent; a value of another kind is our bug (CheckNode
// refuses it on reading).
class AttrMap {
 public:
  AttrMap() = default;
  AttrMap(std::initializer_list<std::pair<std::string, AttrValue>> items);

  const AttrValue* Find(std::string_view name) const;
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  void Set(std::string_view name, AttrValue value);  // adds or replaces
  void Erase(std::string_view name);                 // fine if absent

  int64_t Int(std::string_view name, int64_t fallback = 0) const;
  float Float(std::string_view name, float fallback = 0.0f) const;
  std::string_view String(std::string_view name, std::string_view fallback = "") const;
  std::span<const int64_t> Ints(std::string_view name) const;  // empty when absent
  std::span<const float> Floats(std::string_view name) const;  // empty when absent
  const Tensor* TensorOrNull(std::string_view name) const;

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }

 private:
  std::vector<std::pair<std::string, AttrValue>> items_;  // sorted by name
};

// Same names, kinds and values (tensors by bytes, floats by bits).
bool operator==(const AttrMap& a, const AttrMap& b);

}  // namespace adze

#endif  // ADZE_OPS_ATTR_H_
