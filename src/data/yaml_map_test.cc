#include "data/yaml_map.h"

#include <gtest/gtest.h>

#include "base/test_files.h"

namespace adze {
namespace {

class YamlTest : public ::testing::Test {
 protected:
  // What follows the path in the refusal.
  std::string Refusal(const std::string& text) {
    const std::string path = folder_.Write("d.yaml", text);
    const Result<YamlMap> map = ReadYaml(path);
    return map.ok() ? "(accepted)" : map.status().message().substr(path.size());
  }
  YamlMap Read(const std::string& text) {
    Result<YamlMap> map = ReadYaml(folder_.Write("d.yaml", text));
    EXPECT_TRUE(map.ok()) << map.status().message();
    return std::move(map).value();
  }
  std::string After(const Status& status) {
    return status.message().substr(folder_.Path("d.yaml").size());
  }
  TestFolder folder_;
};

TEST_F(YamlTest, FilesThatAreNoDescription) {
  EXPECT_EQ(Refusal(""), ": the file is empty");
  EXPECT_EQ(Refusal("# only a comment\n"), ": the file is empty");
  EXPECT_EQ(Refusal("- a\n- b\n"), ": not a list of 'key: value' lines");
  EXPECT_EQ(Refusal("a: 1\n---\nb: 2\n"), ": more than one YAML document");
  EXPECT_EQ(Refusal("a: 1\nb: [1, 2\n"), ":3: not valid YAML: end of sequence flow not found");
  EXPECT_EQ(Refusal("a: 1\nb: 2\na: 3\n"), ":3: 'a' occurs twice");
  EXPECT_EQ(Refusal("x:\n  - {a: 1, a: 2}\n"), ":2: 'a' occurs twice");
  EXPECT_EQ(Refusal("[a, b]: 1\n"), ":1: a key must be a name");
  EXPECT_EQ(Refusal(std::string(2 << 20, '#')), ": larger than 1 MiB");
}

TEST_F(YamlTest, BombsAreRefused) {
  EXPECT_EQ(Refusal("a: &x [1, 2]\nb: *x\n"), ":1: anchors and aliases are not supported");
  EXPECT_EQ(Refusal("a: " + std::string(40, '[') + std::string(40, ']')),
            ":1: nesting is too deep");
  EXPECT_EQ(Refusal("a: " + std::string(200000, '[')), ":1: nesting is too deep");
  std::string many = "a: [";
  for (int i = 0; i < 100001; ++i) many += "1,";
  EXPECT_EQ(Refusal(many + "1]\n"), ":1: the file has too many entries");
}

TEST_F(YamlTest, TypedGetters) {
  YamlMap m = Read(
      "name: fish\nn: 3\nx: -0.5\nyes: true\nlist: [1, 2]\none: 7\nnums: [0.5, 2]\n"
      "sub: {k: v}\nsubs:\n  - {a: 1}\n  - {a: 2}\nwords: [a, b]\n");
  EXPECT_EQ(m.String("name").value(), "fish");
  EXPECT_EQ(m.String("absent", "x").value(), "x");
  EXPECT_EQ(m.Int("n", 0, 5).value(), 3);
  EXPECT_EQ(m.Double("x", 0).value(), -0.5);
  EXPECT_TRUE(m.Bool("yes", false).value());
  EXPECT_EQ(m.Ints("list", 2, 0, 9).value(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(m.Doubles("one").value(), (std::vector<double>{7}));
  EXPECT_EQ(m.Doubles("nums").value(), (std::vector<double>{0.5, 2}));
  EXPECT_EQ(m.Strings("words").value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(m.Strings("name").value(), (std::vector<std::string>{"fish"}));
  EXPECT_EQ(m.Map("sub").value()->String("k").value(), "v");
  EXPECT_FALSE(m.Map("absent").value().has_value());
  EXPECT_EQ(m.Maps("subs").value().size(), 2u);
  EXPECT_EQ(m.Choice("absent", {"p", "q"}).value(), 0);
  EXPECT_TRUE(m.RefuseUnknownKeys().ok());
}

TEST_F(YamlTest, RefusalsNameLineAndRange) {
  YamlMap m = Read("a: 1\nb: x\nc: [1, y]\nd: {e: 1}\n");
  EXPECT_EQ(After(m.String("z").status()), ":1: 'z' is missing");
  EXPECT_EQ(After(m.String("d").status()), ":4: 'd' must be one value");
  EXPECT_EQ(After(m.Int("b", 0, 9).status()), ":2: 'b' is 'x', must be an integer >= 0 and <= 9");
  EXPECT_EQ(After(m.Int("a", 2, INT64_MAX).status()), ":1: 'a' is '1', must be an integer >= 2");
  EXPECT_EQ(After(m.Double("b", 0).status()), ":2: 'b' is 'x', must be a number");
  EXPECT_EQ(After(m.Bool("a", true).status()), ":1: 'a' is '1', must be true or false");
  EXPECT_EQ(After(m.Ints("c", 2, 0, 9).status()),
            ":3: 'c' must be a list of 2 values, each an integer >= 0 and <= 9");
  EXPECT_EQ(After(m.Doubles("c").status()), ":3: 'c' must be a number or a list of numbers");
  EXPECT_EQ(After(m.Strings("d").status()), ":4: 'd' must be a name or a list of names");
  EXPECT_EQ(After(m.Map("a").status()), ":1: 'a' must be a mapping");
  EXPECT_EQ(After(m.Maps("d").status()), ":4: 'd' must be a list of mappings");
  EXPECT_EQ(After(m.Choice("b", {"p", "q"}).status()), ":2: 'b' is 'x', must be one of: p, q");
}

TEST_F(YamlTest, UnknownKeysNameTheKnownOnes) {
  YamlMap m = Read("kind: x\n\nrote: y\n");
  EXPECT_TRUE(m.Has("kind"));
  EXPECT_FALSE(m.Has("root"));
  EXPECT_EQ(After(m.RefuseUnknownKeys()), ":3: unknown key 'rote', known here: kind, root");
}

}  // namespace
}  // namespace adze
