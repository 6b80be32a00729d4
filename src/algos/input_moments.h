// Second moments of what layers multiply their weights with, in the quantized network: H = sum x
// x^T over patches of the layer's input, where x are codes relative to the zero point, so sums are
// exact integers for any number of threads. On request also the cross moments C = sum x f^T with
// the float network's inputs f (in the same unit), which say what the layer should have computed.
#ifndef ADZE_ALGOS_INPUT_MOMENTS_H_
#define ADZE_ALGOS_INPUT_MOMENTS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "calib/collect.h"
#include "ir/graph.h"
#include "quant/quantization_plan.h"

namespace adze {

// Rows of matrices for vector loops are padded with zeros to a multiple of this.
inline constexpr int64_t kMomentPad = 16;

// One layer: a Conv, or a Gemm or MatMul as a 1x1 convolution over rows.
struct MomentLayer {
  NodeId node = kNoId;
  ValueId weight = kNoId;
  ValueId input = kNoId;       // quantized, in the integer network
  ValueId real_input = kNoId;  // the same tensor in the float network
  bool conv = false;
  bool transposed = false;             // the weight is [K][out]
  int64_t out = 0, groups = 1, k = 0;  // k: products per output
  float x_scale = 1;
  int32_t x_zero_point = 0;  // of the codes as uint8
  bool centered = false;     // the mean part of an error can go into the bias

  int64_t rows = 0;            // patches seen
  std::vector<float> moments;  // [groups][k][k], on and above the diagonal
  std::vector<double> sums;    // [groups * k]
  std::vector<float> cross;    // [groups][k][k]: codes times reals; empty unless asked for
  std::vector<double> real_sums;

  int64_t moment_bytes(bool with_cross) const { return groups * k * k * (with_cross ? 8 : 4); }
};

// Those of `uses` whose weight is read once and whose input has one scale, or is not quantized if
// inputs are to be float anyway. `quantized` was made from `adjusted`. `correct_bias`: layers that
// can take a correction are centered.
std::vector<MomentLayer> MomentLayers(const Graph& quantized, std::span<const WeightUse> uses,
                                      const Graph& adjusted, bool correct_bias,
                                      bool float_inputs = false);

struct MomentOptions {
  std::string split = "all";
  int64_t samples = 64;
  int64_t min_rows = 512;  // patches per layer at least, if there are as many
  Isa isa = Isa::kGeneric;
  Progress progress;
  bool float_inputs = false;    // x are reals of `adjusted`, not codes of the quantized network
  const Graph* real = nullptr;  // the float network for cross moments; null: none
};

// Fills the moments of `layers`.
Status CollectMoments(const Graph& quantized, const Graph& adjusted, const Dataset& dataset,
                      const MomentOptions& options, ThreadPool* pool,
                      std::span<MomentLayer> layers);

// E[x x^T] of one group, or the covariance where the layer is centered: [k][stride]. `damping`,
// relative to the mean of the diagonal, is added to it: directions that the few patches did not
// show matter a little as well. The pool may be null.
struct MomentMatrix {
  std::vector<float> values;
  float damping = 0;  // what was added
};
MomentMatrix InputMatrix(const MomentLayer& layer, int64_t group, int64_t stride, double damping,
                         ThreadPool* pool);
// E[x f^T] likewise, plus the same damping: [k][stride], row i for code i.
std::vector<float> CrossMatrix(const MomentLayer& layer, int64_t group, int64_t stride,
                               float damping);

}  // namespace adze

#endif  // ADZE_ALGOS_INPUT_MOMENTS_H_
