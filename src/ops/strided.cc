#include "ops/strided.h"

#include <cstring>

#include "ops/shape_util.h"

namespace adze {
namespace {

template <typename T>
void CopyInner(int64_t n, T* dst, int64_t dst_stride, const T* src, int64_t src_stride) {
  for (int64_t i = 0; i < n; ++i) dst[i * dst_stride] = src[i * src_stride];
}

// Merges neighbouring dimensions that are contiguous in both tensors and drops those of size 1.
StridedBox Simplify(const StridedBox& box) {
  StridedBox out;
  for (int i = 0; i < box.rank; ++i) {
    if (box.dims[i] == 1) continue;
    const int last = out.rank - 1;
    if (out.rank > 0 && out.dst_stride[last] == box.dst_stride[i] * box.dims[i] &&
        out.src_stride[last] == box.src_stride[i] * box.dims[i]) {
      out.dims[last] *= box.dims[i];
      out.dst_stride[last] = box.dst_stride[i];
      out.src_stride[last] = box.src_stride[i];
    } else {
      out.Add(box.dims[i], box.dst_stride[i], box.src_stride[i]);
    }
  }
  if (out.rank == 0) out.Add(1, 1, 1);
  return out;
}

template <typename T>
void Copy(const StridedBox& b, T* dst, const T* src) {
  const int last = b.rank - 1;
  int64_t rows = 1;
  for (int d = 0; d < last; ++d) rows *= b.dims[d];
  const bool dense = b.dst_stride[last] == 1 && b.src_stride[last] == 1;
  int64_t index[kMaxStridedRank] = {};
  int64_t dst_offset = 0;
  int64_t src_offset = 0;
  for (int64_t row = 0; row < rows; ++row) {
    if (dense) {
      std::memcpy(dst + dst_offset, src + src_offset,
                  static_cast<size_t>(b.dims[last]) * sizeof(T));
    } else {
      CopyInner(b.dims[last], dst + dst_offset, b.dst_stride[last], src + src_offset,
                b.src_stride[last]);
    }
    for (int d = last - 1; d >= 0; --d) {
      dst_offset += b.dst_stride[d];
      src_offset += b.src_stride[d];
      if (++index[d] < b.dims[d]) break;
      dst_offset -= b.dst_stride[d] * b.dims[d];
      src_offset -= b.src_stride[d] * b.dims[d];
      index[d] = 0;
    }
  }
}

}  // namespace

Status EvalCopy(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  if (x.size() != y.size() || x.dtype != y.dtype) {
    return InvalidInput("input of shape " + DimsToString(x.dims) +
                        " does not have as many elements as the output shape " +
                        DimsToString(y.dims));
  }
  const size_t bytes = static_cast<size_t>(x.size()) * SizeOf(x.dtype);
  if (bytes != 0) std::memmove(y.data, x.data, bytes);
  return OkStatus();
}

void DenseStrides(std::span<const int64_t> dims, int64_t* strides) {
  int64_t s = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = s;
    s *= dims[i];
  }
}

void CopyStrided(const StridedBox& box, size_t element_bytes, void* dst, const void* src) {
  for (int i = 0; i < box.rank; ++i) {
    if (box.dims[i] <= 0) return;
  }
  const StridedBox b = Simplify(box);
  const auto copy = [&](auto zero) {
    using T = decltype(zero);
    Copy(b, static_cast<T*>(dst), static_cast<const T*>(src));
  };
  switch (element_bytes) {
    case 1:
      return copy(uint8_t{});
    case 2:
      return copy(uint16_t{});
    case 4:
      return copy(uint32_t{});
    case 8:
      return copy(uint64_t{});
    default:
      ADZE_CHECK(false && "element size");
  }
}

}  // namespace adze
