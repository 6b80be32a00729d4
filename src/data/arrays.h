// Arrays of samples in files: the first dimension counts them.
#ifndef ADZE_DATA_ARRAYS_H_
#define ADZE_DATA_ARRAYS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/yaml_map.h"
#include "ops/tensor.h"

namespace adze {

// The samples of several arrays, one after the other. Windows may overlap (raw recordings).
struct SampleArrays {
  struct Part {
    Tensor tensor;
    int64_t size = 0;    // samples in it
    int64_t stride = 0;  // elements from one sample to the next
  };
  std::vector<Part> parts;
  std::vector<int64_t> sample_dims;
  DType dtype = DType::kUndefined;
  int64_t size = 0;

  // A view of sample `index` that keeps its array alive.
  Tensor At(int64_t index) const;
};

// Each reads the keys `file` or `files` of `map` (paths relative to `root`), and:
//   npy: `array` if the file is an .npz;  raw: `dtype`, `shape`, `stride`;  idx: none.
// Refuses files whose samples differ in shape or type, and arrays without samples.
Result<SampleArrays> ReadNpyArrays(YamlMap& map, const std::string& root);
Result<SampleArrays> ReadIdxArrays(YamlMap& map, const std::string& root);
Result<SampleArrays> ReadRawArrays(YamlMap& map, const std::string& root);

// Key `file` or `files`, made absolute.
Result<std::vector<std::string>> ReadFileList(YamlMap& map, const std::string& root);

}  // namespace adze

#endif  // ADZE_DATA_ARRAYS_H_
