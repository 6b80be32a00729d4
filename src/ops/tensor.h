// Tensors outside the runtime: constants, inputs, outputs. Dense, row-major, logical dimension
// order.
#ifndef ADZE_OPS_TENSOR_H_
#define ADZE_OPS_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/status.h"
#include "numerics/dtype.h"

namespace adze {

inline constexpr int kMaxRank = 8;  // of any tensor; readers refuse more
// Refuses absurd dimensions before anything is allocated: 2^40 elements.
inline constexpr int64_t kMaxElements = int64_t{1} << 40;

// C++ type <-> DType for the types that code computes with.
template <typename T>
inline constexpr DType kDTypeOf = DType::kUndefined;
template <>
inline constexpr DType kDTypeOf<float> = DType::kFloat32;
template <>
inline constexpr DType kDTypeOf<double> = DType::kFloat64;
template <>
inline constexpr DType kDTypeOf<int8_t> = DType::kInt8;
template <>
inline constexpr DType kDTypeOf<uint8_t> = DType::kUInt8;
template <>
inline constexpr DType kDTypeOf<int16_t> = DType::kInt16;
template <>
inline constexpr DType kDTypeOf<uint16_t> = DType::kUInt16;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::kInt32;
template <>
inline constexpr DType kDTypeOf<uint32_t> = DType::kUInt32;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::kInt64;
template <>
inline constexpr DType kDTypeOf<uint64_t> = DType::kUInt64;
template <>
inline constexpr DType kDTypeOf<bool> = DType::kBool;

// Product of dims; -1 if a dimension is negative or the product exceeds kMaxElements.
int64_t NumElements(std::span<const int64_t> dims);

// A borrowed read-only tensor. dtype kUndefined: an omitted optional input.
struct ConstTensorView {
  DType dtype = DType::kUndefined;
  std::span<const int64_t> dims;
  const void* data = nullptr;

  bool present() const { return dtype != DType::kUndefined; }
  int rank() const { return static_cast<int>(dims.size()); }
  int64_t size() const { return NumElements(dims); }
  template <typename T>
  const T* as() const {
    ADZE_DCHECK(dtype == kDTypeOf<T>);
    return static_cast<const T*>(data);
  }
};

// A borrowed writable tensor.
struct TensorView {
  DType dtype = DType::kUndefined;
  std::span<const int64_t> dims;
  void* data = nullptr;

  bool present() const { return dtype != DType::kUndefined; }
  int rank() const { return static_cast<int>(dims.size()); }
  int64_t size() const { return NumElements(dims); }
  template <typename T>
  T* as() const {
    ADZE_DCHECK(dtype == kDTypeOf<T>);
    return static_cast<T*>(data);
  }
  operator ConstTensorView() const { return {dtype, dims, data}; }  // NOLINT
};

// A tensor that shares ownership of immutable bytes: its own allocation, or a view into a mapped
// file kept alive by `owner`. Copying is cheap. Data is 64-byte aligned when allocated here, and
// aligned to the element otherwise.
class Tensor {
 public:
  Tensor() = default;  // undefined
  // Zero-filled; the caller may write through mutable_data() while it is the only owner. The dims
  // must be sane (NumElements >= 0).
  static Tensor Allocate(DType dtype, std::vector<int64_t> dims);
  // Allocate for sizes that come from a file or an option: refuses bad dims and what memory cannot
  // hold.
  static Result<Tensor> TryAllocate(DType dtype, std::vector<int64_t> dims);
  // Borrows `data`, kept alive by `owner`; must be aligned to the element size.
  static Tensor View(DType dtype, std::vector<int64_t> dims, const void* data,
                     std::shared_ptr<const void> owner);
  template <typename T>
  static Tensor FromValues(std::vector<int64_t> dims, std::span<const T> values) {
    Tensor t = Allocate(kDTypeOf<T>, std::move(dims));
    ADZE_CHECK(t.size() == static_cast<int64_t>(values.size()));
    T* out = t.mutable_data<T>();
    for (size_t i = 0; i < values.size(); ++i) out[i] = values[i];
    return t;
  }
  template <typename T>
  static Tensor FromValues(std::vector<int64_t> dims, std::initializer_list<T> values) {
    return FromValues<T>(std::move(dims), std::span<const T>(values.begin(), values.size()));
  }
  template <typename T>
  static Tensor Scalar(T value) {
    return FromValues<T>({}, {value});
  }

  bool defined() const { return dtype_ != DType::kUndefined; }
  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& dims() const { return dims_; }
  int rank() const { return static_cast<int>(dims_.size()); }
  int64_t size() const { return NumElements(dims_); }
  size_t bytes() const { return static_cast<size_t>(size()) * SizeOf(dtype_); }
  const void* raw() const { return data_; }
  template <typename T>
  const T* data() const {
    ADZE_CHECK(dtype_ == kDTypeOf<T>);
    return static_cast<const T*>(data_);
  }
  template <typename T>
  std::span<const T> values() const {
    return {data<T>(), static_cast<size_t>(size())};
  }
  void* mutable_raw();  // only for a tensor from Allocate that is not shared
  template <typename T>
  T* mutable_data() {
    ADZE_CHECK(dtype_ == kDTypeOf<T>);
    return static_cast<T*>(mutable_raw());
  }

  // Same bytes, other dims (same number of elements).
  Tensor Reshaped(std::vector<int64_t> dims) const;
  ConstTensorView view() const { return {dtype_, dims_, data_}; }
  TensorView mutable_view() { return {dtype_, dims_, mutable_raw()}; }

 private:
  DType dtype_ = DType::kUndefined;
  std::vector<int64_t> dims_;
  const void* data_ = nullptr;
  std::shared_ptr<const void> owner_;
  bool writable_ = false;
};

// Same dtype, dims and bytes.
bool BitEqual(const Tensor& a, const Tensor& b);

// Element `i` of an integer (or bool) tensor as int64; the whole of it as a list. The dtype must be
// integer or bool.
int64_t IntegerAt(const ConstTensorView& t, int64_t i);
std::vector<int64_t> ToInt64s(const ConstTensorView& t);

}  // namespace adze

#endif  // ADZE_OPS_TENSOR_H_
