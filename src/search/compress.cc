#include "search/compress.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/file.h"
#include "eval/metric.h"
#include "formats/onnx/onnx.h"
#include "ir/sha256.h"
#include "lower/lower.h"
#include "passes/pass.h"
#include "quant/integer_form.h"
#include "search/evidence.h"
#include "search/network_under_search.h"
#include "targets/target.h"

namespace adze {
namespace {

constexpr const char* kFloatFile = "float.onnx";
constexpr const char* kQuantizedFile = "quantized.onnx";
constexpr const char* kEncodingsFile = "quantized.encodings.json";
constexpr const char* kEncodingsSideFile = "quantized.encodings.safetensors";
constexpr const char* kRecipeFile = "recipe.yaml";
constexpr const char* kLockFile = "recipe.lock";

// SHA-256 over everything that networks and metrics see of these splits.
Result<std::string> HashSamples(const Dataset& dataset, const std::vector<std::string>& splits,
                                ThreadPool* pool, ProgressSink* progress) {
  constexpr int64_t kAtOnce = 64;
  Sha256 all;
  for (const std::string& split : splits) {
    ADZE_ASSIGN(const int64_t count, dataset.NumSamples(split));
    ProgressScope scope(progress, count, "samples", "hashing data");
    for (int64_t begin = 0; begin < count; begin += kAtOnce) {
      const int64_t size = std::min(kAtOnce, count - begin);
      std::vector<std::string> hashes(static_cast<size_t>(size));
      std::vector<Status> statuses(static_cast<size_t>(size));
      pool->ParallelFor(size, [&](int64_t i, int) {
        Sample sample;
        statuses[static_cast<size_t>(i)] = dataset.Read(split, begin + i, &sample);
        if (!statuses[static_cast<size_t>(i)].ok()) return;
        Sha256 hash;
        for (const Tensor& t : sample.inputs) {
          const std::string type =
              std::string(DTypeName(t.dtype())) + ShapeToString(ToShape(t.dims()));
          hash.Update(type.c_str(), type.size() + 1);
          hash.Update(t.raw(), t.bytes());
        }
        const int64_t label = sample.label.value_or(-1);
        hash.Update(&label, sizeof(label));
        hashes[static_cast<size_t>(i)] = hash.Finish();
      });
      for (const Status& s : statuses) ADZE_TRY(s);
      for (const std::string& h : hashes) all.Update(h.data(), h.size());
      scope.Advance(size);
    }
  }
  return all.Finish();
}

std::vector<std::string> SplitsOf(const Recipe& r) {
  if (r.calibration_split == r.evaluation_split) return {r.calibration_split};
  return {r.calibration_split, r.evaluation_split};
}

Status CheckRecipe(const Recipe& r, const Dataset& dataset) {
  if (FindTarget(r.target) == nullptr) {
    std::string known;
    for (const TargetDef* t : AllTargets())
      known += (known.empty() ? "" : ", ") + std::string(t->name);
    return UsageError("unknown target '" + r.target + "'; there are " + known);
  }
  const MetricDef* const metric = FindMetric(r.metric);
  if (metric == nullptr) return UsageError("unknown metric '" + r.metric + "' (adze list metrics)");
  if (!metric->is_rate) {
    return UsageError("metric '" + r.metric +
                      "' is not a rate, so a drop in points means nothing; "
                      "give --metric top1, top5 or flip_rate");
  }
  for (const std::string& split : SplitsOf(r)) ADZE_TRY(dataset.NumSamples(split).status());
  const Budget& b = r.budget;
  if (b.max_drop_points && !(*b.max_drop_points >= 0 && *b.max_drop_points <= 100)) {
    return UsageError("--max-drop must lie between 0 and 100 points");
  }
  if (b.max_latency_ms && !(*b.max_latency_ms > 0))
    return UsageError("--max-latency must be above 0");
  return OkStatus();
}

// What measurements depend on. Not the budget: another one may go on from the same measurements.
std::string Fingerprint(const Lock& lock) {
  const Recipe& r = lock.recipe;
  Sha256 hash;
  for (const std::string& part :
       {lock.tool_version, lock.isa, lock.graph_hash, lock.data_sha256, r.calibration_split,
        r.evaluation_split, std::to_string(r.samples), r.observer, r.metric, r.target}) {
    hash.Update(part.c_str(), part.size() + 1);
  }
  return hash.Finish();
}

Status CheckReplay(const Lock& now, const Lock& then) {
  const auto differs = [](const char* what, const std::string& is, const std::string& was) {
    return InvalidInput(std::string(what) + " is not the lock's (" + is.substr(0, 16) + ", not " +
                        was.substr(0, 16) + "): the same bytes cannot come of it");
  };
  if (now.tool_version != then.tool_version) {
    return differs("this version of adze", now.tool_version, then.tool_version);
  }
  if (now.isa != then.isa) {
    return InvalidInput("the lock was made with " + then.isa + ", this is " + now.isa +
                        ": set ADZE_ISA=" + then.isa + " on a CPU that has it");
  }
  if (now.graph_hash != then.graph_hash)
    return differs("the network", now.graph_hash, then.graph_hash);
  if (now.data_sha256 != then.data_sha256)
    return differs("the data", now.data_sha256, then.data_sha256);
  return OkStatus();
}

std::string Sentence(const Climb& climb) {
  const TriedRung& chosen = climb.tried[climb.chosen];
  const size_t in_float = chosen.candidate.float_layers.size();
  std::string network = "int8 everywhere";
  if (in_float > 0) {
    network = "int8 with " + std::to_string(in_float) + (in_float == 1 ? " layer" : " layers") +
              " in float";
  }
  if (climb.met) return network + " meets the budget";
  std::string why;
  for (const std::string& u : chosen.unmet) why += (why.empty() ? "" : ", ") + u;
  return "the budget is not reachable: the best found is " + network + ", but " + why;
}

// The files of a compression, as they lie in the work folder until all are there.
std::vector<EvidenceFile> OutputFiles(const WorkFolder& work) {
  std::vector<EvidenceFile> files;
  const auto add = [&](const std::string& name, const char* what) {
    std::error_code none;
    if (std::filesystem::exists(work.File(name), none)) files.push_back({name, what, 0, ""});
  };
  add(kFloatFile, "the float network, simplified");
  add(std::string(kFloatFile) + ".data", "its weights");
  add(kQuantizedFile, "the compressed network");
  add(std::string(kQuantizedFile) + ".data", "its weights");
  add(kEncodingsFile, "its formats, scales and zero points");
  add(kEncodingsSideFile, "long arrays of the encodings");
  add(kRecipeFile, "what was asked");
  return files;
}

Status CheckFiles(const Lock& now, const Lock& then) {
  for (const auto& [name, hash] : now.files) {
    const auto it = then.files.find(name);
    // The recipe names paths, which may differ.
    if (name != kRecipeFile && (it == then.files.end() || it->second != hash)) {
      return InvalidInput(name + " is not the file that the lock names: it hashes to " + hash);
    }
  }
  return OkStatus();
}

// Everything but the folder's making and removal. `journal` gets the measurements.
Result<CompressResult> CompressIn(const WorkFolder& work, const Graph& graph,
                                  const Dataset& dataset, const CompressOptions& options,
                                  ThreadPool* pool, std::unique_ptr<Journal>* journal) {
  const Recipe& recipe = options.recipe;
  Lock lock;
  lock.recipe = recipe;
  lock.tool_version = options.tool_version;
  lock.isa = IsaName(options.isa);
  ADZE_ASSIGN(lock.model_sha256, Sha256OfFile(recipe.model));
  lock.graph_hash = GraphHash(graph);
  ADZE_ASSIGN(lock.data_sha256, HashSamples(dataset, SplitsOf(recipe), pool, options.progress));
  if (options.replay != nullptr) {
    ADZE_TRY(CheckReplay(lock, *options.replay));
    *journal = Journal::Replay(options.replay->measurements, "the lock");
  } else {
    ADZE_ASSIGN(*journal, Journal::Open(work.File(WorkFolder::kJournal), Fingerprint(lock)));
  }

  CompressResult result;
  NetworkUnderSearch network(graph, dataset, options, work, journal->get(), pool);
  ADZE_TRY(network.Calibrate());
  Graph float_graph = graph;
  ADZE_TRY(RunPipeline(float_graph, "lower_qdq"));
  ADZE_TRY(WriteOnnx(float_graph, work.File(kFloatFile)));
  ADZE_ASSIGN(const Measured before, network.MeasureFloat(work.File(kFloatFile)));
  ADZE_ASSIGN(result.climb, ClimbLadder(recipe.budget, network));
  result.met = result.climb.met;
  result.resumed = (*journal)->resumed();

  const TriedRung& chosen = result.climb.tried[result.climb.chosen];
  ADZE_ASSIGN(const MixedNetwork mixed, network.Build(chosen.candidate));
  ADZE_TRY(network.Write(mixed, work.File(kQuantizedFile)));
  ADZE_TRY(WriteEncodings(mixed.encodings, work.File(kEncodingsFile)));
  ADZE_TRY(WriteFileAtomic(work.File(kRecipeFile), RecipeYaml(recipe)));
  std::vector<EvidenceFile> files = OutputFiles(work);
  for (EvidenceFile& f : files) {
    f.bytes = static_cast<int64_t>(std::filesystem::file_size(work.File(f.name)));
    ADZE_ASSIGN(f.sha256, Sha256OfFile(work.File(f.name)));
    lock.files[f.name] = f.sha256;
  }
  if (options.replay != nullptr) ADZE_TRY(CheckFiles(lock, *options.replay));
  lock.measurements = (*journal)->entries();
  ADZE_ASSIGN(result.evidence, MakeEvidence({graph, dataset, options, lock, network, before,
                                             result.climb, mixed, Sentence(result.climb), files},
                                            pool));
  ADZE_TRY(WriteLock(lock, work.File(kLockFile)));
  files.push_back({kLockFile, "", 0, ""});
  for (const EvidenceFile& f : files) {
    std::error_code error;
    std::filesystem::rename(work.File(f.name), options.folder + "/" + f.name, error);
    if (error) {
      return InvalidInput(options.folder + "/" + f.name + ": cannot write: " + error.message());
    }
  }
  return result;
}

}  // namespace

Result<CompressResult> Compress(const Graph& graph, const Dataset& dataset,
                                const CompressOptions& options, ThreadPool* pool) {
  ADZE_TRY(CheckRecipe(options.recipe, dataset));
  ADZE_TRY(MakeDirectories(options.folder));
  ADZE_ASSIGN(const auto work, WorkFolder::Open(options.folder + "/.work"));
  std::unique_ptr<Journal> journal;
  Result<CompressResult> result = CompressIn(*work, graph, dataset, options, pool, &journal);
  const bool worth_resuming = !result.ok() && options.replay == nullptr && journal != nullptr &&
                              !journal->entries().empty();
  journal.reset();
  if (worth_resuming) return result;
  work->Remove();
  std::error_code ignored;
  if (!result.ok()) std::filesystem::remove(options.folder, ignored);  // only if it is empty
  return result;
}

Result<CompressPlan> PlanCompress(const Graph& graph, const Dataset& dataset,
                                  const CompressOptions& options, ThreadPool* pool) {
  const Recipe& recipe = options.recipe;
  ADZE_TRY(CheckRecipe(recipe, dataset));
  CompressPlan plan;
  QuantSettings settings;
  settings.fuse_activations = FindTarget(recipe.target)->fuses_activations;
  const QuantizationPlan quant = PlanQuantization(graph, settings);
  plan.layers = static_cast<int64_t>(quant.weights.size());
  plan.int8_macs_share = quant.int8_macs_share;
  for (ValueId v = 0; v < graph.num_values(); ++v) {
    const Value& value = graph.value(v);
    if (!value.dead && value.is_constant())
      plan.float_bytes += static_cast<int64_t>(value.constant.bytes());
  }
  // Codes of one byte, one scale per channel and about 100 bytes of names and nodes per tensor.
  plan.int8_bytes = plan.float_bytes + 100 * static_cast<int64_t>(quant.groups.size());
  for (const WeightUse& use : quant.weights) {
    const Tensor& w = graph.value(use.weight).constant;
    plan.int8_bytes -= 3 * w.size();
    plan.int8_bytes += 5 * w.dims()[static_cast<size_t>(use.axis)];
  }
  ADZE_ASSIGN(plan.evaluation_samples, dataset.NumSamples(recipe.evaluation_split));
  ADZE_ASSIGN(const int64_t available, dataset.NumSamples(recipe.calibration_split));
  plan.calibration_samples = std::min(available, recipe.samples);

  ADZE_ASSIGN(const LoweredPlan lowered, Lower(graph, {options.isa, {}}));
  Executor executor(lowered.plan, pool);
  constexpr int64_t kTrials = 8;
  ADZE_ASSIGN(SampleReader reader,
              SampleReader::Create(graph, dataset, recipe.evaluation_split, kTrials, pool));
  double seconds = 0;
  for (int64_t b = 0; b < reader.num_batches(); ++b) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<ConstTensorView> inputs;
    ADZE_TRY(reader.Next(&inputs));
    ADZE_TRY(executor.Run(inputs));
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  const double run = seconds / static_cast<double>(reader.batch_size());
  // Quantizing takes about three runs per calibration sample, evaluating two of both networks.
  plan.first_rung_seconds = run * (3.0 * static_cast<double>(plan.calibration_samples) +
                                   2.0 * static_cast<double>(plan.evaluation_samples));
  plan.more_rung_seconds = run * static_cast<double>(plan.evaluation_samples);
  return plan;
}

Status ChooseSplits(const Dataset& dataset, Recipe* recipe) {
  const std::vector<std::string> names = dataset.split_names();
  const auto first_of = [&](std::initializer_list<const char*> wanted) -> std::string {
    for (const char* name : wanted) {
      if (std::find(names.begin(), names.end(), name) != names.end()) return name;
    }
    return names.size() == 1 ? names[0] : "";
  };
  if (recipe->calibration_split.empty()) {
    recipe->calibration_split = first_of({"calibration", "train"});
  }
  if (recipe->evaluation_split.empty()) {
    recipe->evaluation_split = first_of({"test", "evaluation", "validation"});
  }
  std::string known;
  for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
  if (recipe->calibration_split.empty()) {
    return UsageError(dataset.path() +
                      ": which split to calibrate on? Give --calibration-split: " + known);
  }
  if (recipe->evaluation_split.empty()) {
    return UsageError(dataset.path() +
                      ": which split to judge on? Give --evaluation-split: " + known);
  }
  return OkStatus();
}

}  // namespace adze
