// The statistics file: one safetensors file. Per tensor NAME: "hist/NAME" u64[8196], "counts/NAME"
// u64[4] (zeros, NaN, infinities, samples), "range/NAME" f32[2], "sums/NAME" i64[2, 20] (limbs of
// the summed minima and maxima), and with channel records "channel_range/NAME" f32[C, 2],
// "channel_sums/NAME" i64[C, 2, 20], "channel_counts/NAME" u64[C].
#include <algorithm>
#include <charconv>
#include <cmath>

#include "calib/records.h"
#include "formats/safetensors/safetensors.h"

namespace adze {
namespace {

constexpr const char* kFormat = "adze.statistics";
constexpr const char* kVersion = "1";
constexpr int64_t kLimbs = ExactSum::kLimbs;

void PutSum(const ExactSum& sum, int64_t* out) {
  const auto limbs = sum.Canonical();
  std::copy(limbs.begin(), limbs.end(), out);
}
ExactSum GetSum(const int64_t* in) {
  std::array<int64_t, ExactSum::kLimbs> limbs;
  std::copy_n(in, limbs.size(), limbs.begin());
  return ExactSum::FromLimbs(limbs);
}
bool ValidSums(std::span<const int64_t> limbs) {
  return std::all_of(limbs.begin(), limbs.end(),
                     [](int64_t l) { return l > -(int64_t{1} << 62) && l < (int64_t{1} << 62); });
}

class Loader {
 public:
  Loader(const SafeTensors& file, std::string name) : file_(file), name_(std::move(name)) {}

  template <typename T>
  Result<std::span<const T>> Get(const char* kind, const std::vector<int64_t>& dims) const {
    const auto it = file_.tensors.find(kind + ("/" + name_));
    if (it == file_.tensors.end())
      return InvalidInput(Where() + ": array '" + kind + "' is missing");
    if (it->second.dtype() != kDTypeOf<T> || it->second.dims() != dims) {
      return InvalidInput(Where() + ": array '" + kind + "' has the wrong type or shape");
    }
    return it->second.values<T>();
  }
  std::string Where() const { return "statistics of tensor '" + name_ + "'"; }

  Status Load(TensorRecord* r) const {
    ADZE_ASSIGN(const auto slots, Get<uint64_t>("hist", {HistRecord::kSlots}));
    ADZE_ASSIGN(const auto counts, Get<uint64_t>("counts", {4}));
    ADZE_ASSIGN(const auto range, Get<float>("range", {2}));
    ADZE_ASSIGN(const auto sums, Get<int64_t>("sums", {2, kLimbs}));
    r->hist.slots.assign(slots.begin(), slots.end());
    r->hist.zeros = counts[0];
    r->hist.nans = counts[1];
    r->hist.infs = counts[2];
    r->range.samples = counts[3];
    r->range.min = range[0];
    r->range.max = range[1];
    if (!(std::isfinite(range[0]) && std::isfinite(range[1]) && range[0] <= range[1]) ||
        !ValidSums(sums)) {
      return InvalidInput(Where() + ": the range is invalid");
    }
    r->range.sum_min = GetSum(sums.data());
    r->range.sum_max = GetSum(sums.data() + kLimbs);
    const auto channels = file_.tensors.find("channel_counts/" + name_);
    if (channels == file_.tensors.end()) return OkStatus();
    const int64_t n = channels->second.size();
    ADZE_ASSIGN(const auto channel_counts, Get<uint64_t>("channel_counts", {n}));
    ADZE_ASSIGN(const auto ranges, Get<float>("channel_range", {n, 2}));
    ADZE_ASSIGN(const auto limbs, Get<int64_t>("channel_sums", {n, 2, kLimbs}));
    if (!ValidSums(limbs)) return InvalidInput(Where() + ": the channel sums are invalid");
    r->channel.channels.resize(static_cast<size_t>(n));
    for (int64_t c = 0; c < n; ++c) {
      const size_t i = static_cast<size_t>(c);
      ChannelRecord::Channel& ch = r->channel.channels[i];
      ch.count = channel_counts[i];
      ch.min = ranges[2 * i];
      ch.max = ranges[2 * i + 1];
      ch.sum = GetSum(limbs.data() + 2 * c * kLimbs);
      ch.sum_squares = GetSum(limbs.data() + (2 * c + 1) * kLimbs);
    }
    return OkStatus();
  }

 private:
  const SafeTensors& file_;
  std::string name_;
};

Result<Statistics> Parse(const SafeTensors& file) {
  const auto meta = [&](const char* key) {
    const auto it = file.metadata.find(key);
    return it == file.metadata.end() ? std::string() : it->second;
  };
  if (meta("format") != kFormat) return InvalidInput("is not a statistics file");
  if (meta("version") != kVersion) {
    return Unsupported("has version '" + meta("version") + "', this adze reads version " +
                       kVersion);
  }
  Statistics out;
  out.graph_hash = meta("graph_hash");
  const std::string samples = meta("samples");
  const auto parsed = std::from_chars(samples.data(), samples.data() + samples.size(), out.samples);
  if (parsed.ec != std::errc() || parsed.ptr != samples.data() + samples.size()) {
    return InvalidInput("the number of samples is not a number");
  }
  constexpr std::string_view kPrefix = "counts/";
  for (const auto& [key, tensor] : file.tensors) {
    if (!key.starts_with(kPrefix)) continue;
    const std::string name = key.substr(kPrefix.size());
    ADZE_TRY(Loader(file, name).Load(&out.tensors[name]));
  }
  return out;
}

}  // namespace

Status WriteStatistics(const Statistics& statistics, const std::string& path) {
  SafeTensors file;
  file.metadata = {{"format", kFormat},
                   {"version", kVersion},
                   {"graph_hash", statistics.graph_hash},
                   {"samples", std::to_string(statistics.samples)}};
  for (const auto& [name, r] : statistics.tensors) {
    file.tensors["hist/" + name] =
        Tensor::FromValues<uint64_t>({HistRecord::kSlots}, std::span(r.hist.slots));
    file.tensors["counts/" + name] = Tensor::FromValues<uint64_t>(
        {4}, {r.hist.zeros, r.hist.nans, r.hist.infs, r.range.samples});
    file.tensors["range/" + name] = Tensor::FromValues<float>({2}, {r.range.min, r.range.max});
    Tensor sums = Tensor::Allocate(DType::kInt64, {2, kLimbs});
    PutSum(r.range.sum_min, sums.mutable_data<int64_t>());
    PutSum(r.range.sum_max, sums.mutable_data<int64_t>() + kLimbs);
    file.tensors["sums/" + name] = sums;
    const int64_t n = static_cast<int64_t>(r.channel.channels.size());
    if (n == 0) continue;
    Tensor counts = Tensor::Allocate(DType::kUInt64, {n});
    Tensor ranges = Tensor::Allocate(DType::kFloat32, {n, 2});
    Tensor limbs = Tensor::Allocate(DType::kInt64, {n, 2, kLimbs});
    for (int64_t c = 0; c < n; ++c) {
      const ChannelRecord::Channel& ch = r.channel.channels[static_cast<size_t>(c)];
      counts.mutable_data<uint64_t>()[c] = ch.count;
      ranges.mutable_data<float>()[2 * c] = ch.min;
      ranges.mutable_data<float>()[2 * c + 1] = ch.max;
      PutSum(ch.sum, limbs.mutable_data<int64_t>() + 2 * c * kLimbs);
      PutSum(ch.sum_squares, limbs.mutable_data<int64_t>() + (2 * c + 1) * kLimbs);
    }
    file.tensors["channel_counts/" + name] = counts;
    file.tensors["channel_range/" + name] = ranges;
    file.tensors["channel_sums/" + name] = limbs;
  }
  return WriteSafeTensors(file, path);
}

Result<Statistics> ReadStatistics(const std::string& path) {
  ADZE_ASSIGN(const SafeTensors file, ReadSafeTensors(path));
  Result<Statistics> out = Parse(file);
  if (!out.ok()) return out.status().WithContext(path);
  return out;
}

}  // namespace adze
