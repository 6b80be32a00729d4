// The adapters of the integer families: dims and layouts to kernel geometry, broadcasting, threads,
// refusals. The kernels' own arithmetic is tested beside them.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/binary_i8/binary_i8.h"
#include "kernels/conv_i8_functions.h"
#include "kernels/pool_i8/pool_i8.h"
#include "kernels/quantize/quantize.h"
#include "numerics/rounding.h"
#include "runtime/family.h"

namespace adze {
namespace {

// A value with memory of its own, padded for the permitted over-read.
struct Value {
  Value(DType dtype, std::vector<int64_t> dims, Layout layout)
      : dtype(dtype), dims(std::move(dims)), layout(layout) {
    bytes.resize(static_cast<size_t>(size()) * SizeOf(dtype) + kOverreadBytes);
  }
  int64_t size() const { return NumElements(dims); }
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(bytes.data());
  }
  DType dtype;
  std::vector<int64_t> dims;
  Layout layout;
  std::vector<uint8_t> bytes;
};

Value RandomU8(std::vector<int64_t> dims, Layout layout, std::mt19937& rng) {
  Value v(DType::kUInt8, std::move(dims), layout);
  for (uint8_t& b : v.bytes) b = static_cast<uint8_t>(rng());
  return v;
}

// Prepares and runs one step on a pool of three threads.
Status RunStep(const Step& step, Isa isa, std::vector<Value*> inputs, Value& output) {
  ThreadPool pool(3);
  PreparedStep p;
  p.step = &step;
  p.isa = isa;
  p.num_threads = pool.num_threads();
  for (const Value* v : inputs) p.inputs.push_back({v->dtype, v->layout, v->dims});
  p.outputs.push_back({output.dtype, output.layout, output.dims});
  const FamilyDef* const family = FindFamily(step.family);
  ADZE_TRY(family->prepare(p));
  std::vector<std::byte> workspace(static_cast<size_t>(p.workspace_bytes) + 64);
  p.workspace = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
  for (size_t i = 0; i < inputs.size(); ++i) p.inputs[i].data = inputs[i]->bytes.data();
  p.outputs[0].data = output.bytes.data();
  return family->run(p, pool);
}

struct Layer {
  Step step;
  std::vector<int8_t> weights;
  std::vector<int32_t> bias;
  std::vector<float> multiplier;
  ConvI8Args args;
};

template <typename F>
Layer MakeLayer(FamilyId family, const ConvI8Args& args, typename F::Packing packing,
                std::mt19937& rng) {
  Layer l;
  const ConvWindow& w = args.window;
  l.args = args;
  l.args.packing = static_cast<int32_t>(packing);
  l.weights.resize(w.out_channels * (w.in_channels / w.groups) * w.kernel_h * w.kernel_w);
  for (int8_t& v : l.weights) v = static_cast<int8_t>(rng());
  l.bias.resize(w.out_channels);
  for (int32_t& v : l.bias) v = static_cast<int32_t>(rng() % 2000) - 1000;
  l.multiplier.assign(w.out_channels, 0.004f);
  const ConvI8PackedSize size = F::Packed(w, packing);
  Tensor packed = Tensor::Allocate(DType::kInt8, {size.weight_bytes});
  Tensor offset = Tensor::Allocate(DType::kInt32, {size.channels});
  Tensor multiplier = Tensor::Allocate(DType::kFloat32, {size.channels});
  F::Pack(w, packing, args.x_zero_point, l.weights.data(), l.bias.data(), l.multiplier.data(),
          packed.mutable_raw(), offset.mutable_data<int32_t>(), multiplier.mutable_data<float>());
  l.step.family = family;
  l.step.SetArgs(l.args);
  l.step.weights = {packed, offset, multiplier};
  return l;
}

ConvI8Args SmallConv() {
  ConvI8Args args;
  args.window.kernel_h = args.window.kernel_w = 3;
  args.window.pad_top = args.window.pad_left = args.window.pad_bottom = args.window.pad_right = 1;
  args.window.in_channels = 6;
  args.window.out_channels = 37;
  args.x_zero_point = 120;
  args.y_zero_point = 100;
  return args;
}

void ExpectSameBytes(Value& y, const std::vector<uint8_t>& expected) {
  ASSERT_EQ(0, std::memcmp(y.bytes.data(), expected.data(), expected.size()));
}

TEST(ConvI8Family, ImagesMatricesAndResiduals) {
  std::mt19937 rng(1);
  for (Isa isa : SupportedIsas()) {
    SCOPED_TRACE(IsaName(isa));
    Layer l =
        MakeLayer<ConvI8Functions>(FamilyId::kConvI8, SmallConv(), ConvI8PackingFor(isa), rng);
    Value x = RandomU8({2, 6, 40, 50}, Layout::kChannelsLast, rng);
    Value y(DType::kUInt8, {2, 37, 40, 50}, Layout::kChannelsLast);
    Status status = RunStep(l.step, isa, {&x}, y);
    ASSERT_TRUE(status.ok()) << status.message();
    std::vector<uint8_t> expected(static_cast<size_t>(y.size()));
    ConvI8Ref(l.args, {2, 40, 50, 40, 50}, x.as<uint8_t>(), l.weights.data(), l.bias.data(),
              l.multiplier.data(), nullptr, expected.data());
    ExpectSameBytes(y, expected);

    l.args.has_residual = 1;
    l.args.t_multiplier = 0.5f;
    l.args.r_multiplier = 0.6f;
    l.step.SetArgs(l.args);
    Value residual = RandomU8({2, 37, 40, 50}, Layout::kChannelsLast, rng);
    status = RunStep(l.step, isa, {&x, &residual}, y);
    ASSERT_TRUE(status.ok()) << status.message();
    ConvI8Ref(l.args, {2, 40, 50, 40, 50}, x.as<uint8_t>(), l.weights.data(), l.bias.data(),
              l.multiplier.data(), residual.as<uint8_t>(), expected.data());
    ExpectSameBytes(y, expected);

    // A MatMul of [3, 5, 20] and [20, 9] with float output.
    ConvI8Args matmul;
    matmul.window.in_channels = 20;
    matmul.window.out_channels = 9;
    matmul.output_f32 = 1;
    matmul.act_min_f = -INFINITY;
    matmul.act_max_f = INFINITY;
    const Layer m =
        MakeLayer<ConvI8Functions>(FamilyId::kConvI8, matmul, ConvI8PackingFor(isa), rng);
    Value a = RandomU8({3, 5, 20}, Layout::kLogical, rng);
    Value c(DType::kFloat32, {3, 5, 9}, Layout::kLogical);
    status = RunStep(m.step, isa, {&a}, c);
    ASSERT_TRUE(status.ok()) << status.message();
    expected.resize(static_cast<size_t>(c.size()) * sizeof(float));
    ConvI8Ref(m.args, {1, 1, 15, 1, 15}, a.as<uint8_t>(), m.weights.data(), m.bias.data(),
              m.multiplier.data(), nullptr, expected.data());
    ExpectSameBytes(c, expected);
  }
}

TEST(DepthwiseI8Family, Images) {
  std::mt19937 rng(2);
  for (Isa isa : SupportedIsas()) {
    SCOPED_TRACE(IsaName(isa));
    ConvI8Args args = SmallConv();
    args.window.in_channels = args.window.out_channels = args.window.groups = 70;
    const Layer l = MakeLayer<DepthwiseI8Functions>(FamilyId::kDepthwiseI8, args,
                                                    DepthwiseI8PackingFor(isa), rng);
    Value x = RandomU8({2, 70, 30, 31}, Layout::kChannelsLast, rng);
    Value y(DType::kUInt8, {2, 70, 30, 31}, Layout::kChannelsLast);
    const Status status = RunStep(l.step, isa, {&x}, y);
    ASSERT_TRUE(status.ok()) << status.message();
    std::vector<uint8_t> expected(static_cast<size_t>(y.size()));
    ConvI8Ref(l.args, {2, 30, 31, 30, 31}, x.as<uint8_t>(), l.weights.data(), l.bias.data(),
              l.multiplier.data(), nullptr, expected.data());
    ExpectSameBytes(y, expected);
  }
}

TEST(ConvI8Family, RefusesWhatAPlanFileCouldHold) {
  std::mt19937 rng(3);
  const Layer good =
      MakeLayer<ConvI8Functions>(FamilyId::kConvI8, SmallConv(), ConvI8Packing::kK1N8, rng);
  Value x = RandomU8({1, 6, 5, 5}, Layout::kChannelsLast, rng);
  Value y(DType::kUInt8, {1, 37, 5, 5}, Layout::kChannelsLast);
  ASSERT_TRUE(RunStep(good.step, Isa::kGeneric, {&x}, y).ok());
  const auto refuses = [&](const Step& step, const std::vector<Value*>& inputs, Value& out,
                           const char* sentence) {
    const Status status = RunStep(step, Isa::kGeneric, inputs, out);
    EXPECT_FALSE(status.ok()) << sentence;
    EXPECT_NE(status.message().find(sentence), std::string::npos) << status.message();
  };
  Step step = good.step;
  step.args.pop_back();
  refuses(step, {&x}, y, "wrong size");
  step = good.step;
  ConvI8Args args = good.args;
  args.packing = 77;
  step.SetArgs(args);
  refuses(step, {&x}, y, "packing layout 77");
  args.packing = static_cast<int32_t>(ConvI8Packing::kK4N32);
  step.SetArgs(args);
  refuses(step, {&x}, y, "which no kernel for generic reads");
  for (int i = 0; i < 3; ++i) {
    step = good.step;
    step.weights[i] = Tensor::Allocate(step.weights[i].dtype(), {3});
    refuses(step, {&x}, y, ("packed weight " + std::to_string(i)).c_str());
  }
  step = good.step;
  step.weights[2] = Tensor::FromValues<float>({40}, std::vector<float>(40, INFINITY));
  refuses(step, {&x}, y, "not finite");
  Value flat = RandomU8({5, 6}, Layout::kLogical, rng);
  refuses(good.step, {&flat}, y, "image");
  Value small(DType::kUInt8, {1, 37, 4, 5}, Layout::kChannelsLast);
  refuses(good.step, {&x}, small, "the window gives 5x5");
  Value floats(DType::kFloat32, {1, 37, 5, 5}, Layout::kChannelsLast);
  refuses(good.step, {&x}, floats, "the output is float32");
  refuses(good.step, {&x, &x}, y, "2 inputs");
  args = good.args;
  args.has_residual = 1;
  step.SetArgs(args);
  step.weights = good.step.weights;
  refuses(step, {&x, &x}, y, "the residual");
}

// Element-wise reference by logical coordinates.
uint8_t At(Value& v, const std::vector<int64_t>& out_dims, const std::vector<int64_t>& index) {
  const size_t skip = out_dims.size() - v.dims.size();
  std::vector<size_t> order(v.dims.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (v.layout == Layout::kChannelsLast) {
    order.erase(order.begin() + 1);
    order.push_back(1);
  }
  int64_t at = 0;
  for (size_t axis : order) {
    at = at * v.dims[axis] + (v.dims[axis] == 1 ? 0 : index[axis + skip]);
  }
  return v.as<uint8_t>()[at];
}

void CheckBinary(Value a, Value b, std::vector<int64_t> dims, Layout layout) {
  BinaryI8Args args;
  args.a_zero_point = 120;
  args.b_zero_point = 7;
  args.y_zero_point = 90;
  args.a_multiplier = 0.7f;
  args.b_multiplier = 0.9f;
  for (FamilyId family : {FamilyId::kAddI8, FamilyId::kMulI8}) {
    if (family == FamilyId::kMulI8) args.a_multiplier = 0.01f;
    Step step;
    step.family = family;
    step.SetArgs(args);
    for (Isa isa : SupportedIsas()) {
      Value y(DType::kUInt8, dims, layout);
      const Status status = RunStep(step, isa, {&a, &b}, y);
      ASSERT_TRUE(status.ok()) << status.message();
      std::vector<int64_t> index(dims.size(), 0);
      for (int64_t k = 0; k < y.size(); ++k) {
        const uint8_t left = At(a, dims, index);
        const uint8_t right = At(b, dims, index);
        const uint8_t expected =
            family == FamilyId::kAddI8 ? AddI8Ref(args, left, right) : MulI8Ref(args, left, right);
        ASSERT_EQ(At(y, dims, index), expected) << k;
        for (size_t i = dims.size(); i-- > 0 && ++index[i] == dims[i];) index[i] = 0;
      }
    }
  }
}

TEST(BinaryI8Family, Broadcasts) {
  std::mt19937 rng(4);
  constexpr Layout kNhwc = Layout::kChannelsLast;
  constexpr Layout kRow = Layout::kLogical;
  const std::vector<int64_t> image = {2, 19, 5, 6};
  const auto u8 = [&](std::vector<int64_t> dims, Layout layout) {
    return RandomU8(std::move(dims), layout, rng);
  };
  CheckBinary(u8(image, kNhwc), u8(image, kNhwc), image, kNhwc);
  CheckBinary(u8(image, kNhwc), u8({2, 19, 1, 1}, kNhwc), image, kNhwc);  // squeeze and excite
  CheckBinary(u8({2, 19, 1, 1}, kNhwc), u8(image, kNhwc), image, kNhwc);  // operands swapped
  CheckBinary(u8(image, kNhwc), u8({2, 19, 1, 1}, kRow), image, kNhwc);
  CheckBinary(u8(image, kNhwc), u8({19, 1, 1}, kRow), image, kNhwc);
  CheckBinary(u8(image, kNhwc), u8({1}, kRow), image, kNhwc);
  CheckBinary(u8(image, kNhwc), u8({}, kRow), image, kNhwc);
  CheckBinary(u8(image, kNhwc), u8({2, 1, 5, 6}, kNhwc), image, kNhwc);  // one value per pixel
  CheckBinary(u8(image, kNhwc), u8({1, 1, 5, 6}, kNhwc), image, kNhwc);
  CheckBinary(u8(image, kNhwc), u8({1, 19, 5, 6}, kNhwc), image, kNhwc);
  CheckBinary(u8(image, kNhwc), u8({2, 1, 1, 1}, kNhwc), image, kNhwc);
  CheckBinary(u8(image, kNhwc), u8({1, 19, 5, 1}, kNhwc), image, kNhwc);
  CheckBinary(u8({7, 33}, kRow), u8({33}, kRow), {7, 33}, kRow);
  CheckBinary(u8({7, 33}, kRow), u8({7, 1}, kRow), {7, 33}, kRow);
  CheckBinary(u8({0, 33}, kRow), u8({33}, kRow), {0, 33}, kRow);
  CheckBinary(u8({300, 333}, kRow), u8({300, 333}, kRow), {300, 333}, kRow);  // several threads
}

TEST(BinaryI8Family, RefusesOtherPatterns) {
  std::mt19937 rng(5);
  Step step;
  step.family = FamilyId::kAddI8;
  step.SetArgs(BinaryI8Args{});
  const auto message = [&](Value a, Value b, std::vector<int64_t> dims, Layout layout) {
    Value y(DType::kUInt8, std::move(dims), layout);
    return RunStep(step, Isa::kGeneric, {&a, &b}, y).message();
  };
  const auto u8 = [&](std::vector<int64_t> dims, Layout layout = Layout::kLogical) {
    return RandomU8(std::move(dims), layout, rng);
  };
  EXPECT_EQ(message(u8({3, 1}), u8({1, 4}), {3, 4}, Layout::kLogical),
            "both operands are broadcast");
  EXPECT_EQ(message(u8({3, 4}), u8({2}), {3, 4}, Layout::kLogical),
            "operands that cannot be broadcast together");
  EXPECT_EQ(message(u8({3, 4}), u8({1, 1, 1}), {3, 4}, Layout::kLogical),
            "an operand of higher rank than the output");
  EXPECT_EQ(message(u8({1, 2, 3, 4}, Layout::kChannelsLast), u8({1, 2, 3, 4}), {1, 2, 3, 4},
                    Layout::kChannelsLast),
            "operands of different layout");
}

TEST(PoolAndTableI8Families, Images) {
  std::mt19937 rng(6);
  Value x = RandomU8({2, 21, 9, 8}, Layout::kChannelsLast, rng);
  PoolI8Args args;
  args.kernel_h = args.kernel_w = 3;
  args.stride_h = args.stride_w = 2;
  args.pad_top = args.pad_left = 1;
  Step pool;
  pool.family = FamilyId::kPoolI8;
  pool.SetArgs(args);
  Step table;
  table.family = FamilyId::kTableI8;
  std::vector<uint8_t> entries(256);
  for (uint8_t& e : entries) e = static_cast<uint8_t>(rng());
  table.weights = {Tensor::FromValues<uint8_t>({256}, entries)};
  for (Isa isa : SupportedIsas()) {
    Value y(DType::kUInt8, {2, 21, 4, 4}, Layout::kChannelsLast);
    Status status = RunStep(pool, isa, {&x}, y);
    ASSERT_TRUE(status.ok()) << status.message();
    std::vector<uint8_t> expected(static_cast<size_t>(y.size()));
    PoolI8Ref(args, {2, 9, 8, 21, 4, 4}, x.as<uint8_t>(), expected.data());
    ExpectSameBytes(y, expected);
    Value z(DType::kUInt8, x.dims, x.layout);
    status = RunStep(table, isa, {&x}, z);
    ASSERT_TRUE(status.ok()) << status.message();
    for (int64_t i = 0; i < z.size(); ++i) ASSERT_EQ(z.bytes[i], entries[x.bytes[i]]);
  }
  table.weights = {Tensor::Allocate(DType::kUInt8, {255})};
  Value z(DType::kUInt8, x.dims, x.layout);
  EXPECT_FALSE(RunStep(table, Isa::kGeneric, {&x}, z).ok());
}

TEST(QuantizeFamilies, BothWaysAndLayouts) {
  std::mt19937 rng(7);
  const QuantizeArgs args = {0.05f, 99};
  Step quantize;
  quantize.family = FamilyId::kQuantize;
  quantize.SetArgs(args);
  Step dequantize;
  dequantize.family = FamilyId::kDequantize;
  dequantize.SetArgs(args);
  for (Isa isa : SupportedIsas()) {
    for (Layout layout : {Layout::kLogical, Layout::kChannelsLast}) {
      Value x(DType::kFloat32, {2, 3, 70, 71}, Layout::kLogical);
      for (int64_t i = 0; i < x.size(); ++i) {
        x.as<float>()[i] = static_cast<float>(rng() % 3000) / 100.0f - 15.0f;
      }
      Value q(DType::kUInt8, x.dims, layout);
      Value back(DType::kFloat32, x.dims, Layout::kLogical);
      ASSERT_TRUE(RunStep(quantize, isa, {&x}, q).ok());
      ASSERT_TRUE(RunStep(dequantize, isa, {&q}, back).ok());
      const int64_t pixels = 70 * 71;
      for (int64_t i = 0; i < x.size(); ++i) {
        const int32_t expected = QuantizeOne(x.as<float>()[i], args.scale, args.zero_point, 0, 255);
        const int64_t n = i / (3 * pixels);
        const int64_t c = i / pixels % 3;
        const int64_t at = layout == Layout::kLogical ? i : (n * pixels + i % pixels) * 3 + c;
        ASSERT_EQ(q.bytes[at], expected);
        ASSERT_EQ(back.as<float>()[i], DequantizeOne(expected, args.scale, args.zero_point));
      }
    }
  }
  Value x(DType::kFloat32, {1, 3, 4, 4}, Layout::kChannelsLast);
  Value q(DType::kUInt8, {1, 3, 4, 4}, Layout::kLogical);
  EXPECT_EQ(RunStep(quantize, Isa::kGeneric, {&x}, q).code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace adze
