#include "kernels/concat/concat.h"

#include <cstring>

namespace adze {

void CopyRuns(const void* x, int64_t bytes, void* y, int64_t y_row_bytes, int64_t offset,
              int64_t begin, int64_t end) {
  if (bytes == 0) return;
  const char* in = static_cast<const char*>(x) + begin * bytes;
  char* out = static_cast<char*>(y) + begin * y_row_bytes + offset;
  for (int64_t i = begin; i < end; ++i, in += bytes, out += y_row_bytes) {
    std::memcpy(out, in, static_cast<size_t>(bytes));
  }
}

}  // namespace adze
