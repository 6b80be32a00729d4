// kind: synthetic — random numbers, for benchmarks and for networks without data. Sample i is the
// same on every machine and in every order of reading, up to the last bit of the C library's
// logarithm and cosine for `normal`.
#include <cmath>
#include <numbers>

#include "data/preprocess.h"
#include "data/random.h"
#include "data/source.h"
#include "data/yaml_map.h"

namespace adze {
namespace {

// Splits hold an index per sample; a file must not make them exhaust memory.
constexpr int64_t kMaxSamples = 10'000'000;

struct Options {
  int64_t samples = 0;
  std::vector<int64_t> shape;
  bool normal = false;
  double low = 0;  // uniform
  double high = 1;
  uint64_t seed = 0;
  ValueSpec value;
};

class SyntheticSource : public InputSource {
 public:
  explicit SyntheticSource(Options options) : o_(std::move(options)) {}
  int64_t size() const override { return o_.samples; }
  Result<Tensor> Read(int64_t index) const override {
    ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(DType::kFloat32, o_.shape));
    float* const out = t.mutable_data<float>();
    // A stream per sample: the seed of stream i is number i of the seed's own stream.
    const uint64_t stream = RandomBits(o_.seed, static_cast<uint64_t>(index));
    const int64_t n = t.size();
    for (int64_t i = 0; i < n; ++i) {
      const uint64_t k = static_cast<uint64_t>(i);
      if (o_.normal) {  // Box and Muller 1958, one of the pair
        const double radius = std::sqrt(-2 * std::log(RandomUnit(stream, 2 * k)));
        out[i] = static_cast<float>(radius *
                                    std::cos(2 * std::numbers::pi * RandomUnit(stream, 2 * k + 1)));
      } else {
        out[i] = static_cast<float>(o_.low + (o_.high - o_.low) * RandomUnit(stream, k));
      }
    }
    return PreprocessValues(o_.value, t);
  }

 private:
  Options o_;
};

Result<OpenedSource> Open(YamlMap& input, const std::string&, YamlMap*) {
  Options o;
  ADZE_ASSIGN(o.samples, input.Int("samples", 1, kMaxSamples));
  ADZE_ASSIGN(o.shape, input.Ints("shape", 0, 1, kMaxElements));
  if (NumElements(o.shape) < 0 || o.shape.size() >= kMaxRank) {
    return input.ErrorAt("shape", "'shape' is too large");
  }
  ADZE_ASSIGN(const int distribution, input.Choice("distribution", {"uniform", "normal"}));
  o.normal = distribution == 1;
  if (!o.normal) {
    ADZE_ASSIGN(o.low, input.Double("low", 0));
    ADZE_ASSIGN(o.high, input.Double("high", 1));
  }
  ADZE_ASSIGN(const int64_t seed, input.Int("seed", 0, INT64_MAX, 0));
  o.seed = static_cast<uint64_t>(seed);
  ADZE_ASSIGN(std::optional<YamlMap> preprocess, input.Map("preprocess"));
  ADZE_ASSIGN(o.value, ParseValueSpec(preprocess ? &*preprocess : nullptr));
  OpenedSource opened;
  opened.source = std::make_unique<SyntheticSource>(std::move(o));
  return opened;
}

}  // namespace

extern const SourceKind kSyntheticKind;
const SourceKind kSyntheticKind = {"synthetic", "random numbers, reproducible", Open};

}  // namespace adze
