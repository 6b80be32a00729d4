// safetensors: named tensors in one file. Layout: u64 little-endian header length, a JSON header
// {"name": {"dtype", "shape", "data_offsets": [begin, end)}, "__metadata__": {string: string}}, raw
// little-endian data.
#ifndef ADZE_FORMATS_SAFETENSORS_SAFETENSORS_H_
#define ADZE_FORMATS_SAFETENSORS_SAFETENSORS_H_

#include <map>
#include <string>

#include "base/status.h"
#include "ops/tensor.h"

namespace adze {

struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

// Tensors are views into the mapped file (copied where unaligned). Refuses overlapping,
// out-of-bounds or mis-sized data, unknown dtypes and fields.
Result<SafeTensors> ReadSafeTensors(const std::string& path);

// Deterministic: tensors in name order, data aligned to 64 bytes by padding the header with spaces.
Status WriteSafeTensors(const SafeTensors& contents, const std::string& path);

}  // namespace adze

#endif  // ADZE_FORMATS_SAFETENSORS_SAFETENSORS_H_
