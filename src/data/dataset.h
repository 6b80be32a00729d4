// A data set: real inputs of a network, described by one YAML file (docs/data.md) that names the
// source, the preprocessing, the labels and the splits.
#ifndef ADZE_DATA_DATASET_H_
#define ADZE_DATA_DATASET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/source.h"
#include "ops/tensor.h"

namespace adze {

// One sample, ready for the network. Inputs are in the order of Dataset::input_names() and have no
// batch dimension: an image is [C,H,W] or [H,W,C]. BatchReader adds it.
struct Sample {
  std::vector<Tensor> inputs;
  std::optional<int64_t> label;
  std::string id;  // for messages and reports: the file name, or "#12"
};

// How the network's outputs are judged on this data (`evaluate:` in the YAML).
struct EvaluateSpec {
  std::string metric;       // a name of eval/metric_list.inc; empty: top1 with labels, else none
  std::string output_name;  // which output; empty: output_index
  int output_index = 0;
  bool output_given = false;      // the file says which; else compress judges the SQNR of all
  bool drop_first_class = false;  // class 0 of the output is "background" and has no label
};

// Immutable after OpenDataset; all methods are thread-safe.
class Dataset {
 public:
  const std::string& path() const { return path_; }
  // One per input of the network; an empty name means "by position".
  const std::vector<std::string>& input_names() const { return input_names_; }
  const EvaluateSpec& evaluate() const { return evaluate_; }
  bool has_labels() const { return !labels_.empty(); }
  // False: samples have the network's full shape already; batches hold one sample and get no batch
  // dimension.
  bool batched() const { return batched_; }

  // Names of the splits, sorted; "all" is always one of them.
  std::vector<std::string> split_names() const;
  // Refuses an unknown split, listing the known ones. Never 0.
  Result<int64_t> NumSamples(const std::string& split) const;
  // Sample `index` of `split`, 0 <= index < NumSamples(split). Decodes and preprocesses:
  // milliseconds for images.
  Status Read(const std::string& split, int64_t index, Sample* sample) const;

 private:
  friend class DatasetParser;
  Dataset() = default;
  Result<const std::vector<int64_t>*> FindSplit(const std::string& split) const;

  std::string path_;
  std::vector<std::string> input_names_;
  std::vector<std::unique_ptr<InputSource>> inputs_;  // all of the same size
  std::vector<int64_t> labels_;                       // empty or one per sample
  EvaluateSpec evaluate_;
  bool batched_ = true;
  std::map<std::string, std::vector<int64_t>> splits_;  // indices into the sources
};

// Reads the description and opens its sources: lists files, maps or unpacks arrays, reads labels;
// decodes no image. Every refusal is one sentence beginning with the YAML file and line, or with
// the data file that is wrong.
Result<std::unique_ptr<Dataset>> OpenDataset(const std::string& yaml_path);

}  // namespace adze

#endif  // ADZE_DATA_DATASET_H_
