// A Plan: how a network runs. A flat list of steps over a table of values with symbolic dimensions,
// packed weights, and nothing of the graph it came from. Lowering makes it; Executor runs it.
// Everything here is plain data, so a plan can be written to a file and mapped.
#ifndef ADZE_RUNTIME_PLAN_H_
#define ADZE_RUNTIME_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "base/cpu.h"
#include "numerics/dtype.h"
#include "ops/attr.h"
#include "ops/dim.h"
#include "ops/op_def.h"
#include "ops/tensor.h"

namespace adze {

// Memory order of a value. The dims of a PlanValue are always logical (N, C, spatial...).
enum class Layout : uint8_t {
  kLogical = 0,       // row-major in logical order
  kChannelsLast = 1,  // N, spatial..., C: rank >= 3
};

enum class PlanValueKind : uint8_t {
  kTemporary,  // lives in the arena between its first and last step
  kInput,      // given by the caller, copied into the arena
  kConstant,   // `constant` below
  kSymbolic,   // a small integer tensor computed from the input dims alone: `elements` below
};

struct PlanValue {
  std::string name;                 // of the graph value; empty for internals
  DType dtype = DType::kUndefined;  // storage type
  Shape shape;                      // logical, symbolic
  Layout layout = Layout::kLogical;
  PlanValueKind kind = PlanValueKind::kTemporary;
  Tensor constant;  // kConstant
  std::vector<Dim>
      elements;       // kSymbolic: row-major contents (dtype int64 or int32), known once dims are
  bool keep = false;  // outputs and taps: stays valid until the next Run
  // When quantized per tensor: real = scale * (q - zero_point), for reading taps; scale 0
  // otherwise.
  float scale = 0;
  int32_t zero_point = 0;
};

// Stable numbers of kernel families: they are stored in plan files. One row each in
// runtime/family_list.inc.
enum class FamilyId : uint16_t {
  kOp = 1,      // any operator by its reference evaluation
  kConvI8 = 2,  // u8 x s8 convolution, fused epilogue; also Gemm and MatMul with constant weights
  kDepthwiseI8 = 3,
  kAddI8 = 4,
  kTableI8 = 5,  // u8 -> u8 through 256 entries
  kPoolI8 = 6,
  kQuantize = 7,    // float32 -> u8
  kDequantize = 8,  // u8 -> float32
  kConvF32 = 9,     // also Gemm and MatMul with constant weights
  kDepthwiseF32 = 10,
  kElementwiseF32 = 11,  // unary and binary, broadcasting
  kPoolF32 = 12,
  kLayout = 13,  // kLogical <-> kChannelsLast, 1- and 4-byte elements
  kConcat = 14,  // any layout and element size
  kSoftmaxF32 = 15,
  kFakeQuantF32 = 16,  // quantize and dequantize in one step, parameters changeable between runs
  kAlias = 17,         // same bytes under another shape (Reshape, Flatten …): no work
  kMatMulF32 = 19,     // both operands computed
  kMulI8 = 20,         // element-wise, broadcasting
  kSlice = 21,         // any layout and element size
  kTranspose = 22,     // kLogical, any element size
  kResize = 23,        // float32, channels-last
};

struct Step {
  FamilyId family = FamilyId::kOp;
  std::vector<int32_t> inputs;  // value indices; -1: absent
  std::vector<int32_t> outputs;
  std::vector<std::byte>
      args;  // the family's POD argument struct (geometry without sizes, scalars)
  std::vector<Tensor> weights;  // packed constants of this step, in the family's order
  OpType op;                    // kOp: which operator; else what it came from, for profiles
  AttrMap attrs;                // kOp only
  std::string name;             // node name, for profiles and errors
  int64_t macs_per_output = 0;  // multiply-accumulates per output element, for reports
  bool in_place = false;  // output 0 may take over the buffer of input 0 (same bytes, same order)

  template <typename Args>
  void SetArgs(const Args& a) {
    static_assert(std::is_trivially_copyable_v<Args>);
    args.resize(sizeof(Args));
    std::memcpy(args.data(), &a, sizeof(Args));
  }
  template <typename Args>
  Args GetArgs() const {
    static_assert(std::is_trivially_copyable_v<Args>);
    ADZE_CHECK(args.size() == sizeof(Args));
    Args a;
    std::memcpy(&a, args.data(), sizeof(Args));
    return a;
  }
};

struct Plan {
  std::vector<PlanValue> values;
  std::vector<Step> steps;
  std::vector<int32_t> inputs;   // value indices in graph order
  std::vector<int32_t> outputs;  // value indices in graph order
  Isa isa = Isa::kGeneric;  // weights are packed for it; a step runs on exactly this ISA's variant
                            // or an older
};

}  // namespace adze

#endif  // ADZE_RUNTIME_PLAN_H_
