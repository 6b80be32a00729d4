// JSON from files that nobody vouches for, and numbers that JSON has no words for.
#ifndef ADZE_FORMATS_JSON_JSON_H_
#define ADZE_FORMATS_JSON_JSON_H_

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <type_traits>

namespace adze {

// Objects and arrays nested deeper than this are refused: copying and printing recurse.
inline constexpr int kMaxJsonDepth = 64;

// The value, or a discarded one (`is_discarded()`) for text that is no JSON or nested too deeply.
// `Json` is nlohmann::json or nlohmann::ordered_json.
template <typename Json = nlohmann::ordered_json>
Json ParseJson(std::string_view text) {
  bool too_deep = false;
  const auto watch = [&](int depth, typename Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxJsonDepth;
    return !too_deep;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, false);
  return too_deep ? Json(Json::value_t::discarded) : json;
}

// NaN is null, infinities are the strings "inf" and "-inf".
inline nlohmann::ordered_json JsonNumber(double v) {
  if (std::isnan(v)) return nullptr;
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  return v;
}

template <typename T>
nlohmann::ordered_json JsonOrNull(const std::optional<T>& v) {
  if (!v) return nullptr;
  if constexpr (std::is_same_v<T, double>) return JsonNumber(*v);
  return *v;
}

}  // namespace adze

#endif  // ADZE_FORMATS_JSON_JSON_H_
