// kConvI8 and kDepthwiseI8: two kernel families with one step form (kernels/conv_args.h).
#include <cmath>
#include <string>

#include "kernels/conv_check.h"
#include "kernels/conv_i8_functions.h"
#include "runtime/families/family_util.h"

namespace adze {
namespace {

template <typename F>
Status Prepare(PreparedStep& p) {
  ADZE_ASSIGN(const ConvI8Args args, ReadArgs<ConvI8Args>(p));
  ADZE_TRY(CheckArity(p, args.has_residual != 0 ? 2 : 1, 1));
  const StepValue& x = p.inputs[0];
  const StepValue& y = p.outputs[0];
  ADZE_TRY(CheckDType(x, DType::kUInt8, "the input"));
  ADZE_TRY(CheckDType(y, args.output_f32 != 0 ? DType::kFloat32 : DType::kUInt8, "the output"));
  // Kernels over-read the activation, which only arena buffers allow.
  if (x.data != nullptr) return Unsupported("an integer convolution of a constant");
  ADZE_TRY(CheckConvWindow(args.window));
  ADZE_ASSIGN(const ConvSizes sizes, ConvSizesOf(args.window, x, y));
  if (args.has_residual != 0) {
    ADZE_TRY(CheckDType(p.inputs[1], DType::kUInt8, "the residual"));
    ADZE_TRY(CheckSameShape(p.inputs[1], y, "the residual"));
  }
  const auto packing = static_cast<typename F::Packing>(args.packing);
  const auto* const row = F::Find(p.isa, packing);
  if (row == nullptr) {
    return Unsupported("weights in packing layout " + std::to_string(args.packing) +
                       ", which no kernel for " + IsaName(p.isa) + " reads");
  }
  const ConvI8PackedSize size = F::Packed(args.window, packing);
  ADZE_TRY(CheckWeight(*p.step, 0, DType::kInt8, size.weight_bytes));
  ADZE_TRY(CheckWeight(*p.step, 1, DType::kInt32, size.channels));
  ADZE_TRY(CheckWeight(*p.step, 2, DType::kFloat32, size.channels));
  for (float m : p.step->weights[2].template values<float>()) {
    if (!std::isfinite(m)) return InvalidInput("a requantization multiplier is not finite");
    if (Finishes(args) && std::abs(m) > kLargestRealMultiplier) {
      return InvalidInput("a multiplier before an activation exceeds 1e20");
    }
  }
  if (args.has_factor != 0) {
    ADZE_TRY(CheckWeight(*p.step, 3, DType::kFloat32, args.window.out_channels));
    for (float f : p.step->weights[3].template values<float>()) {
      if (!std::isfinite(f)) return InvalidInput("a channel factor is not finite");
    }
  }
  ADZE_ASSIGN(const typename F::Plan plan, F::MakePlan(*row, args, sizes));
  p.workspace_bytes = plan.scratch_bytes * p.num_threads;
  p.SetState(plan);
  return OkStatus();
}

template <typename F>
Status Run(const PreparedStep& p, ThreadPool& pool) {
  const auto& plan = p.State<typename F::Plan>();
  const auto& weights = p.step->weights;
  ConvI8Buffers buffers;
  buffers.x = static_cast<const uint8_t*>(p.inputs[0].data);
  buffers.weights = weights[0].raw();
  buffers.offset = weights[1].template data<int32_t>();
  buffers.multiplier = weights[2].template data<float>();
  if (plan.args.has_residual != 0) {
    buffers.residual = static_cast<const uint8_t*>(p.inputs[1].data);
  }
  if (plan.args.has_factor != 0) buffers.factor = weights[3].template data<float>();
  buffers.y = p.outputs[0].data;
  pool.ParallelFor(plan.num_chunks, [&](int64_t chunk, int worker) {
    F::RunChunk(plan, buffers, chunk, p.workspace + worker * plan.scratch_bytes);
  });
  return OkStatus();
}

template <typename F>
Result<bool> Repack(Step& step, Isa isa) {
  ADZE_ASSIGN(ConvI8Args args, ReadArgs<ConvI8Args>(step));
  const auto wanted = F::PackingFor(isa);
  if (args.packing == static_cast<int32_t>(wanted)) return false;
  if (!F::IsKnownPacking(args.packing)) return UnknownPacking(args.packing);
  const ConvWindow& w = args.window;
  ADZE_TRY(CheckConvWindow(w));
  if (step.family == FamilyId::kDepthwiseI8) ADZE_TRY(CheckDepthwise(w));
  const auto from = static_cast<typename F::Packing>(args.packing);
  const ConvI8PackedSize old_size = F::Packed(w, from);
  ADZE_TRY(CheckWeight(step, 0, DType::kInt8, old_size.weight_bytes));
  ADZE_TRY(CheckWeight(step, 1, DType::kInt32, old_size.channels));
  ADZE_TRY(CheckWeight(step, 2, DType::kFloat32, old_size.channels));
  const int64_t out = w.out_channels;
  const int64_t k = int64_t{w.in_channels / w.groups} * w.kernel_h * w.kernel_w;
  const ConvI8PackedSize size = F::Packed(w, wanted);
  ADZE_ASSIGN(Tensor weights, Tensor::TryAllocate(DType::kInt8, {out, k}));
  ADZE_ASSIGN(Tensor offset, Tensor::TryAllocate(DType::kInt32, {out}));
  ADZE_ASSIGN(Tensor multiplier, Tensor::TryAllocate(DType::kFloat32, {out}));
  ADZE_ASSIGN(Tensor new_weights, Tensor::TryAllocate(DType::kInt8, {size.weight_bytes}));
  ADZE_ASSIGN(Tensor new_offset, Tensor::TryAllocate(DType::kInt32, {size.channels}));
  ADZE_ASSIGN(Tensor new_multiplier, Tensor::TryAllocate(DType::kFloat32, {size.channels}));
  F::Unpack(w, from, step.weights[0].raw(), step.weights[1].template data<int32_t>(),
            step.weights[2].template data<float>(), weights.mutable_data<int8_t>(),
            offset.mutable_data<int32_t>(), multiplier.mutable_data<float>());
  F::Pack(w, wanted, 0, weights.data<int8_t>(), offset.data<int32_t>(), multiplier.data<float>(),
          new_weights.mutable_raw(), new_offset.mutable_data<int32_t>(),
          new_multiplier.mutable_data<float>());
  step.weights[0] = std::move(new_weights);
  step.weights[1] = std::move(new_offset);
  step.weights[2] = std::move(new_multiplier);
  args.packing = static_cast<int32_t>(wanted);
  step.SetArgs(args);
  return true;
}

}  // namespace

extern constexpr FamilyDef kConvI8Family{
    .id = FamilyId::kConvI8,
    .name = "conv_i8",
    .summary = "u8 x s8 convolution, Gemm and MatMul with constant weights",
    .prepare = Prepare<ConvI8Functions>,
    .run = Run<ConvI8Functions>,
    .args_bytes = ArgsBytes<ConvI8Args>(),
    .repack = Repack<ConvI8Functions>,
};

extern constexpr FamilyDef kDepthwiseI8Family{
    .id = FamilyId::kDepthwiseI8,
    .name = "depthwise_i8",
    .summary = "u8 x s8 depthwise convolution",
    .prepare = Prepare<DepthwiseI8Functions>,
    .run = Run<DepthwiseI8Functions>,
    .args_bytes = ArgsBytes<ConvI8Args>(),
    .repack = Repack<DepthwiseI8Functions>,
};

}  // namespace adze
