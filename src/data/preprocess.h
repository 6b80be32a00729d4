// From decoded pixels or stored numbers to what the network's input takes.
#ifndef ADZE_DATA_PREPROCESS_H_
#define ADZE_DATA_PREPROCESS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "data/yaml_map.h"
#include "formats/image/image.h"
#include "ops/tensor.h"

namespace adze {

// value = (number * scale - mean) / std, computed in float32 in this order; scale = multiplier /
// divisor is applied as a product and a quotient, so `scale: 1/255` divides by 255 as NumPy code
// does.
struct ValueSpec {
  float multiplier = 1;
  float divisor = 1;
  std::vector<float>
      mean;  // empty: 0; one; or one per channel, in the order of the network's channels
  std::vector<float> std;  // empty: 1; likewise
  std::optional<DType> dtype;
  bool changes_values() const {
    return multiplier != 1 || divisor != 1 || !mean.empty() || !std.empty();
  }
};

enum class ResizeMode { kNone, kShorterSide, kExact, kLetterbox };

// Applied in the order of the fields.
struct ImageSpec {
  std::optional<int> channels;  // 3: RGB, 1: gray; absent: as in the file
  ResizeMode resize = ResizeMode::kNone;
  int64_t shorter_side = 0;
  int64_t resize_height = 0;  // kExact, kLetterbox
  int64_t resize_width = 0;
  uint8_t pad_value = 0;      // kLetterbox
  bool pad_centered = false;  // else the image lies at the top left
  int64_t crop_height = 0;    // 0: no crop
  int64_t crop_width = 0;
  bool bgr = false;
  ValueSpec value;
  bool channels_last = false;
};

// Take the keys of a `preprocess:` mapping (null: defaults) that are documented in docs/data.md,
// and refuse others.
Result<ImageSpec> ParseImageSpec(YamlMap* map);
Result<ValueSpec> ParseValueSpec(YamlMap* map);

// [C,H,W], or [H,W,C] when channels_last; float32 unless the spec says otherwise.
Result<Tensor> PreprocessImage(const ImageSpec& spec, Image image);
// Same shape; the number's own type unless the spec says otherwise or changes values (then
// float32). `mean` and `std` must have at most one entry.
Result<Tensor> PreprocessValues(const ValueSpec& spec, const Tensor& numbers);

}  // namespace adze

#endif  // ADZE_DATA_PREPROCESS_H_
