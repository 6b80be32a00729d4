// The Fisher information of a linear classifier, where it can be written down.
#include "calib/fisher.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/test_files.h"
#include "formats/npy/npy.h"
#include "ir/text.h"

namespace adze {
namespace {

constexpr float kX[5][3] = {{1, 2, 3}, {-1, 0.5f, 0}, {0, -2, 1}, {3, 1, -1}, {0.25f, 0, 0}};
constexpr float kW[3][2] = {{1, -0.5f}, {0.25f, 2}, {-1, 0.75f}};

class FisherTest : public ::testing::Test {
 protected:
  FisherTest() {
    Tensor x = Tensor::FromValues<float>({5, 3}, {&kX[0][0], 15});
    EXPECT_TRUE(WriteNpy(folder_.Path("x.npy"), x.view()).ok());
    Result<std::unique_ptr<Dataset>> data =
        OpenDataset(folder_.Write("d.yaml", "kind: npy\nfile: x.npy\n"));
    EXPECT_TRUE(data.ok()) << data.status().message();
    data_ = std::move(data).value();
  }
  Result<std::vector<double>> Collect(const std::string& tail, int threads, int64_t samples = 0) {
    Result<Graph> g = ParseGraph(
        "graph { input %x : float32[N,3] "
        "const %w : float32[3,2] = [1,-0.5,0.25,2,-1,0.75] " +
        tail + "}");
    EXPECT_TRUE(g.ok()) << g.status().message();
    FisherOptions options;
    options.samples = samples;
    options.values = {g->FindValue("x"), g->FindValue("y")};
    ThreadPool pool(threads);
    return CollectFisher(*g, *data_, options, &pool);
  }
  TestFolder folder_;
  std::unique_ptr<Dataset> data_;
};

// The gradient of the scores is p - e(class), that of x is w * (p - e).
std::vector<double> Expected() {
  double of_x = 0;
  double of_y = 0;
  for (const auto& x : kX) {
    double y[2] = {};
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 2; ++k) y[k] += double{x[i]} * kW[i][k];
    }
    const int best = y[1] > y[0];
    double g[2];
    for (int k = 0; k < 2; ++k)
      g[k] = std::exp(y[k]) / (std::exp(y[0]) + std::exp(y[1])) - (k == best);
    for (const double v : g) of_y += v * v / 2;
    for (const auto& row : kW) {
      const double v = row[0] * g[0] + row[1] * g[1];
      of_x += v * v / 3;
    }
  }
  return {of_x / 5, of_y / 5};
}

TEST_F(FisherTest, LinearClassifier) {
  for (const char* const tail :
       {"%y = MatMul(%x, %w) output %y", "%y = MatMul(%x, %w) %p = Softmax(%y) output %p"}) {
    for (const int threads : {1, 3}) {
      const Result<std::vector<double>> got = Collect(tail, threads);
      ASSERT_TRUE(got.ok()) << got.status().message();
      for (size_t i = 0; i < 2; ++i) EXPECT_NEAR((*got)[i], Expected()[i], 1e-6);
    }
  }
}

// Sums do not depend on threads, to the bit.
TEST_F(FisherTest, SameForAnyThreads) {
  EXPECT_EQ(*Collect("%y = MatMul(%x, %w) output %y", 1),
            *Collect("%y = MatMul(%x, %w) output %y", 4));
}

TEST_F(FisherTest, Refusals) {
  EXPECT_EQ(
      Collect(
          "%y = MatMul(%x, %w) %z = Flatten(%y) {axis=0} %s = ReduceSum(%z) {keepdims=0} output %s",
          1)
          .status()
          .message(),
      "output 's' is no float32 [batch, classes]: there is no class");
  EXPECT_EQ(Collect("%y = MatMul(%x, %w) %z = Floor(%y) \"f\" output %z", 1).status().message(),
            "node 'f' (Floor): adze has no gradient rule for Floor");
}

}  // namespace
}  // namespace adze
