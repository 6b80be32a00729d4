#include "ir/graph.h"

#include <gtest/gtest.h>

#include "ir/patch.h"
#include "ir/text.h"

namespace adze {
namespace {

// x -> Relu -> a -> Neg -> y
Graph Chain() {
  Result<Graph> g = ParseGraph(R"(graph "g" {
    input %x : float32[N,4]
    %a = Relu(%x) "first"
    %y = Neg(%a)
    output %y
  })");
  EXPECT_TRUE(g.ok()) << g.status().message();
  return std::move(g).value();
}

TEST(Graph, BuildsInfersAndVerifies) {
  const Graph g = Chain();
  ASSERT_TRUE(Verify(g).ok()) << Verify(g).message();
  const ValueId y = g.FindValue("y");
  EXPECT_EQ(ShapeToString(*g.value(y).type.shape), "[N,4]");
  EXPECT_TRUE(g.IsGraphOutput(y));
  EXPECT_EQ(g.users(g.FindValue("a")).size(), 1u);
  EXPECT_EQ(DescribeNode(g, g.value(g.FindValue("a")).producer), "node 'first' (Relu)");
  EXPECT_EQ(DescribeNode(g, g.value(y).producer), "node 'y' (Neg)");
}

TEST(Graph, VerifyFindsUseBeforeDefinition) {
  Graph g = Chain();
  const NodeId relu = g.value(g.FindValue("a")).producer;
  g.SetInput(relu, 0, g.FindValue("y"));
  EXPECT_EQ(Verify(g).message(), "node 'first' (Relu) reads 'y' before it is computed");
}

TEST(Graph, VerifyFindsWrongTypesAndQuantizers) {
  Graph g = Chain();
  TensorType type = g.value(g.FindValue("a")).type;
  type.shape = Shape{Dim::Symbol("N"), 5};
  g.SetType(g.FindValue("a"), type);
  EXPECT_EQ(Verify(g).code(), StatusCode::kInvalidInput);
  Graph q = Chain();
  q.SetQuant(q.FindValue("a"), std::make_shared<QuantType>(QuantType{DType::kUInt8, {-1.0f}, {0}}));
  EXPECT_EQ(Verify(q).message(), "value 'a': scale 0 is not a positive finite number");
}

TEST(Graph, NamesStayUnique) {
  Graph g = Chain();
  EXPECT_EQ(g.UniqueName("a"), "a_1");
  const ValueId c = g.AddConstant("a", Tensor::Scalar(1.0f));
  EXPECT_EQ(g.value(c).name, "a_1");
  g.EraseUnusedConstants();
  EXPECT_TRUE(g.value(c).dead);
  EXPECT_EQ(g.FindValue("a_1"), kNoId);
}

TEST(Patch, ReplacementInheritsTheName) {
  Graph g = Chain();
  const ValueId y = g.FindValue("y");
  const NodeId neg = g.value(y).producer;
  Patch patch(g, neg);
  const ValueId fresh =
      patch.AddNode(OpType::Intern("", "Abs"), "abs", {g.FindValue("x")}, {}, "fresh");
  patch.Replace(y, fresh);
  patch.KeepName(g.FindValue("a"), fresh);
  ASSERT_TRUE(patch.Apply(g).ok());
  EXPECT_EQ(g.value(g.top().outputs[0]).name, "y");
  EXPECT_TRUE(g.producer(g.top().outputs[0])->op.Is("Abs"));
  g.EraseNode(neg);
  g.EraseNode(g.value(g.FindValue("a")).producer);
  ASSERT_TRUE(Verify(g).ok()) << Verify(g).message();
  // The folded tensor is still found under its old name.
  EXPECT_EQ(g.FindValue("a"), g.FindValue("y"));
}

TEST(Patch, ExistingReplacementTakesAnOutputName) {
  Graph g = Chain();
  const ValueId a = g.FindValue("a");
  const ValueId y = g.FindValue("y");
  Patch patch(g, g.value(y).producer);
  patch.Replace(y, a);
  ASSERT_TRUE(patch.Apply(g).ok());
  EXPECT_EQ(g.value(a).name, "y");
  EXPECT_EQ(g.FindValue("a"), a);
  EXPECT_EQ(g.top().outputs[0], a);
}

TEST(Patch, AnInputCannotBecomeTheOutput) {
  Graph g = Chain();
  Patch patch(g, g.value(g.FindValue("y")).producer);
  patch.Replace(g.FindValue("y"), g.FindValue("x"));
  EXPECT_EQ(patch.Apply(g).code(), StatusCode::kInternal);
}

TEST(GraphHash, SeesMeaningNotNodeNames) {
  const std::string base = GraphHash(Chain());
  EXPECT_EQ(base.size(), 64u);
  Graph same = Chain();
  same.metadata.producer_name = "someone";
  EXPECT_EQ(GraphHash(same), base);
  Graph other = Chain();
  other.SetQuant(other.FindValue("a"),
                 std::make_shared<QuantType>(QuantType{DType::kUInt8, {0.5f}, {3}}));
  EXPECT_NE(GraphHash(other), base);
}

TEST(InferGraph, SymbolicReshapeChain) {
  const Result<Graph> g = ParseGraph(R"(graph "g" {
    input %x : float32[N,3,H,W]
    const %zero : int64[] = [0]
    const %minus : int64[1] = [-1]
    const %axes : int64[1] = [0]
    %shape = Shape(%x)
    %n = Gather(%shape, %zero)
    %n1 = Unsqueeze(%n, %axes)
    %target = Concat(%n1, %minus) {axis=0}
    %y = Reshape(%x, %target)
    output %y
  })");
  ASSERT_TRUE(g.ok()) << g.status().message();
  EXPECT_EQ(ShapeToString(*g->value(g->FindValue("y")).type.shape), "[N,3*H*W]");
}

}  // namespace
}  // namespace adze
