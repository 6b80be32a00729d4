// NumPy's .npy files: one dense array each (NEP 1, format versions 1.0, 2.0 and 3.0).
#ifndef ADZE_FORMATS_NPY_NPY_H_
#define ADZE_FORMATS_NPY_NPY_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "ops/tensor.h"

namespace adze {

// Reads an array. Little-endian files in C order are views into the mapped file when aligned,
// copies otherwise; Fortran order is converted. Element types: those of DType; '<V2' is bfloat16,
// as ml_dtypes writes it. Refused: big endian and structured, string, object and complex types
// (Unsupported); a header that is not what NumPy writes, data shorter or longer than the header
// says, a bool other than 0 and 1, rank over kMaxRank (InvalidInput).
Result<Tensor> ReadNpy(const std::string& path);

// The same from memory; a view keeps `owner` alive. Messages do not name the file.
Result<Tensor> ParseNpy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

// Writes version 1.0, C order, data aligned to 64 bytes; replaces `path` atomically.
Status WriteNpy(const std::string& path, const ConstTensorView& tensor);

// Everything before the data of such a file: a multiple of 64 bytes.
std::string NpyHeader(DType dtype, std::span<const int64_t> dims);

}  // namespace adze

#endif  // ADZE_FORMATS_NPY_NPY_H_
