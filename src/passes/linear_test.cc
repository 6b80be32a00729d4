// The passes of "simplify" that change weights.
#include "passes/pass_test_util.h"

namespace adze {
namespace {

TEST(FoldBatchNormTest, IntoConv) {
  ExpectRewrite("fold_batch_norm", R"(
    input %x : float32[N,1,4,4]
    const %w : float32[2,1,1,1] = [1, 2]
    const %b : float32[2] = [0.5, -1]
    const %gamma : float32[2] = [2, 3]
    const %beta : float32[2] = [0.25, 1]
    const %mean : float32[2] = [1, -1]
    const %var : float32[2] = [4, 9]
    %c = Conv(%x, %w, %b) "conv"
    %y = BatchNormalization(%c, %gamma, %beta, %mean, %var) {epsilon=0.0} "bn"
    output %y)",
                R"(
    input %x : float32[N,1,4,4]
    const %w : float32[2,1,1,1] = [1, 2]
    const %b : float32[2] = [-0.25, 1]
    %y = Conv(%x, %w, %b) "conv"
    output %y)");
}

TEST(FoldBatchNormTest, IntoConvTransposeWithGroups) {
  ExpectRewrite("fold_batch_norm", R"(
    input %x : float32[1,4,2,2]
    const %w : float32[4,1,1,1] = [1, 2, 3, 4]
    const %gamma : float32[2] = [2, 4]
    const %beta : float32[2] = [0, 0]
    const %mean : float32[2] = [0, 0]
    const %var : float32[2] = [1, 1]
    %c = ConvTranspose(%x, %w) {group=2}
    %y = BatchNormalization(%c, %gamma, %beta, %mean, %var) {epsilon=0.0}
    output %y)",
                R"(
    input %x : float32[1,4,2,2]
    const %w : float32[4,1,1,1] = [2, 4, 12, 16]
    %y = ConvTranspose(%x, %w) {group=2}
    output %y)");
}

TEST(FoldBatchNormTest, IntoGemm) {
  ExpectRewrite("fold_batch_norm", R"(
    input %x : float32[N,2]
    const %w : float32[2,2] = [1, 2, 3, 4]
    const %c : float32[1,2] = [1, 1]
    const %gamma : float32[2] = [2, 4]
    const %beta : float32[2] = [0, 1]
    const %mean : float32[2] = [0, 0]
    const %var : float32[2] = [1, 1]
    %g = Gemm(%x, %w, %c) {alpha=0.5, beta=3.0, transB=1}
    %y = BatchNormalization(%g, %gamma, %beta, %mean, %var) {epsilon=0.0}
    output %y)",
                R"(
    input %x : float32[N,2]
    const %w : float32[2,2] = [2, 4, 12, 16]
    const %c : float32[2] = [6, 13]
    %y = Gemm(%x, %w, %c) {alpha=0.5, transB=1}
    output %y)");
}

TEST(FoldBatchNormTest, AloneBecomesMulAndAdd) {
  ExpectRewrite("fold_batch_norm", R"(
    input %x : float32[1,2,2,2]
    const %gamma : float32[2] = [2, 4]
    const %beta : float32[2] = [0, 1]
    const %mean : float32[2] = [1, 0]
    const %var : float32[2] = [1, 1]
    %y = BatchNormalization(%x, %gamma, %beta, %mean, %var) {epsilon=0.0}
    output %y)",
                R"(
    input %x : float32[1,2,2,2]
    const %y_scale : float32[2,1,1] = [2, 4]
    const %y_shift : float32[2,1,1] = [-2, 1]
    %y_scaled = Mul(%x, %y_scale)
    %y = Add(%y_scaled, %y_shift)
    output %y)");
}

TEST(FoldBatchNormTest, Refusals) {
  ExpectNo("fold_batch_norm", R"(
    input %x : float32[1,2,2,2]
    input %v : float32[2]
    const %p : float32[2] = [1, 1]
    %y = BatchNormalization(%x, %p, %p, %p, %v)
    output %y)",
           "its parameters are not float32 constants");
}

TEST(FoldMulAddTest, AllFour) {
  ExpectRewrite("fold_mul_add", R"(
    input %x : float32[N,2,3,3]
    const %w : float32[2,1,1,1] = [1, 2]
    const %k : float32[2,1,1] = [2, 4]
    const %t : float32[1,2,1,1] = [1, -1]
    const %s : float32[] = [10]
    %a = Conv(%x, %w) {group=2}
    %b = Mul(%a, %k)
    %c = Add(%t, %b)
    %d = Sub(%s, %c)
    %y = Div(%d, %k)
    output %y)",
                R"(
    input %x : float32[N,2,3,3]
    const %w : float32[2,1,1,1] = [-1, -2]
    const %c_bias : float32[2] = [4.5, 2.75]
    %y = Conv(%x, %w, %c_bias) {group=2}
    output %y)");
}

TEST(FoldMulAddTest, Refusals) {
  constexpr const char* kHead =
      "input %x : float32[1,2,3,3] const %w : float32[2,2,1,1] = [1, 2, 3, 4] ";
  const auto no = [&](const char* body, const char* reason) {
    ExpectNo("fold_mul_add", std::string(kHead) + body, reason);
  };
  no("const %k : float32[3] = [1, 2, 3] %a = Conv(%x, %w) %y = Mul(%a, %k) output %y",
     "the constant is not one number per channel");
  no("const %k : float32[2,2,1,1] = [1, 2, 3, 4] %a = Conv(%x, %w) %y = Mul(%a, %k) output %y",
     "the constant changes the shape");
  no("const %k : float32[] = [2] %a = Conv(%x, %w) %b = Relu(%a) %y = Mul(%a, %k) output %y output "
     "%b",
     "value 'a' has other users");
  no("const %k : float32[] = [2] %a = Conv(%x, %w) %y = Div(%k, %a) output %y",
     "it divides the constant");
  no("const %k : float32[] = [2] %z = Conv(%x, %w) %a = Conv(%x, %w) %y = Mul(%a, %k) output %y "
     "output %z",
     "the weight has other users");
  no("const %k : float32[] = [2] %r = Relu(%w) %a = Conv(%x, %r) %y = Mul(%a, %k) output %y",
     "weight 'r' is not a float32 constant");
  ExpectNo("fold_mul_add", R"(
    input %x : float32[1,2,2]
    const %w : float32[2,2] = [1, 2, 3, 4]
    const %k : float32[2] = [2, 3]
    %a = MatMul(%x, %w)
    %y = Add(%a, %k)
    output %y)",
           "a MatMul has no bias");
}

TEST(FoldInputScaleTest, Normalisation) {
  ExpectRewrite("fold_input_scale", R"(
    input %x : float32[N,2,3,3]
    const %mean : float32[1,2,1,1] = [10, 20]
    const %std : float32[2,1,1] = [2, 4]
    const %w : float32[1,2,1,1] = [1, 2]
    %a = Sub(%x, %mean)
    %b = Div(%a, %std)
    %y = Conv(%b, %w)
    output %y)",
                R"(
    input %x : float32[N,2,3,3]
    const %w : float32[1,2,1,1] = [0.5, 0.5]
    const %y_bias : float32[1] = [-15]
    %y = Conv(%x, %w, %y_bias)
    output %y)");
  ExpectRewrite("fold_input_scale", R"(
    input %x : float32[N,2]
    const %k : float32[2] = [2, 3]
    const %w : float32[3,2] = [1, 2, 3, 4, 5, 6]
    const %c : float32[3] = [1, 1, 1]
    %a = Add(%x, %k)
    %y = Gemm(%a, %w, %c) {alpha=2.0, transB=1}
    output %y)",
                R"(
    input %x : float32[N,2]
    const %w : float32[3,2] = [1, 2, 3, 4, 5, 6]
    const %c : float32[3] = [17, 37, 57]
    %y = Gemm(%x, %w, %c) {alpha=2.0, transB=1}
    output %y)");
}

TEST(FoldInputScaleTest, GroupsAndPadding) {
  ExpectRewrite("fold_input_scale", R"(
    input %x : float32[N,4,3,3]
    const %k : float32[4,1,1] = [1, 2, 3, 4]
    const %w : float32[2,2,1,1] = [1, 1, 1, 1]
    %a = Mul(%k, %x)
    %y = Conv(%a, %w) {group=2, pads=[1, 1, 1, 1]}
    output %y)",
                R"(
    input %x : float32[N,4,3,3]
    const %w : float32[2,2,1,1] = [1, 2, 3, 4]
    %y = Conv(%x, %w) {group=2, pads=[1, 1, 1, 1]}
    output %y)");
  ExpectNo("fold_input_scale", R"(
    input %x : float32[N,1,3,3]
    const %k : float32[] = [1]
    const %w : float32[1,1,1,1] = [1]
    %a = Add(%k, %x)
    %y = Conv(%a, %w) {pads=[1, 1, 1, 1]}
    output %y)",
           "the offset does not reach the padding");
}

TEST(MatMulAddToGemmTest, Rewrites) {
  ExpectRewrite("matmul_add_to_gemm", R"(
    input %x : float32[N,2]
    const %w : float32[2,3] = [1, 2, 3, 4, 5, 6]
    const %b : float32[1,3] = [1, 2, 3]
    %a = MatMul(%x, %w) "mm"
    %y = Add(%b, %a)
    output %y)",
                R"(
    input %x : float32[N,2]
    const %w : float32[2,3] = [1, 2, 3, 4, 5, 6]
    const %b : float32[3] = [1, 2, 3]
    %y = Gemm(%x, %w, %b) "mm"
    output %y)");
}

TEST(MatMulAddToGemmTest, Refusals) {
  ExpectNo("matmul_add_to_gemm", R"(
    input %x : float32[1,2,2]
    const %w : float32[2,2] = [1, 2, 3, 4]
    const %b : float32[2] = [1, 2]
    %a = MatMul(%x, %w)
    %y = Add(%a, %b)
    output %y)",
           "the input is not a matrix");
  ExpectNo("matmul_add_to_gemm", R"(
    input %x : float32[2,2]
    const %w : float32[2,2] = [1, 2, 3, 4]
    const %b : float32[2] = [1, 2]
    %a = MatMul(%x, %w)
    %y = Add(%a, %b)
    output %y)",
           "value 'a' must stay readable", {"a"});
}

TEST(FoldPadTest, ConvAndPools) {
  ExpectRewrite("fold_pad", R"(
    input %x : float32[N,1,4,4]
    const %pads : int64[8] = [0, 0, 1, 2, 0, 0, 3, 0]
    const %w : float32[1,1,2,2] = [1, 2, 3, 4]
    %p = Pad(%x, %pads)
    %y = Conv(%p, %w) {pads=[1, 0, 0, 1]}
    output %y)",
                R"(
    input %x : float32[N,1,4,4]
    const %w : float32[1,1,2,2] = [1, 2, 3, 4]
    %y = Conv(%x, %w) {pads=[2, 2, 3, 1]}
    output %y)");
  ExpectRewrite("fold_pad", R"(
    input %x : float32[1,1,4,4]
    const %pads : int64[4] = [1, 1, 1, 1]
    const %axes : int64[2] = [-2, 3]
    %r = Relu(%x)
    %p = Pad(%r, %pads, _, %axes)
    %y = MaxPool(%p) {kernel_shape=[2, 2], strides=[2, 2]}
    %q = Pad(%x, %pads, _, %axes)
    %z = AveragePool(%q) {kernel_shape=[2, 2]}
    output %y
    output %z)",
                R"(
    input %x : float32[1,1,4,4]
    %r = Relu(%x)
    %y = MaxPool(%r) {kernel_shape=[2, 2], pads=[1, 1, 1, 1], strides=[2, 2]}
    %z = AveragePool(%x) {count_include_pad=1, kernel_shape=[2, 2], pads=[1, 1, 1, 1]}
    output %y
    output %z)");
}

TEST(FoldPadTest, Refusals) {
  const auto no = [](const char* body, const char* reason) {
    ExpectNo("fold_pad", std::string(R"(
      input %x : float32[1,1,4,4]
      const %pads : int64[8] = [0, 0, 1, 1, 0, 0, 1, 1]
      const %w : float32[1,1,1,1] = [1]
    )") + body,
             reason);
  };
  no("%p = Pad(%x, %pads) %y = MaxPool(%p) {kernel_shape=[2, 2]} output %y",
     "zeros could exceed negative inputs");
  no("%r = Relu(%x) %p = Pad(%r, %pads) %y = MaxPool(%p) {kernel_shape=[1, 1]} output %y",
     "a window would see padding only");
  no("%p = Pad(%x, %pads) {mode=\"reflect\"} %y = Conv(%p, %w) output %y",
     "it does not pad with a constant");
  no("const %v : float32[] = [1] %p = Pad(%x, %pads, %v) %y = Conv(%p, %w) output %y",
     "it does not pad with zeros");
  no("const %c : int64[8] = [0, 1, 0, 0, 0, 0, 0, 0] const %w2 : float32[1,2,1,1] = [1, 1] "
     "%p = Pad(%x, %c) %y = Conv(%p, %w2) output %y",
     "it pads batch or channels");
  no("%p = Pad(%x, %pads) %y = AveragePool(%p) {kernel_shape=[2, 2], pads=[1, 1, 1, 1]} output %y",
     "it counts some of the padding only");
}

TEST(CanonicaliseClipTest, MinMaxAndChains) {
  ExpectRewrite("canonicalise_clip", R"(
    input %x : float32[2,2]
    const %zero : float32[] = [0]
    const %six : float32[1] = [6]
    const %three : float32[] = [3]
    %a = Max(%x, %zero)
    %b = Min(%six, %a)
    %c = Clip(%b, _, %three)
    %y = Sigmoid(%c)
    %d = Max(%zero, %x)
    %z = Sigmoid(%d)
    output %y
    output %z)",
                R"(
    input %x : float32[2,2]
    const %c_min : float32[] = [0]
    const %c_max : float32[] = [3]
    %c = Clip(%x, %c_min, %c_max)
    %y = Sigmoid(%c)
    %d = Relu(%x)
    %z = Sigmoid(%d)
    output %y
    output %z)");
}

TEST(CanonicaliseClipTest, Refusals) {
  ExpectNo("canonicalise_clip", R"(
    input %x : float32[2]
    const %six : float32[] = [6]
    %a = Relu(%x)
    %y = Min(%a, %six)
    output %a
    output %y)",
           "value 'a' is an output");
  ExpectNo("canonicalise_clip", R"(
    input %x : float32[2]
    const %lo : float32[] = [1]
    const %hi : float32[] = [-1]
    %y = Clip(%x, %lo, %hi)
    output %y)",
           "its bounds are in the wrong order");
}

TEST(SimplifyTest, WholePipeline) {
  Graph g = ParseOrFail(R"(graph {
    input %x : float32[N,3,8,8]
    const %mean : float32[3,1,1] = [1, 2, 3]
    const %w : float32[2,3,1,1] = [1, 2, 3, 4, 5, 6]
    const %p : float32[2] = [1, 2]
    const %six : float32[] = [6]
    const %zero : float32[] = [0]
    const %idx : int64[] = [0]
    const %axes : int64[1] = [0]
    const %rest : int64[1] = [-1]
    const %k : float32[2,3] = [1, 2, 3, 4, 5, 6]
    const %kb : float32[3] = [1, 2, 3]
    %a = Sub(%x, %mean)
    %b = Conv(%a, %w)
    %c = BatchNormalization(%b, %p, %p, %p, %p)
    %d = Max(%c, %zero)
    %e = Min(%d, %six)
    %f = GlobalAveragePool(%e)
    %s = Shape(%f)
    %n = Gather(%s, %idx)
    %u = Unsqueeze(%n, %axes)
    %t = Concat(%u, %rest) {axis=0}
    %g = Reshape(%f, %t)
    %h = MatMul(%g, %k)
    %i = Add(%h, %kb)
    %y = Identity(%i)
    output %y
  })");
  const Graph original = g;
  const Result<PassReport> report = RunPipeline(g, "simplify");
  ASSERT_TRUE(report.ok()) << report.status().message();
  std::string ops;
  for (NodeId id : g.top().nodes) ops += g.node(id).op.ToString() + " ";
  EXPECT_EQ(ops, "Conv Clip GlobalAveragePool Reshape Gemm ");
  ExpectSameNumbers(original, g);
}

}  // namespace
}  // namespace adze
