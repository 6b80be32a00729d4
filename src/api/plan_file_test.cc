// Plan files of whole networks: the same plan and the same bits as lowering gives on the spot, for
// every instruction set that a file can be made for and that this machine has; and files with
// arbitrary contents.
#include "runtime/plan_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "api/model_file.h"
#include "base/test_files.h"
#include "formats/onnx/onnx.h"
#include "lower/lower.h"
#include "runtime/family.h"
#include "runtime/plan_file/test_util.h"

namespace adze {
namespace {

namespace fs = std::filesystem;
using testing::AlignedBytes;

constexpr Isa kAllIsas[] = {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512Vnni};

fs::path Source(const std::string& path) { return fs::path(ADZE_SOURCE_DIR) / path; }

std::string FileBytes(const Plan& plan, const TestFolder& folder) {
  const Status status = WritePlan(plan, folder.Path("check.adz"));
  EXPECT_TRUE(status.ok()) << status.message();
  return folder.Read("check.adz");
}

struct Outcome {
  Status status;
  std::vector<Tensor> outputs;
};

Outcome RunPlan(std::shared_ptr<const Plan> plan, const std::vector<Tensor>& inputs) {
  ThreadPool pool(2);
  Executor executor(plan, &pool);
  std::vector<ConstTensorView> views;
  for (const Tensor& t : inputs) views.push_back(t.view());
  Outcome outcome{executor.Run(views), {}};
  if (outcome.status.ok()) {
    for (const int32_t i : plan->outputs) outcome.outputs.push_back(executor.ReadValue(i));
  }
  return outcome;
}

std::vector<Tensor> PatternInputs(const Plan& plan, int64_t free) {
  std::vector<Tensor> inputs;
  const auto dims = testing::SmallInputDims(plan, free);
  EXPECT_EQ(dims.size(), plan.inputs.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    const DType dtype = plan.values[static_cast<size_t>(plan.inputs[i])].dtype;
    inputs.push_back(testing::Pattern(dtype, dims[i]));
  }
  return inputs;
}

// Through files made for every instruction set, read for those of this machine.
void ExpectRoundTrip(const Graph& graph, const std::vector<std::vector<Tensor>>& inputs) {
  const TestFolder folder;
  for (const Isa isa : SupportedIsas()) {
    const Result<LoweredPlan> direct = Lower(graph, {.isa = isa});
    ASSERT_TRUE(direct.ok()) << direct.status().message();
    const std::string expected = FileBytes(*direct->plan, folder);
    for (const Isa made_for : kAllIsas) {
      SCOPED_TRACE(std::string("made for ") + IsaName(made_for) + ", read for " + IsaName(isa));
      const Result<LoweredPlan> other = Lower(graph, {.isa = made_for});
      ASSERT_TRUE(other.ok()) << other.status().message();
      ASSERT_TRUE(WritePlan(*other->plan, folder.Path("a.adz")).ok());
      const Result<PlanFromFile> read = ReadPlan(folder.Path("a.adz"), isa);
      ASSERT_TRUE(read.ok()) << read.status().message();
      EXPECT_EQ(read->packed_for, made_for);
      EXPECT_TRUE(made_for != isa || read->repacked_steps == 0);
      ASSERT_TRUE(FileBytes(*read->plan, folder) == expected) << "another plan";
      for (const std::vector<Tensor>& x : inputs) {
        const Outcome a = RunPlan(read->plan, x);
        const Outcome b = RunPlan(direct->plan, x);
        EXPECT_EQ(a.status.message(), b.status.message());
        ASSERT_EQ(a.outputs.size(), b.outputs.size());
        for (size_t i = 0; i < a.outputs.size(); ++i) {
          EXPECT_TRUE(BitEqual(a.outputs[i], b.outputs[i]));
        }
      }
    }
  }
}

Graph Ready(const fs::path& path) {
  Result<Graph> graph = ReadForExecution(path.string());
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return std::move(graph).value();
}

std::vector<std::vector<Tensor>> TwoSizes(const Graph& graph) {
  const Result<LoweredPlan> plan = Lower(graph, {});
  return {PatternInputs(*plan->plan, 4), PatternInputs(*plan->plan, 7)};
}

TEST(PlanFiles, EveryKernelFamily) {
  std::set<FamilyId> seen;
  int repacked = 0;
  for (const char* name : {"tests/plans/float.adzir", "tests/plans/int8.adzir"}) {
    SCOPED_TRACE(name);
    const Graph graph = Ready(Source(name));
    const Result<LoweredPlan> plan = Lower(graph, {});
    ASSERT_TRUE(plan.ok());
    for (const Step& s : plan->plan->steps) seen.insert(s.family);
    ExpectRoundTrip(graph, TwoSizes(graph));
    const TestFolder folder;
    ASSERT_TRUE(WritePlan(*plan->plan, folder.Path("a.adz")).ok());
    const auto read = ReadPlan(folder.Path("a.adz"), Isa::kAvx512Vnni);
    ASSERT_TRUE(read.ok());
    repacked += read->repacked_steps;
  }
  EXPECT_EQ(repacked, 4 + 5);  // convolutions and products: conv_f32; conv_i8, depthwise_i8
  for (const FamilyDef* family : AllFamilies()) {
    EXPECT_TRUE(seen.contains(family->id)) << family->name << " is in neither network";
  }
}

TEST(PlanFiles, CommittedNetworks) {
  for (const char* name : {"examples/glyphs/glyphs.onnx", "examples/glyphs/glyphs-vit.onnx"}) {
    SCOPED_TRACE(name);
    const Graph graph = Ready(Source(name));
    const Result<LoweredPlan> plan = Lower(graph, {});
    ExpectRoundTrip(graph, {PatternInputs(*plan->plan, 2)});
  }
}

TEST(PlanFiles, OperatorVectors) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(Source("tests/onnx_vectors/own"))) {
    SCOPED_TRACE(entry.path().filename().string());
    const Result<Graph> graph = ReadForExecution((entry.path() / "model.onnx").string());
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    if (!Lower(*graph, {}).ok()) continue;  // a shape that depends on data
    std::vector<Tensor> inputs;
    for (size_t i = 0;; ++i) {
      const fs::path file =
          entry.path() / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb");
      if (!fs::exists(file)) break;
      const Result<NamedTensor> t = ReadOnnxTensor(file.string());
      ASSERT_TRUE(t.ok()) << t.status().message();
      inputs.push_back(t->tensor);
    }
    ExpectRoundTrip(*graph, {inputs});
    ++count;
  }
  EXPECT_GE(count, 100);
}

// Files of the first minor version of this major one, made with `adze convert --isa generic`. If
// this fails, numbers or bytes have changed their meaning: raise the major version and make the
// files anew.
TEST(PlanFiles, FilesOfFormat1_0AreReadAsTheyWereMeant) {
  for (const char* name : {"float", "int8"}) {
    SCOPED_TRACE(name);
    const std::string path = std::string("tests/plans/") + name;
    for (const Isa isa : SupportedIsas()) {
      const Result<PlanFromFile> old = ReadPlan(Source(path + "-1.0.adz").string(), isa);
      ASSERT_TRUE(old.ok()) << old.status().message();
      const Result<LoweredPlan> now = Lower(Ready(Source(path + ".adzir")), {.isa = isa});
      const std::vector<Tensor> inputs = PatternInputs(*old->plan, 5);
      const Outcome a = RunPlan(old->plan, inputs);
      const Outcome b = RunPlan(now->plan, inputs);
      ASSERT_TRUE(a.status.ok()) << a.status.message();
      ASSERT_EQ(a.outputs.size(), b.outputs.size());
      for (size_t i = 0; i < a.outputs.size(); ++i) {
        ASSERT_EQ(a.outputs[i].size(), b.outputs[i].size());
        for (int64_t k = 0; k < a.outputs[i].size(); ++k) {  // floats may be fused differently
          const float x = b.outputs[i].data<float>()[k];
          EXPECT_NEAR(a.outputs[i].data<float>()[k], x, 1e-5f * (1 + std::abs(x)));
        }
      }
    }
  }
}

// Whatever a byte is changed to, and wherever the file ends: a Status, or a plan that runs within
// its memory. The checksums are right, or nothing would get past them.
TEST(PlanFiles, EveryByteChangedAndEveryLength) {
  ThreadPool pool(1);
  for (const char* name : {"tests/plans/float.adzir", "tests/plans/int8.adzir"}) {
    SCOPED_TRACE(name);
    const Graph graph = Ready(Source(name));
    for (const Isa isa : {Isa::kGeneric, DetectIsa()}) {
      const Result<LoweredPlan> plan = Lower(graph, {.isa = Isa::kGeneric});
      const TestFolder folder;
      const std::string text = FileBytes(*plan->plan, folder);
      const auto file = std::as_bytes(std::span(text.data(), text.size()));
      AlignedBytes good(file);
      const Status status = testing::LoadAndRun(good.bytes(), isa, &pool);
      ASSERT_TRUE(status.ok()) << status.message();
      int ran = 0;
      int refused = 0;
      for (size_t i = 0; i < file.size(); ++i) {
        for (const int change : {0x01, 0x80, 0xFF}) {
          AlignedBytes bad(file);
          bad.bytes()[i] ^= static_cast<std::byte>(change);
          testing::FixHeader(bad.bytes());
          ++(testing::LoadAndRun(bad.bytes(), isa, &pool).ok() ? ran : refused);
        }
      }
      for (size_t size = 0; size < file.size(); ++size) {
        AlignedBytes cut(file.first(size));
        testing::FixHeader(cut.bytes());
        ++(testing::LoadAndRun(cut.bytes(), isa, &pool).ok() ? ran : refused);
      }
      EXPECT_GT(ran, 1000);  // weights, names, zero points …
      EXPECT_GT(refused, 1000);
    }
  }
}

}  // namespace
}  // namespace adze
