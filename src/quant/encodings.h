// Encodings against a graph. The noun itself (plain data and its file form) is in
// formats/encodings/encodings.h.
#ifndef ADZE_QUANT_ENCODINGS_H_
#define ADZE_QUANT_ENCODINGS_H_

#include <string>
#include <vector>

#include "formats/encodings/encodings.h"
#include "ir/graph.h"

namespace adze {

// One weight channel whose scale had to grow because bias and accumulator would not fit 32 bits.
struct BiasRepair {
  std::string weight;  // tensor name
  int64_t channel = 0;
  float old_scale = 0;
  float new_scale = 0;
};

// A node that runs in float after quantization, and why.
struct FloatNode {
  std::string node;  // its name, or that of its first output
  std::string op;
  std::string reason;  // a clause
};

struct ApplyReport {
  std::vector<BiasRepair> repairs;
  std::vector<FloatNode> float_nodes;
  std::vector<std::string>
      unused;  // entries for tensors that no integer operator touches: they stay float
  double int8_macs_share =
      0;  // multiply-accumulates in integer operators over all; 1 when there are none
};

// Quantizes `graph`: gives values their types, converts weights and biases to integers, and puts
// adze.Requantize where float meets integer, graph inputs and outputs (which stay float32)
// included. A node becomes an integer operator when it has an integer form and all of its tensors
// have encodings; the others stay float, with reasons. Of a multiply-accumulate whose weight alone
// has an encoding the weight is stored in it, in any format and in blocks, and multiplied in float.
// Biases are derived: int32 with scale s_x * s_w[channel]. Applying the same encodings again
// changes nothing. Refuses: unknown tensors, weights that are NaN or infinite, types that do not
// fit (all by name), unequal scales where the operator needs them equal, tensors already quantized
// otherwise. On failure the graph is unusable.
Result<ApplyReport> ApplyEncodings(Graph& graph, const Encodings& encodings);

// Checks weights and biases as ApplyEncodings will and enlarges, minimally, the scales of weight
// channels for which |bias| / (s_x * s_w) + sum|w_q| * 255 would not stay below 2^31.
// ApplyEncodings does this itself; calling it before saving puts the final scales into the file.
Result<std::vector<BiasRepair>> RepairBiasOverflow(const Graph& graph, Encodings* encodings);

}  // namespace adze

#endif  // ADZE_QUANT_ENCODINGS_H_
