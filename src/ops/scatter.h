// How the scatter operators combine an update with what is there.
#ifndef ADZE_OPS_SCATTER_H_
#define ADZE_OPS_SCATTER_H_

#include <cstdint>
#include <string_view>

#include "ops/op_def.h"

namespace adze {

enum class ScatterReduction { kNone, kAdd, kMul, kMax, kMin };
Result<ScatterReduction> ReadScatterReduction(const AttrMap& attrs);

// y[at .. at+count) = reduce(y[...], updates[from .. from+count)).
Status ApplyScatter(ScatterReduction reduction, const TensorView& y, int64_t at,
                    const ConstTensorView& updates, int64_t from, int64_t count);

}  // namespace adze

#endif  // ADZE_OPS_SCATTER_H_
