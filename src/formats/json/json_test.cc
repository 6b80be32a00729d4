#include "formats/json/json.h"

#include <gtest/gtest.h>

#include <string>

namespace adze {
namespace {

TEST(ParseJson, RefusesWhatIsTooDeepOrNoJson) {
  EXPECT_EQ(ParseJson("{\"a\": [1, 2.5]}")["a"][1], 2.5);
  EXPECT_EQ(ParseJson("[]"), nlohmann::ordered_json::array());
  for (const char* text : {"", "{", "[1,]", "{\"a\" 1}", "nul"}) {
    EXPECT_TRUE(ParseJson(text).is_discarded()) << text;
  }
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_FALSE(ParseJson(nested(kMaxJsonDepth)).is_discarded());
  EXPECT_TRUE(ParseJson(nested(kMaxJsonDepth + 2)).is_discarded());
  EXPECT_TRUE(ParseJson(nested(1'000'000)).is_discarded());
  EXPECT_TRUE(ParseJson(std::string(1'000'000, '[')).is_discarded());
}

}  // namespace
}  // namespace adze
