// How a kernel family plugs into the executor. One file per family in runtime/families/ and one row
// in family_list.inc: Prepare turns a step and concrete dims into checked geometry; Run calls the
// pure kernels of src/kernels/<family>/ on the thread pool.
#ifndef ADZE_RUNTIME_FAMILY_H_
#define ADZE_RUNTIME_FAMILY_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/cpu.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "ops/tensor.h"
#include "runtime/plan.h"

namespace adze {

// One input or output of a prepared step. `data` is null during Prepare (constants excepted) and
// set during Run. For a kChannelsLast value `dims` are still logical (N, C, spatial…) while the
// bytes lie N, spatial…, C.
struct StepValue {
  DType dtype = DType::kUndefined;  // kUndefined: absent optional input
  Layout layout = Layout::kLogical;
  std::span<const int64_t> dims;
  void* data = nullptr;  // const for inputs by convention
  float scale = 0;       // of PlanValue
  int32_t zero_point = 0;

  bool present() const { return dtype != DType::kUndefined; }
  int64_t size() const { return NumElements(dims); }
};

// Arena buffers may be over-read by up to this many bytes past their end (never over-written): the
// executor pads.
inline constexpr int64_t kOverreadBytes = 64;

// What Prepare leaves for Run. `state` is the family's own POD, `workspace` scratch memory in the
// arena (contents undefined at each Run), shared by all threads.
struct PreparedStep {
  const Step* step = nullptr;
  Isa isa = Isa::kGeneric;
  std::vector<StepValue> inputs;
  std::vector<StepValue> outputs;
  std::vector<ConstTensorView> input_views;  // the same as views with data, set before Run
  std::vector<TensorView> output_views;
  std::vector<std::byte> state;
  int64_t workspace_bytes = 0;
  std::byte* workspace = nullptr;  // 64-byte aligned, set before Run
  int num_threads = 1;             // of the pool: workspace may be sized per worker

  template <typename T>
  void SetState(const T& t) {
    static_assert(std::is_trivially_copyable_v<T>);
    state.resize(sizeof(T));
    std::memcpy(state.data(), &t, sizeof(T));
  }
  template <typename T>
  const T& State() const {
    return *reinterpret_cast<const T*>(
        state.data());  // std::vector storage is aligned for any scalar
  }
};

struct FamilyDef {
  FamilyId id;
  const char* name;
  const char* summary;
  // Checks every argument, size and offset of the step against the dims (the plan may come from a
  // hostile file): after it, Run cannot read or write out of bounds. Sets state and
  // workspace_bytes.
  Status (*prepare)(PreparedStep& step);
  // No allocation, no locks beyond the pool. Errors only for data-dependent faults (an index out of
  // range).
  Status (*run)(const PreparedStep& step, ThreadPool& pool);
  size_t args_bytes = 0;  // ArgsBytes of its argument struct; 0: it has none
  bool in_place = false;  // steps may set in_place; of kOp, if the operator may
  // Packs the weights anew if the kernels for `isa` read another layout, and says whether it did;
  // checks what it relies on. Null: one layout serves all.
  Result<bool> (*repack)(Step& step, Isa isa) = nullptr;
};

// The size of an argument struct. Plan files hold the struct as it lies in memory, so it must have
// no padding: reading an arbitrary byte is no constant expression, and does not compile.
template <typename Args>
consteval size_t ArgsBytes() {
  static_assert(std::is_trivially_copyable_v<Args> && std::endian::native == std::endian::little);
  size_t nonzero = 0;
  for (const std::byte b : std::bit_cast<std::array<std::byte, sizeof(Args)>>(Args{})) {
    nonzero += b != std::byte{};
  }
  return sizeof(Args) + 0 * nonzero;
}

const FamilyDef* FindFamily(FamilyId id);  // null when unknown
std::span<const FamilyDef* const> AllFamilies();

}  // namespace adze

#endif  // ADZE_RUNTIME_FAMILY_H_
