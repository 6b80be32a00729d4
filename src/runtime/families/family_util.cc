#include "runtime/families/family_util.h"

#include <algorithm>

#include "kernels/conv_check.h"

namespace adze {

Status CheckArity(const PreparedStep& p, size_t inputs, size_t outputs) {
  if (p.inputs.size() != inputs || p.outputs.size() != outputs) {
    return InvalidInput("the step has " + std::to_string(p.inputs.size()) + " inputs and " +
                        std::to_string(p.outputs.size()) + " outputs, must be " +
                        std::to_string(inputs) + " and " + std::to_string(outputs));
  }
  for (const auto* values : {&p.inputs, &p.outputs}) {
    for (const StepValue& v : *values) {
      if (!v.present()) return InvalidInput("the step lacks an input or output");
    }
  }
  return OkStatus();
}

Status CheckDType(const StepValue& v, DType dtype, const char* what) {
  if (v.dtype == dtype) return OkStatus();
  return InvalidInput(std::string(what) + " is " + DTypeName(v.dtype) + ", must be " +
                      DTypeName(dtype));
}

Status CheckSameShape(const StepValue& a, const StepValue& b, const char* what) {
  if (a.layout == b.layout &&
      std::equal(a.dims.begin(), a.dims.end(), b.dims.begin(), b.dims.end())) {
    return OkStatus();
  }
  return InvalidInput(std::string(what) + " has other dims or another layout");
}

Status CheckWeight(const Step& step, size_t index, DType dtype, int64_t elements) {
  const auto& weights = step.weights;
  if (index >= weights.size() || weights[index].dtype() != dtype ||
      weights[index].size() < elements) {
    return InvalidInput("packed weight " + std::to_string(index) +
                        " is missing, too short or of a wrong type");
  }
  return OkStatus();
}

Status UnknownPacking(int32_t packing) {
  return Unsupported("weights in packing layout " + std::to_string(packing) +
                     ", which this adze does not know");
}

int64_t MemoryDims::Product(int begin, int end) const {
  int64_t n = 1;
  for (int i = begin; i < end; ++i) n *= dims[static_cast<size_t>(i)];
  return n;
}

int MemoryDims::Find(int logical_axis) const {
  return static_cast<int>(std::find(axis.begin(), axis.begin() + rank, logical_axis) -
                          axis.begin());
}

Result<MemoryDims> MemoryOrder(const StepValue& v) {
  MemoryDims m;
  m.rank = static_cast<int>(v.dims.size());
  if (m.rank > kMaxRank) return InvalidInput("a tensor of rank " + std::to_string(m.rank));
  const bool channels_last = v.layout == Layout::kChannelsLast;
  if (channels_last && m.rank < 3) return InvalidInput("a channels-last tensor of rank below 3");
  for (int i = 0; i < m.rank; ++i) {
    const int axis = !channels_last || i == 0 ? i : (i == m.rank - 1 ? 1 : i + 1);
    m.axis[static_cast<size_t>(i)] = axis;
    m.dims[static_cast<size_t>(i)] = v.dims[static_cast<size_t>(axis)];
  }
  return m;
}

Result<ImageDims> ImageOf(const StepValue& v) {
  if (v.layout != Layout::kChannelsLast || (v.dims.size() != 3 && v.dims.size() != 4)) {
    return InvalidInput("an image must be channels-last and of rank 3 or 4");
  }
  for (int64_t d : v.dims) {
    if (d < 0 || d > INT32_MAX) return InvalidInput("an image size of " + std::to_string(d));
  }
  const bool has_height = v.dims.size() == 4;
  return ImageDims{static_cast<int32_t>(v.dims[0]), static_cast<int32_t>(v.dims[1]),
                   has_height ? static_cast<int32_t>(v.dims[2]) : 1,
                   static_cast<int32_t>(v.dims[has_height ? 3 : 2])};
}

Result<ConvSizes> ConvSizesOf(const ConvWindow& w, const StepValue& x, const StepValue& y) {
  ImageDims in;
  ImageDims out;
  if (x.layout == Layout::kLogical && y.layout == Layout::kLogical) {
    if (w.kernel_h != 1 || w.kernel_w != 1 || w.stride_h != 1 || w.stride_w != 1 ||
        w.pad_top != 0 || w.pad_left != 0 || w.pad_bottom != 0 || w.pad_right != 0 ||
        w.groups != 1) {
      return InvalidInput("a convolution with a window needs channels-last images");
    }
    if (x.dims.empty() || x.dims.size() != y.dims.size() ||
        !std::equal(x.dims.begin(), x.dims.end() - 1, y.dims.begin())) {
      return InvalidInput("rows of input and output differ");
    }
    const int64_t rows = NumElements(x.dims.first(x.dims.size() - 1));
    if (rows < 0 || rows > INT32_MAX || x.dims.back() > INT32_MAX || y.dims.back() > INT32_MAX) {
      return InvalidInput("a matrix with more than 2^31 - 1 rows or columns");
    }
    in = {1, static_cast<int32_t>(x.dims.back()), 1, static_cast<int32_t>(rows)};
    out = {1, static_cast<int32_t>(y.dims.back()), 1, static_cast<int32_t>(rows)};
  } else {
    ADZE_ASSIGN(in, ImageOf(x));
    ADZE_ASSIGN(out, ImageOf(y));
  }
  if (in.n != out.n || in.c != w.in_channels || out.c != w.out_channels) {
    return InvalidInput("batch or channels differ from the convolution's");
  }
  const ConvSizes sizes{in.n, in.h, in.w, out.h, out.w};
  ADZE_TRY(CheckConvSizes(w, sizes));
  return sizes;
}

void ParallelRanges(ThreadPool& pool, int64_t n, double ns_per_item,
                    FunctionRef<void(int64_t begin, int64_t end)> fn) {
  if (n <= 0) return;
  constexpr double kMinNs = 20e3;
  const double chunks = std::min({static_cast<double>(n) * ns_per_item / kMinNs,
                                  static_cast<double>(n), pool.num_threads() * 8.0});
  const int64_t count =
      pool.num_threads() == 1 ? 1 : std::max<int64_t>(1, static_cast<int64_t>(chunks));
  pool.ParallelFor(count, [&](int64_t i, int) {
    // count <= 8 * threads, so the products stay far below 2^63.
    fn(i * n / count, (i + 1) * n / count);
  });
}

}  // namespace adze
