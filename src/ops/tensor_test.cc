#include "ops/tensor.h"

#include <bit>
#include <limits>

#include "gtest/gtest.h"
#include "ops/attr.h"

namespace adze {
namespace {

TEST(TensorTest, AllocatesZeroedAlignedMemory) {
  for (const DType dtype : kAllDTypes) {
    for (const int64_t n : {0, 1, 3, 1000}) {
      Tensor t = Tensor::Allocate(dtype, {n});
      EXPECT_EQ(t.bytes(), static_cast<size_t>(n) * SizeOf(dtype));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(t.raw()) % 64, 0u);
      for (size_t i = 0; i < t.bytes(); ++i) {
        EXPECT_EQ(static_cast<const uint8_t*>(t.raw())[i], 0);
      }
    }
  }
}

TEST(TensorTest, RefusesAbsurdDims) {
  for (const std::vector<int64_t>& dims : {std::vector<int64_t>{-1},
                                           {2, -3},
                                           {INT64_MAX, 2},
                                           {INT64_MIN},
                                           {int64_t{1} << 41},
                                           {int64_t{1} << 32, int64_t{1} << 32},
                                           {0, int64_t{1} << 40, 2}}) {
    EXPECT_EQ(NumElements(dims), -1);
    EXPECT_EQ(Tensor::TryAllocate(DType::kFloat32, dims).status().message(),
              "tensor dimensions are negative or too large");
  }
  EXPECT_EQ(NumElements(std::vector<int64_t>{}), 1);
  EXPECT_EQ(NumElements(std::vector<int64_t>{3, 0, 5}), 0);
  // 8 TiB: either refused, or promised by the system and never touched.
  const Result<Tensor> huge = Tensor::TryAllocate(DType::kFloat64, {kMaxElements});
  if (!huge.ok()) {
    EXPECT_EQ(huge.status().message(), "out of memory for a tensor of 1099511627776 elements");
  }
}

TEST(TensorTest, SharesAndReshapes) {
  const Tensor t = Tensor::FromValues<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor r = t.Reshaped({3, 2});
  EXPECT_EQ(r.raw(), t.raw());
  EXPECT_EQ(r.dims(), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(r.values<int32_t>()[4], 5);
  EXPECT_FALSE(BitEqual(t, r));
  EXPECT_TRUE(BitEqual(t, r.Reshaped({2, 3})));
  EXPECT_EQ(Tensor::Scalar<float>(2.5f).rank(), 0);
  EXPECT_EQ(Tensor::Scalar<float>(2.5f).size(), 1);
  EXPECT_FALSE(Tensor().defined());
  EXPECT_EQ(Tensor().bytes(), 0u);
}

TEST(TensorTest, ViewKeepsItsOwnerAlive) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3});
  const std::weak_ptr<std::vector<float>> watch = owner;
  const float* const data = owner->data();
  Tensor t = Tensor::View(DType::kFloat32, {3}, data, std::move(owner));
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(t.values<float>()[2], 3);
  t = Tensor();
  EXPECT_TRUE(watch.expired());
}

TEST(TensorDeathTest, WritingToSharedOrBorrowedMemoryIsABug) {
  Tensor t = Tensor::Allocate(DType::kFloat32, {1});
  t.mutable_data<float>()[0] = 1;
  const Tensor other = t;
  EXPECT_DEATH((void)t.mutable_raw(), "use_count");
  float x = 0;
  Tensor view = Tensor::View(DType::kFloat32, {1}, &x, nullptr);
  EXPECT_DEATH((void)view.mutable_raw(), "writable_");
  EXPECT_DEATH((void)view.data<double>(), "dtype_");
}

TEST(TensorTest, BitEqualComparesBytes) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor a = Tensor::FromValues<float>({2}, {nan, 0.0f});
  EXPECT_TRUE(BitEqual(a, Tensor::FromValues<float>({2}, {nan, 0.0f})));
  EXPECT_FALSE(BitEqual(a, Tensor::FromValues<float>({2}, {nan, -0.0f})));
  EXPECT_FALSE(BitEqual(a, Tensor::FromValues<float>({1, 2}, {nan, 0.0f})));
  EXPECT_FALSE(
      BitEqual(Tensor::FromValues<int32_t>({1}, {0}), Tensor::FromValues<uint32_t>({1}, {0})));
}

TEST(TensorTest, IntegersOfEveryType) {
  EXPECT_EQ(ToInt64s(Tensor::FromValues<int8_t>({2}, {-128, 127}).view()),
            (std::vector<int64_t>{-128, 127}));
  EXPECT_EQ(ToInt64s(Tensor::FromValues<uint8_t>({2}, {0, 255}).view()),
            (std::vector<int64_t>{0, 255}));
  EXPECT_EQ(ToInt64s(Tensor::FromValues<int16_t>({1}, {-32768}).view()),
            (std::vector<int64_t>{-32768}));
  EXPECT_EQ(ToInt64s(Tensor::FromValues<uint16_t>({1}, {65535}).view()),
            (std::vector<int64_t>{65535}));
  EXPECT_EQ(ToInt64s(Tensor::FromValues<int32_t>({1}, {INT32_MIN}).view()),
            (std::vector<int64_t>{INT32_MIN}));
  EXPECT_EQ(ToInt64s(Tensor::FromValues<uint32_t>({1}, {UINT32_MAX}).view()),
            (std::vector<int64_t>{UINT32_MAX}));
  EXPECT_EQ(ToInt64s(Tensor::FromValues<int64_t>({1}, {INT64_MIN}).view()),
            (std::vector<int64_t>{INT64_MIN}));
  EXPECT_EQ(ToInt64s(Tensor::FromValues<uint64_t>({1}, {7}).view()), (std::vector<int64_t>{7}));
  EXPECT_EQ(ToInt64s(Tensor::FromValues<bool>({2}, {false, true}).view()),
            (std::vector<int64_t>{0, 1}));
}

TEST(AttrMapTest, GetsSetsAndErases) {
  AttrMap attrs = {{"b", int64_t{2}}, {"a", 1.5f}, {"c", std::vector<int64_t>{1, 2}}};
  attrs.Set("d", std::string("text"));
  attrs.Set("e", Tensor::Scalar<float>(4));
  attrs.Set("f", std::vector<float>{0.5f});
  attrs.Set("g", std::vector<std::string>{"x"});
  EXPECT_EQ(attrs.size(), 7u);
  EXPECT_EQ(attrs.Int("b"), 2);
  EXPECT_EQ(attrs.Int("absent", 9), 9);
  EXPECT_EQ(attrs.Float("a"), 1.5f);
  EXPECT_EQ(attrs.String("d"), "text");
  EXPECT_EQ(attrs.String("absent", "default"), "default");
  EXPECT_EQ(attrs.Ints("c").size(), 2u);
  EXPECT_TRUE(attrs.Ints("absent").empty());
  EXPECT_EQ(attrs.Floats("f")[0], 0.5f);
  EXPECT_EQ(attrs.TensorOrNull("e")->values<float>()[0], 4);
  EXPECT_EQ(attrs.TensorOrNull("absent"), nullptr);
  EXPECT_EQ(KindOf(*attrs.Find("g")), AttrKind::kStrings);
  EXPECT_STREQ(AttrKindName(KindOf(*attrs.Find("c"))), "int list");
  std::string order;
  for (const auto& [name, value] : attrs) order += name;
  EXPECT_EQ(order, "abcdefg") << "sorted whatever the order of setting";
  attrs.Set("b", std::string("now a string"));
  EXPECT_EQ(attrs.String("b"), "now a string");
  attrs.Erase("a");
  attrs.Erase("absent");
  EXPECT_FALSE(attrs.Has("a"));
  EXPECT_EQ(attrs.size(), 6u);
}

TEST(AttrMapTest, EqualityIsByBits) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE((AttrMap{{"a", nan}} == AttrMap{{"a", nan}}));
  EXPECT_FALSE((AttrMap{{"a", 0.0f}} == AttrMap{{"a", -0.0f}}));
  EXPECT_FALSE((AttrMap{{"a", int64_t{1}}} == AttrMap{{"a", 1.0f}}));
  EXPECT_FALSE((AttrMap{{"a", int64_t{1}}} == AttrMap{{"b", int64_t{1}}}));
  EXPECT_FALSE((AttrMap{{"a", int64_t{1}}} == AttrMap{}));
  EXPECT_TRUE((AttrMap{{"a", int64_t{1}}, {"b", nan}} == AttrMap{{"b", nan}, {"a", int64_t{1}}}));
  EXPECT_TRUE(
      (AttrMap{{"v", std::vector<float>{nan, 1}}} == AttrMap{{"v", std::vector<float>{nan, 1}}}));
  EXPECT_FALSE((AttrMap{{"v", std::vector<float>{1}}} == AttrMap{{"v", std::vector<float>{1, 1}}}));
  EXPECT_TRUE(
      (AttrMap{{"t", Tensor::Scalar<float>(1)}} == AttrMap{{"t", Tensor::Scalar<float>(1)}}));
  EXPECT_FALSE(
      (AttrMap{{"t", Tensor::Scalar<float>(1)}} == AttrMap{{"t", Tensor::Scalar<float>(2)}}));
  EXPECT_TRUE((AttrMap{{"s", std::vector<std::string>{"x"}}} ==
               AttrMap{{"s", std::vector<std::string>{"x"}}}));
}

}  // namespace
}  // namespace adze
