// Quantization as part of a value's type: real = scale * (stored - zero_point), following ONNX
// QuantizeLinear.
#ifndef ADZE_NUMERICS_QUANT_TYPE_H_
#define ADZE_NUMERICS_QUANT_TYPE_H_

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "numerics/dtype.h"

namespace adze {

// One quantizer: per tensor (one scale), per channel along `axis`, or blocked along `axis` as ONNX
// DequantizeLinear 21 has it: scales have the tensor's shape with ceil(dim / block_size) at `axis`.
// The *expressed* type (float32) is the tensor's dtype; `storage` is what lies in memory. Affine,
// or with a codebook: real = scale * codebook[stored], for formats whose codes are not equally
// spaced (number_format.h), of constants only.
struct QuantType {
  DType storage = DType::kUInt8;    // integers of 2 to 8 and 16 bits, or kInt32 (bias)
  std::vector<float> scale;         // > 0 and finite; size 1, channels, or blocks in tensor order
  std::vector<int32_t> zero_point;  // same size as scale, each within the storage range
  int axis = -1;           // -1: per tensor; else the channel axis in the tensor's logical order
  int64_t block_size = 0;  // 0: not blocked
  // 2^bits ascending finite numbers for unsigned storage of at most 8 bits, zero points 0; the last
  // ones may repeat. Empty: affine.
  std::vector<float> codebook;

  bool per_tensor() const { return axis < 0; }
  // True when every zero point is 0 (signed storage) — what "symmetric" means throughout.
  bool symmetric() const;
  friend bool operator==(const QuantType&, const QuantType&) = default;
};

// Checks the invariants named beside the members. `channels` is the size of the axis (ignored when
// per tensor).
Status VerifyQuantType(const QuantType& q, int64_t channels);

// Which scale each element of a tensor has.
class ScaleIndex {
 public:
  ScaleIndex(std::span<const int64_t> dims, const QuantType& q);
  // Of element i in row-major order; less than count().
  size_t operator()(int64_t i) const {
    if (count_ == 1) return 0;
    const int64_t block = i / inner_ % axis_ / block_;
    if (!blocked_) return static_cast<size_t>(block);
    return static_cast<size_t>((i / (inner_ * axis_) * blocks_ + block) * inner_ + i % inner_);
  }
  // Scales that such a tensor has.
  int64_t count() const { return count_; }
  // From any multiple of this on, that many elements share a scale.
  int64_t run() const {
    if (count_ == 1) return std::numeric_limits<int64_t>::max();
    return blocked_ ? 1 : inner_;
  }

 private:
  int64_t inner_ = 1, axis_ = 1, block_ = 1, blocks_ = 1, count_ = 1;
  bool blocked_ = false;
};

// The real numbers that `codes`, of the storage type and in row-major order, stand for.
void Dequantize(const QuantType& q, std::span<const int64_t> dims, const void* codes, float* real);

// "uint8<0.0235:128>", "int8<axis=0,32 scales>", "codebook of 16<axis=0,32 scales>": for messages
// and the text form.
std::string QuantTypeSummary(const QuantType& q);

// The affine parameters of one tensor-wide quantizer covering [min, max].
// Asymmetric: zero is made exactly representable (the range is widened to include it); the zero
// point is rounded to nearest even. Symmetric: scale = max|x| / qmax with zero point 0 for signed
// storage (the most negative code is not used), or the middle code for unsigned storage. A range of
// zero width, or narrower than `min_range`, is widened to it, so that the scale is never zero,
// subnormal or infinite.
struct AffineParams {
  float scale;
  int32_t zero_point;
};
AffineParams ChooseAffineParams(float min, float max, DType storage, bool symmetric,
                                float min_range = 1e-6f);

}  // namespace adze

#endif  // ADZE_NUMERICS_QUANT_TYPE_H_
