// If, Loop, Scan: operators with regions. Only their signatures live here; the graph infers and
// runs their bodies.
#include "ops/op_def.h"

namespace adze {
namespace {

Status LeaveUnknown(InferContext&) { return OkStatus(); }

constexpr AttrDef kScanAttrs[] = {{"num_scan_inputs", AttrKind::kInt, true},
                                  {"scan_input_axes", AttrKind::kInts},
                                  {"scan_input_directions", AttrKind::kInts},
                                  {"scan_output_axes", AttrKind::kInts},
                                  {"scan_output_directions", AttrKind::kInts}};

}  // namespace

extern constexpr OpDef kIfOp = {
    .name = "If",
    .summary = "Runs one of two regions",
    .max_outputs = -1,
    .infer = LeaveUnknown,
};

extern constexpr OpDef kLoopOp = {
    .name = "Loop",
    .summary = "Runs a region repeatedly, carrying values",
    .min_inputs = 2,
    .max_inputs = -1,
    .max_outputs = -1,
    .infer = LeaveUnknown,
};

extern constexpr OpDef kScanOp = {
    .name = "Scan",
    .summary = "Runs a region over slices of its inputs",
    .max_inputs = -1,
    .max_outputs = -1,
    .attrs = kScanAttrs,
    .infer = LeaveUnknown,
};

}  // namespace adze
