#include "search/compress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>

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
constexpr const char* kAdjustedFile = "adjusted.onnx";
constexpr const char* kQuantizedFile = "quantized.onnx";
constexpr const char* kEncodingsFile = "quantized.encodings.json";
constexpr const char* kEncodingsSideFile = "quantized.encodings.safetensors";
constexpr const char* kRecipeFile = "recipe.yaml";
constexpr const char* kLockFile = "recipe.lock";

struct DataHash {
  std::string sha256;  // over everything that networks and metrics see of both splits
  int64_t shared = 0;  // samples of the evaluation split that the calibration split has too
};

Result<std::vector<std::string>> HashSplit(const Dataset& dataset, const std::string& split,
                                           ThreadPool* pool, ProgressSink* progress) {
  constexpr int64_t kAtOnce = 64;
  ADZE_ASSIGN(const int64_t count, dataset.NumSamples(split));
  ProgressScope scope(progress, count, "samples", "hashing data");
  std::vector<std::string> hashes(static_cast<size_t>(count));
  for (int64_t begin = 0; begin < count; begin += kAtOnce) {
    const int64_t size = std::min(kAtOnce, count - begin);
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
      hashes[static_cast<size_t>(begin + i)] = hash.Finish();
    });
    for (const Status& s : statuses) ADZE_TRY(s);
    scope.Advance(size);
  }
  return hashes;
}

Result<DataHash> HashData(const Dataset& dataset, const Recipe& recipe, ThreadPool* pool,
                          ProgressSink* progress) {
  Sha256 all;
  const auto add = [&](const std::string& text) { all.Update(text.c_str(), text.size() + 1); };
  const EvaluateSpec& judged = dataset.evaluate();
  add(judged.output_name);
  add(std::to_string(judged.output_index) + (judged.drop_first_class ? " dropped" : ""));
  DataHash out;
  ADZE_ASSIGN(const std::vector<std::string> calibration,
              HashSplit(dataset, recipe.calibration_split, pool, progress));
  for (const std::string& h : calibration) add(h);
  if (recipe.evaluation_split == recipe.calibration_split) {
    out.shared = static_cast<int64_t>(calibration.size());
  } else {
    ADZE_ASSIGN(const std::vector<std::string> evaluation,
                HashSplit(dataset, recipe.evaluation_split, pool, progress));
    const std::set<std::string> known(calibration.begin(), calibration.end());
    for (const std::string& h : evaluation) {
      add(h);
      out.shared += known.contains(h) ? 1 : 0;
    }
  }
  out.sha256 = all.Finish();
  return out;
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
  if ((metric->needs & kNeedsLabel) != 0 && !dataset.has_labels()) {
    return UsageError("metric '" + r.metric + "' needs labels, " + dataset.path() +
                      " has none; --metric flip_rate needs none");
  }
  ADZE_TRY(dataset.NumSamples(r.calibration_split).status());
  ADZE_TRY(dataset.NumSamples(r.evaluation_split).status());
  const Budget& b = r.budget;
  if (b.max_drop_points && !(*b.max_drop_points >= 0 && *b.max_drop_points <= 100)) {
    return UsageError("--max-drop must lie between 0 and 100 points");
  }
  if (b.max_latency_ms && !(*b.max_latency_ms > 0 && std::isfinite(*b.max_latency_ms))) {
    return UsageError("--max-latency must be a number of milliseconds above 0");
  }
  if (b.max_size_bytes && *b.max_size_bytes <= 0) return UsageError("--max-size must be above 0");
  if (b.max_memory_bytes && *b.max_memory_bytes <= 0) {
    return UsageError("--max-memory must be above 0");
  }
  return OkStatus();
}

// Every rate compares arg-maxima: of the judged output there must be something to choose from.
Status CheckJudged(const Graph& graph, const Dataset& dataset, const Recipe& recipe,
                   std::vector<std::string>* warnings) {
  const EvaluateSpec& spec = dataset.evaluate();
  const std::vector<ValueId>& outputs = graph.top().outputs;
  std::string others;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Value& v = graph.value(outputs[i]);
    const bool judged = spec.output_name.empty() ? i == static_cast<size_t>(spec.output_index)
                                                 : v.name == spec.output_name;
    if (!judged) {
      others += (others.empty() ? "'" : ", '") + v.name + "'";
      continue;
    }
    if (!v.type.shape) continue;
    int64_t classes = 1;
    int axes = 0;
    for (size_t d = 1; d < v.type.shape->size(); ++d) {
      const Dim& dim = (*v.type.shape)[d];
      axes += !dim.is_const() || dim.value() > 1;
      classes *= dim.is_const() ? dim.value() : 2;
    }
    if (classes < 2) {
      return Unsupported("output '" + v.name + "' is one number per sample: " + recipe.metric +
                         " compares which of several is the largest, and says nothing about it");
    }
    if (axes > 1) {
      warnings->push_back(recipe.metric + " asks which of all numbers of output '" + v.name +
                          "' is the largest; for detection or segmentation that says little");
    }
  }
  if (!others.empty()) warnings->push_back("not judged: output " + others);
  return OkStatus();
}

// The outputs must not replace what they are made from.
Status CheckOverwrite(const CompressOptions& options) {
  for (const char* name : {kFloatFile, kAdjustedFile, kQuantizedFile, kEncodingsFile,
                           kEncodingsSideFile, kRecipeFile, kLockFile}) {
    for (const std::string& source : {options.recipe.model, options.recipe.data}) {
      std::error_code none;
      if (std::filesystem::equivalent(options.folder + "/" + name, source, none)) {
        return UsageError("--out " + options.folder + " would replace " + source +
                          "; give another folder");
      }
    }
  }
  return OkStatus();
}

// What a reader of the result should know.
void AddWarnings(const Recipe& recipe, const Climb& climb, const Measured& before,
                 const DataHash& data, int64_t evaluated, bool replayed,
                 std::vector<std::string>* warnings) {
  const auto add = [&](const char* format, auto... args) {
    char text[300];
    std::snprintf(text, sizeof(text), format, args...);
    warnings->push_back(text);
  };
  const Measured& chosen = climb.tried[climb.chosen].measured;
  if (data.shared > 0) {
    add("%lld of the %lld samples that judge were calibrated on as well: the drop on others may be "
        "larger",
        static_cast<long long>(data.shared), static_cast<long long>(evaluated));
  }
  if (recipe.samples < 64) {
    add("calibrated on at most %lld samples: 64 to 512 are usual",
        static_cast<long long>(recipe.samples));
  }
  const auto& drop = recipe.budget.max_drop_points;
  const auto& ci = chosen.drop_ci95_points;
  if (climb.met && drop && ci && ci->high > *drop) {
    add("the drop meets the budget on these samples, but its 95 %% interval reaches %.2f points: "
        "more evaluation samples would tell",
        ci->high);
  }
  if (drop && *drop > 0 && 100.0 / static_cast<double>(evaluated) > *drop) {
    add("one of the %lld samples is %.2f points, more than the budget",
        static_cast<long long>(evaluated), 100.0 / static_cast<double>(evaluated));
  }
  if (climb.tried.size() > 1) {
    add("%lld networks were judged on the same samples, which favours the chosen one a little; the "
        "interval does not count that",
        static_cast<long long>(climb.tried.size()));
  }
  if (chosen.size_bytes >= before.size_bytes) {
    add("the compressed file is not smaller than the float file: names, scales and nodes outweigh "
        "the weights");
  }
  if (replayed) add("replayed from a lock file: accuracy and rungs are as measured then");
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
  if (now.fingerprint != then.fingerprint) {
    return differs("a setting in the recipe", now.fingerprint, then.fingerprint);
  }
  return OkStatus();
}

std::string Sentence(const Climb& climb, size_t layers) {
  const TriedRung& chosen = climb.tried[climb.chosen];
  const size_t in_float = chosen.candidate.float_layers.size();
  std::string network = "int8 everywhere";
  if (in_float > 0) {
    network = "int8 with " + std::to_string(in_float) + " of " + std::to_string(layers) +
              " layers in float";
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
  add(kAdjustedFile,
      "the float network that the encodings belong to: equalized, rounded, corrected");
  add(std::string(kAdjustedFile) + ".data", "its weights");
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
  ADZE_ASSIGN(const DataHash data, HashData(dataset, recipe, pool, options.progress));
  lock.data_sha256 = data.sha256;
  lock.fingerprint = Fingerprint(lock);
  if (options.replay != nullptr) {
    ADZE_TRY(CheckReplay(lock, *options.replay));
    *journal = Journal::Replay(options.replay->measurements, "the lock");
  } else {
    ADZE_ASSIGN(*journal, Journal::Open(work.File(WorkFolder::kJournal), lock.fingerprint));
  }

  CompressResult result;
  std::vector<std::string> warnings;
  ADZE_TRY(CheckJudged(graph, dataset, recipe, &warnings));
  NetworkUnderSearch network(graph, dataset, options, work, journal->get(), pool);
  ADZE_TRY(network.Calibrate());
  if (network.layers().empty()) {
    return Unsupported(
        "no convolution or matrix product of it can be quantized: there is nothing "
        "to compress");
  }
  const auto write_float = [&](Graph copy, const char* name) -> Status {
    copy.metadata = graph.metadata;
    ADZE_TRY(RunPipeline(copy, "lower_qdq"));
    return WriteOnnx(copy, work.File(name));
  };
  ADZE_TRY(write_float(graph, kFloatFile));
  ADZE_ASSIGN(const Measured before, network.MeasureFloat(work.File(kFloatFile)));
  ADZE_ASSIGN(result.climb, ClimbLadder(recipe.budget, network));
  result.met = result.climb.met;
  result.resumed = (*journal)->resumed();

  const TriedRung& chosen = result.climb.tried[result.climb.chosen];
  ADZE_ASSIGN(const MixedNetwork mixed, network.Build(chosen.candidate));
  ADZE_ASSIGN(const int64_t bytes, network.Write(mixed, work.File(kQuantizedFile)));
  if (bytes != chosen.measured.size_bytes) {
    return InvalidInput("the compressed file has " + std::to_string(bytes) +
                        " bytes, but was measured with " +
                        std::to_string(chosen.measured.size_bytes));
  }
  ADZE_TRY(write_float(mixed.adjusted, kAdjustedFile));
  ADZE_TRY(WriteEncodings(mixed.encodings, work.File(kEncodingsFile)));
  ADZE_TRY(WriteFileAtomic(work.File(kRecipeFile), RecipeYaml(recipe)));
  std::vector<EvidenceFile> files = OutputFiles(work);
  for (EvidenceFile& f : files) {
    f.bytes = static_cast<int64_t>(std::filesystem::file_size(work.File(f.name)));
    ADZE_ASSIGN(f.sha256, Sha256OfFile(work.File(f.name)));
    lock.files[f.name] = f.sha256;
  }
  if (options.replay != nullptr) ADZE_TRY(CheckFiles(lock, *options.replay));
  lock.measurements = (*journal)->used();
  ADZE_ASSIGN(const int64_t evaluated, dataset.NumSamples(recipe.evaluation_split));
  AddWarnings(recipe, result.climb, before, data, evaluated, options.replay != nullptr, &warnings);
  ADZE_ASSIGN(result.evidence,
              MakeEvidence({graph, dataset, options, lock, network, before, result.climb, mixed,
                            Sentence(result.climb, network.layers().size()), files, warnings},
                           pool));
  if (options.describe) {
    ADZE_ASSIGN(const auto described, options.describe(result.evidence));
    for (const auto& [name, contents] : described) {
      ADZE_TRY(WriteFileAtomic(work.File(name), contents));
      files.push_back({name, "", 0, ""});
    }
  }
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
  ADZE_TRY(CheckOverwrite(options));
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
  std::vector<double> seconds;
  for (int64_t b = 0; b < reader.num_batches(); ++b) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<ConstTensorView> inputs;
    ADZE_TRY(reader.Next(&inputs));
    ADZE_TRY(executor.Run(inputs));
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  const double run = seconds[seconds.size() / 2] / static_cast<double>(reader.batch_size());
  // Quantizing takes about three runs per calibration sample, evaluating two of both networks.
  plan.first_rung_seconds = run * (3.0 * static_cast<double>(plan.calibration_samples) +
                                   2.0 * static_cast<double>(plan.evaluation_samples));
  // A further rung: one evaluation, and about nine networks on 64 samples to choose the layer.
  plan.more_rung_seconds = run * (static_cast<double>(plan.evaluation_samples) + 9 * 64);
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
