#include "kernels/pool_i8/pool_i8.h"

#include "runtime/families/family_util.h"

namespace adze {
namespace {

struct State {
  PoolI8Args args;
  PoolI8Sizes sizes;
};

Status Prepare(PreparedStep& p) {
  State s{};
  ADZE_ASSIGN(s.args, ReadArgs<PoolI8Args>(p));
  ADZE_TRY(CheckArity(p, 1, 1));
  ADZE_TRY(CheckDType(p.inputs[0], DType::kUInt8, "the input"));
  ADZE_TRY(CheckDType(p.outputs[0], DType::kUInt8, "the output"));
  // Kernels over-read the activation, which only arena buffers allow.
  if (p.inputs[0].data != nullptr) return Unsupported("integer pooling of a constant");
  ADZE_ASSIGN(const ImageDims x, ImageOf(p.inputs[0]));
  ADZE_ASSIGN(const ImageDims y, ImageOf(p.outputs[0]));
  if (x.n != y.n || x.c != y.c) return InvalidInput("pooling changes batch or channels");
  s.sizes = {x.n, x.h, x.w, x.c, y.h, y.w};
  ADZE_TRY(CheckPoolI8(s.args, s.sizes));
  p.SetState(s);
  return OkStatus();
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const State& s = p.State<State>();
  const PoolI8Row& kernels = FindPoolI8(p.isa);
  const uint8_t* const x = static_cast<const uint8_t*>(p.inputs[0].data);
  uint8_t* const y = static_cast<uint8_t*>(p.outputs[0].data);
  const double positions = s.args.global != 0
                               ? static_cast<double>(s.sizes.in_h * s.sizes.in_w)
                               : static_cast<double>(int64_t{s.args.kernel_h} * s.args.kernel_w);
  const double ns_per_row = 0.1 * static_cast<double>(s.sizes.out_w * s.sizes.channels) * positions;
  ParallelRanges(pool, s.sizes.batch * s.sizes.out_h, ns_per_row, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) PoolI8RunRow(kernels, s.args, s.sizes, x, row, y);
  });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kPoolI8Family{
    .id = FamilyId::kPoolI8,
    .name = "pool_i8",
    .summary = "max, average and global average pooling of u8",
    .prepare = Prepare,
    .run = Run,
    .args_bytes = ArgsBytes<PoolI8Args>(),
};

}  // namespace adze
