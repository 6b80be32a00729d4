#include "ops/tensor.h"

#include <cstdlib>
#include <cstring>

namespace adze {
namespace {

constexpr size_t kAlignment = 64;

// calloc, not memset: zero pages cost nothing until they are touched, so a tensor larger than the
// memory is refused or used sparsely, but never brings the machine down here.
std::shared_ptr<void> AllocateBytes(size_t bytes) {
  void* const block = std::calloc(1, bytes + kAlignment);
  if (block == nullptr) return nullptr;
  const auto address = reinterpret_cast<uintptr_t>(block);
  void* const aligned =
      reinterpret_cast<void*>((address + kAlignment - 1) / kAlignment * kAlignment);
  return std::shared_ptr<void>(std::shared_ptr<void>(block, std::free), aligned);
}

}  // namespace

int64_t NumElements(std::span<const int64_t> dims) {
  // The limit holds for the other dimensions of an empty tensor, too: strides are computed from
  // them.
  int64_t n = 1;
  bool empty = false;
  for (int64_t d : dims) {
    if (d < 0) return -1;
    if (d == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(n, d, &n) || n > kMaxElements) {
      return -1;
    }
  }
  return empty ? 0 : n;
}

Tensor Tensor::Allocate(DType dtype, std::vector<int64_t> dims) {
  Result<Tensor> t = TryAllocate(dtype, std::move(dims));
  ADZE_CHECK(t.ok());
  return std::move(t).value();
}

Result<Tensor> Tensor::TryAllocate(DType dtype, std::vector<int64_t> dims) {
  const int64_t n = NumElements(dims);
  if (n < 0) return InvalidInput("tensor dimensions are negative or too large");
  Tensor t;
  t.dtype_ = dtype;
  t.dims_ = std::move(dims);
  std::shared_ptr<void> memory = AllocateBytes(static_cast<size_t>(n) * SizeOf(dtype));
  if (memory == nullptr) {
    return InvalidInput("out of memory for a tensor of " + std::to_string(n) + " elements");
  }
  t.data_ = memory.get();
  t.owner_ = std::move(memory);
  t.writable_ = true;
  return t;
}

Tensor Tensor::View(DType dtype, std::vector<int64_t> dims, const void* data,
                    std::shared_ptr<const void> owner) {
  ADZE_CHECK(NumElements(dims) >= 0);
  ADZE_CHECK(reinterpret_cast<uintptr_t>(data) % SizeOf(dtype) == 0);
  Tensor t;
  t.dtype_ = dtype;
  t.dims_ = std::move(dims);
  t.data_ = data;
  t.owner_ = std::move(owner);
  return t;
}

void* Tensor::mutable_raw() {
  ADZE_CHECK(writable_ && owner_.use_count() == 1);
  return const_cast<void*>(data_);
}

Tensor Tensor::Reshaped(std::vector<int64_t> dims) const {
  ADZE_CHECK(NumElements(dims) == size());
  Tensor t = *this;
  t.dims_ = std::move(dims);
  return t;
}

bool BitEqual(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.dims() == b.dims() &&
         (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

int64_t IntegerAt(const ConstTensorView& t, int64_t i) {
  switch (ContainerOf(t.dtype)) {
    case DType::kInt8:
      return static_cast<const int8_t*>(t.data)[i];
    case DType::kUInt8:
    case DType::kBool:
      return static_cast<const uint8_t*>(t.data)[i];
    case DType::kInt16:
      return static_cast<const int16_t*>(t.data)[i];
    case DType::kUInt16:
      return static_cast<const uint16_t*>(t.data)[i];
    case DType::kInt32:
      return static_cast<const int32_t*>(t.data)[i];
    case DType::kUInt32:
      return static_cast<const uint32_t*>(t.data)[i];
    case DType::kInt64:
      return static_cast<const int64_t*>(t.data)[i];
    case DType::kUInt64:
      return static_cast<int64_t>(static_cast<const uint64_t*>(t.data)[i]);
    default:
      ADZE_CHECK(false && "integer tensor expected");
  }
}

std::vector<int64_t> ToInt64s(const ConstTensorView& t) {
  std::vector<int64_t> values(static_cast<size_t>(t.size()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = IntegerAt(t, static_cast<int64_t>(i));
  return values;
}

}  // namespace adze
