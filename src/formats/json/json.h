// JSON from files that nobody vouches for.
#ifndef ADZE_FORMATS_JSON_JSON_H_
#define ADZE_FORMATS_JSON_JSON_H_

#include <nlohmann/json.hpp>
#include <string_view>

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

}  // namespace adze

#endif  // ADZE_FORMATS_JSON_JSON_H_
