#include "runtime/executor.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "numerics/half.h"
#include "ops/op_util.h"
#include "runtime/family.h"
#include "runtime/planner.h"

namespace adze {
namespace {

struct FreeDeleter {
  void operator()(void* p) const { std::free(p); }
};

// Copies a channels-last buffer (N, spatial…, C) into logical order (N, C, spatial…).
void ToLogical(const std::byte* src, std::span<const int64_t> dims, size_t element,
               std::byte* dst) {
  const int64_t n = dims[0];
  const int64_t c = dims[1];
  int64_t spatial = 1;
  for (int64_t d : dims.subspan(2)) spatial *= d;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t s = 0; s < spatial; ++s) {
      for (int64_t k = 0; k < c; ++k) {
        std::memcpy(dst + ((i * c + k) * spatial + s) * static_cast<int64_t>(element),
                    src + ((i * spatial + s) * c + k) * static_cast<int64_t>(element), element);
      }
    }
  }
}

int64_t Saturating(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

std::string DimsToString(std::span<const int64_t> dims) {
  return ShapeToString(Shape(dims.begin(), dims.end()));
}

}  // namespace

struct Executor::Impl {
  std::shared_ptr<const Plan> plan;
  ThreadPool* pool;
  ExecutorOptions options;

  std::vector<std::vector<int64_t>> input_dims;  // of the last Prepare
  bool prepared = false;
  std::vector<std::vector<int64_t>> dims;  // per value
  std::vector<void*> data;                 // per value
  std::vector<Tensor> symbolic;            // contents of kSymbolic values
  std::vector<int32_t> root;               // value whose buffer a value shares (itself if none)
  std::vector<Step> own_steps;             // copies of steps whose arguments were replaced
  std::vector<PreparedStep> steps;
  std::unique_ptr<void, FreeDeleter> arena;
  int64_t arena_capacity = 0;
  std::vector<StepTime> times;

  const PlanValue& value(int32_t i) const { return plan->values[static_cast<size_t>(i)]; }
  int64_t BytesOf(int32_t i) const {
    return NumElements(dims[static_cast<size_t>(i)]) * static_cast<int64_t>(SizeOf(value(i).dtype));
  }

  Status Bind(std::span<const std::vector<int64_t>> given, DimBindings* bindings) const;
  Status DeriveDims(const DimBindings& bindings);
  Status PrepareSteps();
  Status LayOut();
};

// Matches the given dims against the symbolic shapes of the inputs; plain symbols are bound, the
// rest compared.
Status Executor::Impl::Bind(std::span<const std::vector<int64_t>> given,
                            DimBindings* bindings) const {
  if (given.size() != plan->inputs.size()) {
    return InvalidInput("the network has " + std::to_string(plan->inputs.size()) + " inputs, " +
                        std::to_string(given.size()) + " were given");
  }
  for (int pass = 0; pass < 2; ++pass) {
    for (size_t i = 0; i < given.size(); ++i) {
      const PlanValue& v = value(plan->inputs[i]);
      const auto refuse = [&] {
        return InvalidInput("input '" + v.name + "' has shape " + ShapeToString(v.shape) + ", " +
                            DimsToString(given[i]) + " was given");
      };
      if (given[i].size() != v.shape.size()) return refuse();
      for (size_t d = 0; d < given[i].size(); ++d) {
        if (given[i][d] < 0) return refuse();
        DimBindings symbols;
        v.shape[d].CollectSymbols(&symbols);
        if (pass == 0) {
          if (symbols.size() == 1 && v.shape[d] == Dim::Symbol(symbols.begin()->first)) {
            const auto [it, is_new] = bindings->emplace(symbols.begin()->first, given[i][d]);
            if (!is_new && it->second != given[i][d]) return refuse();
          }
        } else if (v.shape[d].Evaluate(*bindings) != given[i][d]) {
          return refuse();
        }
      }
    }
  }
  return OkStatus();
}

Status Executor::Impl::DeriveDims(const DimBindings& bindings) {
  const size_t n = plan->values.size();
  dims.assign(n, {});
  symbolic.assign(n, Tensor());
  data.assign(n, nullptr);
  for (size_t i = 0; i < n; ++i) {
    const PlanValue& v = plan->values[i];
    const auto concrete = EvaluateShape(v.shape, bindings);
    if (!concrete || NumElements(*concrete) < 0) {
      return InvalidInput("value '" + v.name + "' of shape " + ShapeToString(v.shape) +
                          " has no valid size for these inputs");
    }
    dims[i] = *concrete;
    if (v.kind == PlanValueKind::kConstant) {
      if (v.constant.dtype() != v.dtype || v.constant.dims() != dims[i]) {
        return InvalidInput("constant '" + v.name + "' does not match its type");
      }
      data[i] = const_cast<void*>(v.constant.raw());
    } else if (v.kind == PlanValueKind::kSymbolic) {
      const auto numbers = EvaluateShape(v.elements, bindings);
      if (!numbers || static_cast<int64_t>(numbers->size()) != NumElements(dims[i]) ||
          (v.dtype != DType::kInt64 && v.dtype != DType::kInt32)) {
        return InvalidInput("value '" + v.name + "' cannot be derived from the input shapes");
      }
      Tensor t = Tensor::Allocate(v.dtype, dims[i]);
      for (size_t k = 0; k < numbers->size(); ++k) {
        if (v.dtype == DType::kInt64) {
          t.mutable_data<int64_t>()[k] = (*numbers)[k];
        } else {
          t.mutable_data<int32_t>()[k] = static_cast<int32_t>((*numbers)[k]);
        }
      }
      data[i] = const_cast<void*>(t.raw());
      symbolic[i] = std::move(t);
    }
  }
  return OkStatus();
}

Status Executor::Impl::PrepareSteps() {
  steps.assign(plan->steps.size(), {});
  std::vector<bool> written(plan->values.size(), false);
  for (int32_t i : plan->inputs) written[static_cast<size_t>(i)] = true;
  for (size_t s = 0; s < plan->steps.size(); ++s) {
    const Step& step = own_steps.empty() ? plan->steps[s] : own_steps[s];
    PreparedStep& p = steps[s];
    p.step = &step;
    p.isa = plan->isa;
    p.num_threads = pool->num_threads();
    const auto bind = [&](int32_t i) {
      if (i < 0) return StepValue{};
      const PlanValue& v = value(i);
      return StepValue{
          v.dtype, v.layout,    dims[static_cast<size_t>(i)], data[static_cast<size_t>(i)],
          v.scale, v.zero_point};
    };
    for (int32_t i : step.inputs) {
      if (i >= static_cast<int32_t>(plan->values.size()) ||
          (i >= 0 && data[static_cast<size_t>(i)] == nullptr && !written[static_cast<size_t>(i)])) {
        return InvalidInput("step '" + step.name +
                            "' reads a value that is not computed before it");
      }
      p.inputs.push_back(bind(i));
    }
    for (int32_t i : step.outputs) {
      if (i < 0 || i >= static_cast<int32_t>(plan->values.size()) ||
          written[static_cast<size_t>(i)] || data[static_cast<size_t>(i)] != nullptr) {
        return InvalidInput("step '" + step.name + "' writes a value that is already defined");
      }
      p.outputs.push_back(bind(i));
    }
    for (int32_t i : step.outputs) written[static_cast<size_t>(i)] = true;
    const FamilyDef* const family = FindFamily(step.family);
    if (family == nullptr) {
      return Unsupported("kernel family " + std::to_string(static_cast<int>(step.family)) +
                         " is not in this build");
    }
    Status status = family->prepare(p);
    if (status.ok() && step.in_place && !family->in_place) {
      status = InvalidInput(std::string("the kernel ") + family->name + " cannot work in place");
    }
    if (!status.ok()) {
      return status.WithContext("node '" + step.name + "' (" + step.op.ToString() + ")");
    }
  }
  for (int32_t i : plan->outputs) {
    if (data[static_cast<size_t>(i)] == nullptr && !written[static_cast<size_t>(i)]) {
      return InvalidInput("output '" + value(i).name + "' is never computed");
    }
  }
  return OkStatus();
}

// Lifetimes -> offsets -> pointers.
Status Executor::Impl::LayOut() {
  const int32_t end = static_cast<int32_t>(steps.size());
  const size_t n = plan->values.size();
  root.resize(n);
  for (size_t i = 0; i < n; ++i) root[i] = static_cast<int32_t>(i);
  std::vector<int32_t> first(n, -1);
  std::vector<int32_t> last(n, -1);
  for (int32_t i : plan->inputs) first[static_cast<size_t>(i)] = 0;
  for (int32_t s = 0; s < end; ++s) {
    const Step& step = *steps[static_cast<size_t>(s)].step;
    if (step.family == FamilyId::kAlias) {
      root[static_cast<size_t>(step.outputs[0])] = root[static_cast<size_t>(step.inputs[0])];
    }
    for (int32_t i : step.inputs) {
      if (i >= 0) last[static_cast<size_t>(root[static_cast<size_t>(i)])] = s;
    }
    for (int32_t i : step.outputs) {
      const size_t r = static_cast<size_t>(root[static_cast<size_t>(i)]);
      if (first[r] < 0) first[r] = s;
      last[r] = std::max(last[r], s);
    }
  }
  for (size_t i = 0; i < n; ++i) {
    if (plan->values[i].keep || options.keep_all) last[static_cast<size_t>(root[i])] = end;
    if (options.keep_all) first[i] = 0;
  }
  for (int32_t i : plan->outputs) last[static_cast<size_t>(root[static_cast<size_t>(i)])] = end;
  // In place: the output takes over a buffer that dies in this very step.
  for (int32_t s = 0; s < end; ++s) {
    const Step& step = *steps[static_cast<size_t>(s)].step;
    if (!step.in_place || step.inputs.empty() || step.inputs[0] < 0) continue;
    const size_t in = static_cast<size_t>(root[static_cast<size_t>(step.inputs[0])]);
    const size_t out = static_cast<size_t>(step.outputs[0]);
    if (data[in] != nullptr || last[in] != s || root[out] != static_cast<int32_t>(out) ||
        BytesOf(step.inputs[0]) != BytesOf(step.outputs[0])) {
      continue;
    }
    last[in] = last[out];
    for (size_t i = 0; i < n; ++i) {
      if (root[i] == static_cast<int32_t>(out)) root[i] = static_cast<int32_t>(in);
    }
  }
  std::vector<Lifetime> lifetimes;
  std::vector<size_t> owners;  // values, then steps with workspace as n + step
  for (size_t i = 0; i < n; ++i) {
    if (data[i] != nullptr || root[i] != static_cast<int32_t>(i) || first[i] < 0) continue;
    lifetimes.push_back({BytesOf(static_cast<int32_t>(i)) + kOverreadBytes, first[i], last[i]});
    owners.push_back(i);
  }
  for (int32_t s = 0; s < end; ++s) {
    const int64_t bytes = steps[static_cast<size_t>(s)].workspace_bytes;
    if (bytes <= 0) continue;
    lifetimes.push_back({bytes, s, s});
    owners.push_back(n + static_cast<size_t>(s));
  }
  const ArenaPlan layout = PlanArena(lifetimes);
  if (layout.bytes > options.max_arena_bytes) {
    return InvalidInput("the activations need " + std::to_string(layout.bytes) +
                        " bytes, more than the limit of " +
                        std::to_string(options.max_arena_bytes));
  }
  if (layout.bytes > arena_capacity || arena == nullptr) {
    arena.reset();
    arena.reset(std::aligned_alloc(static_cast<size_t>(kArenaAlignment),
                                   static_cast<size_t>(layout.bytes + kArenaAlignment)));
    arena_capacity = arena == nullptr ? 0 : layout.bytes;
    if (arena == nullptr) {
      return InvalidInput("out of memory: the activations need " + std::to_string(layout.bytes) +
                          " bytes");
    }
  }
  std::byte* const base = static_cast<std::byte*>(arena.get());
  for (size_t k = 0; k < owners.size(); ++k) {
    std::byte* const p = base + layout.offsets[k];
    if (owners[k] < n) {
      data[owners[k]] = p;
    } else {
      steps[owners[k] - n].workspace = p;
    }
  }
  for (size_t i = 0; i < n; ++i) data[i] = data[static_cast<size_t>(root[i])];
  for (PreparedStep& p : steps) {
    p.input_views.clear();
    p.output_views.clear();
    for (size_t i = 0; i < p.inputs.size(); ++i) {
      StepValue& v = p.inputs[i];
      if (v.present()) v.data = data[static_cast<size_t>(p.step->inputs[i])];
      p.input_views.push_back({v.dtype, v.dims, v.data});
    }
    for (size_t i = 0; i < p.outputs.size(); ++i) {
      StepValue& v = p.outputs[i];
      v.data = data[static_cast<size_t>(p.step->outputs[i])];
      p.output_views.push_back({v.dtype, v.dims, v.data});
    }
  }
  return OkStatus();
}

Executor::Executor(std::shared_ptr<const Plan> plan, ThreadPool* pool, ExecutorOptions options)
    : impl_(std::make_unique<Impl>()) {
  impl_->plan = std::move(plan);
  impl_->pool = pool;
  impl_->options = options;
  if (options.profile) impl_->times.resize(impl_->plan->steps.size());
}

Executor::~Executor() = default;

Status Executor::Prepare(std::span<const std::vector<int64_t>> input_dims) {
  Impl& m = *impl_;
  if (m.prepared &&
      std::equal(input_dims.begin(), input_dims.end(), m.input_dims.begin(), m.input_dims.end())) {
    return OkStatus();
  }
  m.prepared = false;
  DimBindings bindings;
  ADZE_TRY(m.Bind(input_dims, &bindings));
  ADZE_TRY(m.DeriveDims(bindings));
  ADZE_TRY(m.PrepareSteps());
  ADZE_TRY(m.LayOut());
  m.input_dims.assign(input_dims.begin(), input_dims.end());
  m.prepared = true;
  return OkStatus();
}

Status Executor::Run(std::span<const ConstTensorView> inputs) {
  Impl& m = *impl_;
  bool same = m.prepared && inputs.size() == m.input_dims.size();
  for (size_t i = 0; same && i < inputs.size(); ++i) {
    same = std::equal(inputs[i].dims.begin(), inputs[i].dims.end(), m.input_dims[i].begin(),
                      m.input_dims[i].end());
  }
  if (!same) {
    std::vector<std::vector<int64_t>> dims;
    for (const ConstTensorView& t : inputs) dims.emplace_back(t.dims.begin(), t.dims.end());
    ADZE_TRY(Prepare(dims));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const int32_t v = m.plan->inputs[i];
    if (inputs[i].dtype != m.value(v).dtype) {
      return InvalidInput("input '" + m.value(v).name + "' must be " + DTypeName(m.value(v).dtype) +
                          ", " + DTypeName(inputs[i].dtype) + " was given");
    }
    // An input that nothing reads has no buffer.
    if (m.data[static_cast<size_t>(v)] != nullptr && m.BytesOf(v) > 0) {
      std::memcpy(m.data[static_cast<size_t>(v)], inputs[i].data,
                  static_cast<size_t>(m.BytesOf(v)));
    }
  }
  return RunFrom(0);
}

Status Executor::RunFrom(int first_step) {
  Impl& m = *impl_;
  ADZE_CHECK(m.prepared);
  ADZE_CHECK(first_step == 0 || m.options.keep_all);
  using Clock = std::chrono::steady_clock;
  for (size_t s = static_cast<size_t>(first_step); s < m.steps.size(); ++s) {
    const PreparedStep& p = m.steps[s];
    const auto start = m.options.profile ? Clock::now() : Clock::time_point();
    if (Status status = FindFamily(p.step->family)->run(p, *m.pool); !status.ok()) {
      return status.WithContext("node '" + p.step->name + "' (" + p.step->op.ToString() + ")");
    }
    if (m.options.profile) {
      m.times[s].total_ms +=
          std::chrono::duration<double, std::milli>(Clock::now() - start).count();
      ++m.times[s].calls;
    }
    if (m.options.after_step) m.options.after_step(static_cast<int>(s));
  }
  return OkStatus();
}

int Executor::num_outputs() const { return static_cast<int>(impl_->plan->outputs.size()); }

ConstTensorView Executor::output(int i) const {
  return RawValue(impl_->plan->outputs[static_cast<size_t>(i)]);
}

ConstTensorView Executor::RawValue(int index) const {
  const size_t i = static_cast<size_t>(index);
  return {impl_->value(index).dtype, impl_->dims[i], impl_->data[i]};
}

Tensor Executor::ReadValue(int index) const {
  const ConstTensorView raw = RawValue(index);
  Tensor t = Tensor::Allocate(raw.dtype, {raw.dims.begin(), raw.dims.end()});
  if (t.bytes() == 0) return t;
  if (impl_->value(index).layout == Layout::kChannelsLast) {
    ToLogical(static_cast<const std::byte*>(raw.data), raw.dims, SizeOf(raw.dtype),
              static_cast<std::byte*>(t.mutable_raw()));
  } else {
    std::memcpy(t.mutable_raw(), raw.data, t.bytes());
  }
  return t;
}

Tensor Executor::ReadFloat(int index) const {
  Tensor t = ReadValue(index);
  const PlanValue& v = impl_->value(index);
  if (t.dtype() == DType::kFloat32) return t;
  Tensor out = Tensor::Allocate(DType::kFloat32, t.dims());
  float* const y = out.mutable_data<float>();
  const ConstTensorView x = t.view();
  for (int64_t i = 0; i < t.size(); ++i) {
    if (IsFloat(t.dtype())) {
      y[i] = FloatAt(x, i);
    } else if (v.scale > 0) {
      y[i] = static_cast<float>(IntegerAt(x, i) - v.zero_point) * v.scale;
    } else {
      y[i] = static_cast<float>(IntegerAt(x, i));
    }
  }
  return out;
}

RunCost Executor::Cost() const {
  const Impl& m = *impl_;
  ADZE_CHECK(m.prepared);
  RunCost cost;
  for (const PreparedStep& p : m.steps) {
    const Step& step = *p.step;
    for (const Tensor& w : step.weights) cost.weight_bytes += static_cast<int64_t>(w.bytes());
    if (step.family == FamilyId::kAlias) continue;
    for (const int32_t i : step.inputs) {
      if (i < 0) continue;
      const bool constant = m.value(i).kind == PlanValueKind::kConstant;
      (constant ? cost.weight_bytes : cost.activation_bytes) += m.BytesOf(i);
    }
    for (const int32_t i : step.outputs) cost.activation_bytes += m.BytesOf(i);
    int64_t macs = 0;
    if (step.macs_per_output > 0) {
      macs = Saturating(step.macs_per_output, p.outputs[0].size());
    } else if (step.family == FamilyId::kMatMulF32) {
      macs = Saturating(p.outputs[0].size(), p.inputs[0].dims.back());
    } else if (const OpDef* const op = FindOp(step.op);
               step.family == FamilyId::kOp && op->macs != nullptr) {
      const std::vector<ConstTensorView> outputs(p.output_views.begin(), p.output_views.end());
      macs = op->macs(step.attrs, p.input_views, outputs);
    }
    const bool integer = !p.inputs.empty() && SizeOf(p.inputs[0].dtype) == 1;
    int64_t& sum = integer ? cost.int8_macs : cost.float_macs;
    if (__builtin_add_overflow(sum, macs, &sum)) sum = INT64_MAX;
  }
  return cost;
}

Status Executor::SetStepArgs(int step, std::span<const std::byte> args) {
  Impl& m = *impl_;
  ADZE_CHECK(m.prepared);
  if (m.own_steps.empty()) {
    m.own_steps = m.plan->steps;
    for (size_t s = 0; s < m.steps.size(); ++s) m.steps[s].step = &m.own_steps[s];
  }
  std::vector<std::byte>& target = m.own_steps[static_cast<size_t>(step)].args;
  ADZE_CHECK(target.size() == args.size());
  std::copy(args.begin(), args.end(), target.begin());
  PreparedStep& p = m.steps[static_cast<size_t>(step)];
  const int64_t workspace_bytes = p.workspace_bytes;
  ADZE_TRY(FindFamily(p.step->family)->prepare(p));
  ADZE_CHECK(p.workspace_bytes == workspace_bytes);
  return OkStatus();
}

const Plan& Executor::plan() const { return *impl_->plan; }
int64_t Executor::arena_bytes() const { return impl_->arena_capacity; }
std::span<const StepTime> Executor::step_times() const { return impl_->times; }

}  // namespace adze
