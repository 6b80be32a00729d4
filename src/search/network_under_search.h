// The network that a search works on: builds candidates from one calibrated base and measures them,
// each once.
#ifndef ADZE_SEARCH_NETWORK_UNDER_SEARCH_H_
#define ADZE_SEARCH_NETWORK_UNDER_SEARCH_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "algos/auto_select.h"
#include "algos/keep_float.h"
#include "base/progress.h"
#include "eval/evaluate.h"
#include "search/compress.h"
#include "search/journal.h"
#include "search/ladder.h"
#include "search/work_folder.h"

namespace adze {

// Samples on which output errors of candidates are measured, for a network of so many
// multiply-accumulates that is calibrated on `samples`.
int64_t ScoreSamples(double macs, int64_t samples);

class NetworkUnderSearch : public LadderEnvironment {
 public:
  // All must outlive the object. `graph`: the simplified float network.
  NetworkUnderSearch(const Graph& graph, const Dataset& dataset, const CompressOptions& options,
                     const WorkFolder& work, Journal* journal, ThreadPool* pool);

  // Calibrates, or takes over what interrupted work has calibrated. Call it first.
  Status Calibrate();

  std::span<const Layer> layers() const override { return layers_; }
  Result<std::vector<double>> OutputErrors(
      std::span<const std::set<std::string>> float_layers) override;
  Result<Measured> Measure(const Candidate& candidate) override;

  // The network of a candidate as it is measured and written: results of its last products, and of
  // those before layers in float, have their mean error corrected.
  Result<MixedNetwork> Build(const Candidate& candidate) const;

  // Writes it in the form that the target takes; returns the bytes of the file and what belongs to
  // it.
  Result<int64_t> Write(const MixedNetwork& network, const std::string& path) const;

  const WorkFolder::Base& base() const { return base_; }
  // The figures of the float network: value, size of `float_path`, memory; no drop.
  Result<Measured> MeasureFloat(const std::string& float_path);
  // Output error of the lowest rung and, per layer, with this layer alone in float, if both were
  // measured.
  std::map<std::string, double> KnownGainsDb() const;
  // Stages and what they took, in order, of this process.
  const std::vector<std::pair<std::string, double>>& seconds() const { return seconds_; }
  const QuantizeSettings& settings() const { return settings_; }

 private:
  Result<MixedNetwork> Mix(const std::set<std::string>& float_layers) const;
  // Takes a measurement over that was made before. False if there is none, or one that cannot be
  // read; in a replay the latter is an error.
  Result<bool> Recall(const Journal::Json* known, const std::string& key, Measured* out) const;
  Result<Measured> MeasureNow(const MixedNetwork& network, const std::string& path);
  int64_t NumScoreSamples() const;
  double JudgedSqnr(const EvalResult& result) const;  // of the worst output that it judges

  const Graph& graph_;
  const Dataset& dataset_;
  const CompressOptions& options_;
  const WorkFolder& work_;
  Journal* journal_;
  ThreadPool* pool_;
  QuantizeSettings settings_;
  WorkFolder::Base base_;
  std::vector<Layer> layers_;
  KeptReference reference_;            // of graph_ on the evaluation samples
  ReferenceOutputs score_references_;  // of the equalized network on the samples for errors
  std::vector<std::pair<std::string, double>> seconds_;
};

}  // namespace adze

#endif  // ADZE_SEARCH_NETWORK_UNDER_SEARCH_H_
