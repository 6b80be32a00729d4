// Testing of passes: text in, text out, and the same numbers before and after.
#ifndef ADZE_PASSES_PASS_TEST_UTIL_H_
#define ADZE_PASSES_PASS_TEST_UTIL_H_

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "ir/text.h"
#include "numerics/rounding.h"
#include "passes/pass.h"

namespace adze {

inline Graph ParseOrFail(std::string_view text) {
  Result<Graph> g = ParseGraph(text);
  EXPECT_TRUE(g.ok()) << g.status().message() << "\nin\n" << text;
  return g.ok() ? std::move(g).value() : Graph();
}

// Real numbers of a value: dequantized when its type is quantized.
inline Tensor ToReal(const Value& v, const Tensor& stored) {
  if (!v.type.quant || stored.dtype() == DType::kFloat32) return stored;
  const QuantType& q = *v.type.quant;
  Tensor real = Tensor::Allocate(DType::kFloat32, stored.dims());
  int64_t inner = 1;
  for (int i = stored.rank() - 1; i > q.axis && q.axis >= 0; --i) {
    inner *= stored.dims()[static_cast<size_t>(i)];
  }
  for (int64_t i = 0; i < stored.size(); ++i) {
    const auto c = q.per_tensor() ? 0 : static_cast<size_t>(i / inner) % q.scale.size();
    real.mutable_data<float>()[i] = DequantizeOne(static_cast<int32_t>(IntegerAt(stored.view(), i)),
                                                  q.scale[c], q.zero_point[c]);
  }
  return real;
}

// Runs a region with the reference evaluations; quantized values are rounded to their grid.
// `values` holds inputs and constants and receives everything.
inline void Interpret(const Graph& g, RegionId region, std::map<ValueId, Tensor>& values) {
  for (NodeId id : g.region(region).nodes) {
    const Node& n = g.node(id);
    if (n.op.Is("If")) {
      const bool taken = IntegerAt(values.at(n.inputs[0]).view(), 0) != 0;
      for (const auto& [name, branch] : n.regions) {
        if (name != (taken ? "then_branch" : "else_branch")) continue;
        Interpret(g, branch, values);
        for (size_t i = 0; i < n.outputs.size(); ++i) {
          values[n.outputs[i]] = values.at(g.region(branch).outputs[i]);
        }
      }
      continue;
    }
    const OpDef* const def = FindOp(n.op);
    ASSERT_NE(def, nullptr) << n.op.ToString();
    std::vector<Tensor> inputs;
    for (ValueId in : n.inputs) inputs.push_back(in == kNoId ? Tensor() : values.at(in));
    Result<std::vector<Tensor>> outputs =
        EvaluateOp(*def, n.attrs, inputs, static_cast<int>(n.outputs.size()));
    ASSERT_TRUE(outputs.ok()) << DescribeNode(g, id) << ": " << outputs.status().message();
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      if (n.outputs[i] == kNoId) continue;
      Tensor t = std::move((*outputs)[i]);
      if (const auto& q = g.value(n.outputs[i]).type.quant) {
        const IntRange range = RangeOf(q->storage);
        float* const data = t.mutable_data<float>();
        for (int64_t k = 0; k < t.size(); ++k) {
          data[k] = DequantizeOne(
              QuantizeOne(data[k], q->scale[0], q->zero_point[0], static_cast<int32_t>(range.min),
                          static_cast<int32_t>(range.max)),
              q->scale[0], q->zero_point[0]);
        }
      }
      values[n.outputs[i]] = std::move(t);
    }
  }
}

// Outputs of region 0 for random inputs made from `seed`; symbols are bound to 2.
inline std::vector<Tensor> RunRandom(const Graph& g, uint32_t seed) {
  std::mt19937 random(seed);
  std::map<ValueId, Tensor> values;
  for (ValueId in : g.top().inputs) {
    DimBindings symbols;
    for (const Dim& d : *g.value(in).type.shape) d.CollectSymbols(&symbols);
    for (auto& [name, value] : symbols) value = 2;
    const auto dims = EvaluateShape(*g.value(in).type.shape, symbols);
    Tensor t = Tensor::Allocate(g.value(in).type.dtype, *dims);
    for (int64_t i = 0; i < t.size(); ++i) {
      const int draw = static_cast<int>(random() % 256);
      switch (t.dtype()) {
        case DType::kFloat32:
          t.mutable_data<float>()[i] = static_cast<float>(draw - 128) / 32;
          break;
        case DType::kInt64:
          t.mutable_data<int64_t>()[i] = draw % 3;
          break;
        case DType::kUInt8:
          t.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(draw);
          break;
        default:
          ADD_FAILURE() << "input type " << DTypeName(t.dtype());
      }
    }
    values[in] = std::move(t);
  }
  for (ValueId id = 0; id < g.num_values(); ++id) {
    if (!g.value(id).dead && g.value(id).is_constant()) {
      values[id] = ToReal(g.value(id), g.value(id).constant);
    }
  }
  Interpret(g, 0, values);
  std::vector<Tensor> outputs;
  for (ValueId out : g.top().outputs) outputs.push_back(values[out]);
  return outputs;
}

inline void ExpectSameNumbers(const Graph& a, const Graph& b, float tolerance = 1e-5f) {
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    const std::vector<Tensor> x = RunRandom(a, seed);
    const std::vector<Tensor> y = RunRandom(b, seed);
    ASSERT_EQ(x.size(), y.size());
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(x[i].dims(), y[i].dims()) << "output " << i;
      ASSERT_EQ(x[i].dtype(), y[i].dtype()) << "output " << i;
      if (x[i].dtype() != DType::kFloat32) {
        EXPECT_TRUE(BitEqual(x[i], y[i])) << "output " << i;
        continue;
      }
      float largest = 1;
      for (float v : x[i].values<float>()) largest = std::max(largest, std::abs(v));
      for (int64_t k = 0; k < x[i].size(); ++k) {
        ASSERT_NEAR(x[i].data<float>()[k], y[i].data<float>()[k], tolerance * largest)
            << "output " << i << ", element " << k;
      }
    }
  }
}

inline PassReport RunOrFail(Graph& g, std::string_view pass, PassOptions options = {}) {
  const std::string name(pass);
  const char* const list[] = {name.c_str()};
  options.verify_each_patch = true;
  Result<PassReport> report = RunPipeline(g, Pipeline{"test", "", list}, options);
  EXPECT_TRUE(report.ok()) << report.status().message();
  return report.ok() ? std::move(report).value() : PassReport();
}

// What a graph prints, as the text form has it: constants first, in the order of a new parse.
inline std::string Canonical(std::string_view text) { return PrintGraph(ParseOrFail(text)); }

// Runs `pass` to the end on `before` and compares with `after` (both texts of graphs, `graph {` …
// `}` left out); checks that both compute the same, and that a second run changes nothing.
inline void ExpectRewrite(std::string_view pass, std::string_view before, std::string_view after,
                          PassOptions options = {}, float tolerance = 1e-5f) {
  const std::string text = "graph {" + std::string(before) + "}";
  const Graph original = ParseOrFail(text);
  Graph g = ParseOrFail(text);
  const PassReport report = RunOrFail(g, pass, options);
  EXPECT_GT(report.total_patches, 0) << "the pass did nothing";
  EXPECT_EQ(Canonical(PrintGraph(g)), Canonical("graph {" + std::string(after) + "}"));
  ExpectSameNumbers(original, g, tolerance);
  options.preserved = report.preserved;
  EXPECT_EQ(RunOrFail(g, pass, options).total_patches, 0) << "a second run changes something";
}

// `pass` leaves `before` alone, and says why where `reason` is not empty.
inline void ExpectNo(std::string_view pass, std::string_view before, std::string_view reason,
                     const std::vector<std::string>& preserved = {}) {
  const std::string text = "graph {" + std::string(before) + "}";
  Graph g = ParseOrFail(text);
  PassOptions options;
  options.explain = true;
  for (const std::string& name : preserved) options.preserved.push_back(g.FindValue(name));
  const PassReport report = RunOrFail(g, pass, options);
  EXPECT_EQ(report.total_patches, 0);
  EXPECT_EQ(PrintGraph(g), Canonical(text));
  if (reason.empty()) {
    EXPECT_TRUE(report.refusals.empty()) << report.refusals[0].reason;
  } else if (report.refusals.empty()) {
    ADD_FAILURE() << "no reason given, expected: " << reason;
  } else {
    EXPECT_EQ(report.refusals[0].reason, reason);
  }
}

}  // namespace adze

#endif  // ADZE_PASSES_PASS_TEST_UTIL_H_
