#include "search/compress.h"

#include <filesystem>

#include "base/file.h"
#include "formats/onnx/onnx.h"
#include "ir/sha256.h"
#include "passes/pass.h"
#include "search/checks.h"
#include "search/data_hash.h"
#include "search/evidence.h"
#include "search/network_under_search.h"
#include "search/outputs.h"

namespace adze {
namespace {

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

// Hashes and names of all that the search depends on; refuses a replay of something else.
Result<Lock> MakeLock(const Graph& graph, const DataHash& data, const CompressOptions& options) {
  Lock lock;
  lock.recipe = options.recipe;
  lock.tool_version = options.tool_version;
  lock.isa = IsaName(options.isa);
  ADZE_ASSIGN(lock.model_sha256, Sha256OfFile(options.recipe.model));
  lock.graph_hash = GraphHash(graph);
  lock.data_sha256 = data.sha256;
  lock.fingerprint = Fingerprint(lock);
  if (options.replay != nullptr) ADZE_TRY(CheckReplay(lock, *options.replay));
  return lock;
}

Status WriteFloat(const Graph& network, const ModelMetadata& metadata, const std::string& path) {
  Graph copy = network;
  copy.metadata = metadata;
  ADZE_TRY(RunPipeline(copy, "lower_qdq"));
  return WriteOnnx(copy, path);
}

// The chosen network and what belongs to it, into the work folder.
Status WriteNetwork(const NetworkUnderSearch& network, const MixedNetwork& mixed,
                    const Measured& measured, const Graph& graph, const Recipe& recipe,
                    const WorkFolder& work) {
  ADZE_ASSIGN(const int64_t bytes, network.Write(mixed, work.File(kQuantizedFile)));
  if (bytes != measured.size_bytes) {
    return InvalidInput("the compressed file has " + std::to_string(bytes) +
                        " bytes, but was measured with " + std::to_string(measured.size_bytes));
  }
  ADZE_TRY(WriteFloat(mixed.adjusted, graph.metadata, work.File(kAdjustedFile)));
  ADZE_TRY(WriteEncodings(mixed.encodings, work.File(kEncodingsFile)));
  return WriteFileAtomic(work.File(kRecipeFile), RecipeYaml(recipe));
}

// Everything but the folder's making and removal. `journal` gets the measurements.
Result<CompressResult> CompressIn(const WorkFolder& work, const Graph& graph,
                                  const Dataset& dataset, const CompressOptions& options,
                                  ThreadPool* pool, std::unique_ptr<Journal>* journal) {
  const Recipe& recipe = options.recipe;
  std::vector<std::string> warnings;
  ADZE_TRY(CheckJudged(graph, dataset, recipe, &warnings));
  ADZE_ASSIGN(const DataHash data, HashData(dataset, recipe, pool, options.progress));
  ADZE_ASSIGN(Lock lock, MakeLock(graph, data, options));
  if (options.replay != nullptr) {
    *journal = Journal::Replay(options.replay->measurements, "the lock");
  } else {
    ADZE_ASSIGN(*journal, Journal::Open(work.File(WorkFolder::kJournal), lock.fingerprint));
    if (const int64_t dropped = (*journal)->dropped(); dropped > 0 && options.note) {
      options.note("interrupted work in " + options.folder +
                   " had other options, data or network and is dropped (measurements: " +
                   std::to_string(dropped) + ")");
    }
  }
  ClearOutputs(work);

  CompressResult result;
  NetworkUnderSearch network(graph, dataset, options, work, journal->get(), pool);
  ADZE_TRY(network.Calibrate());
  if (network.layers().empty()) return NothingToCompress();
  ADZE_TRY(WriteFloat(graph, graph.metadata, work.File(kFloatFile)));
  ADZE_ASSIGN(const Measured before, network.MeasureFloat(work.File(kFloatFile)));
  ADZE_ASSIGN(result.climb, ClimbLadder(recipe.budget, network));
  result.met = result.climb.met;
  result.resumed = (*journal)->resumed();

  const TriedRung& chosen = result.climb.tried[result.climb.chosen];
  ADZE_ASSIGN(const MixedNetwork mixed, network.Build(chosen.candidate));
  ADZE_TRY(WriteNetwork(network, mixed, chosen.measured, graph, recipe, work));
  ADZE_ASSIGN(std::vector<OutputFile> files, ListOutputs(work));
  for (const OutputFile& f : files) lock.files[f.name] = f.sha256;
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
  ADZE_TRY(MoveOutputs(work, files, options.folder));
  return result;
}

}  // namespace

Status NothingToCompress() {
  return Unsupported(
      "no convolution or matrix product of it can be quantized: there is nothing to compress");
}

Result<CompressResult> Compress(const Graph& graph, const Dataset& dataset,
                                const CompressOptions& options, ThreadPool* pool) {
  ADZE_TRY(CheckRecipe(options.recipe, dataset));
  ADZE_TRY(CheckOverwrite(options.folder, options.recipe.model, options.recipe.data));
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

}  // namespace adze
