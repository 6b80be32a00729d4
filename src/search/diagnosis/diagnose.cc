#include "search/diagnosis/diagnose.h"

#include <algorithm>
#include <cmath>

#include "algos/quantize.h"
#include "calib/stage_progress.h"

namespace adze {
namespace {

// Calibration samples at most, as `adze quantize` takes.
constexpr int64_t kCalibrationSamples = 256;
// Integers and real numbers may differ that much by float rounding and ties.
constexpr double kSimulationDb = 1;
// An output that poor deserves a word even if no single fix helps.
constexpr double kPoorDb = 15;
constexpr int64_t kWorstNamed = 3;

// Inputs or outputs of the networks, in order, must have the same names and fitting shapes.
Status CheckAlike(const Graph& a, const Graph& b, const std::vector<ValueId>& of_a,
                  const std::vector<ValueId>& of_b, const char* what) {
  const auto names = [](const Graph& g, const std::vector<ValueId>& values) {
    std::string list;
    for (const ValueId v : values) list += (list.empty() ? "'" : ", '") + g.value(v).name + "'";
    return list;
  };
  const std::string difference = std::string("the networks have different ") + what;
  if (names(a, of_a) != names(b, of_b)) {
    return InvalidInput(difference + ", " + names(a, of_a) + " and " + names(b, of_b) +
                        ": one is not the other quantized");
  }
  for (size_t i = 0; i < of_a.size(); ++i) {
    const auto& x = a.value(of_a[i]).type.shape;
    const auto& y = b.value(of_b[i]).type.shape;
    if (!x || !y) continue;
    bool fits = x->size() == y->size();
    for (size_t d = 0; fits && d < x->size(); ++d) {
      const Dim& m = (*x)[d];
      const Dim& n = (*y)[d];
      fits = !m.is_const() || !n.is_const() || m.value() == n.value();
    }
    if (fits) continue;
    return InvalidInput(difference + ": '" + a.value(of_a[i]).name + "' is " + ShapeToString(*x) +
                        " and " + ShapeToString(*y));
  }
  return OkStatus();
}

Status CheckBorders(const Graph& a, const Graph& b) {
  ADZE_TRY(CheckAlike(a, b, a.top().inputs, b.top().inputs, "inputs"));
  return CheckAlike(a, b, a.top().outputs, b.top().outputs, "outputs");
}

bool IsQuantized(const Graph& graph) {
  for (ValueId v = 0; v < graph.num_values(); ++v) {
    const Value& value = graph.value(v);
    if (!value.dead && !value.is_constant() && value.type.quant != nullptr) return true;
  }
  return false;
}

// Where the error comes from many places, the layers that gain most in float are told though each
// gains little.
void NameTheWorst(Diagnosis* d) {
  const auto gains = [](const Finding& f) {
    return std::string_view(f.kind) == "layer_error" && f.places.size() == 1 &&
           f.gain_db.value_or(0) > 0;
  };
  auto known = std::count_if(d->findings.begin(), d->findings.end(), gains);
  for (auto it = d->dismissed.begin(); it != d->dismissed.end() && known < kWorstNamed;) {
    if (!gains(*it)) {
      ++it;
      continue;
    }
    d->findings.push_back(std::move(*it));
    it = d->dismissed.erase(it);
    ++known;
  }
}

std::string Sentence(const Diagnosis& d) {
  const double db = d.output.sqnr_db;
  if (d.problems > 0) {
    return Clause("%lld problem%s; output SQNR %.1f dB, %.1f dB with the first one fixed",
                  static_cast<long long>(d.problems), d.problems == 1 ? "" : "s", db,
                  db + *d.findings[0].gain_db);
  }
  if (d.output.fixes == 0 && !d.findings.empty()) {
    return Clause("output SQNR %.1f dB; what fixes would gain was not measured", db);
  }
  if (db < kPoorDb) {
    return Clause(
        "output SQNR %.1f dB, and no single fix gains %.0f dB: the error comes from many "
        "places, the worst below",
        db, kProblemDb);
  }
  return Clause("nothing stands out: output SQNR %.1f dB", db);
}

Result<Diagnosis> Diagnose(Graph reference, Graph quantized, const Statistics* calibrated,
                           std::vector<BiasRepair> repairs, const Dataset& dataset,
                           const DiagnoseOptions& options, ThreadPool* pool) {
  Diagnosis d;
  d.reference = std::move(reference);
  d.quantized = std::move(quantized);
  ADZE_ASSIGN(const int64_t available, dataset.NumSamples(options.split));
  d.samples = std::min(available, options.samples);
  if (calibrated != nullptr) d.calibration_samples = static_cast<int64_t>(calibrated->samples);
  CompareOptions compare;
  compare.split = options.split;
  compare.samples = options.samples;
  compare.spread = true;
  compare.isa = options.isa;
  compare.progress = options.progress;
  ADZE_ASSIGN(d.facts, GatherFacts({d.reference, d.quantized, dataset, compare, calibrated,
                                    std::move(repairs)},
                                   pool));
  std::vector<Finding> found = FindAll(d.facts.layers);
  ADZE_ASSIGN(d.output, MeasureFixes(d.reference, d.quantized, d.facts, dataset,
                                     {options.split, options.samples, options.fixes, options.isa,
                                      options.progress},
                                     pool, &found));
  d.findings = Rank(std::move(found), d.facts.layers, d.output.sqnr_db, &d.dismissed);
  d.problems = std::count_if(d.findings.begin(), d.findings.end(),
                             [&](const Finding& f) { return IsProblem(f, d.output.sqnr_db); });
  if (d.problems == 0 && d.output.sqnr_db < kPoorDb) NameTheWorst(&d);
  d.sentence = Sentence(d);
  if (std::abs(d.output.sqnr_db - d.output.simulated_db) > kSimulationDb) {
    d.warnings.push_back(Clause(
        "on integers the output has %.1f dB, as real numbers with the same formats %.1f dB: fixes "
        "are measured from the latter",
        d.output.sqnr_db, d.output.simulated_db));
  }
  if (d.samples < 16) {
    d.warnings.push_back(Clause("judged on %lld samples only", static_cast<long long>(d.samples)));
  }
  int64_t integer = 0, unknown = 0;
  for (const NodeId id : d.quantized.top().nodes) {
    const OpDef* const def = FindOp(d.quantized.node(id).op);
    if (def == nullptr || def->quant.kind != QuantKind::kCompute) continue;
    const ValueId weight = d.quantized.input(id, def->quant.weight_input);
    if (weight == kNoId || d.quantized.value(weight).type.quant == nullptr) continue;
    ++integer;
    unknown += !d.facts.unrounded.contains(id);
  }
  if (unknown > 0) {
    d.warnings.push_back(Clause(
        "%lld of %lld quantized layers have no counterpart with such weights in the float network: "
        "what rounding did to their weights is not known",
        static_cast<long long>(unknown), static_cast<long long>(integer)));
  }
  return d;
}

// The values of the float network's tensors on the calibration split, if it is known.
Result<std::optional<Statistics>> Calibration(const Graph& reference, const Graph& quantized,
                                              const Dataset& dataset,
                                              const DiagnoseOptions& options, ThreadPool* pool) {
  if (options.calibration_split.empty()) return std::optional<Statistics>();
  StageProgress stages(options.progress);
  CollectOptions collect;
  collect.split = options.calibration_split;
  collect.samples = kCalibrationSamples;
  collect.values = ComparedTensors(reference, quantized);
  collect.isa = options.isa;
  collect.progress = stages.Function();
  ADZE_ASSIGN(Statistics statistics, CollectStatistics(reference, dataset, collect, pool));
  return std::optional(std::move(statistics));
}

}  // namespace

Result<Diagnosis> DiagnoseFloat(const Graph& graph, const Dataset& dataset,
                                const DiagnoseOptions& options, ThreadPool* pool) {
  ADZE_TRY(dataset.NumSamples(options.split).status());  // before long work
  QuantizeSettings settings;
  settings.split = options.calibration_split.empty() ? options.split : options.calibration_split;
  settings.samples = kCalibrationSamples;
  settings.isa = options.isa;
  if (PlanQuantization(graph, settings.quant).weights.empty()) {
    return Unsupported(
        "no convolution or matrix product of it can be quantized: there is nothing to diagnose");
  }
  const Result<QuantizeResult> result = [&] {
    StageProgress stages(options.progress);
    settings.progress = stages.Function();
    return QuantizeModel(graph, dataset, settings, pool);
  }();
  ADZE_TRY(result);
  return Diagnose(result->equalized_graph, result->graph, &result->statistics,
                  result->report.repairs, dataset, options, pool);
}

Result<Diagnosis> DiagnoseQuantized(const Graph& graph, const Graph& quantized,
                                    const Dataset& dataset, const DiagnoseOptions& options,
                                    ThreadPool* pool) {
  if (!IsQuantized(quantized)) {
    return InvalidInput(
        "no tensor that it computes is quantized (adze compare takes networks of which only "
        "weights "
        "are); to learn what quantization would do, give the float network "
        "alone");
  }
  ADZE_TRY(CheckBorders(graph, quantized));
  ADZE_ASSIGN(const std::optional<Statistics> calibrated,
              Calibration(graph, quantized, dataset, options, pool));
  return Diagnose(graph, quantized, calibrated ? &*calibrated : nullptr, {}, dataset, options,
                  pool);
}

Result<Diagnosis> DiagnoseEncodings(const Graph& graph, const Encodings& encodings,
                                    const Dataset& dataset, const DiagnoseOptions& options,
                                    ThreadPool* pool) {
  Graph quantized = graph;
  ADZE_ASSIGN(ApplyReport report, ApplyEncodings(quantized, encodings));
  if (!IsQuantized(quantized)) {
    return InvalidInput("they quantize nothing that this network computes");
  }
  ADZE_ASSIGN(const std::optional<Statistics> calibrated,
              Calibration(graph, quantized, dataset, options, pool));
  ADZE_ASSIGN(Diagnosis d,
              Diagnose(graph, std::move(quantized), calibrated ? &*calibrated : nullptr,
                       std::move(report.repairs), dataset, options, pool));
  if (!encodings.graph_hash.empty() && encodings.graph_hash != GraphHash(graph)) {
    d.warnings.push_back(
        "the encodings were made for a network with other weights: give the one that `adze "
        "quantize "
        "--save-float` wrote beside them");
  }
  return d;
}

}  // namespace adze
