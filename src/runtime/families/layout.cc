#include "kernels/layout/layout.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  int64_t images, rows, cols;  // a transpose of [rows][cols] per image
  int64_t element;
};

Status Prepare(PreparedStep& p) {
  ADZE_TRY(CheckArity(p, 1, 1));
  const StepValue& x = p.inputs[0];
  const StepValue& y = p.outputs[0];
  ADZE_TRY(CheckDType(y, x.dtype, "the output"));
  if (x.dims.size() < 3 ||
      !std::equal(x.dims.begin(), x.dims.end(), y.dims.begin(), y.dims.end())) {
    return InvalidInput("a layout change needs equal dims of rank 3 or more");
  }
  const int64_t element = static_cast<int64_t>(SizeOf(x.dtype));
  if (element != 1 && element != 4) {
    return Unsupported(std::string("a layout change of ") + DTypeName(x.dtype));
  }
  const int64_t spatial = NumElements(x.dims.subspan(2));
  State s{x.dims[0], x.dims[1], spatial, element};
  if (x.layout == y.layout) {
    s.rows = s.cols = 0;  // a copy
  } else if (x.layout == Layout::kChannelsLast) {
    std::swap(s.rows, s.cols);
  }
  p.SetState(s);
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  const std::byte* const x = static_cast<const std::byte*>(p.inputs[0].data);
  std::byte* const y = static_cast<std::byte*>(p.outputs[0].data);
  const int64_t bytes = p.inputs[0].size() * s.element;
  if (bytes == 0) return OkStatus();
  if (p.inputs[0].layout == p.outputs[0].layout || s.rows == 1 || s.cols == 1) {
    std::memcpy(y, x, static_cast<size_t>(bytes));
    return OkStatus();
  }
  // Bands of 16 rows, so that every chunk writes whole vectors.
  const int64_t bands = (s.rows + 15) / 16;
  ParallelRanges(pool, s.images * bands, static_cast<double>(s.cols) * 16 * 0.5,
                 [&](int64_t begin, int64_t end) {
                   while (begin < end) {
                     const int64_t image = begin / bands;
                     const int64_t stop = std::min(end, (image + 1) * bands);
                     const int64_t row = begin % bands * 16;
                     const int64_t row_end = std::min(s.rows, (stop - image * bands) * 16);
                     const int64_t at = image * s.rows * s.cols * s.element;
                     if (s.element == 4) {
                       Transpose2D32(p.isa, reinterpret_cast<const uint32_t*>(x + at), s.rows,
                                     s.cols, row, row_end, reinterpret_cast<uint32_t*>(y + at));
                     } else {
                       Transpose2D8(p.isa, reinterpret_cast<const uint8_t*>(x + at), s.rows, s.cols,
                                    row, row_end, reinterpret_cast<uint8_t*>(y + at));
                     }
                     begin = stop;
                   }
                 });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kLayoutFamily{
    .id = FamilyId::kLayout,
    .name = "layout",
    .summary = "logical order to channels-last and back",
    .prepare = Prepare,
    .run = Run,
};

}  // namespace adze
