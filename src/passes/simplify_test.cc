// The passes of "simplify" that deal with shapes and structure.
#include <set>

#include "passes/pass_test_util.h"

namespace adze {
namespace {

TEST(FoldConstantsTest, Computes) {
  ExpectRewrite("fold_constants", R"(
    input %x : float32[2]
    const %a : float32[2] = [1, 2]
    const %b : float32[2] = [10, 20]
    %c = Add(%a, %b)
    %d = Relu(%c)
    %y = Add(%x, %d)
    output %y)",
                R"(
    input %x : float32[2]
    const %d : float32[2] = [11, 22]
    %y = Add(%x, %d)
    output %y)");
}

TEST(FoldConstantsTest, KnownShapes) {
  ExpectRewrite("fold_constants", R"(
    input %x : float32[2,3]
    %s = Shape(%x)
    %y = Reshape(%x, %s)
    output %y)",
                R"(
    input %x : float32[2,3]
    const %s : int64[2] = [2, 3]
    %y = Reshape(%x, %s)
    output %y)");
}

TEST(FoldConstantsTest, Refusals) {
  ExpectNo("fold_constants", "const %a : float32[2] = [1, 2] %y = Relu(%a) output %y",
           "an output of the graph stays computed");
  ExpectNo("fold_constants", R"(
    input %x : float32[2]
    const %w : int8[2] = [1, 2]
    const %s : float32[] = [0.5]
    %d = DequantizeLinear(%w, %s)
    %y = Add(%x, %d)
    output %y)",
           "it would store integers as floats");
  ExpectNo("fold_constants", R"(
    input %x : float32[1]
    const %s : int64[2] = [1000, 1000]
    const %v : float32[] = [0.5]
    %e = Expand(%v, %s)
    %y = Add(%x, %e)
    output %y)",
           "the result would take 4000000 bytes, the inputs take 20");
  ExpectNo("fold_constants",
           "input %x : float32[2] const %a : float32[2] = [1, 2] %b = Relu(%a) "
           "%y = Add(%x, %b) output %y",
           "value 'b' must stay readable", {"b"});
}

TEST(InlineIfTest, TakesTheBranch) {
  ExpectRewrite("inline_if", R"(
    input %x : float32[2]
    const %yes : bool[] = [1]
    %i = If(%yes) {then_branch = region () {
        %t = Relu(%x)
        %t2 = Add(%t, %x)
        output %t2
      }, else_branch = region () {
        %e = Sigmoid(%x)
        output %e
      }}
    %y = Relu(%i)
    output %y)",
                R"(
    input %x : float32[2]
    %t = Relu(%x)
    %t2 = Add(%t, %x)
    %i = Identity(%t2)
    %y = Relu(%i)
    output %y)");
}

TEST(InlineIfTest, KeepsInnerRegions) {
  Graph g = ParseOrFail(R"(graph {
    input %x : float32[2]
    input %c : bool[]
    const %no : bool[] = [0]
    %i = If(%no) {then_branch = region () { output %x }, else_branch = region () {
      %k = If(%c) {then_branch = region () { %p = Relu(%x) output %p },
                   else_branch = region () { %q = Sigmoid(%x) output %q }}
      output %k }}
    output %i
  })");
  RunOrFail(g, "inline_if");
  EXPECT_EQ(Canonical(PrintGraph(g)), Canonical(R"(graph {
    input %x : float32[2]
    input %c : bool[]
    %k = If(%c) {then_branch = region () { %p = Relu(%x) output %p },
                 else_branch = region () { %q = Sigmoid(%x) output %q }} : float32[2]
    %i = Identity(%k)
    output %i
  })"));
}

TEST(EliminateDeadTest, RemovesChains) {
  ExpectRewrite("eliminate_dead", R"(
    input %x : float32[2]
    %a = Relu(%x)
    %b = Sigmoid(%a)
    %y = Relu(%x)
    output %y)",
                "input %x : float32[2] %y = Relu(%x) output %y");
}

TEST(EliminateDeadTest, KeepsPreservedValues) {
  ExpectNo("eliminate_dead", "input %x : float32[2] %a = Relu(%x) %y = Relu(%x) output %y", "",
           {"a"});
}

TEST(EliminateIdentityTest, Everything) {
  ExpectRewrite("eliminate_identity", R"(
    input %x : float32[2,N]
    const %zero : float32[1] = [0]
    const %one : float32[] = [1]
    const %shape : int64[2] = [2, -1]
    const %pads : int64[4] = [0, 0, 0, 0]
    const %start : int64[1] = [0]
    const %end : int64[1] = [9223372036854775807]
    %a = Identity(%x)
    %b = Cast(%a) {to=1}
    %c = Dropout(%b)
    %d = Transpose(%c) {perm=[0, 1]}
    %e = Add(%zero, %d)
    %f = Mul(%e, %one)
    %g = Div(%f, %one)
    %h = Sub(%g, %zero)
    %i = Pad(%h, %pads)
    %j = Slice(%i, %start, %end)
    %k = Concat(%j) {axis=1}
    %l = Clip(%k)
    %m = adze.Requantize(%l)
    %n = Relu(%m)
    %y = Identity(%n)
    output %y)",
                R"(
    input %x : float32[2,N] origins("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m")
    %y = Relu(%x) : float32[2,N] origins("n")
    output %y)");
}

TEST(EliminateIdentityTest, Reshapes) {
  ExpectRewrite("eliminate_identity", R"(
    input %x : float32[2,3]
    const %same : int64[2] = [2, -1]
    const %other : int64[2] = [3, 2]
    %a = Reshape(%x, %same)
    %b = Flatten(%a)
    %y = Reshape(%b, %other)
    output %y)",
                R"(
    input %x : float32[2,3] origins("a", "b")
    const %other : int64[2] = [3, 2]
    %y = Reshape(%x, %other)
    output %y)");
}

TEST(EliminateIdentityTest, Refusals) {
  ExpectNo("eliminate_identity", "input %x : float32[2] %y = Identity(%x) output %y",
           "the output 'y' needs a producer of its own, and 'x' is an input");
  ExpectNo("eliminate_identity",
           "input %x : float32[2] %y = Relu(%x) %z = Identity(%y) output %y output %z",
           "the output 'z' needs a producer of its own, and 'y' is an output, too");
  ExpectNo("eliminate_identity", "input %x : float32[2,3] %y = Transpose(%x) output %y",
           "it moves dimensions");
  ExpectNo("eliminate_identity", "input %x : float32[2] %y = Cast(%x) {to=7} output %y",
           "it changes the element type");
  ExpectNo("eliminate_identity", R"(
    input %x : float32[2,3]
    const %one : float32[2,1,1] = [1, 1]
    %y = Mul(%x, %one)
    output %y)",
           "");
  ExpectNo("eliminate_identity", R"(
    input %x : float32[2]
    %a = Relu(%x) : float32[2] quant(uint8, scale=[0.5], zero_point=[0])
    %b = Identity(%a) : float32[2] quant(uint8, scale=[0.25], zero_point=[0])
    %y = Relu(%b)
    output %y)",
           "input and output are quantized differently");
}

TEST(EliminateIdentityTest, TapsMove) {
  Graph g = ParseOrFail(
      "graph {input %x : float32[2] %a = Relu(%x) %b = Identity(%a) "
      "%y = Relu(%b) output %y}");
  PassOptions options;
  options.preserved = {g.FindValue("b")};
  const PassReport report = RunOrFail(g, "eliminate_identity", options);
  EXPECT_EQ(report.total_patches, 1);
  EXPECT_EQ(report.preserved, (std::vector<ValueId>{g.FindValue("a")}));
}

TEST(MergeReshapesTest, Chains) {
  ExpectRewrite("merge_reshapes", R"(
    input %x : float32[N,3,1,1]
    const %s : int64[4] = [0, 1, 3, 1]
    const %axes : int64[1] = [0]
    %a = Flatten(%x)
    %b = Unsqueeze(%a, %axes)
    %y = Relu(%b)
    %c = Reshape(%x, %s)
    %d = Flatten(%c)
    output %y
    output %d)",
                R"(
    input %x : float32[N,3,1,1]
    const %b_shape : int64[3] = [1, -1, 3]
    const %d_shape : int64[2] = [0, 3]
    %b = Reshape(%x, %b_shape)
    %y = Relu(%b)
    %d = Reshape(%x, %d_shape)
    output %y
    output %d)");
}

TEST(MergeReshapesTest, ComputedTarget) {
  Graph g = ParseOrFail(R"(graph {
    input %x : float32[N,3,4]
    const %zero : int64[1] = [0]
    const %rest : int64[1] = [-1]
    %shape = Shape(%x)
    %n = Gather(%shape, %zero)
    %target = Concat(%n, %rest) {axis=0}
    %y = Reshape(%x, %target)
    output %y
  })");
  RunOrFail(g, "merge_reshapes");
  EXPECT_EQ(Canonical(PrintGraph(g)), Canonical(R"(graph {
    input %x : float32[N,3,4]
    const %y_shape : int64[2] = [0, 12]
    %y = Reshape(%x, %y_shape)
    output %y
  })"));
}

TEST(MergeReshapesTest, Refusals) {
  ExpectNo("merge_reshapes", R"(
    input %x : float32[N,M,K]
    const %axes : int64[1] = [0]
    %a = Unsqueeze(%x, %axes)
    %y = Unsqueeze(%a, %axes)
    output %y)",
           "the new shape has too many symbolic dimensions");
}

TEST(MergeTransposesTest, ComposesAndCancels) {
  ExpectRewrite("merge_transposes", R"(
    input %x : float32[2,3,4]
    %a = Transpose(%x) {perm=[1, 2, 0]}
    %b = Transpose(%a) {perm=[1, 0, 2]}
    %y = Relu(%b)
    output %y)",
                R"(
    input %x : float32[2,3,4]
    %b = Transpose(%x) {perm=[2, 1, 0]}
    %y = Relu(%b)
    output %y)");
  ExpectRewrite("merge_transposes", R"(
    input %x : float32[N,5,1,1]
    %y = Transpose(%x) {perm=[0, 2, 3, 1]}
    output %y)",
                R"(
    input %x : float32[N,5,1,1]
    const %y_shape : int64[4] = [0, 1, 1, 5]
    %y = Reshape(%x, %y_shape)
    output %y)");
}

TEST(EliminateCommonTest, ComputesOnce) {
  ExpectRewrite("eliminate_common", R"(
    input %x : float32[2]
    %a = Relu(%x)
    %b = Relu(%x)
    %c = Sigmoid(%a)
    %d = Sigmoid(%b)
    %y = Add(%c, %d)
    output %y)",
                R"(
    input %x : float32[2]
    %a = Relu(%x) : float32[2] origins("b")
    %c = Sigmoid(%a) : float32[2] origins("d")
    %y = Add(%c, %c)
    output %y)");
}

TEST(EliminateCommonTest, DifferentAttributesDiffer) {
  ExpectNo("eliminate_common", R"(
    input %x : float32[2,2]
    %a = Softmax(%x) {axis=0}
    %b = Softmax(%x) {axis=1}
    %y = Add(%a, %b)
    output %y)",
           "");
}

TEST(DeduplicateConstantsTest, MatricesOnly) {
  ExpectRewrite("deduplicate_constants", R"(
    input %x : float32[2,2]
    const %a : float32[2,2] = [1, 2, 3, 4]
    const %b : float32[2,2] = [1, 2, 3, 4]
    const %c : float32[2] = [1, 2]
    const %d : float32[2] = [1, 2]
    %p = MatMul(%x, %a)
    %q = MatMul(%p, %b)
    %r = Add(%q, %c)
    %y = Add(%r, %d)
    output %y)",
                R"(
    input %x : float32[2,2]
    const %a : float32[2,2] origins("b") = [1, 2, 3, 4]
    const %c : float32[2] = [1, 2]
    const %d : float32[2] = [1, 2]
    %p = MatMul(%x, %a)
    %q = MatMul(%p, %a)
    %r = Add(%q, %c)
    %y = Add(%r, %d)
    output %y)");
}

TEST(ReduceMeanToPoolTest, HeightAndWidth) {
  ExpectRewrite("reduce_mean_to_pool", R"(
    input %x : float32[N,3,H,5]
    const %axes : int64[2] = [-1, 2]
    %y = ReduceMean(%x, %axes) {keepdims=1}
    output %y)",
                R"(
    input %x : float32[N,3,H,5]
    %y = GlobalAveragePool(%x)
    output %y)");
  ExpectRewrite("reduce_mean_to_pool", R"(
    input %x : float32[N,3,4,5]
    const %axes : int64[2] = [2, 3]
    %y = ReduceMean(%x, %axes) {keepdims=0} "mean"
    %z = Relu(%y)
    output %z)",
                R"(
    input %x : float32[N,3,4,5]
    const %y_shape : int64[2] = [0, 3]
    %y_pooled = GlobalAveragePool(%x) "mean"
    %y = Reshape(%y_pooled, %y_shape) "mean_reshape"
    %z = Relu(%y)
    output %z)");
}

TEST(ReduceMeanToPoolTest, KeepsTheFormat) {
  const char* const kQuant = " : float32[1,2,1,1] quant(uint8, scale=[0.5], zero_point=[3])";
  ExpectRewrite("reduce_mean_to_pool",
                std::string("input %x : float32[1,2,4,4] const %a : int64[2] = [2, 3] "
                            "%y = ReduceMean(%x, %a)") +
                    kQuant + " %z = Relu(%y) output %z",
                std::string("input %x : float32[1,2,4,4] %y = GlobalAveragePool(%x)") + kQuant +
                    " %z = Relu(%y) output %z");
}

TEST(ReduceMeanToPoolTest, Refusals) {
  const auto no = [](const std::string& type, const std::string& axes, const std::string& reason) {
    ExpectNo("reduce_mean_to_pool",
             "input %x : " + type + axes + " %y = ReduceMean(%x" + (axes.empty() ? "" : ", %a") +
                 ") output %y",
             reason);
  };
  const std::string spatial = " const %a : int64[2] = [2, 3]";
  no("int32[1,2,3,4]", spatial, "it is not float32");
  no("float32[]", " const %a : int64[0] = []",
     "the input has no batch, channels, height and width");
  no("float32[1,2,3]", " const %a : int64[1] = [2]",
     "the input has no batch, channels, height and width");
  no("float32[1,2,3,4]", "", "it does not reduce height and width alone");
  no("float32[1,2,3,4]", " const %a : int64[2] = [1, 2]",
     "it does not reduce height and width alone");
  no("float32[1,2,3,4]", " const %a : int64[1] = [3]", "it does not reduce height and width alone");
  no("float32[1,2,3,4]", " input %a : int64[2]", "the axes are not constant");
  no("float32[1,2,0,4]", spatial, "there is nothing to average");
}

TEST(DriverTest, OnlyDisableAndStopAfter) {
  constexpr const char* kText = R"(graph {
    input %x : float32[2]
    %a = Identity(%x)
    %b = Identity(%a)
    %c = Relu(%b)
    %dead = Sigmoid(%x)
    output %c
  })";
  Graph g = ParseOrFail(kText);
  PassOptions options;
  options.only = {"eliminate_dead"};
  Result<PassReport> report = RunPipeline(g, "simplify", options);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->total_patches, 1);
  EXPECT_EQ(g.top().nodes.size(), 3u);

  g = ParseOrFail(kText);
  options = {};
  options.disable = {"eliminate_identity"};
  report = RunPipeline(g, "simplify", options);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(g.top().nodes.size(), 3u);

  g = ParseOrFail(kText);
  options = {};
  options.stop_after = 2;
  report = RunPipeline(g, "simplify", options);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->total_patches, 2);
  EXPECT_EQ(g.top().nodes.size(), 2u);

  options.only = {"no_such_pass"};
  report = RunPipeline(g, "simplify", options);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.status().code(), StatusCode::kUsage);
  options.only = {"fuse_silu"};
  report = RunPipeline(g, "simplify", options);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.status().message(), "pass 'fuse_silu' is not part of 'simplify'");
}

TEST(DriverTest, ListsAreConsistent) {
  std::set<std::string> names;
  for (const PassDef* pass : AllPasses()) {
    EXPECT_TRUE(names.insert(pass->name).second) << pass->name;
    EXPECT_NE(pass->summary, nullptr);
    EXPECT_EQ(pass->run == nullptr, pass->match != nullptr && pass->rewrite != nullptr);
  }
  std::set<std::string> used;
  for (const Pipeline& pipeline : AllPipelines()) {
    for (const char* name : pipeline.passes) {
      EXPECT_NE(FindPass(name), nullptr) << name;
      used.insert(name);
    }
  }
  EXPECT_EQ(used, names) << "a pass that no pipeline runs";
}

}  // namespace
}  // namespace adze
