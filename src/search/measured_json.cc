#include "search/measured_json.h"

#include <cmath>

#include "formats/json/json.h"

namespace adze {

using Json = Journal::Json;

Json IntervalToJson(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return Json::array({JsonNumber(interval->low), JsonNumber(interval->high)});
}

Json MeasuredToJson(const Measured& m) {
  Json json = {{"value", JsonNumber(m.value)},         {"drop_points", JsonNumber(m.drop_points)},
               {"flip_rate", JsonNumber(m.flip_rate)}, {"sqnr_db", JsonNumber(m.sqnr_db)},
               {"int8_macs_share", m.int8_macs_share}, {"size_bytes", m.size_bytes},
               {"memory_bytes", m.memory_bytes}};
  const auto put = [&](const char* name, const std::optional<Interval>& i) {
    if (i) json[name] = {i->low, i->high};
  };
  put("value_ci95", m.value_ci95);
  put("drop_ci95_points", m.drop_ci95_points);
  return json;
}

Result<Measured> MeasuredFromJson(const Json& json, const std::string& key) {
  const auto number = [&](const char* name) {
    const auto it = json.find(name);
    if (it == json.end()) return std::nan("");
    if (it->is_number()) return it->get<double>();
    return *it == "inf" ? HUGE_VAL : *it == "-inf" ? -HUGE_VAL : std::nan("");
  };
  Measured m;
  if (!json.is_object()) return InvalidInput("the measurement '" + key + "' is not an object");
  m.value = number("value");
  m.drop_points = number("drop_points");
  m.flip_rate = number("flip_rate");
  m.sqnr_db = number("sqnr_db");
  m.int8_macs_share = number("int8_macs_share");
  const double size = number("size_bytes");
  const double memory = number("memory_bytes");
  if (!(size >= 0 && size < 0x1p53 && memory >= 0 && memory < 0x1p53)) {
    return InvalidInput("the measurement '" + key + "' lacks size_bytes or memory_bytes");
  }
  m.size_bytes = static_cast<int64_t>(size);
  m.memory_bytes = static_cast<int64_t>(memory);
  const auto interval = [&](const char* name) -> std::optional<Interval> {
    const auto ci = json.find(name);
    if (ci == json.end() || !ci->is_array() || ci->size() != 2) return std::nullopt;
    if (!(*ci)[0].is_number() || !(*ci)[1].is_number()) return std::nullopt;
    return Interval{(*ci)[0].get<double>(), (*ci)[1].get<double>()};
  };
  m.value_ci95 = interval("value_ci95");
  m.drop_ci95_points = interval("drop_ci95_points");
  return m;
}

}  // namespace adze
