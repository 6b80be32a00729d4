#include "calib/hessian_trace.h"

#include "passes/differentiate.h"

namespace adze {
namespace {

// splitmix64 (Steele et al., 2014): a sign per bit, from nothing but the position.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

Result<std::vector<double>> CollectHessianTrace(const Graph& graph, const Dataset& dataset,
                                                const std::vector<ValueId>& weights,
                                                const GradientSamples& options, ThreadPool* pool) {
  DifferentiateOptions differentiate;
  std::vector<std::vector<int64_t>> dims;  // of the float outputs
  for (const ValueId out : graph.top().outputs) {
    const TensorType& type = graph.value(out).type;
    if (type.dtype != DType::kFloat32 || !type.shape) continue;
    dims.emplace_back();
    for (size_t d = 0; d < type.shape->size(); ++d) {
      const Dim& dim = (*type.shape)[d];
      if (!dim.is_const() && d > 0) {
        return Unsupported("output '" + graph.value(out).name + "' has a size that is not known");
      }
      dims.back().push_back(dim.is_const() ? dim.value() : 1);
    }
    differentiate.of.push_back(out);
  }
  differentiate.with_respect_to = weights;
  ADZE_ASSIGN(Graph gradients, Differentiate(graph, differentiate));
  const Seeds signs = [&](int64_t batch) {
    std::vector<Tensor> seeds;
    for (size_t o = 0; o < dims.size(); ++o) {
      Tensor t = Tensor::Allocate(DType::kFloat32, dims[o]);
      for (int64_t i = 0; i < t.size(); ++i) {
        const uint64_t at = (static_cast<uint64_t>(batch) * dims.size() + o) << 40;
        t.mutable_data<float>()[i] = (Mix(at + static_cast<uint64_t>(i)) & 1) != 0 ? 1.0f : -1.0f;
      }
      seeds.push_back(std::move(t));
    }
    return seeds;
  };
  return MeanGradientSquares(graph, std::move(gradients), weights.size(), signs, dataset, options,
                             pool);
}

}  // namespace adze
