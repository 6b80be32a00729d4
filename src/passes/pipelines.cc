#include "passes/pass.h"

namespace adze {
namespace {

constexpr const char* kSimplify[] = {
    // Shapes first: the rest sees fewer nodes and more constants.
    "fold_constants",
    "inline_if",
    "eliminate_dead",
    "eliminate_identity",
    "merge_reshapes",
    "merge_transposes",
    "eliminate_common",
    // Arithmetic into weights. Gemm before scales, so that there is a bias to fold into.
    "fold_batch_norm",
    "matmul_add_to_gemm",
    "fold_mul_add",
    "fold_input_scale",
    "fold_pad",
    "canonicalise_clip",
    "reduce_mean_to_pool",
    "deduplicate_constants",
};

constexpr const char* kFuse[] = {
    "expand_computed_conv", "fuse_hard_swish",   "fuse_silu",       "fuse_nonlinear",
    "fuse_matmul_bias",     "fuse_residual_add", "fuse_activation",
};

constexpr const char* kGates[] = {"fuse_hard_swish", "fuse_silu"};
constexpr const char* kLift[] = {"lift_qoperator", "lift_qdq", "lift_codebook", "eliminate_dead"};
constexpr const char* kLowerQdq[] = {"expand_silu", "lower_qdq"};
constexpr const char* kLowerQoperator[] = {"expand_silu", "lower_qoperator"};

constexpr Pipeline kPipelines[] = {
    {"simplify", "Fewer and simpler standard operators, the same function", kSimplify},
    {"gates",
     "Activations spelled out in several nodes become one, so that they are quantized as one",
     kGates},
    {"fuse", "Operators that run in one step", kFuse},
    {"lift", "Q/DQ nodes and integer operators become types of values", kLift},
    {"lower_qdq", "Types of values become Q/DQ nodes", kLowerQdq},
    {"lower_qoperator", "Types of values become integer operators (QLinearConv …)",
     kLowerQoperator},
};

}  // namespace

std::span<const Pipeline> AllPipelines() { return kPipelines; }

}  // namespace adze
