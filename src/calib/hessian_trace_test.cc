#include "calib/hessian_trace.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "ir/text.h"

namespace adze {
namespace {

// y = x W: the output error of dW is sum over outputs j of (sum_i x_i dW_ij)^2, so the Hessian's
// diagonal is x_i^2, its trace over the 3 x 4 weights 4 |x|^2, whatever signs are drawn. Behind it
// a second matrix V mixes: then signs matter and the estimate scatters around the exact trace.
TEST(HessianTrace, IsThatOfALinearNetwork) {
  const std::string folder = testing::TempDir() + "/hessian_trace";
  std::filesystem::create_directories(folder);
  std::ofstream x(folder + "/x.bin", std::ios::binary);
  double squares = 0;
  constexpr int kSamples = 400;
  for (int i = 0; i < 3 * kSamples; ++i) {
    const float v = static_cast<float>((i * 7) % 11) / 11 - 0.4f;
    x.write(reinterpret_cast<const char*>(&v), sizeof(v));
    squares += double{v} * v;
  }
  x.close();
  squares /= kSamples;  // mean |x|^2
  std::ofstream(folder + "/data.yaml") << "kind: raw\nfile: x.bin\ndtype: float32\nshape: [3]\n";
  const auto data = OpenDataset(folder + "/data.yaml");
  ASSERT_TRUE(data.ok()) << data.status().message();
  const auto graph = ParseGraph(R"(graph "g" {
    input %x : float32[N,3]
    const %w : float32[3,4] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    const %v : float32[4,2] = [1, 0.5, -1, 2, 0, 1, 3, -2]
    %h = MatMul(%x, %w)
    %y = MatMul(%h, %v)
    output %h
    output %y
  })");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  ThreadPool pool(2);
  const auto trace =
      CollectHessianTrace(*graph, **data, {graph->FindValue("w")}, {.samples = kSamples}, &pool);
  ASSERT_TRUE(trace.ok()) << trace.status().message();
  // Of both outputs: |x|^2 * (4 + |V|^2), over 12 elements.
  const double v2 = 1 + 0.25 + 1 + 4 + 0 + 1 + 9 + 4;
  EXPECT_NEAR((*trace)[0], squares * (4 + v2) / 12, 0.1 * squares * (4 + v2) / 12);
  ThreadPool one(1);
  const auto again =
      CollectHessianTrace(*graph, **data, {graph->FindValue("w")}, {.samples = kSamples}, &one);
  EXPECT_EQ(*again, *trace);
}

}  // namespace
}  // namespace adze
