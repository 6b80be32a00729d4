#include "algos/auto_select.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "algos/fake_quant.h"
#include "lower/lower.h"
#include "numerics/rounding.h"
#include "quant/integer_form.h"
#include "runtime/executor.h"

namespace adze {
namespace {

// Fewer samples say nothing about a choice of range.
constexpr int64_t kMinSamples = 4;

// Of float outputs kept from one comparison of networks for the next.
constexpr int64_t kMaxReferenceBytes = int64_t{16} << 20;

// Outputs of the last run as float32, one tensor each.
std::vector<Tensor> ReadOutputs(const Executor& executor) {
  std::vector<Tensor> out;
  for (const int32_t index : executor.plan().outputs) out.push_back(executor.ReadFloat(index));
  return out;
}

Status SetAll(Executor* executor, const std::vector<int>& steps, const FakeQuantArgs& args) {
  for (const int s : steps) {
    ADZE_TRY(executor->SetStepArgs(s, std::as_bytes(std::span(&args, 1))));
  }
  return OkStatus();
}

}  // namespace

void OutputError::Collect(size_t output, std::span<const float> reference,
                          std::span<const float> values) {
  if (error.size() <= output) {
    error.resize(output + 1, 0.0);
    signal.resize(output + 1, 0.0);
  }
  double e = 0;
  double s = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const double d = static_cast<double>(reference[i]) - values[i];
    e += d * d;
    s += static_cast<double>(reference[i]) * reference[i];
  }
  error[output] += e;
  signal[output] += s;
}

double OutputError::Finish() const {
  double sum = 0;
  int count = 0;
  for (size_t i = 0; i < error.size(); ++i) {
    if (!(signal[i] > 0)) continue;
    sum += error[i] / signal[i];
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

Candidates Shortlist(const std::vector<AffineParams>& proposals, DType storage, double tolerance) {
  const IntRange range = RangeOf(storage);
  const auto low = [&](const AffineParams& p) {
    return static_cast<double>(p.scale) * static_cast<double>(range.min - p.zero_point);
  };
  const auto high = [&](const AffineParams& p) {
    return static_cast<double>(p.scale) * static_cast<double>(range.max - p.zero_point);
  };
  Candidates out;
  for (const AffineParams& p : proposals) {
    int found = -1;
    for (size_t i = 0; i < out.params.size() && found < 0; ++i) {
      const AffineParams& q = out.params[i];
      const double width = std::max(high(p) - low(p), high(q) - low(q));
      if (std::abs(low(p) - low(q)) <= tolerance * width &&
          std::abs(high(p) - high(q)) <= tolerance * width) {
        found = static_cast<int>(i);
      }
    }
    if (found < 0) {
      found = static_cast<int>(out.params.size());
      out.params.push_back(p);
    }
    out.of_observer.push_back(found);
  }
  return out;
}

void RoundWeights(Graph* graph, const QuantizationPlan& plan, const Encodings& weights) {
  for (const WeightUse& use : plan.weights) {
    const Value& w = graph->value(use.weight);
    const QuantType& q = weights.tensors.at(w.name).type;
    const std::vector<int64_t>& dims = w.constant.dims();
    int64_t inner = 1;
    for (size_t d = static_cast<size_t>(use.axis) + 1; d < dims.size(); ++d) inner *= dims[d];
    Tensor rounded = Tensor::Allocate(DType::kFloat32, dims);
    const float* const x = w.constant.data<float>();
    const auto hi = static_cast<int32_t>(RangeOf(q.storage).max);
    const int32_t lo = q.storage == DType::kInt8 ? -hi : -hi - 1;
    for (int64_t i = 0; i < w.constant.size(); ++i) {
      const float scale =
          q.scale[q.per_tensor()
                      ? 0
                      : static_cast<size_t>(i / inner % dims[static_cast<size_t>(use.axis)])];
      rounded.mutable_data<float>()[i] =
          DequantizeOne(QuantizeOne(x[i], scale, 0, lo, hi), scale, 0);
    }
    graph->SetConstant(use.weight, std::move(rounded));
  }
}

Result<CandidateErrors> MeasureCandidates(const Graph& graph, Graph simulated,
                                          const QuantizationPlan& plan,
                                          const std::vector<Candidates>& candidates,
                                          const Dataset& dataset, const QuantizeSettings& settings,
                                          double budget_runs, ThreadPool* pool) {
  std::map<std::string, size_t> group_of_name;
  double total_macs = 1;
  for (const NodeId id : graph.top().nodes) total_macs += static_cast<double>(NodeMacs(graph, id));
  std::vector<double> cost(plan.groups.size(), 0.0);  // of a group's candidates, in whole runs
  for (size_t g = 0; g < plan.groups.size(); ++g) {
    const std::vector<ValueId> points = FakeQuantPoints(graph, plan.groups[g]);
    // What must run again: everything behind the first producer.
    double macs_before = 0;
    double least = total_macs;
    for (const ValueId v : points) {
      if (graph.value(v).producer == kNoId) least = 0;
    }
    for (const NodeId id : graph.top().nodes) {
      macs_before += static_cast<double>(NodeMacs(graph, id));
      const auto& outs = graph.node(id).outputs;
      const bool produces = std::any_of(points.begin(), points.end(), [&](ValueId v) {
        return std::find(outs.begin(), outs.end(), v) != outs.end();
      });
      if (produces) least = std::min(least, macs_before);
    }
    cost[g] = (1.0 - least / total_macs) * static_cast<double>(candidates[g].params.size() - 1);
    const FakeQuantArgs args = FakeQuantOf(candidates[g].params[0], plan.groups[g].storage);
    for (size_t k = 0; k < points.size(); ++k) {
      const std::string name = "fake_quant " + std::to_string(g) + " " + std::to_string(k);
      InsertFakeQuant(&simulated, points[k], args, name);
      group_of_name[name] = g;
    }
  }
  // As many groups as the fewest samples allow, the cheapest first: those are the last ones. Then
  // as many samples as the budget allows.
  std::vector<size_t> order;
  for (size_t g = 0; g < plan.groups.size(); ++g) {
    if (candidates[g].params.size() > 1) order.push_back(g);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return cost[a] < cost[b]; });
  double runs_per_sample = 2;  // the float network and the base
  size_t affordable = 0;
  while (affordable < order.size() &&
         (runs_per_sample + cost[order[affordable]]) * kMinSamples <= budget_runs) {
    runs_per_sample += cost[order[affordable++]];
  }
  order.resize(affordable);
  const int64_t samples =
      std::clamp<int64_t>(static_cast<int64_t>(budget_runs / runs_per_sample), kMinSamples,
                          std::max<int64_t>(settings.auto_samples, kMinSamples));

  ADZE_ASSIGN(SampleReader reader,
              SampleReader::Create(graph, dataset, settings.split, samples, pool));
  ADZE_ASSIGN(const LoweredPlan real, Lower(graph, {settings.isa, {}}));
  ADZE_ASSIGN(const LoweredPlan lowered, Lower(simulated, {settings.isa, {}}));
  Executor reference_run(real.plan, pool);
  Executor executor(lowered.plan, pool, {.keep_all = true});
  std::vector<std::vector<int>> steps(plan.groups.size());
  for (size_t s = 0; s < lowered.plan->steps.size(); ++s) {
    const Step& step = lowered.plan->steps[s];
    if (step.family != FamilyId::kFakeQuantF32) continue;
    const auto it = group_of_name.find(step.name);
    if (it != group_of_name.end()) steps[it->second].push_back(static_cast<int>(s));
  }
  // Last tensor first: what lies before it is then still as the run of the base left it.
  std::erase_if(order, [&](size_t g) { return steps[g].empty(); });
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return steps[a][0] > steps[b][0]; });

  OutputError base_error;
  std::vector<std::vector<OutputError>> errors(plan.groups.size());
  for (const size_t g : order) errors[g].resize(candidates[g].params.size());
  const int64_t batches = reader.num_batches();
  for (int64_t b = 0; b < batches; ++b) {
    std::vector<ConstTensorView> inputs;
    ADZE_TRY(reader.Next(&inputs));
    ADZE_TRY(reference_run.Run(inputs));
    const std::vector<Tensor> reference = ReadOutputs(reference_run);
    const auto collect = [&](OutputError* error) {
      const std::vector<Tensor> outputs = ReadOutputs(executor);
      for (size_t o = 0; o < outputs.size(); ++o) {
        error->Collect(o, reference[o].values<float>(), outputs[o].values<float>());
      }
    };
    ADZE_TRY(executor.Run(inputs));
    collect(&base_error);
    for (const size_t g : order) {
      for (size_t c = 1; c < candidates[g].params.size(); ++c) {
        ADZE_TRY(SetAll(&executor, steps[g],
                        FakeQuantOf(candidates[g].params[c], plan.groups[g].storage)));
        ADZE_TRY(executor.RunFrom(steps[g][0]));
        collect(&errors[g][c]);
      }
      ADZE_TRY(SetAll(&executor, steps[g],
                      FakeQuantOf(candidates[g].params[0], plan.groups[g].storage)));
    }
    if (settings.progress) settings.progress("auto", b + 1, batches);
  }
  CandidateErrors out;
  out.base = base_error.Finish();
  for (size_t g = 0; g < plan.groups.size(); ++g) {
    out.of.emplace_back(candidates[g].params.size(), out.base);
    for (size_t c = 1; c < errors[g].size(); ++c) out.of[g][c] = errors[g][c].Finish();
  }
  return out;
}

void EndAtLogits(Graph* graph) {
  for (size_t i = 0; i < graph->top().outputs.size(); ++i) {
    const Node* const n = graph->producer(graph->top().outputs[i]);
    if (n != nullptr && (n->op.Is("Softmax") || n->op.Is("LogSoftmax")) &&
        graph->value(n->inputs[0]).type.quant == nullptr) {
      graph->SetOutput(0, static_cast<int>(i), n->inputs[0]);
    }
  }
}

Result<std::vector<double>> OutputSqnr(const Graph& graph,
                                       const std::vector<const Graph*>& quantized,
                                       const Dataset& dataset, const std::string& split,
                                       int64_t samples, Isa isa, ThreadPool* pool, double drop_db,
                                       ReferenceOutputs* references) {
  ADZE_ASSIGN(SampleReader reader, SampleReader::Create(graph, dataset, split, samples, pool));
  // Whole networks side by side share the threads better than single steps do.
  const bool side_by_side = quantized.size() >= static_cast<size_t>(pool->num_threads());
  std::vector<std::unique_ptr<ThreadPool>> own;
  for (size_t q = 0; q < quantized.size(); ++q) own.push_back(std::make_unique<ThreadPool>(1));
  const auto prepare = [&](const Graph& g,
                           ThreadPool* threads) -> Result<std::unique_ptr<Executor>> {
    ADZE_ASSIGN(const LoweredPlan lowered, Lower(g, {isa, {}}));
    return std::make_unique<Executor>(lowered.plan, threads);
  };
  ADZE_ASSIGN(const std::unique_ptr<Executor> real, prepare(graph, pool));
  std::vector<std::unique_ptr<Executor>> executors(quantized.size());  // null: dropped
  std::vector<Status> statuses(quantized.size());
  pool->ParallelFor(static_cast<int64_t>(quantized.size()), [&](int64_t i, int) {
    const size_t q = static_cast<size_t>(i);
    auto executor = prepare(*quantized[q], side_by_side ? own[q].get() : pool);
    if (executor.ok()) executors[q] = std::move(executor).value();
    statuses[q] = executor.status();
  });
  for (const Status& s : statuses) ADZE_TRY(s);
  std::vector<OutputError> errors(quantized.size());
  const auto sqnr = [&](size_t q) {
    const double error = errors[q].Finish();
    return std::isnan(error) ? -std::numeric_limits<double>::infinity()
                             : -10.0 * std::log10(std::max(error, 1e-30));
  };
  const int64_t batches = reader.num_batches();
  const bool known = references != nullptr && static_cast<int64_t>(references->size()) == batches;
  if (references != nullptr && !known) references->clear();
  int64_t kept_bytes = 0;
  for (int64_t begin = 0; begin < batches; begin += kRaceBatches) {
    std::vector<SampleReader::Batch> window(
        static_cast<size_t>(std::min(kRaceBatches, batches - begin)));
    ReferenceOutputs expected;
    for (size_t b = 0; b < window.size(); ++b) {
      ADZE_TRY(reader.Next(&window[b]));
      if (known) {
        expected.push_back((*references)[static_cast<size_t>(begin) + b]);
        continue;
      }
      ADZE_TRY(real->Run(window[b].inputs));
      expected.push_back(ReadOutputs(*real));
      for (const Tensor& t : expected.back()) kept_bytes += t.bytes();
      if (references == nullptr) continue;
      if (kept_bytes <= kMaxReferenceBytes) {
        references->push_back(expected.back());
      } else {
        references->clear();
      }
    }
    const auto run = [&](int64_t i, int) {
      const size_t q = static_cast<size_t>(i);
      for (size_t b = 0; executors[q] != nullptr && b < window.size(); ++b) {
        statuses[q] = executors[q]->Run(window[b].inputs);
        if (!statuses[q].ok()) return;
        const std::vector<Tensor> outputs = ReadOutputs(*executors[q]);
        for (size_t o = 0; o < outputs.size(); ++o) {
          if (outputs[o].dims() != expected[b][o].dims()) {
            statuses[q] = InvalidInput("the outputs of the networks have different shapes");
            return;
          }
          errors[q].Collect(o, expected[b][o].values<float>(), outputs[o].values<float>());
        }
      }
    };
    if (side_by_side) {
      pool->ParallelFor(static_cast<int64_t>(executors.size()), run);
    } else {
      for (size_t q = 0; q < executors.size(); ++q) run(static_cast<int64_t>(q), 0);
    }
    for (const Status& s : statuses) ADZE_TRY(s);
    // Few samples must say it clearly.
    const int64_t seen = begin + static_cast<int64_t>(window.size());
    if (seen != kRaceBatches && seen != 4 * kRaceBatches) continue;
    const double behind = seen == kRaceBatches ? 2 * drop_db : drop_db;
    double best = sqnr(0);
    for (size_t q = 1; q < executors.size(); ++q) best = std::max(best, sqnr(q));
    for (size_t q = 0; q < executors.size(); ++q) {
      if (sqnr(q) < best - behind) executors[q].reset();
    }
  }
  std::vector<double> out;
  double best = -std::numeric_limits<double>::infinity();
  for (size_t q = 0; q < errors.size(); ++q) {
    out.push_back(sqnr(q));
    if (executors[q] != nullptr) best = std::max(best, out[q]);
  }
  // A dropped network has not seen what may be harder.
  for (size_t q = 0; q < errors.size(); ++q) {
    if (executors[q] == nullptr) out[q] = std::min(out[q], best - drop_db);
  }
  return out;
}

}  // namespace adze
