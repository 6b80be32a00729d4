// adze quantize: a float network and data in, an int8 network and its encodings out.
#include "algos/quantize.h"

#include <chrono>
#include <cstdio>
#include <set>

#include "algos/weight_only.h"
#include "base/old_files.h"
#include "calib/observers/observer.h"
#include "calib/stage_progress.h"
#include "cli/command.h"
#include "cli/quantize_report.h"
#include "cli/terminal_progress.h"
#include "data/dataset.h"
#include "formats/encodings/encodings.h"
#include "formats/onnx/onnx.h"
#include "passes/pass.h"

namespace adze::cli {
namespace {

struct QuantizeCommand {
  CommonOptions common;
  std::string model, data, out, encodings, statistics, float_out, form = "qdq";
  bool symmetric = false;
  bool no_float_tail = false;
  bool no_fused_activations = false;
  bool no_bias_correction = false;
  bool no_equalization = false;
  bool no_adaptive_rounding = false;
  bool reduce_range = false;
  bool weight_only = false;
  int weight_bits = 8;
  int activation_bits = 8;
  std::string weight_format;
  int64_t block_size = -1;
  std::vector<std::string> keep_float, keep_int8;
  QuantizeSettings settings;
};

// Layers by the names of their nodes or of their results, or "first" and "last" where no layer is
// called so, as the names of their results.
Result<std::set<std::string>> FindLayers(const Graph& graph, const std::vector<std::string>& names,
                                         const char* option) {
  std::vector<const Node*> layers;
  for (const NodeId id : graph.top().nodes) {
    const OpDef* const def = FindOp(graph.node(id).op);
    if (def != nullptr && def->quant.kind == QuantKind::kCompute) {
      layers.push_back(&graph.node(id));
    }
  }
  std::set<std::string> results;
  for (const std::string& name : names) {
    const size_t before = results.size();
    for (const Node* n : layers) {
      const std::string& result = graph.value(n->outputs[0]).name;
      if (n->name == name || result == name) results.insert(result);
    }
    if (results.size() != before || layers.empty()) continue;
    const bool first = name == "first";
    if (!first && name != "last") {
      return UsageError(option + (" " + name) + ": no convolution or matrix product has that name");
    }
    results.insert(graph.value((first ? layers.front() : layers.back())->outputs[0]).name);
  }
  return results;
}

bool IsOnnx(const std::string& path) { return path.ends_with(".onnx"); }

Status CheckWeightOnly(const QuantizeCommand& o) {
  if (o.form != "qdq") {
    return UsageError("--form " + o.form + ": operators on integers need integer activations");
  }
  if (!o.statistics.empty()) {
    return UsageError("--save-statistics: --weight-only takes no statistics of activations");
  }
  if (o.activation_bits != 8) return UsageError("--activation-bits: activations stay float");
  if (o.reduce_range) return UsageError("--reduce-range: it is for integer products");
  if (!o.weight_format.empty() && o.weight_bits != 8) {
    return UsageError(
        "--weight-bits and --weight-format both say how weights are stored; give one");
  }
  if (o.data.empty() && !o.float_out.empty()) {
    return UsageError("--save-float: without --data it is the network as given");
  }
  return OkStatus();
}

// Options that cannot work together are refused before hours of calibration.
Status CheckOutputs(const QuantizeCommand& o) {
  if (o.data.empty() && !o.weight_only) {
    return UsageError("--data is required (only --weight-only does without)");
  }
  if (o.out.empty() && o.encodings.empty()) {
    return UsageError("nothing to write: give --out, --encodings or both");
  }
  for (const auto& [option, path] :
       {std::pair{"--out ", &o.out}, {"--save-float ", &o.float_out}}) {
    if (!path->empty() && !IsOnnx(*path) && !path->ends_with(".adzir")) {
      return UsageError(option + *path + ": adze writes .onnx and .adzir");
    }
  }
  if (o.weight_only) return CheckWeightOnly(o);
  if (!o.weight_format.empty() || o.block_size >= 0) {
    return UsageError("--weight-format and --block-size need --weight-only");
  }
  if (o.out.empty() || IsOnnx(o.out)) return OkStatus();
  return o.form == "qdq" ? OkStatus()
                         : UsageError("--form " + o.form + " needs an .onnx file as --out");
}

Status WriteQuantized(const Graph& graph, const QuantizeCommand& o) {
  if (!IsOnnx(o.out)) return WriteModel(graph, o.out);
  Graph copy = graph;
  ADZE_TRY(RunPipeline(copy, o.form == "qdq" ? "lower_qdq" : "lower_qoperator"));
  return WriteOnnx(copy, o.out);
}

// All files or none: after a failure everything is as it was.
Status WriteAll(const Graph& graph, const Encodings& encodings, const Statistics& statistics,
                const Graph& adjusted, const QuantizeCommand& o) {
  Status status;
  OldFiles old;
  const auto write = [&](const std::string& path, const std::function<Status()>& writer) {
    if (path.empty() || !status.ok()) return;
    status = old.Keep(path);
    if (status.ok()) status = writer();
  };
  write(o.out, [&] { return WriteQuantized(graph, o); });
  write(o.encodings, [&] { return WriteEncodings(encodings, o.encodings); });
  write(o.statistics, [&] { return WriteStatistics(statistics, o.statistics); });
  write(o.float_out, [&] { return WriteModel(adjusted, o.float_out); });
  if (status.ok()) old.Forget();
  return status;
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Status QuantizeWeightsOnly(const QuantizeCommand& o) {
  const auto start = std::chrono::steady_clock::now();
  WeightOnlySettings settings;
  const std::string format =
      o.weight_format.empty() ? "int" + std::to_string(o.weight_bits) : o.weight_format;
  settings.format = FindNumberFormat(format);
  if (settings.format == nullptr) {
    return UsageError("--weight-format " + format +
                      ": no format of weights; see adze list formats");
  }
  if (o.block_size >= 0) settings.block_size = o.block_size;
  std::unique_ptr<Dataset> dataset;
  if (!o.data.empty()) {
    ADZE_ASSIGN(dataset, OpenDataset(o.data));
  }
  ADZE_ASSIGN(Graph graph, ReadForExecution(o.model));
  ADZE_TRY(CheckFloat(graph, o.model));
  ADZE_ASSIGN(settings.keep_float, FindLayers(graph, o.keep_float, "--keep-float"));
  ADZE_ASSIGN(settings.keep_int8, FindLayers(graph, o.keep_int8, "--keep-int8"));
  settings.reconstruct = !o.no_adaptive_rounding;
  settings.bias_correction = !o.no_bias_correction;
  settings.split = o.settings.split;
  settings.samples = o.settings.samples;
  ADZE_ASSIGN(settings.isa, ChooseIsa());
  const std::unique_ptr<ProgressSink> bar = MakeTerminalProgress();
  ThreadPool pool(o.common.threads);
  const Result<WeightOnlyResult> result = [&] {
    StageProgress stages(bar.get());
    settings.progress = stages.Function();
    return QuantizeWeights(graph, dataset.get(), settings, &pool);
  }();
  if (!result.ok()) return result.status().WithContext(o.model);
  ADZE_TRY(WriteAll(result->graph, result->encodings, {}, result->adjusted, o));
  if (o.common.json) {
    PrintJson(QuantizeReportJson(*result, *settings.format, SecondsSince(start)));
  } else {
    PrintQuantizeReport(*result, *settings.format, SecondsSince(start));
  }
  return OkStatus();
}

Status Quantize(const QuantizeCommand& o) {
  const auto start = std::chrono::steady_clock::now();
  ADZE_TRY(CheckOutputs(o));
  if (o.weight_only) return QuantizeWeightsOnly(o);
  ADZE_ASSIGN(const auto dataset, OpenDataset(o.data));
  ADZE_ASSIGN(Graph graph, ReadForExecution(o.model));
  ADZE_TRY(RunPipeline(graph, "gates"));
  ADZE_TRY(CheckFloat(graph, o.model));
  QuantizeSettings settings = o.settings;
  settings.quant.symmetric_activations = o.symmetric;
  settings.quant.float_tail = !o.no_float_tail;
  ADZE_ASSIGN(settings.quant.keep_float, FindLayers(graph, o.keep_float, "--keep-float"));
  ADZE_ASSIGN(settings.quant.keep_int8, FindLayers(graph, o.keep_int8, "--keep-int8"));
  settings.quant.fuse_activations = !o.no_fused_activations;
  settings.bias_correction = !o.no_bias_correction;
  settings.equalization = !o.no_equalization;
  settings.adaptive_rounding = !o.no_adaptive_rounding;
  if (o.reduce_range) settings.quant.weight_limit = 63;
  settings.quant.weight_bits = o.weight_bits;
  settings.quant.activation = IntegerOf(o.activation_bits, false);
  ADZE_ASSIGN(settings.isa, ChooseIsa());
  const std::unique_ptr<ProgressSink> bar = MakeTerminalProgress();
  ThreadPool pool(o.common.threads);
  const Result<QuantizeResult> result = [&] {
    StageProgress stages(bar.get());
    settings.progress = stages.Function();
    return QuantizeModel(graph, *dataset, settings, &pool);
  }();
  if (!result.ok()) return result.status().WithContext(o.model);
  ADZE_TRY(WriteAll(result->graph, result->encodings, result->statistics, result->adjusted, o));
  if (o.common.json) {
    PrintJson(QuantizeReportJson(*result, SecondsSince(start)));
  } else {
    PrintQuantizeReport(*result, SecondsSince(start));
  }
  return OkStatus();
}

}  // namespace

void RegisterQuantize(CLI::App& app, Action* action) {
  std::vector<std::string> observers = {"auto"};
  for (const ObserverDef* d : AllObservers()) observers.push_back(d->name);
  auto o = std::make_shared<QuantizeCommand>();
  CLI::App* c = app.add_subcommand("quantize", "quantize a float network to int8 on real data");
  c->add_option("model", o->model, "float network (.onnx or .adzir)")->required();
  c->add_option("--data", o->data,
                "calibration data set (docs/data.md); --weight-only does without");
  c->add_option("--out", o->out, "quantized network (.onnx or .adzir)");
  c->add_option("--encodings", o->encodings, "the decision as a file (docs/encodings.md)");
  c->add_option("--save-float", o->float_out,
                "the float network that the encodings belong to: equalized, biases corrected");
  c->add_option("--save-statistics", o->statistics, "the collected statistics as a file");
  c->add_option("--form", o->form,
                "how the .onnx says it: qdq (Quantize/DequantizeLinear) or qoperator (QLinear*)")
      ->check(CLI::IsMember({"qdq", "qoperator"}))
      ->capture_default_str();
  c->add_option(
       "--calibration", o->settings.observer,
       "how ranges are chosen: auto (measured per tensor) or an observer (adze list observers)")
      ->check(CLI::IsMember(observers))
      ->capture_default_str();
  c->add_option("--percentile", o->settings.percentile, "of the percentile observer")
      ->check(CLI::Range(50.0, 100.0))
      ->capture_default_str();
  c->add_option("--split", o->settings.split, "split of the data set")->capture_default_str();
  c->add_option("--samples", o->settings.samples, "calibration samples at most")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  c->add_flag("--symmetric", o->symmetric, "activations with zero point 128 instead of asymmetric");
  c->add_flag("--no-float-tail", o->no_float_tail,
              "quantize what follows the last convolution or matrix product as well");
  c->add_flag("--no-fused-activations", o->no_fused_activations,
              "quantize between a convolution and its Silu, HardSwish, Sigmoid … as well (ONNX "
              "Runtime runs such convolutions on integers only then)");
  c->add_flag("--no-bias-correction", o->no_bias_correction,
              "leave biases as they are instead of taking back the mean error of rounding");
  c->add_flag("--no-equalization", o->no_equalization,
              "leave the channels between convolutions as they are");
  c->add_flag("--no-adaptive-rounding", o->no_adaptive_rounding,
              "round every weight to its nearest code");
  c->add_option("--keep-float", o->keep_float,
                "name of a convolution or matrix product that stays float; may repeat");
  c->add_flag("--weight-only", o->weight_only,
              "quantize weights and leave activations in float; without --data to the nearest "
              "numbers");
  c->add_option(
      "--weight-format", o->weight_format,
      "number format of weights, with --weight-only (adze list formats); int8 if not given");
  c->add_option(
       "--block-size", o->block_size,
       "inputs of a channel that share a scale, with --weight-only; 0: all of them; as the "
       "format says if not given")
      ->check(CLI::Range(0, 1 << 20));
  c->add_option("--weight-bits", o->weight_bits, "bits of a weight")
      ->check(CLI::Range(2, 8))
      ->capture_default_str();
  c->add_option("--activation-bits", o->activation_bits, "bits of an activation")
      ->check(CLI::Range(2, 8))
      ->capture_default_str();
  c->add_option("--keep-int8", o->keep_int8,
                "layer whose weights and input keep 8 bits, by the name of its node or result, or "
                "'first' or 'last'; may repeat");
  c->add_flag("--reduce-range", o->reduce_range,
              "weights of 7 bits, for consumers that saturate on CPUs without VNNI (ONNX Runtime, "
              "OpenVINO)");
  AddThreads(*c, &o->common);
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Quantize(*o); }; });
}

}  // namespace adze::cli
