#include "ops/op_def.h"

#include <map>
#include <mutex>
#include <utility>

namespace adze {

struct OpType::Entry {
  std::string domain;
  std::string name;
};

OpType OpType::Intern(std::string_view domain, std::string_view name) {
  // Never freed: identities live as long as the process.
  struct Table {
    std::mutex mutex;
    std::map<std::pair<std::string, std::string>, Entry> entries;
  };
  static Table* const table = new Table;
  if (domain == "ai.onnx") domain = "";
  const std::lock_guard<std::mutex> lock(table->mutex);
  auto [it, inserted] = table->entries.try_emplace({std::string(domain), std::string(name)});
  if (inserted) it->second = Entry{std::string(domain), std::string(name)};
  OpType type;
  type.entry_ = &it->second;
  return type;
}

std::string_view OpType::domain() const { return entry_ ? std::string_view(entry_->domain) : ""; }
std::string_view OpType::name() const { return entry_ ? std::string_view(entry_->name) : ""; }
std::string OpType::ToString() const {
  if (domain().empty()) return std::string(name());
  return std::string(domain()) + "." + std::string(name());
}

std::optional<std::vector<Dim>> InferContext::Elements(int i) const {
  const ValueInfo* const v = input(i);
  if (v == nullptr) return std::nullopt;
  if (v->elements) return v->elements;
  if (v->constant == nullptr || !(IsInteger(v->dtype) || v->dtype == DType::kBool)) {
    return std::nullopt;
  }
  const std::vector<int64_t> values = ToInt64s(v->constant->view());
  return std::vector<Dim>(values.begin(), values.end());
}

std::optional<std::vector<int64_t>> InferContext::Integers(int i) const {
  const std::optional<std::vector<Dim>> elements = Elements(i);
  return elements ? ToConstDims(*elements) : std::nullopt;
}

#define ADZE_OP(symbol) extern const OpDef symbol;
#include "ops/op_list.inc"
#undef ADZE_OP

std::span<const OpDef* const> AllOps() {
  static constexpr const OpDef* kOps[] = {
#define ADZE_OP(symbol) &symbol,
#include "ops/op_list.inc"
#undef ADZE_OP
  };
  return kOps;
}

const OpDef* FindOp(OpType type) {
  for (const OpDef* def : AllOps()) {
    if (type.name() == def->name && type.domain() == def->domain) return def;
  }
  return nullptr;
}

Status CheckSignature(const OpDef& def, const AttrMap& attrs, int num_inputs, int num_outputs) {
  const auto refuse = [](const char* what, int n, int min, int max) {
    return InvalidInput("has " + std::to_string(n) + " " + what + ", must have " +
                        (min == max ? std::to_string(min)
                         : max < 0  ? std::to_string(min) + " or more"
                                    : std::to_string(min) + " to " + std::to_string(max)));
  };
  if (num_inputs < def.min_inputs || (def.max_inputs >= 0 && num_inputs > def.max_inputs)) {
    return refuse("inputs", num_inputs, def.min_inputs, def.max_inputs);
  }
  if (num_outputs < def.min_outputs || (def.max_outputs >= 0 && num_outputs > def.max_outputs)) {
    return refuse("outputs", num_outputs, def.min_outputs, def.max_outputs);
  }
  for (const auto& [name, value] : attrs) {
    const AttrDef* found = nullptr;
    for (const AttrDef& a : def.attrs) {
      if (name == a.name) found = &a;
    }
    if (found == nullptr) return InvalidInput("unknown attribute '" + name + "'");
    if (KindOf(value) != found->kind) {
      return InvalidInput("attribute '" + name + "' is of kind " + AttrKindName(KindOf(value)) +
                          ", must be " + AttrKindName(found->kind));
    }
  }
  for (const AttrDef& a : def.attrs) {
    if (a.required && !attrs.Has(a.name)) {
      return InvalidInput(std::string("attribute '") + a.name + "' is missing");
    }
  }
  return OkStatus();
}

Result<std::vector<Tensor>> EvaluateOp(const OpDef& def, const AttrMap& attrs,
                                       std::span<const Tensor> inputs, int num_outputs) {
  ADZE_TRY(CheckSignature(def, attrs, static_cast<int>(inputs.size()), num_outputs));
  if (def.eval == nullptr) return Unsupported(std::string(def.name) + ": cannot be evaluated");
  std::vector<ValueInfo> infos(inputs.size());
  std::vector<const ValueInfo*> info_ptrs(inputs.size(), nullptr);
  std::vector<ConstTensorView> views(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    infos[i] = {inputs[i].dtype(), ToShape(inputs[i].dims()), std::nullopt, &inputs[i]};
    info_ptrs[i] = &infos[i];
    views[i] = inputs[i].view();
  }
  std::vector<ValueInfo> out_infos(static_cast<size_t>(num_outputs));
  InferContext infer(attrs, info_ptrs, out_infos);
  ADZE_TRY(def.infer(infer));
  std::vector<Tensor> outputs;
  std::vector<TensorView> out_views;
  for (const ValueInfo& info : out_infos) {
    const auto dims = info.shape ? ToConstDims(*info.shape) : std::nullopt;
    if (!dims) return Unsupported(std::string(def.name) + ": output shape depends on data");
    ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(info.dtype, *dims));
    outputs.push_back(std::move(t));
  }
  for (Tensor& t : outputs) out_views.push_back(t.mutable_view());
  ADZE_TRY(def.eval(EvalContext{attrs, views, out_views}));
  return outputs;
}

}  // namespace adze
