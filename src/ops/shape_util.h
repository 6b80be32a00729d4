// Helpers of shape rules: checked outputs, axes, small integer inputs, and partially known contents
// of the integer tensors that compute shapes (Shape -> Gather -> Concat -> Reshape and the like).
#ifndef ADZE_OPS_SHAPE_UTIL_H_
#define ADZE_OPS_SHAPE_UTIL_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/op_def.h"

namespace adze {

// Inputs 0 .. n-1 must be present.
Status RequireInputs(const InferContext& ctx, int n);
// The same, and all of them have one element type.
Status RequireSameDType(const InferContext& ctx, int n);
// Sets dtype and shape of output i; refuses a rank above kMaxRank, negative dimensions and more
// than kMaxElements.
Status SetShape(InferContext& ctx, int i, DType dtype, Shape shape);
// Fails unless `actual` (the dims that the plan gave a buffer) equals `expected` (what this input
// needs).
Status CheckDims(std::span<const int64_t> actual, std::span<const int64_t> expected);
std::string DimsToString(std::span<const int64_t> dims);  // "[1,3,224,224]"

// Distinct axes in [-rank, rank) as a bit mask.
Result<uint32_t> AxisMask(std::span<const int64_t> axes, int rank);

// A short integer list held in place, so that evaluations read axes, pads or sizes without
// allocating.
struct SmallInts {
  static constexpr int kCapacity = 2 * kMaxRank;
  int64_t values[kCapacity] = {};
  int size = 0;

  std::span<const int64_t> span() const { return {values, static_cast<size_t>(size)}; }
  int64_t operator[](int i) const { return values[i]; }
  int64_t& operator[](int i) { return values[i]; }
};
// Reads a rank-1 (or scalar) integer tensor; `what` names it in messages.
Result<SmallInts> ReadInts(const ConstTensorView& t, const char* what);
// The integers of optional input i as a shape rule knows them: an empty optional when they are
// unknown. Refuses what ReadInts refuses. `what` names the input in messages.
Result<std::optional<std::vector<Dim>>> ShapeInput(const InferContext& ctx, int i,
                                                   const char* what);
// The same, but only if every one of them is a number.
Result<std::optional<SmallInts>> IntsInput(const InferContext& ctx, int i, const char* what);

inline constexpr size_t kMaxKnownElements = 64;
// Known contents of input i if it is an integer (or bool) tensor of rank <= 1 with at most
// kMaxKnownElements elements.
std::optional<std::vector<Dim>> KnownElements(const InferContext& ctx, int i);
// Records the contents of output i, whose dtype and shape are already set. Does nothing when they
// are unknown, the output is not a small integer (or bool) tensor, or a number does not fit its
// type.
void SetElements(InferContext& ctx, int i, std::optional<std::vector<Dim>> elements);
// The known contents of input i are those of output o as well (operators that do not change the
// order of elements).
void ForwardElements(InferContext& ctx, int i, int o);

// Position `i` of an index tensor, counted from the end when negative: in [0, dim), or a refusal
// naming it.
Result<int64_t> IndexAt(const ConstTensorView& indices, int64_t i, int64_t dim);
// The indices of Gather and its kin are int32 or int64.
Status CheckIndexType(const ValueInfo& indices);

// The element type behind an ONNX TensorProto.DataType code (Cast's attribute `to`); Unsupported
// for strings, complex and sub-byte types.
Result<DType> DTypeFromOnnx(int64_t code);
int64_t DTypeToOnnx(DType dtype);

// Element i of a tensor of any type as a double (64-bit integers round).
double NumberAt(const ConstTensorView& t, int64_t i);

}  // namespace adze

#endif  // ADZE_OPS_SHAPE_UTIL_H_
