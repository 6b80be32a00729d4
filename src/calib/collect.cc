#include "calib/collect.h"

#include <algorithm>
#include <cstring>

#include "lower/lower.h"
#include "quant/quantization_plan.h"
#include "runtime/executor.h"

namespace adze {
namespace {

constexpr int64_t kDecodeAhead = 8;       // samples in memory at a time
constexpr int64_t kBatchesPerThread = 4;  // between two meetings of the threads
constexpr int64_t kMaxLanes = 16;         // each holds an arena and records

Result<Feed> MakeFeed(const Graph& graph, const Dataset& dataset) {
  std::vector<NetworkInput> network;
  for (const ValueId id : graph.top().inputs) {
    const Value& v = graph.value(id);
    if (!v.type.shape) return Unsupported("input '" + v.name + "' has no shape");
    network.push_back({v.name, v.type.dtype, *v.type.shape});
  }
  return Feed::Create(std::move(network), dataset);
}

// [n, ...] from n tensors of equal type and dims.
Result<Tensor> Stack(const std::vector<const Tensor*>& parts) {
  const Tensor& first = *parts[0];
  std::vector<int64_t> dims = first.dims();
  dims.insert(dims.begin(), static_cast<int64_t>(parts.size()));
  if (parts.size() == 1) return first.Reshaped(std::move(dims));
  ADZE_ASSIGN(Tensor out, Tensor::TryAllocate(first.dtype(), std::move(dims)));
  std::byte* p = static_cast<std::byte*>(out.mutable_raw());
  for (const Tensor* t : parts) {
    if (t->dtype() != first.dtype() || t->dims() != first.dims()) {
      return InvalidInput("samples of one batch differ in shape");
    }
    std::memcpy(p, t->raw(), t->bytes());
    p += t->bytes();
  }
  return out;
}

}  // namespace

Result<SampleReader> SampleReader::Create(const Graph& graph, const Dataset& dataset,
                                          const std::string& split, int64_t samples,
                                          ThreadPool* pool) {
  ADZE_ASSIGN(Feed feed, MakeFeed(graph, dataset));
  ADZE_ASSIGN(const int64_t available, dataset.NumSamples(split));
  SampleReader reader(std::move(feed), dataset, split, pool);
  reader.batch_ = dataset.batched() ? reader.feed_.BatchSize(1) : 1;
  int64_t count = samples <= 0 ? available : std::min(samples, available);
  count -= count % reader.batch_;
  if (count == 0) {
    return InvalidInput(dataset.path() + ": split '" + split + "' has " +
                        std::to_string(available) + " samples, the network takes " +
                        std::to_string(reader.batch_) + " at a time");
  }
  for (int64_t i = 0; i < count; ++i) reader.indices_.push_back(i * available / count);
  return reader;
}

int64_t SampleReader::num_batches() const { return static_cast<int64_t>(indices_.size()) / batch_; }

Status SampleReader::Decode() {
  const size_t left = indices_.size() - next_;
  const int64_t ahead = std::max(kDecodeAhead / batch_, int64_t{1}) * batch_;
  const size_t count = std::min(left, static_cast<size_t>(ahead));
  decoded_.assign(count, {});
  used_ = 0;
  std::vector<Status> statuses(count);
  pool_->ParallelFor(static_cast<int64_t>(count), [&](int64_t i, int) {
    const size_t k = static_cast<size_t>(i);
    statuses[k] = dataset_->Read(split_, indices_[next_ + k], &decoded_[k]);
  });
  next_ += count;
  for (const Status& s : statuses) ADZE_TRY(s);
  return OkStatus();
}

Status SampleReader::Next(Batch* batch) {
  if (used_ == decoded_.size()) ADZE_TRY(Decode());
  const Sample& first = decoded_[used_];
  batch->id = first.id;
  batch->tensors.clear();
  for (size_t input = 0; input < first.inputs.size(); ++input) {
    if (!dataset_->batched()) {
      batch->tensors.push_back(first.inputs[input]);
      continue;
    }
    std::vector<const Tensor*> parts;
    for (int64_t b = 0; b < batch_; ++b) {
      parts.push_back(&decoded_[used_ + static_cast<size_t>(b)].inputs[input]);
    }
    Result<Tensor> stacked = Stack(parts);
    if (!stacked.ok()) return stacked.status().WithContext("sample '" + batch->id + "'");
    batch->tensors.push_back(std::move(stacked).value());
  }
  batch->labels.clear();
  for (int64_t b = 0; b < batch_; ++b) {
    batch->labels.push_back(decoded_[used_ + static_cast<size_t>(b)].label);
  }
  used_ += static_cast<size_t>(batch_);
  Result<std::vector<ConstTensorView>> views = feed_.Order(batch->tensors);
  if (!views.ok()) return views.status().WithContext("sample '" + batch->id + "'");
  batch->inputs = std::move(views).value();
  return OkStatus();
}

Status SampleReader::Next(std::vector<ConstTensorView>* inputs) {
  ADZE_TRY(Next(&current_));
  *inputs = current_.inputs;
  return OkStatus();
}

namespace {

bool Contains(const std::vector<int32_t>& list, int32_t index) {
  return std::find(list.begin(), list.end(), index) != list.end();
}

// Dense dims of a tensor as [outer, channels, inner] in memory order.
struct ChannelView {
  int64_t outer = 1;
  int64_t channels = 1;
  int64_t inner = 1;
};
ChannelView ChannelsOf(std::span<const int64_t> dims, Layout layout) {
  ChannelView v;
  const size_t axis = dims.size() >= 3 ? 1 : dims.size() - 1;
  v.channels = dims[axis];
  int64_t after = 1;
  for (size_t d = axis + 1; d < dims.size(); ++d) after *= dims[d];
  for (size_t d = 0; d < axis; ++d) v.outer *= dims[d];
  if (layout == Layout::kChannelsLast) {
    v.outer *= after;
  } else {
    v.inner = after;
  }
  return v;
}

}  // namespace

Result<Statistics> CollectStatistics(const Graph& graph, const Dataset& dataset,
                                     const CollectOptions& options, ThreadPool* pool) {
  ADZE_ASSIGN(SampleReader reader,
              SampleReader::Create(graph, dataset, options.split, options.samples, pool));
  ADZE_ASSIGN(const LoweredPlan lowered, Lower(graph, {options.isa, options.values}));
  // Values are read right after the step that writes them, while they are in cache: they need not
  // live longer.
  auto plan = std::make_shared<Plan>(*lowered.plan);
  for (const int32_t index : lowered.taps) {
    plan->values[static_cast<size_t>(index)].keep = Contains(plan->outputs, index);
  }
  std::vector<bool> by_channel;
  for (const ValueId v : options.values) {
    const std::vector<ValueId>& wanted = options.channel_values;
    by_channel.push_back(std::find(wanted.begin(), wanted.end(), v) != wanted.end());
  }
  // Which records each step completes, and which are of inputs.
  std::vector<std::vector<size_t>> after(plan->steps.size());
  std::vector<std::pair<size_t, size_t>> of_input;
  for (size_t k = 0; k < lowered.taps.size(); ++k) {
    for (size_t s = 0; s < plan->steps.size(); ++s) {
      if (Contains(plan->steps[s].outputs, lowered.taps[k])) after[s].push_back(k);
    }
    for (size_t i = 0; i < plan->inputs.size(); ++i) {
      if (plan->inputs[i] == lowered.taps[k]) of_input.emplace_back(k, i);
    }
  }

  // Whole samples are shared out to threads, each with an executor and records of its own: records
  // do not depend on the order of samples.
  struct Lane {
    bool channels = true;  // the sample is one of options.channel_samples
    ThreadPool pool{1};
    std::vector<TensorRecord> records;
    std::unique_ptr<Executor> executor;
  };
  const auto collect = [&](Lane& lane, size_t k, const ConstTensorView& raw) {
    if (raw.dtype != DType::kFloat32 || raw.size() == 0) return;
    CollectSample(options.isa, {raw.as<float>(), static_cast<size_t>(raw.size())},
                  &lane.records[k]);
    if (lane.channels && by_channel[k] && raw.rank() > 0) {
      const Layout layout = plan->values[static_cast<size_t>(lowered.taps[k])].layout;
      const ChannelView v = ChannelsOf(raw.dims, layout);
      lane.records[k].channel.Collect(options.isa, raw.as<float>(), v.outer, v.channels, v.inner);
    }
  };
  const int64_t batches = reader.num_batches();
  const int64_t channel_batches =
      options.channel_samples <= 0
          ? batches
          : std::min(batches, std::max<int64_t>(options.channel_samples / reader.batch_size(), 1));
  const auto run = [&](Lane& lane, const SampleReader::Batch& batch, int64_t index) -> Status {
    // True for exactly channel_batches of the batches.
    lane.channels = index * channel_batches % batches < channel_batches;
    for (const auto& [k, i] : of_input) collect(lane, k, batch.inputs[i]);
    ADZE_TRY(lane.executor->Run(batch.inputs));
    for (size_t k = 0; k < lane.records.size(); ++k) {
      const HistRecord& h = lane.records[k].hist;
      if (h.nans == 0 && h.infs == 0) continue;
      return InvalidInput("tensor '" + EncodingName(graph, options.values[k]) + "' holds " +
                          (h.nans != 0 ? "NaN" : "an infinity"));
    }
    return OkStatus();
  };
  const int threads =
      static_cast<int>(std::min<int64_t>({pool->num_threads(), batches, kMaxLanes}));
  ThreadPool workers(threads);
  std::vector<std::unique_ptr<Lane>> lanes;
  for (int t = 0; t < threads; ++t) {
    Lane* const lane = lanes.emplace_back(std::make_unique<Lane>()).get();
    lane->records.resize(options.values.size());
    ExecutorOptions hooks;
    hooks.after_step = [&, lane](int step) {
      for (const size_t k : after[static_cast<size_t>(step)]) {
        collect(*lane, k, lane->executor->RawValue(lowered.taps[k]));
      }
    };
    lane->executor = std::make_unique<Executor>(plan, &lane->pool, hooks);
  }
  std::vector<SampleReader::Batch> window(
      static_cast<size_t>(std::min(threads * kBatchesPerThread, batches)));
  std::vector<Status> statuses(window.size());
  for (int64_t done = 0; done < batches;) {
    const int64_t count = std::min(static_cast<int64_t>(window.size()), batches - done);
    for (int64_t i = 0; i < count; ++i) ADZE_TRY(reader.Next(&window[static_cast<size_t>(i)]));
    workers.ParallelFor(count, [&](int64_t i, int worker) {
      const size_t k = static_cast<size_t>(i);
      statuses[k] = run(*lanes[static_cast<size_t>(worker)], window[k], done + i);
    });
    for (int64_t i = 0; i < count; ++i) {
      const Status& s = statuses[static_cast<size_t>(i)];
      if (!s.ok()) return s.WithContext("sample '" + window[static_cast<size_t>(i)].id + "'");
    }
    done += count;
    if (options.progress) options.progress("statistics", done, batches);
  }
  std::vector<TensorRecord> records = std::move(lanes[0]->records);
  for (size_t t = 1; t < lanes.size(); ++t) {
    for (size_t k = 0; k < records.size(); ++k) records[k].Merge(lanes[t]->records[k]);
  }

  Statistics out;
  out.graph_hash = GraphHash(graph);
  out.samples = static_cast<uint64_t>(batches * reader.batch_size());
  for (size_t k = 0; k < records.size(); ++k) {
    out.tensors.emplace(EncodingName(graph, options.values[k]), std::move(records[k]));
  }
  return out;
}

}  // namespace adze
