// What the family adapters share: argument checks with clear sentences, and cutting loops into
// chunks.
#ifndef ADZE_RUNTIME_FAMILIES_FAMILY_UTIL_H_
#define ADZE_RUNTIME_FAMILIES_FAMILY_UTIL_H_

#include <array>
#include <cstdint>
#include <string>

#include "base/function_ref.h"
#include "base/status.h"
#include "kernels/conv_args.h"
#include "runtime/family.h"

namespace adze {

// Exactly these numbers of inputs and outputs, all present.
Status CheckArity(const PreparedStep& p, size_t inputs, size_t outputs);
Status CheckDType(const StepValue& v, DType dtype, const char* what);
// Same dims and layout.
Status CheckSameShape(const StepValue& a, const StepValue& b, const char* what);
// Step weight `index` exists, has this dtype and at least `elements` elements.
Status CheckWeight(const Step& step, size_t index, DType dtype, int64_t elements);
// The refusal of a packing number that no adze wrote.
Status UnknownPacking(int32_t packing);

// The step's argument struct, or kInvalidInput if its size differs.
template <typename Args>
Result<Args> ReadArgs(const Step& step) {
  if (step.args.size() != sizeof(Args))
    return InvalidInput("the step's arguments have a wrong size");
  return step.GetArgs<Args>();
}
template <typename Args>
Result<Args> ReadArgs(const PreparedStep& p) {
  return ReadArgs<Args>(*p.step);
}

// Dims in the order of memory: as they are for kLogical; N, spatial…, C for kChannelsLast.
// `axis[i]` is the logical axis of memory axis i. Refuses ranks above kMaxRank, and below 3 for
// kChannelsLast.
struct MemoryDims {
  int rank = 0;
  std::array<int64_t, kMaxRank> dims{};
  std::array<int, kMaxRank> axis{};

  // Product of the dims of memory axes [begin, end).
  int64_t Product(int begin, int end) const;
  // Memory axis of a logical axis in [0, rank).
  int Find(int logical_axis) const;
};
Result<MemoryDims> MemoryOrder(const StepValue& v);

// A channels-last value of rank 3 (N, C, W) or 4 as an image; every size fits int32.
struct ImageDims {
  int32_t n = 0, c = 0, h = 0, w = 0;
};
Result<ImageDims> ImageOf(const StepValue& v);

// Sizes of a convolution from x to y: channels-last images, or row-major matrices [rows…, channels]
// (any rank >= 1) for an unpadded 1x1 window with stride 1 and one group: an image of height 1 and
// width = rows. Checks window, channels and output size.
Result<ConvSizes> ConvSizesOf(const ConvWindow& window, const StepValue& x, const StepValue& y);

// Runs fn(begin, end) over ranges that cover [0, n), in parallel if that is worth it: ranges take
// some 20 microseconds or more at `ns_per_item`.
void ParallelRanges(ThreadPool& pool, int64_t n, double ns_per_item,
                    FunctionRef<void(int64_t begin, int64_t end)> fn);

}  // namespace adze

#endif  // ADZE_RUNTIME_FAMILIES_FAMILY_UTIL_H_
