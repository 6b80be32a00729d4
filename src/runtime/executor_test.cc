#include "runtime/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>

#include "ops/op_def.h"

// Counts heap allocations, so that a test can show that Run makes none.
namespace {
std::atomic<int64_t> g_allocations{0};
}  // namespace

// Not inlined, so that the compiler does not see malloc and free behind new and delete and warn of
// a mismatch.
[[gnu::noinline]] void* operator new(size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace adze {
namespace {

PlanValue Value(std::string name, Shape shape, PlanValueKind kind = PlanValueKind::kTemporary) {
  PlanValue v;
  v.name = std::move(name);
  v.dtype = DType::kFloat32;
  v.shape = std::move(shape);
  v.kind = kind;
  return v;
}

Step Op(const char* name, std::vector<int32_t> inputs, std::vector<int32_t> outputs) {
  Step s;
  s.family = FamilyId::kOp;
  s.op = OpType::Intern("", name);
  s.name = name;
  s.inputs = std::move(inputs);
  s.outputs = std::move(outputs);
  s.in_place = FindOp(s.op)->in_place;
  return s;
}

// x[N,4] -> Neg -> Relu -> Neg -> y, and an alias of y as [N,2,2].
std::shared_ptr<Plan> ChainPlan() {
  auto plan = std::make_shared<Plan>();
  const Dim n = Dim::Symbol("N");
  plan->values = {Value("x", {n, 4}, PlanValueKind::kInput), Value("a", {n, 4}), Value("b", {n, 4}),
                  Value("y", {n, 4}), Value("z", {n, 2, 2})};
  plan->steps = {Op("Neg", {0}, {1}), Op("Relu", {1}, {2}), Op("Neg", {2}, {3})};
  Step alias;
  alias.family = FamilyId::kAlias;
  alias.inputs = {3};
  alias.outputs = {4};
  plan->steps.push_back(alias);
  plan->inputs = {0};
  plan->outputs = {4};
  return plan;
}

TEST(Executor, RunsReplansAndDoesNotAllocateInRun) {
  ThreadPool pool(1);
  Executor executor(ChainPlan(), &pool);
  for (int64_t batch : {1, 3, 2}) {
    const Tensor x = [&] {
      Tensor t = Tensor::Allocate(DType::kFloat32, {batch, 4});
      for (int64_t i = 0; i < t.size(); ++i) t.mutable_data<float>()[i] = (i % 3) - 1.0f;
      return t;
    }();
    const ConstTensorView view = x.view();
    ASSERT_TRUE(executor.Run({&view, 1}).ok());
    const int64_t before = g_allocations.load();
    ASSERT_TRUE(executor.Run({&view, 1}).ok());
    EXPECT_EQ(g_allocations.load(), before);
    const ConstTensorView y = executor.output(0);
    ASSERT_EQ(y.size(), batch * 4);
    EXPECT_EQ(y.dims[1], 2);
    for (int64_t i = 0; i < y.size(); ++i) {
      EXPECT_EQ(y.as<float>()[i], std::min(x.data<float>()[i], 0.0f));
    }
  }
}

TEST(Executor, InPlaceChainsShareOneBuffer) {
  ThreadPool pool(1);
  Executor shared(ChainPlan(), &pool);
  Executor kept(ChainPlan(), &pool, {.keep_all = true});
  const std::vector<int64_t> dims = {64, 4};
  ASSERT_TRUE(shared.Prepare({&dims, 1}).ok());
  ASSERT_TRUE(kept.Prepare({&dims, 1}).ok());
  EXPECT_LE(shared.arena_bytes(), 64 * 4 * 4 + 64);
  EXPECT_GE(kept.arena_bytes(), 4 * 64 * 4 * 4);
}

TEST(Executor, RunFromRepeatsTheRest) {
  ThreadPool pool(1);
  Executor executor(ChainPlan(), &pool, {.keep_all = true});
  const Tensor x = Tensor::FromValues<float>({1, 4}, {-1, 2, -3, 4});
  const ConstTensorView view = x.view();
  ASSERT_TRUE(executor.Run({&view, 1}).ok());
  EXPECT_TRUE(BitEqual(executor.ReadValue(1), Tensor::FromValues<float>({1, 4}, {1, -2, 3, -4})));
  ASSERT_TRUE(executor.RunFrom(2).ok());
  EXPECT_EQ(executor.output(0).as<float>()[2], -3.0f);
}

TEST(Executor, RefusesWhatDoesNotFit) {
  ThreadPool pool(1);
  Executor executor(ChainPlan(), &pool);
  const std::vector<int64_t> rank1 = {4};
  EXPECT_EQ(executor.Prepare({&rank1, 1}).message(), "input 'x' has shape [N,4], [4] was given");
  const std::vector<int64_t> wide = {2, 5};
  EXPECT_EQ(executor.Prepare({&wide, 1}).message(), "input 'x' has shape [N,4], [2,5] was given");
  EXPECT_EQ(executor.Prepare({}).message(), "the network has 1 inputs, 0 were given");
  const Tensor wrong = Tensor::Allocate(DType::kInt32, {1, 4});
  const ConstTensorView view = wrong.view();
  EXPECT_EQ(executor.Run({&view, 1}).message(), "input 'x' must be float32, int32 was given");
}

// Plans may come from files: every contradiction is found before anything runs.
TEST(Executor, RefusesBrokenPlans) {
  ThreadPool pool(1);
  const std::vector<int64_t> dims = {1, 4};
  const auto prepare = [&](const std::function<void(Plan*)>& spoil) {
    auto plan = ChainPlan();
    spoil(plan.get());
    return Executor(plan, &pool).Prepare({&dims, 1}).code();
  };
  EXPECT_EQ(prepare([](Plan*) {}), StatusCode::kOk);
  EXPECT_EQ(prepare([](Plan* p) { p->steps[0].inputs = {2}; }), StatusCode::kInvalidInput);
  EXPECT_EQ(prepare([](Plan* p) { p->steps[0].inputs = {99}; }), StatusCode::kInvalidInput);
  EXPECT_EQ(prepare([](Plan* p) { p->steps[1].outputs = {1}; }), StatusCode::kInvalidInput);
  EXPECT_EQ(prepare([](Plan* p) { p->values[1].shape = {2, 9}; }), StatusCode::kInvalidInput);
  EXPECT_EQ(prepare([](Plan* p) { p->values[4].shape = {7}; }), StatusCode::kInvalidInput);
  EXPECT_EQ(prepare([](Plan* p) { p->values[1].shape = {Dim::Symbol("M")}; }),
            StatusCode::kInvalidInput);
  EXPECT_EQ(prepare([](Plan* p) { p->steps.pop_back(); }), StatusCode::kInvalidInput);
  EXPECT_EQ(prepare([](Plan* p) { p->steps[0].family = static_cast<FamilyId>(999); }),
            StatusCode::kUnsupported);
}

}  // namespace
}  // namespace adze
