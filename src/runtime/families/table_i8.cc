#include "kernels/table_i8/table_i8.h"

#include "runtime/families/family_util.h"

namespace adze {
namespace {

Status Prepare(PreparedStep& p) {
  ADZE_TRY(CheckArity(p, 1, 1));
  ADZE_TRY(CheckDType(p.inputs[0], DType::kUInt8, "the input"));
  ADZE_TRY(CheckDType(p.outputs[0], DType::kUInt8, "the output"));
  ADZE_TRY(CheckSameShape(p.inputs[0], p.outputs[0], "the output"));
  return CheckWeight(*p.step, 0, DType::kUInt8, 256);
}

Status Run(const PreparedStep& p, ThreadPool& pool) {
  const TableI8Kernel kernel = FindTableI8(p.isa);
  const uint8_t* const table = p.step->weights[0].data<uint8_t>();
  const uint8_t* const x = static_cast<const uint8_t*>(p.inputs[0].data);
  uint8_t* const y = static_cast<uint8_t*>(p.outputs[0].data);
  ParallelRanges(pool, p.outputs[0].size(), 0.3, [&](int64_t begin, int64_t end) {
    kernel(table, x + begin, end - begin, y + begin);
  });
  return OkStatus();
}

}  // namespace

extern constexpr FamilyDef kTableI8Family{
    .id = FamilyId::kTableI8,
    .name = "table_i8",
    .summary = "u8 to u8 through 256 entries",
    .prepare = Prepare,
    .run = Run,
    .in_place = true,
};

}  // namespace adze
