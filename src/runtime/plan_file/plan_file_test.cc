#include "runtime/plan_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "base/file.h"
#include "base/test_files.h"
#include "kernels/softmax_f32/softmax_f32.h"
#include "runtime/plan_file/test_util.h"

namespace adze {
namespace {

using testing::AlignedBytes;
using testing::FixHeader;

PlanValue Value(std::string name, Shape shape, PlanValueKind kind = PlanValueKind::kTemporary) {
  PlanValue v;
  v.name = std::move(name);
  v.dtype = DType::kFloat32;
  v.shape = std::move(shape);
  v.kind = kind;
  return v;
}

// Everything a plan can hold, though not all of it could run.
Plan EverythingPlan() {
  const Dim n = Dim::Symbol("N");
  const Dim h = Dim::Symbol("odd name ü");
  Plan plan;
  plan.isa = Isa::kAvx2;
  plan.values = {Value("x", {n, (h + 1).FloorDiv(2), 4}, PlanValueKind::kInput),
                 Value("c", {2, 3}, PlanValueKind::kConstant),
                 Value("shape", {3}, PlanValueKind::kSymbolic),
                 Value("y", {n, (h + 1).FloorDiv(2), 4}), Value("", {0})};
  plan.values[1].constant = Tensor::FromValues<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  plan.values[2].dtype = DType::kInt64;
  plan.values[2].elements = {n * h, -1, h.FloorDiv(2) * h};
  plan.values[3].layout = Layout::kChannelsLast;
  plan.values[3].keep = true;
  plan.values[3].scale = 0.25f;
  plan.values[3].zero_point = -7;
  Step op;
  op.family = FamilyId::kOp;
  op.op = OpType::Intern("", "Constant");
  op.name = "all kinds";
  op.outputs = {4};
  op.attrs = {{"value", Tensor::FromValues<int64_t>({2}, {5, 6})},
              {"value_float", std::numeric_limits<float>::infinity()},
              {"value_floats", std::vector<float>{1.5f, -0.0f}},
              {"value_int", int64_t{-9}},
              {"value_ints", std::vector<int64_t>{1, 2, 3}},
              {"value_string", std::string("a\0b", 3)},
              {"value_strings", std::vector<std::string>{"", "s"}}};
  Step softmax;
  softmax.family = FamilyId::kSoftmaxF32;
  softmax.SetArgs(SoftmaxF32Args{.axis = 2, .log = 1});
  softmax.inputs = {0, -1};
  softmax.outputs = {3};
  softmax.in_place = true;
  softmax.macs_per_output = 12345678901;
  softmax.weights = {Tensor::FromValues<uint8_t>({3}, {7, 8, 9}),
                     Tensor::Allocate(DType::kBool, {0}), Tensor::Scalar<double>(0.5)};
  plan.steps = {op, softmax};
  plan.inputs = {0};
  plan.outputs = {0};
  return plan;
}

class PlanFile : public ::testing::Test {
 protected:
  std::string Written(const Plan& plan) {
    const Status status = WritePlan(plan, folder_.Path("a.adz"));
    EXPECT_TRUE(status.ok()) << status.message();
    return folder_.Read("a.adz");
  }
  Status ReadBytes(std::span<const std::byte> bytes) {
    AlignedBytes aligned(bytes);
    return ReadPlanFromMemory(aligned.bytes(), nullptr, Isa::kAvx2).status();
  }
  Status ReadSpoiled(const std::function<void(Plan*)>& spoil) {
    Plan plan = EverythingPlan();
    spoil(&plan);
    Written(plan);
    return ReadPlan(folder_.Path("a.adz"), Isa::kAvx2).status();
  }
  TestFolder folder_;
};

TEST_F(PlanFile, HoldsEverything) {
  const Plan plan = EverythingPlan();
  const std::string bytes = Written(plan);
  const Result<PlanFromFile> read = ReadPlan(folder_.Path("a.adz"), Isa::kAvx2);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->packed_for, Isa::kAvx2);
  EXPECT_EQ(read->repacked_steps, 0);
  const Plan& got = *read->plan;
  ASSERT_EQ(got.values.size(), plan.values.size());
  for (size_t i = 0; i < plan.values.size(); ++i) {
    const PlanValue& a = got.values[i];
    const PlanValue& b = plan.values[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.dtype, b.dtype);
    EXPECT_EQ(a.shape, b.shape);
    EXPECT_EQ(a.layout, b.layout);
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.elements, b.elements);
    EXPECT_EQ(a.keep, b.keep);
    EXPECT_EQ(a.scale, b.scale);
    EXPECT_EQ(a.zero_point, b.zero_point);
    EXPECT_TRUE(BitEqual(a.constant, b.constant));
  }
  ASSERT_EQ(got.steps.size(), plan.steps.size());
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& a = got.steps[i];
    const Step& b = plan.steps[i];
    EXPECT_EQ(a.family, b.family);
    EXPECT_EQ(a.inputs, b.inputs);
    EXPECT_EQ(a.outputs, b.outputs);
    EXPECT_EQ(a.args, b.args);
    EXPECT_TRUE(a.op == b.op);
    EXPECT_TRUE(a.attrs == b.attrs);
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.macs_per_output, b.macs_per_output);
    EXPECT_EQ(a.in_place, b.in_place);
    ASSERT_EQ(a.weights.size(), b.weights.size());
    for (size_t k = 0; k < a.weights.size(); ++k) EXPECT_TRUE(BitEqual(a.weights[k], b.weights[k]));
  }
  EXPECT_EQ(got.inputs, plan.inputs);
  EXPECT_EQ(got.outputs, plan.outputs);
  EXPECT_EQ(got.isa, Isa::kAvx2);
  EXPECT_EQ(Written(got), bytes);
}

TEST_F(PlanFile, TensorsLieInTheFile) {
  Written(EverythingPlan());
  const auto file = MappedFile::Open(folder_.Path("a.adz"));
  ASSERT_TRUE(file.ok());
  const std::span<const std::byte> bytes = (*file)->bytes();
  const auto read = ReadPlanFromMemory(bytes, *file, Isa::kAvx2);
  ASSERT_TRUE(read.ok()) << read.status().message();
  const auto expect_inside = [&](const Tensor& t) {
    const auto* const p = static_cast<const std::byte*>(t.raw());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 64, 0u);
    EXPECT_GE(p, bytes.data());
    EXPECT_LE(p + t.bytes() + plan_file::kTailBytes, bytes.data() + bytes.size());
  };
  expect_inside(read->plan->values[1].constant);
  for (const Tensor& t : read->plan->steps[1].weights) expect_inside(t);
}

TEST_F(PlanFile, RefusesForeignTruncatedDamagedAndNewerFiles) {
  const std::string text = Written(EverythingPlan());
  const auto all = std::as_bytes(std::span(text.data(), text.size()));
  const std::vector<std::byte> good(all.begin(), all.end());
  ASSERT_TRUE(ReadBytes(good).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    const std::vector<std::byte> cut(good.begin(), good.begin() + static_cast<int64_t>(size));
    const Status status = ReadBytes(cut);
    ASSERT_EQ(status.code(), StatusCode::kInvalidInput);
    const char* const what = size < 8 ? "is no .adz file" : "is truncated";
    ASSERT_EQ(status.message().rfind(what, 0), 0u) << size << ": " << status.message();
  }
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<std::byte> flipped = good;
    flipped[i] ^= std::byte{0x10};
    ASSERT_FALSE(ReadBytes(flipped).ok()) << "byte " << i;
  }
  std::vector<std::byte> longer = good;
  longer.push_back(std::byte{0});
  EXPECT_EQ(ReadBytes(longer).message(), "has bytes behind its end");
  std::vector<std::byte> newer = good;
  newer[10] = std::byte{9};  // minor
  EXPECT_EQ(ReadBytes(newer).message(),
            "is of format 1.9, this adze reads 1.0 to 1.0: convert the network again with this "
            "adze");
  EXPECT_EQ(ReadBytes(newer).code(), StatusCode::kUnsupported);
  std::vector<std::byte> weights = good;
  weights[good.size() - 100] ^= std::byte{1};
  EXPECT_EQ(ReadBytes(weights).message(), "is damaged: the weights have another checksum");
  std::vector<std::byte> isa = good;
  isa[12] = std::byte{77};
  FixHeader(isa);
  EXPECT_EQ(ReadBytes(isa).message(), "is made for the unknown instruction set 77");
  EXPECT_EQ(ReadPlan(folder_.Path("none.adz"), Isa::kAvx2).status().message(),
            folder_.Path("none.adz") + ": cannot open: No such file or directory");
}

TEST_F(PlanFile, RefusesWhatAPlanCannotBe) {
  const std::string path = folder_.Path("a.adz") + ": ";
  const auto says = [&](const std::string& sentence, const std::function<void(Plan*)>& spoil) {
    EXPECT_EQ(ReadSpoiled(spoil).message(), path + sentence);
  };
  EXPECT_TRUE(ReadSpoiled([](Plan*) {}).ok());
  says("the list of inputs: names value 99, which does not exist",
       [](Plan* p) { p->inputs = {99}; });
  says("the list of inputs: names value -1, which does not exist",
       [](Plan* p) { p->inputs = {-1}; });
  says("the list of inputs names a value that cannot be one", [](Plan* p) { p->inputs = {1}; });
  says("the list of inputs names a value that cannot be one", [](Plan* p) { p->inputs = {0, 0}; });
  says("the list of outputs names a value that cannot be one", [](Plan* p) { p->outputs = {3}; });
  says("value 0: has an unknown element type",
       [](Plan* p) { p->values[0].dtype = DType::kUndefined; });
  says("value 1: does not have the type of its constant", [](Plan* p) {
    p->values[1].shape = {3, 2};
  });
  says("value 0: has too many dimensions", [](Plan* p) { p->values[0].shape.resize(9, Dim(1)); });
  says("value 3: has an impossible layout", [](Plan* p) { p->values[3].shape = {2, 2}; });
  says("value 3: has an impossible scale or flag",
       [](Plan* p) { p->values[3].scale = std::nanf(""); });
  says("value 0: is of unknown kind",
       [](Plan* p) { p->values[0].kind = static_cast<PlanValueKind>(9); });
  says("step 1: names value 5, which does not exist", [](Plan* p) { p->steps[1].inputs = {5}; });
  says("step 1: names value -2, which does not exist", [](Plan* p) { p->steps[1].inputs = {-2}; });
  says("step 1: names value -1, which does not exist", [](Plan* p) { p->steps[1].outputs = {-1}; });
  says("step 1: has no output", [](Plan* p) { p->steps[1].outputs.clear(); });
  says("step 1: has an impossible count or flag",
       [](Plan* p) { p->steps[1].macs_per_output = -1; });
  says("step 1: has attributes, which only operators have",
       [](Plan* p) { p->steps[1].attrs = p->steps[0].attrs; });
  says("step 0: its operator is not in the table", [](Plan* p) { p->steps[0].op = OpType(); });
  says("step 0: has an attribute that its operator does not know, or twice",
       [](Plan* p) { p->steps[0].attrs.Set("other", int64_t{1}); });
  says("the operator Mystery is not in this build",
       [](Plan* p) { p->steps[0].op = OpType::Intern("", "Mystery"); });
}

TEST_F(PlanFile, TheWriterRefusesWhatTheReaderWould) {
  Plan plan = EverythingPlan();
  plan.values.resize(plan_file::kMaxValues + 1, plan.values[0]);
  EXPECT_EQ(WritePlan(plan, "x.adz").message(),
            "x.adz: a plan of more than 65536 values or 65536 steps");
  plan = EverythingPlan();
  for (int i = 0; i < 2000; ++i) {
    plan.values.push_back(
        Value("", {Dim::Symbol(std::string(200, 'a') + std::to_string(i)) * Dim::Symbol("b")}));
  }
  EXPECT_EQ(WritePlan(plan, "x.adz").message(),
            "x.adz: a plan whose symbolic dimensions take more than 262144 characters");
  plan = EverythingPlan();
  plan.steps[1].args.pop_back();
  EXPECT_EQ(WritePlan(plan, "x.adz").code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace adze
