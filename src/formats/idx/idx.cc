#include "formats/idx/idx.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "formats/gzip/gzip.h"
#include "ops/dim.h"

namespace adze {
namespace {

DType DTypeOfCode(unsigned code) {
  switch (code) {
    case 0x08:
      return DType::kUInt8;
    case 0x09:
      return DType::kInt8;
    case 0x0b:
      return DType::kInt16;
    case 0x0c:
      return DType::kInt32;
    case 0x0d:
      return DType::kFloat32;
    case 0x0e:
      return DType::kFloat64;
    default:
      return DType::kUndefined;
  }
}

Result<Tensor> ParseIdx(const FileBytes& file) {
  const std::span<const std::byte> bytes = file.bytes;
  if (bytes.size() < 4 || bytes[0] != std::byte{0} || bytes[1] != std::byte{0}) {
    return InvalidInput("not an idx file");
  }
  const DType dtype = DTypeOfCode(static_cast<unsigned>(bytes[2]));
  const size_t rank = static_cast<size_t>(bytes[3]);
  if (dtype == DType::kUndefined) return InvalidInput("not an idx file (unknown element type)");
  if (rank > kMaxRank) {
    return Unsupported("rank " + std::to_string(rank) + " is over the limit of " +
                       std::to_string(kMaxRank));
  }
  const size_t start = 4 + 4 * rank;
  if (bytes.size() < start) return InvalidInput("the idx header is truncated");
  std::vector<int64_t> dims(rank, 0);
  for (size_t i = 0; i < 4 * rank; ++i) {
    dims[i / 4] = dims[i / 4] << 8 | static_cast<int64_t>(bytes[4 + i]);
  }
  const int64_t n = NumElements(dims);
  const size_t element = SizeOf(dtype);
  const std::span<const std::byte> data = bytes.subspan(start);
  if (n < 0 || data.size() != static_cast<size_t>(n) * element) {
    return InvalidInput("the header says shape " + ShapeToString(ToShape(dims)) + " of " +
                        DTypeName(dtype) + ", but " + std::to_string(data.size()) +
                        " bytes of data follow");
  }
  if (element == 1) return Tensor::View(dtype, std::move(dims), data.data(), file.owner);
  ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(dtype, std::move(dims)));
  std::byte* const out = static_cast<std::byte*>(t.mutable_raw());
  for (size_t i = 0; i < data.size(); i += element) {
    std::reverse_copy(data.begin() + static_cast<ptrdiff_t>(i),
                      data.begin() + static_cast<ptrdiff_t>(i + element), out + i);
  }
  return t;
}

}  // namespace

Result<Tensor> ReadIdx(const std::string& path) {
  ADZE_ASSIGN(const FileBytes file, ReadFileMaybeGzip(path));
  Result<Tensor> tensor = ParseIdx(file);
  if (!tensor.ok()) return tensor.status().WithContext(path);
  return tensor;
}

}  // namespace adze
