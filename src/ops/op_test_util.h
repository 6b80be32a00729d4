// Shorthands of the operator tests: run an operator on tensors, ask its shape rule, read the
// sentence of a refusal.
#ifndef ADZE_OPS_OP_TEST_UTIL_H_
#define ADZE_OPS_OP_TEST_UTIL_H_

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "ops/op_def.h"

namespace adze::op_test {

inline const OpDef& Op(std::string_view name, std::string_view domain = "") {
  const OpDef* const def = FindOp(OpType::Intern(domain, name));
  ADZE_CHECK(def != nullptr);
  return *def;
}

inline Result<std::vector<Tensor>> Evaluate(const OpDef& op, const AttrMap& attrs,
                                            const std::vector<Tensor>& inputs, int outputs = 1) {
  return EvaluateOp(op, attrs, inputs, outputs);
}

// The single output; a refusal fails the test and gives an undefined tensor.
inline Tensor RunOp(const OpDef& op, const AttrMap& attrs, const std::vector<Tensor>& inputs) {
  Result<std::vector<Tensor>> r = Evaluate(op, attrs, inputs);
  EXPECT_TRUE(r.ok()) << op.name << ": " << r.status().message();
  return r.ok() ? r.value()[0] : Tensor();
}
template <typename T>
std::vector<T> ValuesOf(const Tensor& t) {
  if (!t.defined()) return {};
  return {t.values<T>().begin(), t.values<T>().end()};
}

inline Tensor F(std::vector<int64_t> dims, std::vector<float> values) {
  return Tensor::FromValues<float>(std::move(dims), std::span<const float>(values));
}
inline void ExpectNear(const Tensor& t, const std::vector<float>& want, float tolerance = 1e-6f) {
  const std::vector<float> got = ValuesOf<float>(t);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance) << i;
}

// A value of which only type and shape are known.
inline ValueInfo Info(DType dtype, Shape shape) { return {dtype, std::move(shape)}; }
inline ValueInfo Info(Shape shape) { return Info(DType::kFloat32, std::move(shape)); }

// Runs the shape rule; entries of dtype kUndefined are absent inputs.
inline Result<ValueInfo> Infer(const OpDef& op, const AttrMap& attrs,
                               const std::vector<ValueInfo>& inputs, int outputs = 1) {
  std::vector<const ValueInfo*> pointers;
  for (const ValueInfo& v : inputs) {
    pointers.push_back(v.dtype == DType::kUndefined ? nullptr : &v);
  }
  std::vector<ValueInfo> out(static_cast<size_t>(outputs));
  InferContext ctx(attrs, pointers, out);
  ADZE_TRY(op.infer(ctx));
  return out[0];
}
inline std::string InferredShape(const OpDef& op, const AttrMap& attrs,
                                 const std::vector<ValueInfo>& inputs) {
  const Result<ValueInfo> r = Infer(op, attrs, inputs);
  if (!r.ok()) return r.status().message();
  return r.value().shape ? ShapeToString(*r.value().shape) : "unknown";
}

// One refusal: the operator, what it is given, and the exact code and sentence.
struct Refusal {
  const OpDef* op;
  AttrMap attrs;
  std::vector<ValueInfo> inputs;
  StatusCode code;
  std::string sentence;
  int outputs = 1;
};
inline void ExpectRefused(const std::vector<Refusal>& refusals) {
  for (const Refusal& r : refusals) {
    const Result<ValueInfo> got = Infer(*r.op, r.attrs, r.inputs, r.outputs);
    EXPECT_EQ(got.status().message(), r.sentence) << r.op->name;
    EXPECT_EQ(got.status().code(), r.code) << r.op->name << ": " << r.sentence;
  }
}

template <typename T>
Tensor RandomTensor(std::mt19937& rng, std::vector<int64_t> dims) {
  Tensor t = Tensor::Allocate(kDTypeOf<T>, std::move(dims));
  T* const data = t.mutable_data<T>();
  for (int64_t i = 0; i < t.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      data[i] = std::uniform_real_distribution<T>(-2, 2)(rng);
    } else {
      data[i] = static_cast<T>(rng());
    }
  }
  return t;
}

}  // namespace adze::op_test

#endif  // ADZE_OPS_OP_TEST_UTIL_H_
