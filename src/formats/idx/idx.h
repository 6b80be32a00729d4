// The idx files of MNIST and its relatives: a magic of element type and rank, big-endian dims,
// big-endian data.
#ifndef ADZE_FORMATS_IDX_IDX_H_
#define ADZE_FORMATS_IDX_IDX_H_

#include <string>

#include "base/status.h"
#include "ops/tensor.h"

namespace adze {

// Reads a plain or gzipped idx file of uint8, int8, int16, int32, float32 or float64. 8-bit data of
// a plain file is a view into the mapping. Refuses data shorter or longer than the dims say.
Result<Tensor> ReadIdx(const std::string& path);

}  // namespace adze

#endif  // ADZE_FORMATS_IDX_IDX_H_
