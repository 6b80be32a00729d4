// Encodings: the decision that quantization came to. For each tensor its number format,
// granularity, scales and zero points, and where they came from. Independent of the graph's present
// form: tensors are named as in the user's file. The file form is `.encodings.json`
// (docs/encodings.md), with long arrays in a `.safetensors` file beside it.
#ifndef ADZE_FORMATS_ENCODINGS_ENCODINGS_H_
#define ADZE_FORMATS_ENCODINGS_ENCODINGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "numerics/quant_type.h"

namespace adze {

// Where the parameters of a tensor came from. Informational: applying encodings never reads it.
struct EncodingProvenance {
  std::string observer;  // "mse", "minmax", "fixed", "weight" …; empty: unknown
  float range_min = 0;   // the real range the observer chose, before it was put on the grid
  float range_max = 0;
  std::string note;  // anything a reader should know: "scale enlarged: bias overflow"

  friend bool operator==(const EncodingProvenance&, const EncodingProvenance&) = default;
};

// The number format of one tensor, or of one use of it.
struct TensorEncoding {
  QuantType type;
  // Two-level scales: real = outer_scale[channel] * scale[block] * (stored - zero_point). Empty:
  // one level, which is all that applying supports so far.
  std::vector<float> outer_scale;
  EncodingProvenance provenance;

  friend bool operator==(const TensorEncoding&, const TensorEncoding&) = default;
};

// One use of a tensor that differs from the tensor's own encoding: input `input` of the node whose
// first output is called `node_output` (node names may be empty or repeat; value names are unique).
struct UseEncoding {
  std::string node_output;
  int input = 0;
  TensorEncoding encoding;

  friend bool operator==(const UseEncoding&, const UseEncoding&) = default;
};

struct Encodings {
  std::string graph_hash;  // GraphHash of the graph they were made for; may be empty
  std::map<std::string, TensorEncoding>
      tensors;  // by tensor name; sorted, so files are deterministic
  std::vector<UseEncoding> uses;

  friend bool operator==(const Encodings&, const Encodings&) = default;
};

inline constexpr int kEncodingsVersion = 1;
// Arrays with more elements than this go to the side file.
inline constexpr size_t kMaxInlineElements = 4096;

// Writes `path`, and beside it the side file when an array is long: `x.encodings.json` ->
// `x.encodings.safetensors`. Deterministic bytes; floats have 9 significant digits, so reading
// gives back the same bits.
Status WriteEncodings(const Encodings& encodings, const std::string& path);

// Refuses unknown fields by name, other versions, and values that are no valid quantization.
Result<Encodings> ReadEncodings(const std::string& path);

}  // namespace adze

#endif  // ADZE_FORMATS_ENCODINGS_ENCODINGS_H_
