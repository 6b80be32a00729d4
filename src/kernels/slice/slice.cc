#include "kernels/slice/slice.h"

#include <cstring>

namespace adze {
namespace {

// y[i] = x[i * stride].
template <typename T>
void CopyStrided(const void* x, int64_t stride, void* y, int64_t n) {
  const T* const in = static_cast<const T*>(x);
  T* const out = static_cast<T*>(y);
  for (int64_t i = 0; i < n; ++i) out[i] = in[i * stride];
}

}  // namespace

StridedCopy Coalesce(const StridedCopy& copy) {
  StridedCopy out;
  out.element_bytes = copy.element_bytes;
  out.rank = 1;
  out.dims[0] = 1;
  out.strides[0] = 1;
  for (int i = 0; i < copy.rank; ++i) {
    if (copy.dims[i] == 1) continue;
    int at = out.rank - 1;
    const bool first = out.dims[at] == 1;
    if (!first && out.strides[at] != copy.strides[i] * copy.dims[i]) {
      at = out.rank++;
      out.dims[at] = 1;
    }
    out.dims[at] *= copy.dims[i];
    out.strides[at] = copy.strides[i];
  }
  return out;
}

int64_t CopyRows(const StridedCopy& copy) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < copy.rank; ++i) rows *= copy.dims[i];
  return rows;
}

void CopyStridedRows(const StridedCopy& copy, const void* x, void* y, int64_t row_begin,
                     int64_t row_end) {
  const int last = copy.rank - 1;
  const int64_t n = copy.dims[last];
  const int64_t stride = copy.strides[last];
  const int64_t element = copy.element_bytes;
  for (int64_t row = row_begin; row < row_end; ++row) {
    int64_t rest = row;
    int64_t at = 0;
    for (int i = last - 1; i >= 0; --i) {
      at += rest % copy.dims[i] * copy.strides[i];
      rest /= copy.dims[i];
    }
    const char* const in = static_cast<const char*>(x) + at * element;
    char* const out = static_cast<char*>(y) + row * n * element;
    if (stride == 1) {
      std::memcpy(out, in, static_cast<size_t>(n * element));
    } else if (element == 1) {
      CopyStrided<uint8_t>(in, stride, out, n);
    } else if (element == 2) {
      CopyStrided<uint16_t>(in, stride, out, n);
    } else if (element == 4) {
      CopyStrided<uint32_t>(in, stride, out, n);
    } else {
      CopyStrided<uint64_t>(in, stride, out, n);
    }
  }
}

}  // namespace adze
