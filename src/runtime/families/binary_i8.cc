// kAddI8 and kMulI8: element-wise with one operand broadcast.
#include "kernels/binary_i8/binary_i8.h"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/families/family_util.h"

namespace adze {
namespace {

// The output as rows of `cols` elements. Row r meets, of the broadcast operand b,
//   scalar:     the one element r % rows
//   otherwise:  the cols elements at (r / rows % outer) * cols
// A full operand b is one row.
struct State {
  BinaryI8Args args;  // of (a, b) after swapping, so that a has the output's dims
  bool swapped;
  bool scalar;
  int64_t num_rows, cols, rows, outer;
};

using Dims = std::array<int64_t, kMaxRank>;

// The operand's dims in memory order, aligned to the output's rank with ones. A logical operand may
// stand beside channels-last values when its spatial dims are all 1: then its bytes are the same in
// both orders.
Result<Dims> AlignedDims(const StepValue& v, const StepValue& y) {
  Dims dims;
  dims.fill(1);
  const size_t rank = y.dims.size();
  if (v.dims.size() > rank) return InvalidInput("an operand of higher rank than the output");
  if (v.layout == y.layout && v.layout == Layout::kChannelsLast) {
    if (v.dims.size() != rank) return InvalidInput("channels-last operands of different rank");
    ADZE_ASSIGN(const MemoryDims m, MemoryOrder(v));
    return m.dims;
  }
  std::copy(v.dims.begin(), v.dims.end(),
            dims.begin() + static_cast<int64_t>(rank - v.dims.size()));
  if (v.layout == y.layout) return dims;
  const auto spatial = dims.begin() + 2;
  const auto end = dims.begin() + static_cast<int64_t>(rank);
  if (v.layout == Layout::kChannelsLast ||
      !std::all_of(spatial, end, [](int64_t d) { return d == 1; })) {
    return Unsupported("operands of different layout");
  }
  std::swap(dims[1], dims[rank - 1]);
  return dims;
}

Status Prepare(PreparedStep& p) {
  State s{};
  ADZE_ASSIGN(s.args, ReadArgs<BinaryI8Args>(p));
  ADZE_TRY(CheckBinaryI8Args(s.args));
  ADZE_TRY(CheckArity(p, 2, 1));
  const StepValue& y = p.outputs[0];
  ADZE_TRY(CheckDType(p.inputs[0], DType::kUInt8, "the first operand"));
  ADZE_TRY(CheckDType(p.inputs[1], DType::kUInt8, "the second operand"));
  ADZE_TRY(CheckDType(y, DType::kUInt8, "the output"));
  ADZE_ASSIGN(const MemoryDims out, MemoryOrder(y));
  ADZE_ASSIGN(Dims a, AlignedDims(p.inputs[0], y));
  ADZE_ASSIGN(Dims b, AlignedDims(p.inputs[1], y));
  const auto is_full = [&](const Dims& d) {
    return std::equal(d.begin(), d.begin() + out.rank, out.dims.begin());
  };
  if (!is_full(a)) {
    std::swap(a, b);
    s.swapped = true;
    std::swap(s.args.a_zero_point, s.args.b_zero_point);
    if (p.step->family == FamilyId::kAddI8) std::swap(s.args.a_multiplier, s.args.b_multiplier);
    if (!is_full(a)) return Unsupported("both operands are broadcast");
  }
  // Runs of dims that b has (odd) or repeats (even), innermost first; output dims of 1 belong to
  // either.
  std::array<int64_t, 5> run;
  run.fill(1);
  size_t k = 0;
  for (int i = out.rank - 1; i >= 0; --i) {
    const size_t axis = static_cast<size_t>(i);
    if (b[axis] != 1 && b[axis] != out.dims[axis]) {
      return InvalidInput("operands that cannot be broadcast together");
    }
    if (out.dims[axis] == 1) continue;
    const bool has = b[axis] != 1;
    if (has != (k % 2 == 1)) ++k;
    if (k >= run.size()) return Unsupported("this pattern of broadcasting");
    run[k] *= out.dims[axis];
  }
  // run: [0] b's scalar repeats, [1] b has, [2] b repeats, [3] b has, [4] b repeats.
  s.scalar = run[0] != 1;
  if (s.scalar) {
    if (run[3] != 1) return Unsupported("this pattern of broadcasting");
    s.cols = run[0];
    s.rows = run[1];
    s.outer = 1;
    s.num_rows = run[1] * run[2];
  } else {
    s.cols = run[1];
    s.rows = run[2];
    s.outer = run[3];
    s.num_rows = run[2] * run[3] * run[4];
  }
  p.SetState(s);
  return OkStatus();
}

void RunRows(const State& s, BinaryI8Kernel kernel, const uint8_t* a, const uint8_t* b, uint8_t* y,
             int64_t begin, int64_t end) {
  while (begin < end) {
    const int64_t in_run = begin % s.rows;  // rows of one run follow one rule
    const int64_t count = std::min(end - begin, s.rows - in_run);
    BinaryI8Block block;
    block.args = &s.args;
    block.a = a + begin * s.cols;
    block.b = s.scalar ? b + in_run : b + begin / s.rows % s.outer * s.cols;
    block.y = y + begin * s.cols;
    block.rows = count;
    block.cols = s.cols;
    block.a_stride = s.cols;
    block.b_stride = s.scalar ? 1 : 0;
    block.b_scalar = s.scalar;
    kernel(block);
    begin += count;
  }
}

Status Run(const PreparedStep& p, ThreadPool& pool, BinaryI8Kernel kernel) {
  const State& s = p.State<State>();
  const uint8_t* a = static_cast<const uint8_t*>(p.inputs[0].data);
  const uint8_t* b = static_cast<const uint8_t*>(p.inputs[1].data);
  if (s.swapped) std::swap(a, b);
  uint8_t* const y = static_cast<uint8_t*>(p.outputs[0].data);
  constexpr double kNsPerElement = 0.3;
  if (s.num_rows == 1 && !s.scalar) {
    ParallelRanges(pool, s.cols, kNsPerElement, [&](int64_t begin, int64_t end) {
      kernel({&s.args, a + begin, b + begin, y + begin, 1, end - begin, 0, 0, false});
    });
    return OkStatus();
  }
  ParallelRanges(pool, s.cols == 0 ? 0 : s.num_rows, kNsPerElement * static_cast<double>(s.cols),
                 [&](int64_t begin, int64_t end) { RunRows(s, kernel, a, b, y, begin, end); });
  return OkStatus();
}

Status RunAdd(const PreparedStep& p, ThreadPool& pool) {
  return Run(p, pool, FindBinaryI8(p.isa).add);
}

Status RunMul(const PreparedStep& p, ThreadPool& pool) {
  return Run(p, pool, FindBinaryI8(p.isa).mul);
}

}  // namespace

extern constexpr FamilyDef kAddI8Family{
    .id = FamilyId::kAddI8,
    .name = "add_i8",
    .summary = "addition of u8 with its own scales, broadcasting",
    .prepare = Prepare,
    .run = RunAdd,
    .args_bytes = ArgsBytes<BinaryI8Args>(),
    .in_place = true,
};

extern constexpr FamilyDef kMulI8Family{
    .id = FamilyId::kMulI8,
    .name = "mul_i8",
    .summary = "multiplication of u8, broadcasting",
    .prepare = Prepare,
    .run = RunMul,
    .args_bytes = ArgsBytes<BinaryI8Args>(),
    .in_place = true,
};

}  // namespace adze
