#include "ops/attr.h"

#include <algorithm>
#include <bit>

namespace adze {
namespace {

template <typename T>
const T* Get(const AttrMap& attrs, std::string_view name) {
  const AttrValue* const v = attrs.Find(name);
  if (v == nullptr) return nullptr;
  const T* const typed = std::get_if<T>(v);
  ADZE_CHECK(typed != nullptr);
  return typed;
}

bool Same(const AttrValue& a, const AttrValue& b) {
  if (a.index() != b.index()) return false;
  if (const auto* t = std::get_if<Tensor>(&a)) return BitEqual(*t, std::get<Tensor>(b));
  if (const auto* f = std::get_if<float>(&a)) {
    return std::bit_cast<uint32_t>(*f) == std::bit_cast<uint32_t>(std::get<float>(b));
  }
  if (const auto* i = std::get_if<int64_t>(&a)) return *i == std::get<int64_t>(b);
  if (const auto* s = std::get_if<std::string>(&a)) return *s == std::get<std::string>(b);
  if (const auto* v = std::get_if<std::vector<int64_t>>(&a)) {
    return *v == std::get<std::vector<int64_t>>(b);
  }
  if (const auto* v = std::get_if<std::vector<std::string>>(&a)) {
    return *v == std::get<std::vector<std::string>>(b);
  }
  const auto& x = std::get<std::vector<float>>(a);
  const auto& y = std::get<std::vector<float>>(b);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](float p, float q) {
    return std::bit_cast<uint32_t>(p) == std::bit_cast<uint32_t>(q);
  });
}

}  // namespace

const char* AttrKindName(AttrKind kind) {
  static constexpr const char* kNames[] = {"int",      "float",      "string",     "tensor",
                                           "int list", "float list", "string list"};
  return kNames[static_cast<int>(kind)];
}

AttrMap::AttrMap(std::initializer_list<std::pair<std::string, AttrValue>> items) {
  for (const auto& [name, value] : items) Set(name, value);
}

const AttrValue* AttrMap::Find(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return &value;
  }
  return nullptr;
}

void AttrMap::Set(std::string_view name, AttrValue value) {
  const auto it =
      std::lower_bound(items_.begin(), items_.end(), name,
                       [](const auto& item, std::string_view n) { return item.first < n; });
  if (it != items_.end() && it->first == name) {
    it->second = std::move(value);
  } else {
    items_.emplace(it, std::string(name), std::move(value));
  }
}

void AttrMap::Erase(std::string_view name) {
  std::erase_if(items_, [&](const auto& item) { return item.first == name; });
}

int64_t AttrMap::Int(std::string_view name, int64_t fallback) const {
  const int64_t* const v = Get<int64_t>(*this, name);
  return v ? *v : fallback;
}
float AttrMap::Float(std::string_view name, float fallback) const {
  const float* const v = Get<float>(*this, name);
  return v ? *v : fallback;
}
std::string_view AttrMap::String(std::string_view name, std::string_view fallback) const {
  const std::string* const v = Get<std::string>(*this, name);
  return v ? std::string_view(*v) : fallback;
}
std::span<const int64_t> AttrMap::Ints(std::string_view name) const {
  const auto* const v = Get<std::vector<int64_t>>(*this, name);
  return v ? std::span<const int64_t>(*v) : std::span<const int64_t>();
}
std::span<const float> AttrMap::Floats(std::string_view name) const {
  const auto* const v = Get<std::vector<float>>(*this, name);
  return v ? std::span<const float>(*v) : std::span<const float>();
}
const Tensor* AttrMap::TensorOrNull(std::string_view name) const {
  return Get<Tensor>(*this, name);
}

bool operator==(const AttrMap& a, const AttrMap& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && Same(x.second, y.second);
  });
}

}  // namespace adze
