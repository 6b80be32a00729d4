#include "algos/input_moments.h"

#include <algorithm>
#include <cmath>

#include "algos/bias_correction.h"
#include "kernels/matmul_f32/matmul_f32.h"
#include "lower/lower.h"
#include "ops/op_util.h"
#include "quant/integer_form.h"
#include "runtime/executor.h"

namespace adze {
namespace {

// Rows of one exact product: 256 * 255 * 255 < 2^24, so that float32 holds every partial sum.
constexpr int64_t kBlockRows = 256;
// Patches per layer and input: enough to tell inputs apart.
constexpr int64_t kRowsPerInput = 2;
constexpr int64_t kMaxRows = 16384;

// A tensor of the running network, in units of the layer's codes: of uint8 or int8 relative to the
// zero point, of float32 divided by the scale.
class Activation {
 public:
  Activation(const ConstTensorView& raw, Layout layout, const MomentLayer& layer)
      : raw_(raw),
        sign_(raw.dtype == DType::kInt8 ? 0x80 : 0),
        zero_point_(layer.x_zero_point),
        scale_(1 / layer.x_scale),
        channels_last_(layout == Layout::kChannelsLast),
        dims_(raw.dims.begin(), raw.dims.end()) {}
  float Flat(int64_t i) const {
    if (raw_.dtype == DType::kFloat32) return static_cast<const float*>(raw_.data)[i] * scale_;
    const uint8_t code = static_cast<const uint8_t*>(raw_.data)[i] ^ sign_;
    return static_cast<float>(static_cast<int32_t>(code) - zero_point_);
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
  ConstTensorView raw_;
  uint8_t sign_;
  int32_t zero_point_;
  float scale_;
  bool channels_last_;
  std::vector<int64_t> dims_;
};

// The position of one patch.
struct Place {
  int64_t flat = 0;  // of a matrix: its row
  int64_t image = 0, y0 = 0, x0 = 0;
};

void ReadPatch(const Activation& a, const WindowGeometry& g, bool conv, int64_t k,
               const Place& place, float* row) {
  if (!conv) {
    for (int64_t i = 0; i < k; ++i) row[i] = a.Flat(place.flat * k + i);
    return;
  }
  for (int64_t c = 0; c < a.dims()[1]; ++c) {
    for (int64_t i = 0; i < g.kernel[0]; ++i) {
      for (int64_t j = 0; j < g.kernel[1]; ++j) {
        const int64_t y = place.y0 + i * g.dilation[0];
        const int64_t x = place.x0 + j * g.dilation[1];
        const bool inside = y >= 0 && y < a.height() && x >= 0 && x < a.width();
        *row++ = inside ? a.At(place.image, c, y, x) : 0.0f;
      }
    }
  }
}

// Gathers patches of one layer and adds them to its moments, a block at a time.
class Accumulator {
 public:
  Accumulator(MomentLayer* layer, const MomentOptions& options, int64_t batches)
      : layer_(*layer), with_cross_(options.real != nullptr), width_(layer->groups * layer->k) {
    wanted_ = std::max(options.min_rows, kRowsPerInput * layer->k) / batches + 1;
    const auto width = static_cast<size_t>(width_);
    const auto square = width * static_cast<size_t>(layer->k);
    layer_.rows = 0;
    layer_.moments.assign(square, 0.0f);
    layer_.sums.assign(width, 0.0);
    layer_.cross.assign(with_cross_ ? square : 0, 0.0f);
    layer_.real_sums.assign(with_cross_ ? width : 0, 0.0);
    codes_.assign(width * static_cast<size_t>(kBlockRows + wanted_), 0.0f);
    if (with_cross_) reals_ = codes_;
  }

  // Some patches of one batch, spread over its positions. `real` may be null.
  Status AddPatches(const Graph& graph, const Activation& codes, const Activation* real,
                    int64_t seed) {
    const Node& n = graph.node(layer_.node);
    WindowGeometry g;
    int64_t out_h = 1;
    int64_t out_w = 1;
    int64_t positions = 1;
    if (layer_.conv) {
      const std::vector<int64_t>& wd = graph.value(layer_.weight).constant.dims();
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
      positions = NumElements(codes.dims()) / layer_.k;
    }
    const int64_t count = std::min({wanted_, positions, kMaxRows - layer_.rows});
    for (int64_t p = 0; p < count; ++p) {
      const int64_t first = p * positions / count;
      const int64_t room = (p + 1) * positions / count - first;
      const int64_t position =
          first + static_cast<int64_t>(static_cast<uint32_t>(p + seed) * 2654435761u >> 8) % room;
      const Place place = {position, position / (out_h * out_w),
                           position / out_w % out_h * g.stride[0] - g.pad_begin[0],
                           position % out_w * g.stride[1] - g.pad_begin[1]};
      const int64_t at = filled_ * width_;
      ReadPatch(codes, g, layer_.conv, layer_.k, place, codes_.data() + at);
      const auto row = codes_.begin() + at;
      if (!std::all_of(row, row + width_, [](float x) { return std::isfinite(x); })) {
        return InvalidInput("tensor '" + graph.value(layer_.real_input).name +
                            "' holds NaN or an infinity");
      }
      if (real != nullptr) {
        ReadPatch(*real, g, layer_.conv, layer_.k, place, reals_.data() + at);
      }
      ++layer_.rows;
      ++filled_;
    }
    return OkStatus();
  }

  bool full() const { return filled_ >= kBlockRows; }

  // Adds what the block holds to the moments, and empties it.
  void Flush(Isa isa, ThreadPool* pool) {
    for (int64_t done = 0; done < filled_; done += kBlockRows) {
      const int64_t rows = std::min(kBlockRows, filled_ - done);
      AddSums(codes_.data() + done * width_, rows, layer_.sums);
      if (with_cross_) AddSums(reals_.data() + done * width_, rows, layer_.real_sums);
      if (layer_.groups == 1) {
        AddProducts(done, rows, isa, pool);
      } else {
        AddGroups(done, rows, pool);
      }
    }
    filled_ = 0;
  }

 private:
  template <typename T>
  void AddSums(const float* block, int64_t rows, std::vector<T>& sums) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < width_; ++i) {
        sums[static_cast<size_t>(i)] += static_cast<T>(block[r * width_ + i]);
      }
    }
  }

  // moments += codes^T codes, exactly, and cross += codes^T reals, over `rows` <= kBlockRows rows.
  void AddProducts(int64_t first, int64_t rows, Isa isa, ThreadPool* pool) {
    const int64_t k = layer_.k;
    const float* const block = codes_.data() + first * k;
    transposed_.resize(static_cast<size_t>(k * rows));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < k; ++i) {
        transposed_[static_cast<size_t>(i * rows + r)] = block[r * k + i];
      }
    }
    AddProduct(block, rows, isa, pool, [&](int64_t i, const float* product) {
      for (int64_t j = i; j < k; ++j) {
        layer_.moments[static_cast<size_t>(i * k + j)] += product[j];
      }
    });
    if (!with_cross_) return;
    AddProduct(reals_.data() + first * k, rows, isa, pool, [&](int64_t i, const float* product) {
      for (int64_t j = 0; j < k; ++j) layer_.cross[static_cast<size_t>(i * k + j)] += product[j];
    });
  }

  // transposed_ * right; `add` gets every row of it.
  template <typename Add>
  void AddProduct(const float* right, int64_t rows, Isa isa, ThreadPool* pool, const Add& add) {
    const int64_t k = layer_.k;
    const MatMulF32Sizes sizes{k, k, rows};
    const int64_t panels = MatMulF32Panels(sizes, isa);
    const int64_t panel = MatMulF32PackedFloats(sizes, isa) / (panels * rows);  // columns
    packed_.resize(static_cast<size_t>(MatMulF32PackedFloats(sizes, isa)));
    product_.resize(static_cast<size_t>(k * k));
    PackMatMulF32(isa, sizes, right, 0, panels, packed_.data());
    constexpr int64_t kTile = 48;
    pool->ParallelFor((k + kTile - 1) / kTile, [&](int64_t tile, int) {
      const int64_t begin = tile * kTile;
      const int64_t end = std::min(k, begin + kTile);
      // The moments need columns from `begin` on only, cross moments all of them.
      MatMulF32(isa, sizes, transposed_.data(), packed_.data(), product_.data(), begin, end,
                with_cross_ ? 0 : begin / panel, panels);
      for (int64_t i = begin; i < end; ++i) add(i, product_.data() + i * k);
    });
  }

  void AddGroups(int64_t first, int64_t rows, ThreadPool* pool) {
    const int64_t k = layer_.k;
    pool->ParallelFor(layer_.groups, [&](int64_t g, int) {
      std::vector<float> product(static_cast<size_t>(k * k), 0.0f);
      std::vector<float> cross(static_cast<size_t>(k * k), 0.0f);
      for (int64_t r = first; r < first + rows; ++r) {
        const float* const x = codes_.data() + r * width_ + g * k;
        const float* const f = with_cross_ ? reals_.data() + r * width_ + g * k : nullptr;
        for (int64_t i = 0; i < k; ++i) {
          float* const p = product.data() + i * k;
          for (int64_t j = i; j < k; ++j) p[j] += x[i] * x[j];
          if (f == nullptr) continue;
          float* const c = cross.data() + i * k;
          for (int64_t j = 0; j < k; ++j) c[j] += x[i] * f[j];
        }
      }
      float* const m = layer_.moments.data() + g * k * k;
      for (int64_t i = 0; i < k * k; ++i) {
        m[i] += product[static_cast<size_t>(i)];
      }
      if (!with_cross_) return;
      for (int64_t i = 0; i < k * k; ++i) {
        layer_.cross[static_cast<size_t>(g * k * k + i)] += cross[static_cast<size_t>(i)];
      }
    });
  }

  MomentLayer& layer_;
  bool with_cross_;
  int64_t width_;
  int64_t wanted_ = 0;  // rows of one batch
  int64_t filled_ = 0;
  std::vector<float> codes_, reals_;  // [kBlockRows + wanted][groups * k]
  std::vector<float> transposed_, packed_, product_;
};

}  // namespace

std::vector<MomentLayer> MomentLayers(const Graph& quantized, std::span<const WeightUse> uses,
                                      const Graph& adjusted, bool correct_bias, bool float_inputs) {
  std::vector<MomentLayer> layers;
  for (const WeightUse& use : uses) {
    const Node& n = adjusted.node(use.node);
    const std::vector<int64_t>& dims = adjusted.value(use.weight).constant.dims();
    MomentLayer layer;
    layer.node = use.node;
    layer.weight = use.weight;
    layer.input = quantized.input(use.node, 0);
    layer.real_input = adjusted.input(use.node, 0);
    layer.conv = n.op.Is("Conv");
    layer.transposed = !layer.conv && use.axis == 1;
    layer.out = dims[static_cast<size_t>(use.axis)];
    layer.groups = layer.conv ? n.attrs.Int("group", 1) : 1;
    layer.k = NumElements(dims) / std::max<int64_t>(layer.out, 1);
    const auto& quant = quantized.value(layer.input).type.quant;
    layer.centered =
        correct_bias && !n.op.Is("MatMul") && HasPlainBias(adjusted, use.node, layer.out);
    if (adjusted.users(use.weight).size() != 1 || layer.k == 0) continue;
    if (quant == nullptr && !float_inputs) continue;
    if (quant != nullptr) {
      if (!quant->per_tensor() || SizeOf(quant->storage) != 1) continue;
      layer.x_scale = quant->scale[0];
      layer.x_zero_point =
          quant->zero_point[0] + (ContainerOf(quant->storage) == DType::kInt8 ? 128 : 0);
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

Status CollectMoments(const Graph& quantized, const Graph& adjusted, const Dataset& dataset,
                      const MomentOptions& options, ThreadPool* pool,
                      std::span<MomentLayer> layers) {
  ADZE_ASSIGN(SampleReader reader,
              SampleReader::Create(quantized, dataset, options.split, options.samples, pool));
  const bool with_cross = options.real != nullptr;
  LowerOptions lower{options.isa, {}, true};
  LowerOptions lower_real{options.isa, {}, true};
  std::vector<Accumulator> accumulators;
  for (MomentLayer& layer : layers) {
    lower.taps.push_back(options.float_inputs ? layer.real_input : layer.input);
    lower_real.taps.push_back(layer.real_input);
    accumulators.emplace_back(&layer, options, reader.num_batches());
  }
  ADZE_ASSIGN(const LoweredPlan lowered, Lower(options.float_inputs ? adjusted : quantized, lower));
  Executor executor(lowered.plan, pool);
  LoweredPlan lowered_real;
  std::unique_ptr<Executor> real;
  if (with_cross) {
    ADZE_ASSIGN(lowered_real, Lower(*options.real, lower_real));
    real = std::make_unique<Executor>(lowered_real.plan, pool);
  }
  const auto tensor = [&](const Executor& from, const LoweredPlan& plan, size_t i) {
    const int32_t index = plan.taps[i];
    return Activation(from.RawValue(index), plan.plan->values[static_cast<size_t>(index)].layout,
                      layers[i]);
  };
  std::vector<Status> statuses(layers.size());
  for (int64_t b = 0; b < reader.num_batches(); ++b) {
    SampleReader::Batch batch;
    ADZE_TRY(reader.Next(&batch));
    ADZE_TRY(executor.Run(batch.inputs));
    if (real != nullptr) ADZE_TRY(real->Run(batch.inputs));
    pool->ParallelFor(static_cast<int64_t>(layers.size()), [&](int64_t i, int) {
      const size_t l = static_cast<size_t>(i);
      const Activation codes = tensor(executor, lowered, l);
      if (NumElements(codes.dims()) == 0) return;
      std::optional<Activation> f;
      if (real != nullptr) f = tensor(*real, lowered_real, l);
      statuses[l] = accumulators[l].AddPatches(adjusted, codes, f ? &*f : nullptr, b);
    });
    for (const Status& status : statuses) {
      if (!status.ok()) return status.WithContext("sample '" + batch.id + "'");
    }
    for (Accumulator& a : accumulators) {
      if (a.full()) a.Flush(options.isa, pool);
    }
    if (options.progress) options.progress("rounding", b + 1, reader.num_batches());
  }
  for (Accumulator& a : accumulators) a.Flush(options.isa, pool);
  return OkStatus();
}

MomentMatrix InputMatrix(const MomentLayer& layer, int64_t group, int64_t stride, double damping,
                         ThreadPool* pool) {
  const int64_t k = layer.k;
  const float* const m = layer.moments.data() + group * k * k;
  const double n = static_cast<double>(layer.rows);
  std::vector<double> mean(static_cast<size_t>(k), 0.0);
  for (int64_t i = 0; layer.centered && i < k; ++i) {
    mean[static_cast<size_t>(i)] =
        static_cast<double>(layer.sums[static_cast<size_t>(group * k + i)]) / n;
  }
  MomentMatrix h;
  h.values.assign(static_cast<size_t>(k * stride), 0.0f);
  const auto covariance = [&](int64_t i, int64_t j) {
    return m[i * k + j] / n - mean[static_cast<size_t>(i)] * mean[static_cast<size_t>(j)];
  };
  const auto row = [&](int64_t i, int) {
    for (int64_t j = i; j < k; ++j) {
      h.values[static_cast<size_t>(i * stride + j)] =
          h.values[static_cast<size_t>(j * stride + i)] = static_cast<float>(covariance(i, j));
    }
  };
  if (pool != nullptr) {
    pool->ParallelFor(k, row);
  } else {
    for (int64_t i = 0; i < k; ++i) row(i, 0);
  }
  double trace = 0;
  for (int64_t i = 0; i < k; ++i) trace += covariance(i, i);
  h.damping = static_cast<float>(damping * trace / static_cast<double>(k) + 1e-6);
  for (int64_t i = 0; i < k; ++i) h.values[static_cast<size_t>(i * stride + i)] += h.damping;
  return h;
}

std::vector<float> CrossMatrix(const MomentLayer& layer, int64_t group, int64_t stride,
                               float damping) {
  const int64_t k = layer.k;
  const double n = static_cast<double>(layer.rows);
  std::vector<float> c(static_cast<size_t>(k * stride), 0.0f);
  for (int64_t i = 0; i < k; ++i) {
    const double mean =
        layer.centered ? static_cast<double>(layer.sums[static_cast<size_t>(group * k + i)]) / n
                       : 0.0;
    for (int64_t j = 0; j < k; ++j) {
      const double real_mean = layer.real_sums[static_cast<size_t>(group * k + j)] / n;
      c[static_cast<size_t>(i * stride + j)] = static_cast<float>(
          layer.cross[static_cast<size_t>((group * k + i) * k + j)] / n - mean * real_mean);
    }
    c[static_cast<size_t>(i * stride + i)] += damping;
  }
  return c;
}

}  // namespace adze
