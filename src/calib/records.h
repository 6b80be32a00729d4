// Statistics records: each of fixed size, mergeable, and independent of the order in which samples,
// threads or files come. Collected once, saved, and reused for any observer and bit width. Verbs:
// Collect adds data, Merge adds another record of other samples, observers Finish.
#ifndef ADZE_CALIB_RECORDS_H_
#define ADZE_CALIB_RECORDS_H_

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/status.h"
#include "base/thread_pool.h"

namespace adze {

// The exact sum of doubles: a fixed-point number of 20 limbs of 32 bits, so that any order of
// additions gives the same bits (Kulisch's accumulator, cut to the range that statistics need).
// Addends are truncated below 2^-320, limited to 2^300 in magnitude, and ignored when not finite.
class ExactSum {
 public:
  static constexpr int kLimbs = 20;
  static constexpr int kLowestBit = -320;  // weight of bit 0 of limb 0 is 2^kLowestBit
  void Collect(double x);
  void Merge(const ExactSum& other);
  double Finish() const;  // correctly rounded to within one unit in the last place
  // Limbs in canonical form (all but the last in [0, 2^32)): equal sums have equal limbs. For files
  // and tests.
  std::array<int64_t, kLimbs> Canonical() const;
  static ExactSum FromLimbs(const std::array<int64_t, kLimbs>& limbs);

 private:
  std::array<int64_t, kLimbs>
      limbs_{};  // each may leave [0, 2^32); normalised every 2^30 additions
  int64_t additions_ = 0;
};

// Log-binned histogram on the float's own bits: sign, exponent clamped to [-32, 31], 6 mantissa
// bits: 64 bins per octave, so a bin is 1.1 to 1.6 % wide. Tensors larger than kMaxSampled elements
// are sampled on a fixed lattice of 16-element runs; minima and maxima (RangeRecord) always see
// every element.
struct HistRecord {
  static constexpr int kBinsPerSign = 4096;
  // Slots of one sign: 0: non-zero magnitudes below 2^-32; 1 … 4096: the bins; 4097: magnitudes
  // from 2^32 on.
  static constexpr int kSlotsPerSign = kBinsPerSign + 2;
  static constexpr int kSlots = 2 * kSlotsPerSign;  // positive, then negative
  static constexpr int64_t kMaxSampled = 16384;     // per tensor and sample
  std::vector<uint64_t> slots = std::vector<uint64_t>(kSlots);
  uint64_t zeros = 0;  // both signs
  uint64_t nans = 0;   // over all elements, not only the sampled ones
  uint64_t infs = 0;

  // The magnitudes [BinLow(i), BinLow(i + 1)) lie in bin i, 0 <= i < kBinsPerSign.
  static double BinLow(int i);
  uint64_t bin(bool negative, int i) const {
    return slots[static_cast<size_t>((negative ? kSlotsPerSign : 0) + 1 + i)];
  }
  uint64_t total() const;  // finite values
  void Merge(const HistRecord& other);
  friend bool operator==(const HistRecord&, const HistRecord&) = default;
};

// Extremes over everything and, per sample, summed: for the averaged observer.
struct RangeRecord {
  float min = 0;  // meaningful when samples > 0
  float max = 0;
  ExactSum sum_min;  // of the samples' minima
  ExactSum sum_max;
  uint64_t samples = 0;

  void Collect(float sample_min, float sample_max);
  void Merge(const RangeRecord& other);
};

// Per channel: extremes and moments. Sums are ExactSums of per-sample partial sums, each computed
// in double in memory order, so they do not depend on the order of samples.
struct ChannelRecord {
  struct Channel {
    float min = 0;
    float max = 0;
    ExactSum sum;
    ExactSum sum_squares;
    uint64_t count = 0;
  };
  std::vector<Channel> channels;

  // `data`: one sample of dims [outer, channels, inner], dense, of finite numbers. The same on
  // every ISA and for any number of threads; with a pool, channels are shared out.
  void Collect(Isa isa, const float* data, int64_t outer, int64_t num_channels, int64_t inner,
               ThreadPool* pool = nullptr);
  void Merge(const ChannelRecord& other);  // same number of channels, or one of them empty
};

// Everything known about one tensor.
struct TensorRecord {
  HistRecord hist;
  RangeRecord range;
  ChannelRecord channel;  // empty unless asked for

  void Merge(const TensorRecord& other);
};

// Adds one sample's values, in any fixed layout, to a record. NaN and infinities are only counted.
// With a pool, extremes and histogram of large tensors are computed side by side.
void CollectSample(Isa isa, std::span<const float> values, TensorRecord* record,
                   ThreadPool* pool = nullptr);

// A statistics file: records by tensor name, plus what they were made from.
struct Statistics {
  std::string graph_hash;
  uint64_t samples = 0;
  std::map<std::string, TensorRecord> tensors;

  // Other samples of the same graph; refuses another hash.
  Status Merge(const Statistics& other);
};
// One safetensors file; the header's metadata says what is in it. Deterministic bytes.
Status WriteStatistics(const Statistics& statistics, const std::string& path);
Result<Statistics> ReadStatistics(const std::string& path);

}  // namespace adze

#endif  // ADZE_CALIB_RECORDS_H_
