// For the tests and the fuzzer of plan files: files with wrong contents and right checksums, and
// running whatever the reader lets pass.
#ifndef ADZE_RUNTIME_PLAN_FILE_TEST_UTIL_H_
#define ADZE_RUNTIME_PLAN_FILE_TEST_UTIL_H_

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "runtime/executor.h"
#include "runtime/plan_file.h"
#include "runtime/plan_file/format.h"

namespace adze::testing {

// A copy at an address that suits tensors. Ends where the bytes end, so that sanitizers see reading
// past them.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::span<const std::byte> bytes) : size_(bytes.size()) {
    void* p = nullptr;
    if (::posix_memalign(&p, plan_file::kAlignment, std::max<size_t>(size_, 1)) != 0) std::abort();
    data_ = static_cast<std::byte*>(p);
    if (size_ > 0) std::memcpy(data_, bytes.data(), size_);
  }
  ~AlignedBytes() { std::free(data_); }
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;
  std::span<std::byte> bytes() { return {data_, size_}; }

 private:
  std::byte* data_;
  size_t size_;
};

// Makes size and checksums right, where the header's offsets allow it.
inline void FixHeader(std::span<std::byte> file) {
  plan_file::Header h;
  if (file.size() < sizeof(h)) return;
  std::memcpy(&h, file.data(), sizeof(h));
  h.file_bytes = file.size();
  if (h.weights_offset >= sizeof(h) && h.weights_offset <= file.size()) {
    h.weights_bytes = file.size() - h.weights_offset;
    h.weights_checksum = ChecksumOf(file.subspan(h.weights_offset));
    std::memcpy(file.data(), &h, sizeof(h));
    h.checksum = plan_file::HeaderChecksum(file.first(h.weights_offset));
  }
  std::memcpy(file.data(), &h, sizeof(h));
}

// Dims of the inputs with every free dimension = `free`; empty if they are not small.
inline std::vector<std::vector<int64_t>> SmallInputDims(const Plan& plan, int64_t free) {
  constexpr int64_t kMaxTotal = 1 << 20;
  DimBindings bindings;
  for (const PlanValue& v : plan.values) {
    for (const Dim& d : v.shape) d.CollectSymbols(&bindings);
  }
  for (auto& [name, value] : bindings) value = free;
  int64_t total = 0;
  for (const PlanValue& v : plan.values) {
    const auto dims = EvaluateShape(v.shape, bindings);
    const int64_t size = dims ? NumElements(*dims) : -1;
    if (size < 0 || size > kMaxTotal || (total += size) > kMaxTotal) return {};
  }
  std::vector<std::vector<int64_t>> all;
  for (const int32_t i : plan.inputs) {
    all.push_back(*EvaluateShape(plan.values[static_cast<size_t>(i)].shape, bindings));
  }
  return all;
}

// A reproducible tensor of any type: small numbers of both signs.
inline Tensor Pattern(DType dtype, std::vector<int64_t> dims) {
  Tensor t = Tensor::Allocate(dtype, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) {
    const int v = static_cast<int>(i * 7919 % 23) - 11;
    switch (dtype) {
      case DType::kFloat32:
        t.mutable_data<float>()[i] = static_cast<float>(v) * 0.125f;
        break;
      case DType::kFloat64:
        t.mutable_data<double>()[i] = v * 0.125;
        break;
      case DType::kInt64:
        t.mutable_data<int64_t>()[i] = v % 2;
        break;
      case DType::kInt32:
        t.mutable_data<int32_t>()[i] = v % 2;
        break;
      default:  // bytes: 0 or 1
        if (SizeOf(dtype) == 1) static_cast<uint8_t*>(t.mutable_raw())[i] = v & 1;
    }
  }
  return t;
}

// Loads, and runs if the plan is small; whatever is wrong must come back as a Status.
inline Status LoadAndRun(std::span<const std::byte> file, Isa isa, ThreadPool* pool) {
  ADZE_ASSIGN(const PlanFromFile loaded, ReadPlanFromMemory(file, nullptr, isa));
  const std::vector<std::vector<int64_t>> dims = SmallInputDims(*loaded.plan, 4);
  if (dims.size() != loaded.plan->inputs.size()) return InvalidInput("too large for a test");
  Executor executor(loaded.plan, pool, {.max_arena_bytes = 64 << 20});
  std::vector<Tensor> inputs;
  std::vector<ConstTensorView> views;
  for (size_t i = 0; i < dims.size(); ++i) {
    const DType dtype = loaded.plan->values[static_cast<size_t>(loaded.plan->inputs[i])].dtype;
    inputs.push_back(Pattern(dtype, dims[i]));
  }
  for (const Tensor& t : inputs) views.push_back(t.view());
  ADZE_TRY(executor.Run(views));
  for (const int32_t i : loaded.plan->outputs) executor.ReadFloat(i);
  return OkStatus();
}

}  // namespace adze::testing

#endif  // ADZE_RUNTIME_PLAN_FILE_TEST_UTIL_H_
