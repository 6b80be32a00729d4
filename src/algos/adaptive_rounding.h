// Adaptive rounding: each weight is rounded up or down so that the layer's output on measured
// inputs changes least, instead of each to its nearest code. The objective is that of AdaRound
// (Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020), min (q -
// w)^T H (q - w) for every output channel with H = E[x x^T] of the layer's input patches; it is
// minimised by coordinate descent from the nearest codes (as QuantEase, Behdin et al. 2023, does
// for H of language models), which needs no gradients and no inverse. With bias correction H is the
// covariance: the mean part of the error goes into the bias.
//
// Inputs are those of the quantized network: codes, so that sums are exact integers and the result
// does not depend on the number of threads.
#ifndef ADZE_ALGOS_ADAPTIVE_ROUNDING_H_
#define ADZE_ALGOS_ADAPTIVE_ROUNDING_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "algos/input_moments.h"
#include "calib/collect.h"
#include "formats/encodings/encodings.h"
#include "ir/graph.h"
#include "numerics/number_format.h"
#include "quant/quantization_plan.h"

namespace adze {

struct RoundingSettings {
  std::string split = "all";
  int64_t samples = 64;
  bool correct_bias = true;
  int limit = 127;                             // codes lie in [-limit, limit]
  ScaleFormat scales = ScaleFormat::kFloat32;  // of weights that are stored only (weight_only.h)
  Isa isa = Isa::kGeneric;
  Progress progress;
};

// Rounds the weights of `adjusted`, the float network from which `quantized` was made with
// `weights`, onto their grids. Weights that several nodes read, and those with more inputs
// than second moments of 96 MiB allow (5016), keep their nearest codes. Returns how many it
// rounded.
Result<int64_t> RoundAdaptively(const Graph& quantized, const QuantizationPlan& plan,
                                const Encodings& weights, const Dataset& dataset,
                                const RoundingSettings& settings, ThreadPool* pool,
                                Graph* adjusted);

// Minimises v^T H v - 2 v^T u where each element of v is the one of `low` or of `high`, by
// coordinate descent from `values`, which are such, to where no single change lowers it any
// further. H: symmetric, positive, values.size() rows of `stride` floats, a multiple of kMomentPad,
// padded with zeros.
void DescendValues(const float* h, int64_t stride, std::span<const float> u,
                   std::span<const float> low, std::span<const float> high,
                   std::span<float> values);
// The same over integer codes q, each the floor or the ceiling of its target. Codes
// stay in `range`; one whose target lies beyond it stays as it is.
void DescendCodes(const float* h, int64_t stride, std::span<const float> u,
                  std::span<const float> target, IntRange range, std::span<float> codes);
// sum += factor * row, of `stride` floats.
void AddScaledRow(float factor, const float* row, int64_t stride, float* sum);

// The descent for one output channel with u = H target. `target` is w / scale, `h` a symmetric
// positive matrix of target.size() rows of `stride` floats each (a multiple of kMomentPad, padded
// with zeros). Writes integers in [-limit, limit], each the floor or ceiling of its target, whose
// error is not larger than that of the nearest ones.
void RoundChannel(std::span<const float> target, const float* h, int64_t stride, int limit,
                  std::span<float> codes);

}  // namespace adze

#endif  // ADZE_ALGOS_ADAPTIVE_ROUNDING_H_
