// The adapters of the float kernel families: geometry, layouts, broadcasting, refusals. The kernels
// themselves are tested in src/kernels.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/concat/concat.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/depthwise_f32/depthwise_f32.h"
#include "kernels/elementwise_f32/elementwise_f32.h"
#include "kernels/fake_quant_f32/fake_quant_f32.h"
#include "kernels/pool_f32/pool_f32.h"
#include "kernels/slice/slice.h"
#include "kernels/softmax_f32/softmax_f32.h"
#include "runtime/family.h"

namespace adze {
namespace {

constexpr float kInf = INFINITY;

// A tensor of a step; contents in memory order.
struct Value {
  std::vector<int64_t> dims;
  Layout layout = Layout::kLogical;
  std::vector<float> data;
  DType dtype = DType::kFloat32;

  static Value Filled(std::vector<int64_t> dims, Layout layout = Layout::kLogical) {
    Value v{std::move(dims), layout, {}};
    v.data.resize(static_cast<size_t>(NumElements(v.dims)));
    for (size_t i = 0; i < v.data.size(); ++i) {
      v.data[i] = static_cast<float>(static_cast<int>(i * 7919 % 23) - 11) * 0.125f;
    }
    return v;
  }
  // The element at logical indices, whatever the layout.
  float At(std::vector<int64_t> index) const {
    std::vector<int64_t> d = dims;
    if (layout == Layout::kChannelsLast) {
      for (auto* v : {&d, &index}) {
        const int64_t c = (*v)[1];
        v->erase(v->begin() + 1);
        v->push_back(c);
      }
    }
    int64_t at = 0;
    for (size_t i = 0; i < d.size(); ++i) at = at * d[i] + index[i];
    return data[static_cast<size_t>(at)];
  }
};

Tensor Floats(const std::vector<float>& values) {
  return Tensor::FromValues<float>({static_cast<int64_t>(values.size())}, values);
}

// Prepares and runs one step with 1 and 3 threads; the results must agree to the bit.
Status RunStep(const Step& step, Isa isa, std::vector<Value>& inputs, std::vector<Value>& outputs) {
  const FamilyDef* const family = FindFamily(step.family);
  std::vector<std::vector<float>> first;
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    PreparedStep p;
    p.step = &step;
    p.isa = isa;
    p.num_threads = threads;
    for (Value& v : inputs) p.inputs.push_back({v.dtype, v.layout, v.dims});
    for (Value& v : outputs) p.outputs.push_back({v.dtype, v.layout, v.dims});
    ADZE_TRY(family->prepare(p));
    for (size_t i = 0; i < inputs.size(); ++i) p.inputs[i].data = inputs[i].data.data();
    for (size_t i = 0; i < outputs.size(); ++i) {
      outputs[i].data.assign(static_cast<size_t>(NumElements(outputs[i].dims)), -99.0f);
      p.outputs[i].data = outputs[i].data.data();
    }
    const std::unique_ptr<void, void (*)(void*)> workspace(
        std::aligned_alloc(64, static_cast<size_t>((p.workspace_bytes + 127) / 64 * 64)),
        std::free);
    p.workspace = static_cast<std::byte*>(workspace.get());
    ADZE_TRY(family->run(p, pool));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (threads == 1) {
        first.push_back(outputs[i].data);
      } else {
        EXPECT_EQ(first[i], outputs[i].data) << "threads change the result";
      }
    }
  }
  return OkStatus();
}

Status PrepareOnly(const Step& step, const std::vector<Value>& inputs,
                   const std::vector<Value>& outputs) {
  PreparedStep p;
  p.step = &step;
  for (const Value& v : inputs) p.inputs.push_back({v.dtype, v.layout, v.dims});
  for (const Value& v : outputs) p.outputs.push_back({v.dtype, v.layout, v.dims});
  return FindFamily(step.family)->prepare(p);
}

template <typename Args>
Step MakeStep(FamilyId family, const Args& args) {
  Step step;
  step.family = family;
  step.SetArgs(args);
  return step;
}

Step ConvStep(ConvF32Args args, Isa isa, const std::vector<float>& oihw,
              const std::vector<float>& bias) {
  const ConvF32Packing packing = ConvF32PackingFor(isa);
  args.packing = static_cast<int32_t>(packing);
  Step step = MakeStep(FamilyId::kConvF32, args);
  std::vector<float> packed(static_cast<size_t>(ConvF32PackedFloats(args.window, packing)));
  PackConvF32(args.window, packing, oihw.data(), OihwStrides(args.window), packed.data());
  step.weights = {Floats(packed), Floats(bias)};
  return step;
}

TEST(FloatFamilies, Conv) {
  ConvF32Args args;
  args.window = {.kernel_h = 3,
                 .kernel_w = 3,
                 .pad_top = 1,
                 .pad_left = 1,
                 .pad_bottom = 1,
                 .pad_right = 1,
                 .in_channels = 5,
                 .out_channels = 20};
  args.act_min = -1;
  args.act_max = 2;
  args.has_residual = 1;
  const Value weights = Value::Filled({20, 5, 3, 3});
  const Value bias = Value::Filled({20});
  for (Isa isa : SupportedIsas()) {
    const Step step = ConvStep(args, isa, weights.data, bias.data);
    std::vector<Value> in = {Value::Filled({2, 5, 9, 11}, Layout::kChannelsLast),
                             Value::Filled({2, 20, 9, 11}, Layout::kChannelsLast)};
    std::vector<Value> out = {{{2, 20, 9, 11}, Layout::kChannelsLast, {}}};
    ASSERT_TRUE(RunStep(step, isa, in, out).ok());
    std::vector<float> want(out[0].data.size());
    ConvF32Call call;
    call.window = args.window;
    call.sizes = {2, 9, 11, 9, 11};
    call.x = in[0].data.data();
    call.bias = bias.data.data();
    call.residual = in[1].data.data();
    call.y = want.data();
    call.act_min = -1;
    call.act_max = 2;
    ConvF32Ref(call, weights.data.data());
    for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(out[0].data[i], want[i], 1e-4);
  }
}

TEST(FloatFamilies, ConvOfRowsAndImagesOfRank3) {
  ConvF32Args args;
  args.window = {.in_channels = 6, .out_channels = 3};
  args.act_min = -kInf;
  args.act_max = kInf;
  const Value w = Value::Filled({3, 6});
  const Step step = ConvStep(args, Isa::kGeneric, w.data, {1, 2, 3});
  std::vector<Value> in = {Value::Filled({2, 4, 6})};
  std::vector<Value> out = {{{2, 4, 3}}};
  ASSERT_TRUE(RunStep(step, Isa::kGeneric, in, out).ok());
  double sum = 2;
  for (int k = 0; k < 6; ++k) sum += in[0].At({1, 2, k}) * w.At({1, k});
  EXPECT_NEAR(out[0].At({1, 2, 1}), sum, 1e-5);
  // N, C, W images.
  in = {Value::Filled({2, 6, 4}, Layout::kChannelsLast)};
  out = {{{2, 3, 4}, Layout::kChannelsLast, {}}};
  ASSERT_TRUE(RunStep(step, Isa::kGeneric, in, out).ok());
  sum = 2;
  for (int k = 0; k < 6; ++k) sum += in[0].At({1, k, 2}) * w.At({1, k});
  EXPECT_NEAR(out[0].At({1, 1, 2}), sum, 1e-5);
  // Nothing to do.
  in = {Value::Filled({0, 6})};
  out = {{{0, 3}}};
  EXPECT_TRUE(RunStep(step, Isa::kGeneric, in, out).ok());
}

TEST(FloatFamilies, ConvRefuses) {
  ConvF32Args args;
  args.window = {.kernel_h = 3, .kernel_w = 3, .in_channels = 4, .out_channels = 8};
  args.act_max = 6;
  const Value weights = Value::Filled({8, 4, 3, 3});
  const std::vector<float> bias(8);
  const std::vector<Value> in = {Value::Filled({1, 4, 5, 5}, Layout::kChannelsLast)};
  const std::vector<Value> out = {{{1, 8, 3, 3}, Layout::kChannelsLast, {}}};
  const Step good = ConvStep(args, Isa::kGeneric, weights.data, bias);
  ASSERT_TRUE(PrepareOnly(good, in, out).ok());
  const auto refused = [&](const Step& s, const std::vector<Value>& i,
                           const std::vector<Value>& o) {
    const Status status = PrepareOnly(s, i, o);
    return !status.ok() && status.code() == StatusCode::kInvalidInput && !status.message().empty();
  };
  const auto with = [&](const std::function<void(ConvF32Args&)>& change) {
    ConvF32Args a = args;
    change(a);
    Step s = good;
    s.SetArgs(a);
    return s;
  };
  Step s = good;
  s.args.pop_back();
  EXPECT_TRUE(refused(s, in, out));
  s = good;
  s.weights[0] = Floats({1, 2, 3});
  EXPECT_TRUE(refused(s, in, out));
  s = good;
  s.weights.pop_back();
  EXPECT_TRUE(refused(s, in, out));
  EXPECT_TRUE(refused(with([](auto& a) { a.window.kernel_h = 0; }), in, out));
  EXPECT_TRUE(refused(with([](auto& a) { a.window.stride_w = -1; }), in, out));
  EXPECT_TRUE(refused(with([](auto& a) { a.window.pad_left = INT32_MAX; }), in, out));
  EXPECT_TRUE(refused(with([](auto& a) { a.window.groups = 3; }), in, out));
  EXPECT_TRUE(refused(with([](auto& a) { a.window.in_channels = INT32_MAX; }), in, out));
  EXPECT_TRUE(refused(with([](auto& a) { a.act_max = NAN; }), in, out));
  EXPECT_TRUE(refused(with([](auto& a) { a.has_residual = 1; }), in, out));
  EXPECT_TRUE(refused(good, {Value::Filled({1, 4, 5, 6}, Layout::kChannelsLast)}, out));
  EXPECT_TRUE(refused(good, {Value::Filled({2, 4, 5, 5}, Layout::kChannelsLast)}, out));
  EXPECT_TRUE(refused(good, {Value::Filled({1, 4, 5, 5})}, out));
  EXPECT_TRUE(refused(good, {}, out));
  std::vector<Value> bytes = in;
  bytes[0].dtype = DType::kUInt8;
  EXPECT_TRUE(refused(good, bytes, out));
}

TEST(FloatFamilies, Depthwise) {
  ConvF32Args args;
  args.window = {.kernel_h = 3,
                 .kernel_w = 3,
                 .stride_h = 2,
                 .stride_w = 2,
                 .pad_bottom = 1,
                 .pad_right = 1,
                 .in_channels = 7,
                 .out_channels = 7,
                 .groups = 7};
  args.act_min = -kInf;
  args.act_max = kInf;
  const Value weights = Value::Filled({7, 1, 3, 3});
  std::vector<float> packed(static_cast<size_t>(DepthwiseF32PackedFloats(args.window)));
  PackDepthwiseF32(args.window, weights.data.data(), packed.data());
  Step step = MakeStep(FamilyId::kDepthwiseF32, args);
  step.weights = {Floats(packed), Floats(std::vector<float>(7, 0.5f))};
  std::vector<Value> in = {Value::Filled({1, 7, 6, 6}, Layout::kChannelsLast)};
  std::vector<Value> out = {{{1, 7, 3, 3}, Layout::kChannelsLast, {}}};
  for (Isa isa : SupportedIsas()) {
    ASSERT_TRUE(RunStep(step, isa, in, out).ok());
    double sum = 0.5;
    for (int h = 0; h < 3; ++h)
      for (int w = 0; w < 3; ++w) {
        if (4 + h < 6) sum += in[0].At({0, 3, 4 + h, 2 + w}) * weights.At({3, 0, h, w});
      }
    EXPECT_NEAR(out[0].At({0, 3, 2, 1}), sum, 1e-5);
  }
  args.window.out_channels = 14;
  step.SetArgs(args);
  EXPECT_FALSE(PrepareOnly(step, in, {{{1, 14, 3, 3}, Layout::kChannelsLast, {}}}).ok());
}

TEST(FloatFamilies, ElementwiseBroadcastsLogicalDimsInAnyLayout) {
  const Step step = MakeStep(FamilyId::kElementwiseF32, EltwiseArgs{.op = EltwiseOp::kSub});
  const std::vector<int64_t> dims = {2, 5, 3, 4};
  const std::vector<std::vector<int64_t>> operands = {
      {2, 5, 3, 4}, {5, 1, 1}, {1, 5, 1, 1}, {}, {1}, {4}, {3, 1}, {2, 1, 3, 1}, {1, 5, 3, 4}};
  for (Layout layout : {Layout::kLogical, Layout::kChannelsLast}) {
    for (const auto& other : operands) {
      for (Layout other_layout : {Layout::kLogical, Layout::kChannelsLast}) {
        if (other_layout == Layout::kChannelsLast && other.size() < 3) continue;
        for (bool swap : {false, true}) {
          for (Isa isa : SupportedIsas()) {
            std::vector<Value> in = {Value::Filled(dims, layout),
                                     Value::Filled(other, other_layout)};
            if (swap) std::swap(in[0], in[1]);
            std::vector<Value> out = {{dims, layout, {}}};
            ASSERT_TRUE(RunStep(step, isa, in, out).ok());
            const auto read = [](const Value& v, std::vector<int64_t> index) {
              index.erase(index.begin(), index.end() - static_cast<int64_t>(v.dims.size()));
              for (size_t i = 0; i < index.size(); ++i) {
                if (v.dims[i] == 1) index[i] = 0;
              }
              return v.At(index);
            };
            for (int64_t n = 0; n < 2; ++n)
              for (int64_t c = 0; c < 5; ++c)
                for (int64_t h = 0; h < 3; ++h)
                  for (int64_t w = 0; w < 4; ++w) {
                    ASSERT_EQ(out[0].At({n, c, h, w}),
                              read(in[0], {n, c, h, w}) - read(in[1], {n, c, h, w}));
                  }
          }
        }
      }
    }
  }
}

TEST(FloatFamilies, ElementwiseRefuses) {
  const std::vector<Value> out = {{{2, 3}}};
  const auto prepare = [&](int32_t op, std::vector<Value> in) {
    return PrepareOnly(
        MakeStep(FamilyId::kElementwiseF32, EltwiseArgs{.op = static_cast<EltwiseOp>(op)}), in,
        out);
  };
  EXPECT_TRUE(prepare(1, {{{2, 3}}}).ok());
  EXPECT_FALSE(prepare(1, {{{3, 2}}}).ok());
  EXPECT_FALSE(prepare(22, {{{2, 3}}}).ok());
  EXPECT_FALSE(prepare(-1, {{{2, 3}}}).ok());
  EXPECT_FALSE(prepare(99, {{{2, 3}}, {{2, 3}}}).ok());
  EXPECT_FALSE(prepare(64, {{{2, 3}}}).ok());
  EXPECT_FALSE(prepare(64, {{{2, 3}}, {{2}}}).ok());
  EXPECT_FALSE(prepare(64, {{{2, 3}}, {{1, 2, 3}}}).ok());
  EXPECT_TRUE(prepare(64, {{{2, 3}}, {{2, 1}}}).ok());
}

TEST(FloatFamilies, MatMulBroadcastsBatches) {
  Step step;
  step.family = FamilyId::kMatMulF32;
  for (Isa isa : SupportedIsas()) {
    std::vector<Value> in = {Value::Filled({2, 1, 50, 9}), Value::Filled({3, 9, 37})};
    std::vector<Value> out = {{{2, 3, 50, 37}}};
    ASSERT_TRUE(RunStep(step, isa, in, out).ok());
    for (int64_t a : {0, 1})
      for (int64_t b : {0, 2})
        for (int64_t m : {0, 49})
          for (int64_t n : {0, 36}) {
            double sum = 0;
            for (int64_t k = 0; k < 9; ++k) sum += in[0].At({a, 0, m, k}) * in[1].At({b, k, n});
            EXPECT_NEAR(out[0].At({a, b, m, n}), sum, 1e-5);
          }
  }
  EXPECT_FALSE(PrepareOnly(step, {{{2, 3}}, {{4, 5}}}, {{{2, 5}}}).ok());
  EXPECT_FALSE(PrepareOnly(step, {{{2, 2, 3}}, {{3, 3, 5}}}, {{{2, 2, 5}}}).ok());
}

TEST(FloatFamilies, Pool) {
  PoolF32Args args;
  args.global = 1;
  args.kind = PoolKind::kAverage;
  std::vector<Value> in = {Value::Filled({2, 70, 3, 4}, Layout::kChannelsLast)};
  std::vector<Value> out = {{{2, 70, 1, 1}, Layout::kChannelsLast, {}}};
  ASSERT_TRUE(RunStep(MakeStep(FamilyId::kPoolF32, args), DetectIsa(), in, out).ok());
  double sum = 0;
  for (int h = 0; h < 3; ++h)
    for (int w = 0; w < 4; ++w) sum += in[0].At({1, 67, h, w});
  EXPECT_NEAR(out[0].At({1, 67, 0, 0}), sum / 12, 1e-6);
  args.global = 0;
  args.window.kernel_h = args.window.kernel_w = 2;
  const Step window = MakeStep(FamilyId::kPoolF32, args);
  EXPECT_TRUE(PrepareOnly(window, in, {{{2, 70, 2, 3}, Layout::kChannelsLast, {}}}).ok());
  EXPECT_FALSE(PrepareOnly(window, in, {{{2, 70, 4, 3}, Layout::kChannelsLast, {}}}).ok());
  EXPECT_FALSE(PrepareOnly(window, in, {{{2, 71, 2, 3}, Layout::kChannelsLast, {}}}).ok());
  args.kind = static_cast<PoolKind>(7);
  EXPECT_FALSE(PrepareOnly(MakeStep(FamilyId::kPoolF32, args), in,
                           {{{2, 70, 2, 3}, Layout::kChannelsLast, {}}})
                   .ok());
}

TEST(FloatFamilies, LayoutConcatSliceTransposeSoftmax) {
  Step layout;
  layout.family = FamilyId::kLayout;
  std::vector<Value> in = {Value::Filled({2, 19, 5, 3})};
  std::vector<Value> last = {{{2, 19, 5, 3}, Layout::kChannelsLast, {}}};
  std::vector<Value> back = {{{2, 19, 5, 3}}};
  ASSERT_TRUE(RunStep(layout, DetectIsa(), in, last).ok());
  EXPECT_EQ(last[0].At({1, 17, 4, 2}), in[0].At({1, 17, 4, 2}));
  ASSERT_TRUE(RunStep(layout, DetectIsa(), last, back).ok());
  EXPECT_EQ(back[0].data, in[0].data);

  for (Layout l : {Layout::kLogical, Layout::kChannelsLast}) {
    std::vector<Value> parts = {Value::Filled({2, 3, 4, 5}, l), Value::Filled({2, 0, 4, 5}, l),
                                Value::Filled({2, 2, 4, 5}, l)};
    std::vector<Value> whole = {{{2, 5, 4, 5}, l, {}}};
    ASSERT_TRUE(
        RunStep(MakeStep(FamilyId::kConcat, ConcatArgs{1}), Isa::kGeneric, parts, whole).ok());
    EXPECT_EQ(whole[0].At({1, 2, 3, 4}), parts[0].At({1, 2, 3, 4}));
    EXPECT_EQ(whole[0].At({1, 4, 3, 4}), parts[2].At({1, 1, 3, 4}));

    SliceArgs slice{4, {0, 4, 3, 0}, {1, -2, -1, 2}};
    std::vector<Value> cut = {{{2, 3, 4, 3}, l, {}}};
    ASSERT_TRUE(RunStep(MakeStep(FamilyId::kSlice, slice), Isa::kGeneric, whole, cut).ok());
    EXPECT_EQ(cut[0].At({1, 2, 1, 2}), whole[0].At({1, 0, 2, 4}));
    for (int64_t step : {-3, 2, 0}) {
      slice.steps[1] = step;
      slice.starts[1] = 4;
      EXPECT_FALSE(PrepareOnly(MakeStep(FamilyId::kSlice, slice), whole, cut).ok()) << step;
    }
    slice.steps[1] = INT64_MIN;
    EXPECT_FALSE(PrepareOnly(MakeStep(FamilyId::kSlice, slice), whole, cut).ok());
    slice = {4, {0, -1, 0, 0}, {1, 1, 1, 1}};
    EXPECT_FALSE(PrepareOnly(MakeStep(FamilyId::kSlice, slice), whole, cut).ok());

    const TransposeArgs perm{4, {2, 0, 3, 1}};
    std::vector<Value> turned = {{{4, 2, 5, 5}, l, {}}};
    ASSERT_TRUE(RunStep(MakeStep(FamilyId::kTranspose, perm), Isa::kGeneric, whole, turned).ok());
    EXPECT_EQ(turned[0].At({3, 1, 2, 4}), whole[0].At({1, 4, 3, 2}));
    EXPECT_FALSE(
        PrepareOnly(MakeStep(FamilyId::kTranspose, TransposeArgs{4, {0, 0, 1, 2}}), whole, turned)
            .ok());

    std::vector<Value> soft = {{{2, 5, 4, 5}, l, {}}};
    ASSERT_TRUE(
        RunStep(MakeStep(FamilyId::kSoftmaxF32, SoftmaxF32Args{1, 0}), DetectIsa(), whole, soft)
            .ok());
    float sum = 0;
    for (int64_t c = 0; c < 5; ++c) sum += soft[0].At({1, c, 3, 2});
    EXPECT_NEAR(sum, 1, 1e-6);
    EXPECT_FALSE(
        PrepareOnly(MakeStep(FamilyId::kSoftmaxF32, SoftmaxF32Args{4, 0}), whole, soft).ok());
  }
  EXPECT_FALSE(
      PrepareOnly(MakeStep(FamilyId::kConcat, ConcatArgs{0}), {{{2, 3}}, {{2, 4}}}, {{{4, 3}}})
          .ok());
  EXPECT_FALSE(
      PrepareOnly(MakeStep(FamilyId::kConcat, ConcatArgs{2}), {{{2, 3}}}, {{{2, 3}}}).ok());
}

TEST(FloatFamilies, FakeQuant) {
  std::vector<Value> in = {Value::Filled({40})};
  std::vector<Value> out = {{{40}}};
  const FakeQuantArgs args{0.5f, 3, 0, 5};
  ASSERT_TRUE(RunStep(MakeStep(FamilyId::kFakeQuantF32, args), DetectIsa(), in, out).ok());
  std::vector<float> want(40);
  FakeQuantF32Ref(args, in[0].data.data(), want.data(), 40);
  EXPECT_EQ(out[0].data, want);
  for (const FakeQuantArgs& bad :
       {FakeQuantArgs{-1, 0, 0, 255}, FakeQuantArgs{NAN, 0, 0, 255}, FakeQuantArgs{1, 0, 5, 4},
        FakeQuantArgs{1, INT32_MIN, 0, 255}}) {
    EXPECT_FALSE(PrepareOnly(MakeStep(FamilyId::kFakeQuantF32, bad), in, out).ok());
  }
}

}  // namespace
}  // namespace adze
