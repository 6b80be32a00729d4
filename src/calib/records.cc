#include "calib/records.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "calib/record_kernels.h"

namespace adze {
namespace {

constexpr int64_t kNormalizeEvery = int64_t{1} << 30;
constexpr int64_t kLimb = int64_t{1} << 32;

constexpr int64_t kRun = 16;             // sampled elements come in runs of one cache line
constexpr int64_t kChunk = 512;          // slots computed at a time
constexpr int64_t kWorthAThread = 8192;  // elements from which waking another thread pays

void Normalize(std::array<int64_t, ExactSum::kLimbs>* limbs) {
  for (size_t i = 0; i + 1 < limbs->size(); ++i) {
    const int64_t carry = (*limbs)[i] >> 32;  // floor
    (*limbs)[i] -= carry * kLimb;
    (*limbs)[i + 1] += carry;
  }
}

// Adds `step` (1, or -1 to take back) for each element.
void Count(Isa isa, const float* x, int64_t n, uint64_t step, HistRecord* hist) {
  int32_t slots[kChunk + kSlotSlack];
  const int64_t count = NonZeroSlotsF32(isa, x, n, slots);
  uint64_t* const bins = hist->slots.data();
  for (int64_t i = 0; i < count; ++i) bins[slots[i]] += step;
  hist->zeros += static_cast<uint64_t>(n - count) * step;
}

}  // namespace

void ExactSum::Collect(double x) {
  if (x == 0 || !std::isfinite(x)) return;
  x = std::clamp(x, -0x1p300, 0x1p300);
  int exponent;
  const double fraction = std::frexp(x, &exponent);  // [0.5, 1)
  int64_t mantissa = static_cast<int64_t>(std::ldexp(fraction, 53));
  int bit = exponent - 53 - kLowestBit;  // of the mantissa's lowest bit
  if (bit < 0) {
    if (bit <= -63) return;
    mantissa /= int64_t{1} << -bit;  // truncates towards zero
    bit = 0;
  }
  const bool negative = mantissa < 0;
  const uint64_t magnitude = static_cast<uint64_t>(negative ? -mantissa : mantissa);
  const size_t limb = static_cast<size_t>(bit / 32);
  const int shift = bit % 32;
  // 53 bits shifted by up to 31: three limbs.
  const uint64_t low = (magnitude << shift) & 0xffffffffu;
  const uint64_t middle = (magnitude >> (32 - shift)) & 0xffffffffu;
  const uint64_t high = shift == 0 ? 0 : magnitude >> (64 - shift);
  const uint64_t parts[] = {low, middle, high};
  for (size_t i = 0; i < 3 && limb + i < limbs_.size(); ++i) {
    const int64_t part = static_cast<int64_t>(parts[i]);
    limbs_[limb + i] += negative ? -part : part;
  }
  if (++additions_ == kNormalizeEvery) {
    Normalize(&limbs_);
    additions_ = 0;
  }
}

void ExactSum::Merge(const ExactSum& other) {
  const std::array<int64_t, kLimbs> theirs = other.Canonical();
  Normalize(&limbs_);
  for (size_t i = 0; i < limbs_.size(); ++i) limbs_[i] += theirs[i];
  additions_ = 1;
}

std::array<int64_t, ExactSum::kLimbs> ExactSum::Canonical() const {
  std::array<int64_t, kLimbs> out = limbs_;
  Normalize(&out);
  return out;
}

ExactSum ExactSum::FromLimbs(const std::array<int64_t, kLimbs>& limbs) {
  ExactSum s;
  s.limbs_ = limbs;
  return s;
}

double ExactSum::Finish() const {
  // Sign and magnitude: adding limbs of one sign from the top loses nothing that matters.
  std::array<int64_t, kLimbs> limbs = Canonical();
  const bool negative = limbs.back() < 0;
  if (negative) {
    for (int64_t& l : limbs) l = -l;
    Normalize(&limbs);
  }
  double sum = 0;
  for (size_t i = 0; i < limbs.size(); ++i) {
    sum += std::ldexp(static_cast<double>(limbs[i]), kLowestBit + 32 * static_cast<int>(i));
  }
  return negative ? -sum : sum;
}

double HistRecord::BinLow(int i) { return std::ldexp(1.0 + (i % 64) / 64.0, i / 64 - 32); }

uint64_t HistRecord::total() const {
  uint64_t n = zeros;
  for (const uint64_t b : slots) n += b;
  return n;
}

void HistRecord::Merge(const HistRecord& other) {
  for (size_t i = 0; i < slots.size(); ++i) slots[i] += other.slots[i];
  zeros += other.zeros;
  nans += other.nans;
  infs += other.infs;
}

void RangeRecord::Collect(float sample_min, float sample_max) {
  min = samples == 0 ? sample_min : std::min(min, sample_min);
  max = samples == 0 ? sample_max : std::max(max, sample_max);
  sum_min.Collect(sample_min);
  sum_max.Collect(sample_max);
  ++samples;
}

void RangeRecord::Merge(const RangeRecord& other) {
  if (other.samples == 0) return;
  min = samples == 0 ? other.min : std::min(min, other.min);
  max = samples == 0 ? other.max : std::max(max, other.max);
  sum_min.Merge(other.sum_min);
  sum_max.Merge(other.sum_max);
  samples += other.samples;
}

void ChannelRecord::Collect(Isa isa, const float* data, int64_t outer, int64_t num_channels,
                            int64_t inner, ThreadPool* pool) {
  ADZE_CHECK(channels.empty() || static_cast<int64_t>(channels.size()) == num_channels);
  channels.resize(static_cast<size_t>(num_channels));
  if (outer * inner == 0) return;
  const size_t size = static_cast<size_t>(num_channels);
  std::vector<float> min(size);
  std::vector<float> max(size);
  std::vector<double> sum(size, 0.0);
  std::vector<double> squares(size, 0.0);
  for (size_t c = 0; c < size; ++c) min[c] = max[c] = data[static_cast<int64_t>(c) * inner];
  // Channels [begin, end) of a band of rows that stays in the first cache, or of one channel's row.
  const int64_t band = std::clamp<int64_t>(4096 / num_channels, 4, 128);
  const auto scan = [&](int64_t begin, int64_t end) {
    const auto sums = [&](int64_t c) {
      return ColumnSums{&min[static_cast<size_t>(c)], &max[static_cast<size_t>(c)],
                        &sum[static_cast<size_t>(c)], &squares[static_cast<size_t>(c)]};
    };
    if (inner == 1) {
      for (int64_t o = 0; o < outer; o += band) {
        ScanColumnsF32(isa, data + o * num_channels + begin, std::min(band, outer - o),
                       num_channels, end - begin, sums(begin));
      }
      return;
    }
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t c = begin; c < end; ++c) {
        ScanColumnsF32(isa, data + (o * num_channels + c) * inner, inner, 1, 1, sums(c));
      }
    }
  };
  const int64_t parts = pool == nullptr || outer * num_channels * inner < kWorthAThread
                            ? 1
                            : std::min<int64_t>(pool->num_threads(), num_channels);
  if (parts == 1) {
    scan(0, num_channels);
  } else {
    pool->ParallelFor(parts, [&](int64_t p, int) {
      scan(p * num_channels / parts, (p + 1) * num_channels / parts);
    });
  }
  for (size_t c = 0; c < size; ++c) {
    Channel& channel = channels[c];
    channel.min = channel.count == 0 ? min[c] : std::min(channel.min, min[c]);
    channel.max = channel.count == 0 ? max[c] : std::max(channel.max, max[c]);
    channel.sum.Collect(sum[c]);
    channel.sum_squares.Collect(squares[c]);
    channel.count += static_cast<uint64_t>(outer * inner);
  }
}

void ChannelRecord::Merge(const ChannelRecord& other) {
  if (other.channels.empty()) return;
  if (channels.empty()) {
    channels = other.channels;
    return;
  }
  ADZE_CHECK(channels.size() == other.channels.size());
  for (size_t i = 0; i < channels.size(); ++i) {
    Channel& a = channels[i];
    const Channel& b = other.channels[i];
    if (b.count == 0) continue;
    a.min = a.count == 0 ? b.min : std::min(a.min, b.min);
    a.max = a.count == 0 ? b.max : std::max(a.max, b.max);
    a.sum.Merge(b.sum);
    a.sum_squares.Merge(b.sum_squares);
    a.count += b.count;
  }
}

void TensorRecord::Merge(const TensorRecord& other) {
  hist.Merge(other.hist);
  range.Merge(other.range);
  channel.Merge(other.channel);
}

namespace {

// The histogram part of CollectSample.
void CountSample(Isa isa, const float* x, int64_t n, uint64_t step, HistRecord* hist) {
  if (n <= HistRecord::kMaxSampled) {
    for (int64_t begin = 0; begin < n; begin += kChunk) {
      Count(isa, x + begin, std::min(kChunk, n - begin), step, hist);
    }
    return;
  }
  // One run from each of equal intervals, at an offset that varies so that no channel of a
  // channels-last image is always missed.
  const int64_t runs = n / kRun;
  constexpr int64_t kWanted = HistRecord::kMaxSampled / kRun;
  float gathered[kChunk];
  int64_t filled = 0;
  for (int64_t k = 0; k < kWanted; ++k) {
    const int64_t begin = k * runs / kWanted;
    const int64_t width = (k + 1) * runs / kWanted - begin;
    const uint32_t hash = static_cast<uint32_t>(k) * 2654435761u >> 8;
    std::copy_n(x + (begin + hash % width) * kRun, kRun, gathered + filled);
    filled += kRun;
    if (filled == kChunk) {
      Count(isa, gathered, filled, step, hist);
      filled = 0;
    }
  }
  Count(isa, gathered, filled, step, hist);
}

}  // namespace

void CollectSample(Isa isa, std::span<const float> values, TensorRecord* record, ThreadPool* pool) {
  if (values.empty()) return;
  const int64_t n = static_cast<int64_t>(values.size());
  const float* const x = values.data();
  ScanResult scan{};
  if (pool != nullptr && pool->num_threads() > 1 && n > kWorthAThread) {
    pool->ParallelFor(2, [&](int64_t half, int) {
      if (half == 0) scan = ScanF32(isa, x, n);
      if (half == 1) CountSample(isa, x, n, 1, &record->hist);
    });
  } else {
    scan = ScanF32(isa, x, n);
    CountSample(isa, x, n, 1, &record->hist);
  }
  if (scan.non_finite == 0) {
    record->range.Collect(scan.min, scan.max);
    return;
  }
  CountSample(isa, x, n, ~uint64_t{0}, &record->hist);
  std::vector<float> finite;
  for (const float v : values) {
    if (std::isnan(v)) {
      ++record->hist.nans;
    } else if (std::isinf(v)) {
      ++record->hist.infs;
    } else {
      finite.push_back(v);
    }
  }
  CollectSample(isa, finite, record, pool);
}

Status Statistics::Merge(const Statistics& other) {
  if (graph_hash != other.graph_hash) {
    return InvalidInput("the statistics were made from different graphs");
  }
  for (const auto& [name, record] : other.tensors) {
    TensorRecord& mine = tensors[name];
    if (!mine.channel.channels.empty() && !record.channel.channels.empty() &&
        mine.channel.channels.size() != record.channel.channels.size()) {
      return InvalidInput("the statistics disagree on the channels of tensor '" + name + "'");
    }
    mine.Merge(record);
  }
  samples += other.samples;
  return OkStatus();
}

}  // namespace adze
