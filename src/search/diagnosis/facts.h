// What was measured of every layer of a quantized network: plain numbers, from which the kinds of
// findings (finding.h) judge without seeing a graph.
#ifndef ADZE_SEARCH_DIAGNOSIS_FACTS_H_
#define ADZE_SEARCH_DIAGNOSIS_FACTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calib/observers/observer.h"
#include "calib/records.h"
#include "eval/compare.h"

namespace adze {

// The real numbers that the codes of a tensor stand for.
struct Codes {
  double low = 0;
  double high = 0;
  double step = 0;
  DType storage = DType::kUInt8;
};

// Per output channel of a layer's weight, in the quantized network's scale.
struct WeightFacts {
  bool one_scale = false;     // for all channels
  std::vector<double> reach;  // largest magnitude
  double step = 0;            // with one_scale: between two codes
};

// A channel whose bias needs a larger number than 32 bits hold.
struct BiasFacts {
  int64_t channel = 0;
  double times = 0;  // what it needs over what there is; or how much its weight scale was enlarged
  bool repaired = false;  // by enlarging the weight scale; else it is cut off
};

// An input of an addition or concatenation.
struct BranchFacts {
  std::string tensor;
  double reach = 0;  // largest magnitude of its values
};

// A tensor that the quantized network rounds (or that leaves it), and the step that computes it: a
// multiply-accumulate with what runs with it, or another operator.
struct LayerFacts {
  TensorComparison compared;  // names, own, inherited and total error, clipped share
  // In the quantized network's scale; null: unknown.
  std::shared_ptr<const TensorRecord> seen;        // on the samples that judge
  std::shared_ptr<const TensorRecord> calibrated;  // on those that chose the ranges
  std::optional<Codes> codes;                      // empty: it is not rounded
  std::optional<WeightFacts> weight;               // of the layer's multiply-accumulate
  std::vector<BiasFacts> biases;                   // only those with a problem
  std::vector<BranchFacts> branches;               // of an addition or concatenation
  std::vector<std::string> reads;                  // the tensors it is computed from
  bool moved = false;              // codes of another tensor, moved: what is wrong is wrong there
  bool before_activation = false;  // that is no clamp: Silu, Sigmoid … read it, and nothing else
  bool equalizable = false;        // factors per channel could go into the weights around it
};

// What a range does to the values of a record: powers, up to a common factor, and the share of
// values beyond it.
struct RangeEffect {
  double signal = 0;
  double clip = 0;
  double rounding = 0;
  double clipped_share = 0;
};
RangeEffect EffectOfRange(const TensorRecord& record, const Codes& codes);

// The range with the least expected error for these values, and its codes.
Codes BestRange(const TensorRecord& record, DType storage);

// Largest magnitude of every channel; empty: unknown.
std::vector<double> ChannelReach(const TensorRecord& record);

// The middle one of those above 0; 0 if there are none.
double MedianReach(std::vector<double> reach);

}  // namespace adze

#endif  // ADZE_SEARCH_DIAGNOSIS_FACTS_H_
