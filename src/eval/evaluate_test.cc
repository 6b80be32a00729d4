#include "eval/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/test_files.h"
#include "formats/npy/npy.h"

namespace adze {
namespace {

// x [N,3] -> Relu -> y. `first`: the constant first dimension, or 0 for a symbol.
std::shared_ptr<const Plan> ReluPlan(int64_t first = 0) {
  auto plan = std::make_shared<Plan>();
  PlanValue x;
  x.name = "x";
  x.dtype = DType::kFloat32;
  x.shape = {first == 0 ? Dim::Symbol("N") : Dim(first), 3};
  x.kind = PlanValueKind::kInput;
  PlanValue y = x;
  y.name = "y";
  y.kind = PlanValueKind::kTemporary;
  y.keep = true;
  plan->values = {x, y};
  Step step;
  step.family = FamilyId::kOp;
  step.inputs = {0};
  step.outputs = {1};
  step.op = OpType::Intern("", "Relu");
  step.name = "relu";
  plan->steps = {step};
  plan->inputs = {0};
  plan->outputs = {1};
  return plan;
}

// x itself: a plan without steps.
std::shared_ptr<const Plan> IdentityPlan() {
  auto plan = std::make_shared<Plan>(*ReluPlan());
  plan->values.resize(1);
  plan->values[0].keep = true;
  plan->steps.clear();
  plan->outputs = {0};
  return plan;
}

struct CountingSink : ProgressSink {
  void Begin(int64_t t, std::string_view, std::string_view) override { total = t; }
  void Advance(int64_t n) override { done += n; }
  void End() override { ++ends; }
  int64_t total = 0;
  int64_t done = 0;
  int ends = 0;
};

class EvaluateTest : public ::testing::Test {
 protected:
  // Four rows; Relu changes the arg-max of none but the last (all negative: then class 0).
  std::unique_ptr<Dataset> Rows(const std::string& labels, const std::string& more = "") {
    const Tensor rows =
        Tensor::FromValues<float>({4, 3}, {3, 1, 2, -1, 5, 0, -2, -3, 4, -3, -2, -1});
    EXPECT_TRUE(WriteNpy(folder_.Path("x.npy"), rows.view()).ok());
    folder_.Write("y.txt", labels);
    const std::string yaml = "kind: npy\nfile: x.npy\n" +
                             std::string(labels.empty() ? "" : "labels: {file: y.txt}\n") + more;
    Result<std::unique_ptr<Dataset>> d = OpenDataset(folder_.Write("d.yaml", yaml));
    EXPECT_TRUE(d.ok()) << d.status().message();
    return d.ok() ? std::move(d).value() : nullptr;
  }
  TestFolder folder_;
  ThreadPool pool_{1};
};

TEST_F(EvaluateTest, AccuracyAloneForAnyBatch) {
  const auto d = Rows("0\n1\n0\n2\n");
  for (const int64_t batch : {1, 3, 4, 9}) {
    Executor model(ReluPlan(), &pool_);
    CountingSink sink;
    EvalOptions options;
    options.batch = batch;
    const Result<EvalResult> r = EvaluateModel(&model, nullptr, *d, options, &sink);
    ASSERT_TRUE(r.ok()) << r.status().message();
    EXPECT_EQ(r.value().metric, "top1");
    EXPECT_EQ(r.value().samples, 4);
    EXPECT_EQ(r.value().value, 0.5);
    ASSERT_TRUE(r.value().ci95.has_value());
    EXPECT_LT(r.value().ci95->low, 0.5);
    EXPECT_FALSE(r.value().flip_rate.has_value());
    EXPECT_EQ(sink.total, 4);
    EXPECT_EQ(sink.done, 4);
    EXPECT_EQ(sink.ends, 1);
  }
}

TEST_F(EvaluateTest, BesideAReference) {
  const auto d = Rows("0\n1\n0\n2\n");
  Executor model(ReluPlan(), &pool_);
  Executor reference(IdentityPlan(), &pool_);
  const Result<EvalResult> r = EvaluateModel(&model, &reference, *d, {.batch = 3});
  ASSERT_TRUE(r.ok()) << r.status().message();
  EXPECT_EQ(r.value().value, 0.5);
  EXPECT_EQ(r.value().reference_value, 0.75);
  EXPECT_EQ(r.value().difference, -0.25);
  EXPECT_LT(r.value().difference_ci95->low, -0.25);
  EXPECT_EQ(r.value().flip_rate, 0.25);
  // Energy of the rows: 14 + 26 + 29 + 14; Relu removes 1 + 13 + 14.
  EXPECT_DOUBLE_EQ(*r.value().sqnr_db, 10 * std::log10(83.0 / 28));
  EXPECT_GT(*r.value().mean_kl, 0);
  ASSERT_EQ(r.value().outputs.size(), 1u);
  EXPECT_EQ(r.value().outputs[0].name, "y");
  EXPECT_EQ(r.value().outputs[0].max_abs_diff, 3);
  EXPECT_EQ(r.value().outputs[0].max_abs, 5);
}

TEST_F(EvaluateTest, ANetworkAgreesWithItself) {
  const auto d = Rows("");
  Executor model(ReluPlan(), &pool_);
  Executor reference(ReluPlan(), &pool_);
  const Result<EvalResult> r = EvaluateModel(&model, &reference, *d, {});
  ASSERT_TRUE(r.ok()) << r.status().message();
  EXPECT_EQ(r.value().metric, "sqnr_db");
  EXPECT_TRUE(std::isinf(r.value().value));
  EXPECT_EQ(r.value().flip_rate, 0);
  EXPECT_EQ(r.value().mean_kl, 0);
  EXPECT_EQ(r.value().outputs[0].max_abs_diff, 0);
  EXPECT_FALSE(r.value().reference_value.has_value());
}

TEST_F(EvaluateTest, ReconstructionAndLimitAndDroppedClass) {
  const auto d = Rows("", "evaluate: {metric: mse}\n");
  Executor model(ReluPlan(), &pool_);
  const Result<EvalResult> r = EvaluateModel(&model, nullptr, *d, {.limit = 2});
  ASSERT_TRUE(r.ok()) << r.status().message();
  EXPECT_EQ(r.value().samples, 2);
  EXPECT_DOUBLE_EQ(r.value().value, (0 + 1.0 / 3) / 2);

  // Without class 0 the rows' best are 2, 1, 2 and, for all zeros, 1: labels 1, 0, 1, 0.
  const auto dropped = Rows("1\n0\n1\n0\n", "evaluate: {drop_first_class: true}\n");
  const Result<EvalResult> all = EvaluateModel(&model, nullptr, *dropped, {});
  ASSERT_TRUE(all.ok()) << all.status().message();
  EXPECT_EQ(all.value().value, 1);
}

TEST_F(EvaluateTest, FixedBatchOneIsHonoured) {
  const auto d = Rows("0\n1\n0\n2\n");
  Executor model(ReluPlan(1), &pool_);
  const Result<EvalResult> r = EvaluateModel(&model, nullptr, *d, {.batch = 64});
  ASSERT_TRUE(r.ok()) << r.status().message();
  EXPECT_EQ(r.value().samples, 4);
}

TEST_F(EvaluateTest, Refusals) {
  const auto refusal = [&](const Dataset& d, const EvalOptions& o) {
    Executor model(ReluPlan(), &pool_);
    const Result<EvalResult> r = EvaluateModel(&model, nullptr, d, o);
    return r.ok() ? "(accepted)" : r.status().message();
  };
  const auto d = Rows("0\n1\n0\n3\n");
  const std::string path = d->path();
  EXPECT_EQ(refusal(*d, {}), path + ": sample #3 has label 3, but the network has 3 classes");
  EXPECT_EQ(refusal(*d, {.metric = "top9"}),
            "unknown metric 'top9', known: cosine, flip_rate, mean_kl, mse, sqnr_db, top1, top5");
  EXPECT_EQ(refusal(*d, {.metric = "mean_kl"}),
            "metric 'mean_kl' compares with a reference network; give one");
  EXPECT_EQ(refusal(*d, {.split = "test"}), path + ": no split 'test', it has: all");
  const auto unlabelled = Rows("");
  EXPECT_EQ(refusal(*unlabelled, {.metric = "top1"}),
            "metric 'top1' needs labels, " + path + " has none");
  EXPECT_EQ(refusal(*Rows("", "evaluate: {output: z}\n"), {.metric = "mse"}),
            path + ": the network has no output 'z', it has: y");
  EXPECT_EQ(refusal(*Rows("", "evaluate: {output_index: 1}\n"), {.metric = "mse"}),
            path + ": output_index 1, but the network has 1 outputs");
  EXPECT_EQ(refusal(*Rows("", "preprocess: {dtype: uint8}\n"), {.metric = "mse"}),
            "input 'x' of the network is float32 [N,3], the data set gives uint8 [1,3]");
  Executor model(ReluPlan(3), &pool_);
  EXPECT_EQ(EvaluateModel(&model, nullptr, *Rows("0\n0\n0\n0\n"), {}).status().message(),
            "input 'x' of the network is float32 [3,3], the data set gives float32 [1,3]");
}

}  // namespace
}  // namespace adze
