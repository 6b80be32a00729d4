// kOp: runs any operator by its reference evaluation, on one thread. kAlias: the same bytes under
// another shape.
#include "ops/op_def.h"
#include "runtime/family.h"

namespace adze {
namespace {

// Runs the shape rule on the concrete dims and compares: the reference evaluation may then trust
// the dims.
Status PrepareOp(PreparedStep& p) {
  const OpDef* const def = FindOp(p.step->op);
  if (def == nullptr || def->eval == nullptr) {
    return Unsupported("operator " + p.step->op.ToString() + " cannot be run");
  }
  ADZE_TRY(CheckSignature(*def, p.step->attrs, static_cast<int>(p.inputs.size()),
                          static_cast<int>(p.outputs.size())));
  if (p.step->in_place && !def->in_place) {
    return InvalidInput("the operator cannot work in place");
  }
  std::vector<ValueInfo> infos(p.inputs.size());
  std::vector<Tensor> constants(p.inputs.size());
  std::vector<const ValueInfo*> inputs(p.inputs.size(), nullptr);
  for (size_t i = 0; i < p.inputs.size(); ++i) {
    const StepValue& v = p.inputs[i];
    if (!v.present()) continue;
    if (v.layout != Layout::kLogical)
      return InternalError("reference operator in a foreign layout");
    infos[i].dtype = v.dtype;
    const std::vector<int64_t> dims(v.dims.begin(), v.dims.end());
    infos[i].shape = ToShape(dims);
    if (v.data != nullptr) {
      constants[i] = Tensor::View(v.dtype, dims, v.data, nullptr);
      infos[i].constant = &constants[i];
    }
    inputs[i] = &infos[i];
  }
  std::vector<ValueInfo> outputs(p.outputs.size());
  InferContext ctx(p.step->attrs, inputs, outputs);
  ADZE_TRY(def->infer(ctx));
  for (size_t i = 0; i < outputs.size(); ++i) {
    const StepValue& v = p.outputs[i];
    if (!v.present()) return Unsupported("an omitted output of " + p.step->op.ToString());
    if (v.layout != Layout::kLogical)
      return InternalError("reference operator in a foreign layout");
    const auto dims = outputs[i].shape ? ToConstDims(*outputs[i].shape) : std::nullopt;
    if (!dims) {
      return Unsupported("the output shape of " + p.step->op.ToString() + " depends on data");
    }
    if (outputs[i].dtype != v.dtype ||
        !std::equal(dims->begin(), dims->end(), v.dims.begin(), v.dims.end())) {
      return InvalidInput("the plan's type of output " + std::to_string(i) +
                          " is not what the operator computes");
    }
  }
  return OkStatus();
}

Status RunOp(const PreparedStep& p, ThreadPool&) {
  return FindOp(p.step->op)->eval(EvalContext{p.step->attrs, p.input_views, p.output_views});
}

Status PrepareAlias(PreparedStep& p) {
  if (p.inputs.size() != 1 || p.outputs.size() != 1 ||
      SizeOf(p.inputs[0].dtype) != SizeOf(p.outputs[0].dtype) ||
      p.inputs[0].size() != p.outputs[0].size()) {
    return InvalidInput("an alias must have the bytes of its input");
  }
  return OkStatus();
}

Status RunAlias(const PreparedStep&, ThreadPool&) { return OkStatus(); }

}  // namespace

extern constexpr FamilyDef kOpFamily{
    .id = FamilyId::kOp,
    .name = "op",
    .summary = "any operator by its reference evaluation",
    .prepare = PrepareOp,
    .run = RunOp,
    .in_place = true,
};

extern constexpr FamilyDef kAliasFamily{
    .id = FamilyId::kAlias,
    .name = "alias",
    .summary = "the same bytes under another shape",
    .prepare = PrepareAlias,
    .run = RunAlias,
};

}  // namespace adze
