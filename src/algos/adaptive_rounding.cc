#include "algos/adaptive_rounding.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "algos/bias_correction.h"
#include "kernels/matmul_f32/matmul_f32.h"
#include "lower/lower.h"
#include "numerics/rounding.h"
#include "ops/op_util.h"
#include "quant/integer_form.h"
#include "runtime/executor.h"

namespace adze {
namespace {

// Rows of one exact product: 256 * 255 * 255 < 2^24, so that float32 holds every partial sum.
constexpr int64_t kBlockRows = 256;
// Patches per layer: enough to tell its inputs apart, and their sums fit 32 bits.
constexpr int64_t kMinRows = 512;
constexpr int64_t kMaxRows = 16384;
// Second moments held at a time; layers beyond that wait for another run over the samples.
constexpr int64_t kMaxMomentBytes = int64_t{96} << 20;
// Added to the diagonal, relative to its mean: directions that the few patches did not show matter
// a little as well.
constexpr double kDamping = 0.01;
constexpr int kMaxSweeps = 12;

// One layer: a Conv, or a Gemm or MatMul as a 1x1 convolution over rows.
struct Layer {
  NodeId node = kNoId;
  ValueId weight = kNoId;
  ValueId input = kNoId;  // quantized, in the integer network
  bool conv = false;
  bool transposed = false;             // the weight is [K][out]
  int64_t out = 0, groups = 1, k = 0;  // k: products per output
  float x_scale = 1;
  int32_t x_zero_point = 0;  // of the codes as uint8
  bool centered = false;     // the mean part of the error goes into the bias

  int64_t rows = 0;
  int64_t filled = 0;            // of `block`
  int64_t wanted = 0;            // rows of one batch
  std::vector<float> block;      // [kBlockRows + wanted][groups * k] codes minus zero point
  std::vector<int32_t> moments;  // [groups][k][k], on and above the diagonal
  std::vector<int64_t> sums;     // [groups * k]
  int64_t moment_bytes() const { return groups * k * k * 4; }
};

// The codes of a raw 8-bit value as integers relative to the zero point (both as uint8).
class Codes {
 public:
  Codes(const ConstTensorView& raw, Layout layout, int32_t zero_point)
      : data_(static_cast<const uint8_t*>(raw.data)),
        sign_(raw.dtype == DType::kInt8 ? 0x80 : 0),
        zero_point_(zero_point),
        channels_last_(layout == Layout::kChannelsLast),
        dims_(raw.dims.begin(), raw.dims.end()) {}
  float Flat(int64_t i) const {
    return static_cast<float>(static_cast<int32_t>(data_[i] ^ sign_) - zero_point_);
  }
  // Of an image [N, C, H, W], H = 1 for rank 3.
  float At(int64_t n, int64_t c, int64_t y, int64_t x) const {
    return Flat(channels_last_ ? ((n * height() + y) * width() + x) * dims_[1] + c
                               : ((n * dims_[1] + c) * height() + y) * width() + x);
  }
  const std::vector<int64_t>& dims() const { return dims_; }
  int64_t height() const { return dims_.size() == 4 ? dims_[2] : 1; }
  int64_t width() const { return dims_.back(); }

 private:
  const uint8_t* data_;
  uint8_t sign_;
  int32_t zero_point_;
  bool channels_last_;
  std::vector<int64_t> dims_;
};

// Memory of AddRows, kept from call to call.
struct Scratch {
  std::vector<float> transposed, packed, product;
};

// moments += block^T block over `rows` <= kBlockRows rows of codes, exactly; below the diagonal of
// a group they are not defined.
void AddRows(const float* block, int64_t rows, Isa isa, ThreadPool* pool, Scratch* scratch,
             Layer* layer) {
  const int64_t k = layer->k;
  const int64_t width = layer->groups * k;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < width; ++i) {
      layer->sums[static_cast<size_t>(i)] += static_cast<int64_t>(block[r * width + i]);
    }
  }
  if (layer->groups == 1) {
    std::vector<float>& transposed = scratch->transposed;
    std::vector<float>& packed = scratch->packed;
    std::vector<float>& product = scratch->product;
    transposed.resize(static_cast<size_t>(k * rows));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < k; ++i) {
        transposed[static_cast<size_t>(i * rows + r)] = block[r * width + i];
      }
    }
    const MatMulF32Sizes sizes{k, k, rows};
    const int64_t panels = MatMulF32Panels(sizes, isa);
    const int64_t panel = MatMulF32PackedFloats(sizes, isa) / (panels * rows);  // columns
    packed.resize(static_cast<size_t>(MatMulF32PackedFloats(sizes, isa)));
    product.resize(static_cast<size_t>(k * k));
    PackMatMulF32(isa, sizes, block, 0, panels, packed.data());
    constexpr int64_t kTile = 48;
    pool->ParallelFor((k + kTile - 1) / kTile, [&](int64_t tile, int) {
      const int64_t begin = tile * kTile;
      const int64_t end = std::min(k, begin + kTile);
      MatMulF32(isa, sizes, transposed.data(), packed.data(), product.data(), begin, end,
                begin / panel, panels);
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t j = i; j < k; ++j) {
          layer->moments[static_cast<size_t>(i * k + j)] +=
              static_cast<int32_t>(product[static_cast<size_t>(i * k + j)]);
        }
      }
    });
    return;
  }
  pool->ParallelFor(layer->groups, [&](int64_t g, int) {
    std::vector<float> product(static_cast<size_t>(k * k), 0.0f);
    for (int64_t r = 0; r < rows; ++r) {
      const float* const x = block + r * width + g * k;
      for (int64_t i = 0; i < k; ++i) {
        float* const p = product.data() + i * k;
        for (int64_t j = i; j < k; ++j) p[j] += x[i] * x[j];
      }
    }
    int32_t* const m = layer->moments.data() + g * k * k;
    for (int64_t i = 0; i < k * k; ++i) {
      m[i] += static_cast<int32_t>(product[static_cast<size_t>(i)]);
    }
  });
}

// Adds what the block holds to the moments, and empties it.
void AddBlock(Isa isa, ThreadPool* pool, Scratch* scratch, Layer* layer) {
  const int64_t width = layer->groups * layer->k;
  for (int64_t done = 0; done < layer->filled; done += kBlockRows) {
    AddRows(layer->block.data() + done * width, std::min(kBlockRows, layer->filled - done), isa,
            pool, scratch, layer);
  }
  layer->filled = 0;
}

// Some patches of one batch, spread over its positions.
Status AddPatches(const Graph& graph, const Codes& codes, int64_t seed, Layer* layer) {
  const Node& n = graph.node(layer->node);
  const int64_t width = layer->groups * layer->k;
  WindowGeometry g;
  int64_t out_h = 1;
  int64_t out_w = 1;
  int64_t positions = 1;
  if (layer->conv) {
    const std::vector<int64_t>& wd = graph.value(layer->weight).constant.dims();
    ADZE_ASSIGN(g, ReadWindow(n.attrs, codes.dims(), std::span(wd).subspan(2)));
    if (codes.dims().size() == 3) {  // to two dimensions
      g.kernel[1] = g.kernel[0], g.stride[1] = g.stride[0], g.dilation[1] = g.dilation[0];
      g.pad_begin[1] = g.pad_begin[0], g.pad_end[1] = g.pad_end[0];
      g.kernel[0] = g.stride[0] = g.dilation[0] = 1;
      g.pad_begin[0] = g.pad_end[0] = 0;
    }
    out_h = WindowOutput(g, 0, codes.height(), false).value();
    out_w = WindowOutput(g, 1, codes.width(), false).value();
    positions = codes.dims()[0] * out_h * out_w;
  } else {
    positions = NumElements(codes.dims()) / layer->k;
  }
  const int64_t count = std::min({layer->wanted, positions, kMaxRows - layer->rows});
  for (int64_t p = 0; p < count; ++p) {
    const int64_t first = p * positions / count;
    const int64_t room = (p + 1) * positions / count - first;
    const int64_t position =
        first + static_cast<int64_t>(static_cast<uint32_t>(p + seed) * 2654435761u >> 8) % room;
    float* row = layer->block.data() + layer->filled * width;
    if (!layer->conv) {
      for (int64_t i = 0; i < layer->k; ++i) row[i] = codes.Flat(position * layer->k + i);
    } else {
      const int64_t image = position / (out_h * out_w);
      const int64_t y0 = position / out_w % out_h * g.stride[0] - g.pad_begin[0];
      const int64_t x0 = position % out_w * g.stride[1] - g.pad_begin[1];
      for (int64_t c = 0; c < codes.dims()[1]; ++c) {
        for (int64_t i = 0; i < g.kernel[0]; ++i) {
          for (int64_t j = 0; j < g.kernel[1]; ++j) {
            const int64_t y = y0 + i * g.dilation[0];
            const int64_t x = x0 + j * g.dilation[1];
            const bool inside = y >= 0 && y < codes.height() && x >= 0 && x < codes.width();
            *row++ = inside ? codes.At(image, c, y, x) : 0.0f;
          }
        }
      }
    }
    ++layer->rows;
    ++layer->filled;
  }
  return OkStatus();
}

// H of one group, rows padded to `stride` floats. The pool may be null.
std::vector<float> Objective(const Layer& layer, int64_t group, int64_t stride, ThreadPool* pool) {
  const int64_t k = layer.k;
  const int32_t* const m = layer.moments.data() + group * k * k;
  const double n = static_cast<double>(layer.rows);
  std::vector<double> mean(static_cast<size_t>(k), 0.0);
  for (int64_t i = 0; layer.centered && i < k; ++i) {
    mean[static_cast<size_t>(i)] =
        static_cast<double>(layer.sums[static_cast<size_t>(group * k + i)]) / n;
  }
  std::vector<float> h(static_cast<size_t>(k * stride), 0.0f);
  const auto covariance = [&](int64_t i, int64_t j) {
    return m[i * k + j] / n - mean[static_cast<size_t>(i)] * mean[static_cast<size_t>(j)];
  };
  const auto row = [&](int64_t i, int) {
    for (int64_t j = i; j < k; ++j) {
      h[static_cast<size_t>(i * stride + j)] = h[static_cast<size_t>(j * stride + i)] =
          static_cast<float>(covariance(i, j));
    }
  };
  if (pool != nullptr) {
    pool->ParallelFor(k, row);
  } else {
    for (int64_t i = 0; i < k; ++i) row(i, 0);
  }
  double trace = 0;
  for (int64_t i = 0; i < k; ++i) trace += covariance(i, i);
  const double damping = kDamping * trace / static_cast<double>(k) + 1e-6;
  for (int64_t i = 0; i < k; ++i) {
    h[static_cast<size_t>(i * stride + i)] += static_cast<float>(damping);
  }
  return h;
}

void RoundLayer(Layer* layer, const QuantType& q, const RoundingSettings& settings,
                ThreadPool* pool, Graph* adjusted) {
  const int64_t k = layer->k;
  const int64_t stride = (k + kRoundingPad - 1) / kRoundingPad * kRoundingPad;
  const int64_t per_group = layer->out / layer->groups;
  const Tensor weight = adjusted->value(layer->weight).constant;
  const float* const w = weight.data<float>();
  Tensor rounded = Tensor::Allocate(DType::kFloat32, weight.dims());
  float* const result = rounded.mutable_data<float>();
  std::vector<double> shift(static_cast<size_t>(layer->out), 0.0);
  const auto round = [&](int64_t o, const std::vector<float>& h) {
    const float scale = q.scale[q.per_tensor() ? 0 : static_cast<size_t>(o)];
    std::vector<float> target(static_cast<size_t>(k));
    std::vector<float> codes(static_cast<size_t>(k));
    const auto at = [&](int64_t i) { return layer->transposed ? i * layer->out + o : o * k + i; };
    for (int64_t i = 0; i < k; ++i) target[static_cast<size_t>(i)] = w[at(i)] / scale;
    RoundChannel(target, h.data(), stride, settings.limit, codes);
    const int64_t* const sums = layer->sums.data() + o / per_group * k;
    for (int64_t i = 0; i < k; ++i) {
      const float t = target[static_cast<size_t>(i)];
      const float nearest = std::clamp(RoundNearestEven(t), -static_cast<float>(settings.limit),
                                       static_cast<float>(settings.limit));
      const float code = codes[static_cast<size_t>(i)];
      shift[static_cast<size_t>(o)] += static_cast<double>(code - nearest) *
                                       static_cast<double>(sums[i]) /
                                       static_cast<double>(layer->rows) * scale * layer->x_scale;
      result[at(i)] = code * scale;
    }
  };
  if (layer->groups == 1) {
    const std::vector<float> h = Objective(*layer, 0, stride, pool);
    pool->ParallelFor(layer->out, [&](int64_t o, int) { round(o, h); });
  } else {
    pool->ParallelFor(layer->groups, [&](int64_t g, int) {
      const std::vector<float> h = Objective(*layer, g, stride, nullptr);
      for (int64_t o = g * per_group; o < (g + 1) * per_group; ++o) round(o, h);
    });
  }
  adjusted->SetConstant(layer->weight, std::move(rounded));
  if (layer->centered) SubtractFromBias(adjusted, layer->node, shift);
}

std::vector<Layer> FindLayers(const Graph& quantized, const QuantizationPlan& plan,
                              const Graph& adjusted, bool correct_bias) {
  std::vector<Layer> layers;
  for (const WeightUse& use : plan.weights) {
    const Node& n = adjusted.node(use.node);
    const std::vector<int64_t>& dims = adjusted.value(use.weight).constant.dims();
    Layer layer;
    layer.node = use.node;
    layer.weight = use.weight;
    layer.input = quantized.input(use.node, 0);
    layer.conv = n.op.Is("Conv");
    layer.transposed = !layer.conv && use.axis == 1;
    layer.out = dims[static_cast<size_t>(use.axis)];
    layer.groups = layer.conv ? n.attrs.Int("group", 1) : 1;
    layer.k = NumElements(dims) / std::max<int64_t>(layer.out, 1);
    const auto& quant = quantized.value(layer.input).type.quant;
    layer.centered =
        correct_bias && !n.op.Is("MatMul") && HasPlainBias(adjusted, use.node, layer.out);
    if (adjusted.users(use.weight).size() != 1 || quant == nullptr || !quant->per_tensor() ||
        SizeOf(quant->storage) != 1 || layer.k == 0 || layer.moment_bytes() > kMaxMomentBytes) {
      continue;
    }
    layer.x_scale = quant->scale[0];
    layer.x_zero_point = quant->zero_point[0] + (quant->storage == DType::kInt8 ? 128 : 0);
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace

void RoundChannel(std::span<const float> target, const float* h, int64_t stride, int limit,
                  std::span<float> codes) {
  const int64_t k = static_cast<int64_t>(target.size());
  const float bound = static_cast<float>(limit);
  std::vector<float> gradient(static_cast<size_t>(stride), 0.0f);  // H (codes - target)
  const auto add = [&](int64_t j, float delta) {
    const float* __restrict row = h + j * stride;
    float* __restrict g = gradient.data();
    for (int64_t b = 0; b < stride; b += kRoundingPad) {
      for (int64_t i = 0; i < kRoundingPad; ++i) g[b + i] += delta * row[b + i];
    }
  };
  for (int64_t j = 0; j < k; ++j) {
    const float t = target[static_cast<size_t>(j)];
    codes[static_cast<size_t>(j)] = std::clamp(RoundNearestEven(t), -bound, bound);
    add(j, codes[static_cast<size_t>(j)] - t);
  }
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    bool changed = false;
    for (int64_t j = 0; j < k; ++j) {
      const float t = target[static_cast<size_t>(j)];
      float& code = codes[static_cast<size_t>(j)];
      const float other = code > t ? std::floor(t) : std::ceil(t);
      if (other == code || std::abs(other) > bound || std::abs(code - t) >= 1) continue;
      const float delta = other - code;
      const float change = 2 * delta * gradient[static_cast<size_t>(j)] + h[j * stride + j];
      // Rounding errors of the gradient must not keep the descent going.
      if (!(change < -1e-4f * h[j * stride + j])) continue;
      code = other;
      add(j, delta);
      changed = true;
    }
    if (!changed) break;
  }
}

Result<int64_t> RoundAdaptively(const Graph& quantized, const QuantizationPlan& plan,
                                const Encodings& weights, const Dataset& dataset,
                                const RoundingSettings& settings, ThreadPool* pool,
                                Graph* adjusted) {
  std::vector<Layer> layers = FindLayers(quantized, plan, *adjusted, settings.correct_bias);
  Scratch scratch;
  int64_t rounded = 0;
  for (size_t begin = 0; begin < layers.size();) {
    size_t end = begin;
    int64_t bytes = 0;
    LowerOptions options{settings.isa, {}};
    while (end < layers.size() &&
           (end == begin || bytes + layers[end].moment_bytes() <= kMaxMomentBytes)) {
      Layer& layer = layers[end++];
      bytes += layer.moment_bytes();
      options.taps.push_back(layer.input);
    }
    ADZE_ASSIGN(SampleReader reader,
                SampleReader::Create(quantized, dataset, settings.split, settings.samples, pool));
    const int64_t batches = reader.num_batches();
    for (size_t l = begin; l < end; ++l) {
      Layer& layer = layers[l];
      const size_t width = static_cast<size_t>(layer.groups * layer.k);
      layer.wanted = std::max(kMinRows, 2 * layer.k) / batches + 1;
      layer.moments.assign(width * static_cast<size_t>(layer.k), 0);
      layer.sums.assign(width, 0);
      layer.block.assign(width * static_cast<size_t>(kBlockRows + layer.wanted), 0.0f);
    }
    ADZE_ASSIGN(const LoweredPlan lowered, Lower(quantized, options));
    Executor executor(lowered.plan, pool);
    std::vector<Status> statuses(end - begin);
    for (int64_t b = 0; b < batches; ++b) {
      std::vector<ConstTensorView> inputs;
      ADZE_TRY(reader.Next(&inputs));
      ADZE_TRY(executor.Run(inputs));
      pool->ParallelFor(static_cast<int64_t>(end - begin), [&](int64_t i, int) {
        const size_t k = static_cast<size_t>(i);
        const int32_t index = lowered.taps[k];
        const ConstTensorView raw = executor.RawValue(index);
        if (SizeOf(raw.dtype) != 1 || raw.size() == 0) return;
        const Codes codes(raw, lowered.plan->values[static_cast<size_t>(index)].layout,
                          layers[begin + k].x_zero_point);
        statuses[k] = AddPatches(*adjusted, codes, b, &layers[begin + k]);
      });
      for (const Status& status : statuses) ADZE_TRY(status);
      for (size_t l = begin; l < end; ++l) {
        if (layers[l].filled >= kBlockRows) AddBlock(settings.isa, pool, &scratch, &layers[l]);
      }
      if (settings.progress) settings.progress("rounding", b + 1, batches);
    }
    for (size_t l = begin; l < end; ++l) {
      Layer& layer = layers[l];
      AddBlock(settings.isa, pool, &scratch, &layer);
      if (layer.rows > 0) {
        const QuantType& q = weights.tensors.at(adjusted->value(layer.weight).name).type;
        RoundLayer(&layer, q, settings, pool, adjusted);
        ++rounded;
      }
      layer.moments = {};
      layer.block = {};
    }
    begin = end;
  }
  return rounded;
}

}  // namespace adze
