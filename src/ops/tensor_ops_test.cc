// Operators that move elements: values computed by hand, brute force over index lists, refusals
// with their sentences, and random (mostly wrong) arguments that must end in a Status.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/op_test_util.h"
#include "ops/shape_util.h"

namespace adze {
namespace {

using op_test::Evaluate;
using op_test::Op;
using op_test::RunOp;
using op_test::ValuesOf;
using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

Tensor F(Ints dims, Floats values) {
  return Tensor::FromValues<float>(std::move(dims), std::span<const float>(values));
}
Tensor I(Ints values) {
  return Tensor::FromValues<int64_t>({static_cast<int64_t>(values.size())},
                                     std::span<const int64_t>(values));
}
Tensor I(Ints dims, Ints values) {
  return Tensor::FromValues<int64_t>(std::move(dims), std::span<const int64_t>(values));
}
Tensor Iota(Ints dims) {
  Tensor t = Tensor::Allocate(DType::kInt32, std::move(dims));
  std::iota(t.mutable_data<int32_t>(), t.mutable_data<int32_t>() + t.size(), 0);
  return t;
}
std::vector<int32_t> Run32(const char* op, const AttrMap& attrs, const std::vector<Tensor>& in) {
  return ValuesOf<int32_t>(RunOp(Op(op), attrs, in));
}
Floats RunF(const char* op, const AttrMap& attrs, const std::vector<Tensor>& in) {
  return ValuesOf<float>(RunOp(Op(op), attrs, in));
}
std::string Error(const char* op, const AttrMap& attrs, const std::vector<Tensor>& in,
                  int outputs = 1) {
  return Evaluate(Op(op), attrs, in, outputs).status().message();
}
using V32 = std::vector<int32_t>;

// Element of a dense int32 tensor by its index list.
int32_t At(const Tensor& t, const Ints& index) {
  int64_t offset = 0;
  for (size_t i = 0; i < index.size(); ++i) offset = offset * t.dims()[i] + index[i];
  return t.data<int32_t>()[offset];
}
// Every index list of the dims, in row-major order.
std::vector<Ints> Indices(const Ints& dims) {
  std::vector<Ints> all = {{}};
  for (const int64_t d : dims) {
    std::vector<Ints> next;
    for (const Ints& prefix : all) {
      for (int64_t i = 0; i < d; ++i) {
        next.push_back(prefix);
        next.back().push_back(i);
      }
    }
    all = std::move(next);
  }
  return all;
}
Ints RandomDims(std::mt19937& rng, int max_rank, int max_dim) {
  Ints dims(rng() % static_cast<unsigned>(max_rank + 1));
  for (int64_t& d : dims) d = static_cast<int64_t>(rng() % static_cast<unsigned>(max_dim + 1));
  return dims;
}

TEST(Transpose, BruteForce) {
  std::mt19937 rng(1);
  for (int trial = 0; trial < 100; ++trial) {
    const Tensor x = Iota(RandomDims(rng, 5, 4));
    Ints perm(x.dims().size());
    std::iota(perm.begin(), perm.end(), 0);
    std::shuffle(perm.begin(), perm.end(), rng);
    const Tensor y = RunOp(Op("Transpose"), {{"perm", perm}}, {x});
    for (const Ints& at : Indices(y.dims())) {
      Ints from(perm.size());
      for (size_t d = 0; d < perm.size(); ++d) from[static_cast<size_t>(perm[d])] = at[d];
      ASSERT_EQ(At(y, at), At(x, from));
    }
  }
  EXPECT_EQ(Run32("Transpose", {}, {Iota({2, 3})}), (V32{0, 3, 1, 4, 2, 5}));
}

TEST(Slice, BruteForce) {
  std::mt19937 rng(2);
  for (int trial = 0; trial < 500; ++trial) {
    const int64_t n = rng() % 8;
    const int64_t start = static_cast<int64_t>(rng() % 21) - 10;
    const int64_t end = static_cast<int64_t>(rng() % 21) - 10;
    int64_t step = static_cast<int64_t>(rng() % 7) - 3;
    if (step == 0) step = 5;
    // Python's definition, literally.
    V32 want;
    const auto clamp = [&](int64_t i) {
      if (i < 0) i += n;
      return step > 0 ? std::clamp<int64_t>(i, 0, n) : std::clamp<int64_t>(i, -1, n - 1);
    };
    for (int64_t i = clamp(start); step > 0 ? i < clamp(end) : i > clamp(end); i += step) {
      want.push_back(static_cast<int32_t>(i));
    }
    ASSERT_EQ(Run32("Slice", {}, {Iota({n}), I({start}), I({end}), I({0}), I({step})}), want)
        << n << " " << start << " " << end << " " << step;
  }
}

TEST(Slice, ManyAxesAndFarBounds) {
  const Tensor x = Iota({3, 4});
  EXPECT_EQ(Run32("Slice", {}, {x, I({1, 0}), I({3, 2})}), (V32{4, 5, 8, 9}));
  EXPECT_EQ(Run32("Slice", {},
                  {x, I({-1, INT64_MAX}), I({INT64_MIN, INT64_MIN}), I({1, 0}), I({-2, -1})}),
            (V32{11, 9, 7, 5, 3, 1}));
  EXPECT_EQ(Run32("Slice", {}, {x, I({0}), I({INT64_MAX}), I({0}), I({INT64_MAX})}),
            (V32{0, 1, 2, 3}));
  EXPECT_EQ(Run32("Slice", {}, {x, I({2}), I({0}), I({0}), I({INT64_MIN})}), (V32{8, 9, 10, 11}));
  EXPECT_EQ(Error("Slice", {}, {x, I({0}), I({1}), I({0}), I({0})}), "a step is 0");
  EXPECT_EQ(Error("Slice", {}, {x, I({0}), I({1, 2})}),
            "starts, ends, axes and steps differ in length or exceed the rank");
  EXPECT_EQ(Error("Slice", {}, {x, I({0, 0}), I({1, 1}), I({0, -2})}), "axis 0 is given twice");
  EXPECT_EQ(Error("Slice", {}, {x, I({0}), I({1}), I({2})}), "axis = 2 is out of range for rank 2");
  EXPECT_EQ(Error("Slice", {}, {x, F({1}, {0}), I({1})}), "starts is float32, must be integer");
}

TEST(ConcatAndSplit, AreInverse) {
  std::mt19937 rng(3);
  for (int trial = 0; trial < 60; ++trial) {
    Ints dims = RandomDims(rng, 4, 4);
    dims.push_back(1 + rng() % 9);
    std::swap(dims.back(), dims[rng() % dims.size()]);
    const Tensor x = Iota(dims);
    const int64_t axis = static_cast<int64_t>(rng() % dims.size());
    Ints sizes;
    for (int64_t left = dims[static_cast<size_t>(axis)]; left > 0; left -= sizes.back()) {
      sizes.push_back(static_cast<int64_t>(rng()) % (left + 1));
    }
    if (sizes.empty()) sizes.push_back(0);
    const auto parts = Evaluate(Op("Split"), {{"axis", axis - static_cast<int64_t>(dims.size())}},
                                {x, I(sizes)}, static_cast<int>(sizes.size()));
    ASSERT_TRUE(parts.ok()) << parts.status().message();
    for (const Ints& at : Indices((*parts)[0].dims())) EXPECT_EQ(At((*parts)[0], at), At(x, at));
    EXPECT_TRUE(BitEqual(RunOp(Op("Concat"), {{"axis", axis}}, *parts), x));
  }
  const auto parts = Evaluate(Op("Split"), {{"num_outputs", int64_t{2}}}, {Iota({5})}, 2);
  EXPECT_EQ(ValuesOf<int32_t>((*parts)[1]), (V32{3, 4}));
  EXPECT_EQ(Error("Concat", {{"axis", int64_t{0}}}, {Iota({2, 2}), Iota({2, 3})}),
            "inputs have sizes 2 and 3 in dimension 1");
  EXPECT_EQ(Error("Concat", {{"axis", int64_t{0}}}, {Iota({2}), F({2}, {1, 2})}),
            "inputs have different element types int32 and float32");
  EXPECT_EQ(Error("Concat", {{"axis", int64_t{0}}}, {Iota({2}), Iota({2, 1})}),
            "input 1 has rank 2, input 0 has rank 1");
  EXPECT_EQ(Error("Concat", {{"axis", int64_t{1}}}, {Iota({2})}),
            "axis = 1 is out of range for rank 1");
  EXPECT_EQ(Error("Concat", {}, {Iota({2})}), "attribute 'axis' is missing");
  EXPECT_EQ(Error("Split", {{"num_outputs", int64_t{2}}}, {Iota({4}), I({2, 2})}, 2),
            "has both the input split and the attribute num_outputs");
  EXPECT_EQ(Error("Split", {}, {Iota({4}), I({5, -1})}, 2),
            "output would have the negative shape [-1]");
  EXPECT_EQ(Error("Split", {{"num_outputs", int64_t{3}}}, {Iota({4})}, 2),
            "num_outputs = 3 but the node has 2 outputs");
}

TEST(Gather, ValuesAndRange) {
  const Tensor x = Iota({2, 3});
  EXPECT_EQ(Run32("Gather", {}, {x, I({-1, 0})}), (V32{3, 4, 5, 0, 1, 2}));
  EXPECT_EQ(Run32("Gather", {{"axis", int64_t{1}}}, {x, I({2, 1}, {2, -3})}), (V32{2, 0, 5, 3}));
  EXPECT_EQ(RunOp(Op("Gather"), {{"axis", int64_t{1}}}, {x, I({}, {1})}).dims(), (Ints{2}));
  EXPECT_EQ(Error("Gather", {}, {x, I({0, 2})}),
            "index 2 at position 1 is out of range for a dimension of 2");
  EXPECT_EQ(Error("Gather", {}, {x, I({INT64_MIN})}),
            "index -9223372036854775808 at position 0 is out of range for a dimension of 2");
  EXPECT_EQ(Error("Gather", {}, {x, F({1}, {0})}), "indices are float32, must be int32 or int64");
  EXPECT_EQ(Error("Gather", {}, {Tensor::Scalar<float>(1), I({0})}),
            "axis = 0 is out of range for rank 0");
}

TEST(GatherElements, ValuesAndInverse) {
  const Tensor x = Iota({3, 3});
  const Tensor rows = I({2, 3}, {1, 2, 0, 2, 0, -3});
  EXPECT_EQ(Run32("GatherElements", {}, {x, rows}), (V32{3, 7, 2, 6, 1, 2}));
  EXPECT_EQ(Run32("GatherElements", {{"axis", int64_t{1}}}, {x, I({3, 1}, {2, 1, 0})}),
            (V32{2, 4, 6}));
  const Tensor updates = Tensor::FromValues<int32_t>({2, 3}, {10, 20, 30, 40, 50, 60});
  EXPECT_EQ(Run32("ScatterElements", {}, {x, rows, updates}),
            (V32{0, 50, 60, 10, 4, 5, 40, 20, 8}));
  EXPECT_EQ(Run32("ScatterElements", {{"reduction", "add"}}, {x, rows, updates}),
            (V32{0, 51, 92, 13, 4, 5, 46, 27, 8}));
  EXPECT_EQ(Run32("ScatterElements", {{"reduction", "max"}},
                  {x, I({1, 1}, {2}), Tensor::FromValues<int32_t>({1, 1}, {1})})[6],
            6);
  EXPECT_EQ(Error("GatherElements", {}, {x, I({1, 3}, {0, 3, 0})}),
            "index 3 at position 1 is out of range for a dimension of 3");
  EXPECT_EQ(Error("GatherElements", {}, {x, I({1, 4}, {0, 0, 0, 0})}),
            "indices [1,4] exceed the data [3,3]");
  EXPECT_EQ(Error("GatherElements", {}, {x, I({0})}), "data [3,3] and indices [1] differ in rank");
  EXPECT_EQ(Error("ScatterElements", {{"reduction", "avg"}}, {x, rows, updates}),
            "reduction = 'avg' is unknown");
}

TEST(GatherND, ValuesAndInverse) {
  const Tensor x = Iota({2, 2, 2});
  EXPECT_EQ(Run32("GatherND", {}, {x, I({2, 2}, {0, 1, 1, 0})}), (V32{2, 3, 4, 5}));
  EXPECT_EQ(Run32("GatherND", {}, {x, I({1, 3}, {-1, -1, -1})}), (V32{7}));
  EXPECT_EQ(Run32("GatherND", {{"batch_dims", int64_t{1}}}, {x, I({2, 1}, {1, 0})}),
            (V32{2, 3, 4, 5}));
  EXPECT_EQ(
      Run32("ScatterND", {}, {x, I({1, 2}, {1, 1}), Tensor::FromValues<int32_t>({1, 2}, {8, 9})}),
      (V32{0, 1, 2, 3, 4, 5, 8, 9}));
  EXPECT_EQ(Error("GatherND", {}, {x, I({1, 2}, {0, 2})}),
            "index 2 at position 1 is out of range for a dimension of 2");
  EXPECT_EQ(Error("GatherND", {}, {x, I({1, 4}, {0, 0, 0, 0})}),
            "index vectors of length 4 do not fit data of rank 3");
  EXPECT_EQ(Error("GatherND", {{"batch_dims", int64_t{2}}}, {x, I({2, 2}, {0, 0, 0, 0})}),
            "batch_dims = 2 does not fit ranks 3 and 2");
}

TEST(Pad, Modes) {
  const Tensor x = Iota({3});
  const auto pad = [&](const char* mode, int64_t begin, int64_t end) {
    return Run32("Pad", {{"mode", mode}}, {x, I({begin, end})});
  };
  EXPECT_EQ(pad("constant", 2, 1), (V32{0, 0, 0, 1, 2, 0}));
  EXPECT_EQ(pad("constant", -1, 2), (V32{1, 2, 0, 0}));
  EXPECT_EQ(pad("constant", -2, -1), V32{});
  EXPECT_EQ(pad("constant", 5, -4), (V32{0, 0, 0, 0}));
  EXPECT_EQ(pad("edge", 2, 1), (V32{0, 0, 0, 1, 2, 2}));
  EXPECT_EQ(pad("reflect", 2, 2), (V32{2, 1, 0, 1, 2, 1, 0}));
  EXPECT_EQ(pad("reflect", 5, 0), (V32{1, 0, 1, 2, 1, 0, 1, 2}));
  EXPECT_EQ(pad("wrap", 4, 4), (V32{2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0}));
  EXPECT_EQ(Run32("Pad", {}, {Iota({2, 2}), I({1, 0}), Tensor::Scalar<int32_t>(7), I({-1})}),
            (V32{7, 0, 1, 7, 2, 3}));
  EXPECT_EQ(Error("Pad", {{"mode", "edge"}}, {x, I({-1, 0})}), "negative pads in mode 'edge'");
  EXPECT_EQ(Error("Pad", {}, {x, I({1})}), "has 1 pads for 1 axes");
  EXPECT_EQ(Error("Pad", {}, {x, I({-2, -2})}), "output would have the negative shape [-1]");
  EXPECT_EQ(Error("Pad", {}, {x, I({INT64_MAX, 1})}),
            "output of shape [4611686018427387904] is too large");
  EXPECT_EQ(Error("Pad", {{"mode", "zero"}}, {x, I({1, 1})}), "mode = 'zero' is unknown");
  EXPECT_EQ(Error("Pad", {{"mode", "edge"}}, {Iota({0}), I({1, 1})}),
            "cannot extend an empty tensor of shape [0]");
  EXPECT_EQ(Error("Pad", {}, {x, I({1, 1}), F({1}, {0})}),
            "constant_value and data differ in type");
}

TEST(ExpandAndTile, Values) {
  EXPECT_EQ(Run32("Expand", {}, {Iota({2, 1}), I({2, 1, 3})}),
            (V32{0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(Run32("Expand", {}, {Iota({3}), I({1})}), (V32{0, 1, 2})) << "1 keeps the input's size";
  EXPECT_EQ(Run32("Tile", {}, {Iota({2, 2}), I({2, 2})}),
            (V32{0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_EQ(Run32("Tile", {}, {Iota({2}), I({0})}), V32{});
  EXPECT_EQ(Error("Expand", {}, {Iota({2}), I({3})}),
            "shapes [2] and [3] cannot be broadcast together");
  EXPECT_EQ(Error("Expand", {}, {Iota({1}), I({-1})}), "shape [-1] has a negative dimension");
  EXPECT_EQ(Error("Expand", {}, {Iota({1}), I({int64_t{1} << 30, int64_t{1} << 30})}),
            "output of shape [1073741824,1073741824] is too large");
  EXPECT_EQ(Error("Tile", {}, {Iota({2}), I({1, 1})}), "has 2 repeats for an input [2]");
}

TEST(ReshapeFamily, KeepsTheElements) {
  const Tensor x = Iota({2, 3, 4});
  EXPECT_EQ(RunOp(Op("Reshape"), {}, {x, I({0, -1})}).dims(), (Ints{2, 12}));
  EXPECT_EQ(Run32("Reshape", {}, {x, I({4, 6})}), ValuesOf<int32_t>(x));
  EXPECT_EQ(RunOp(Op("Flatten"), {{"axis", int64_t{-1}}}, {x}).dims(), (Ints{6, 4}));
  EXPECT_EQ(RunOp(Op("Flatten"), {{"axis", int64_t{3}}}, {x}).dims(), (Ints{24, 1}));
  EXPECT_EQ(RunOp(Op("Squeeze"), {}, {Iota({1, 2, 1})}).dims(), (Ints{2}));
  EXPECT_EQ(RunOp(Op("Unsqueeze"), {}, {Iota({2}), I({0, 2})}).dims(), (Ints{1, 2, 1}));
  EXPECT_EQ(Error("Reshape", {}, {x, I({5, -1})}),
            "shape [5,-1] does not divide the 24 elements of the input [2,3,4]");
  EXPECT_EQ(Error("Reshape", {}, {x, I({-1, -1})}), "shape [-1,-1] has more than one -1");
  EXPECT_EQ(Error("Reshape", {}, {x, I({-2})}), "shape [-2] has a negative dimension");
  EXPECT_EQ(Error("Reshape", {}, {x, I({2, 3})}), "cannot reshape [2,3,4] to [2,3]");
  EXPECT_EQ(Error("Reshape", {}, {x, I({1, 1, 1, 0})}),
            "shape [1,1,1,0] copies dimension 3 of an input of rank 3");
  EXPECT_EQ(Error("Reshape", {{"allowzero", int64_t{1}}}, {x, I({0, -1})}),
            "shape has both 0 and -1 although allowzero is set");
  EXPECT_EQ(Error("Reshape", {}, {x, I({2, 2, 1, 1, 1, 1, 1, 1, 6})}),
            "output would have rank 9, at most 8 is supported");
  EXPECT_EQ(Error("Reshape", {}, {x, I({6, 4}, Ints(24, 1))}), "shape has rank 2, must be 1");
  EXPECT_EQ(Error("Reshape", {}, {x, I(Ints(1000, 1))}),
            "shape has 1000 values, more than any tensor needs");
  EXPECT_EQ(Error("Squeeze", {}, {x, I({1})}), "cannot squeeze dimension 1 of [2,3,4]");
  EXPECT_EQ(Error("Unsqueeze", {}, {x, I({0, -5})}), "axis 0 is given twice");
  EXPECT_EQ(Error("Unsqueeze", {}, {x, I({5})}), "axis = 5 is out of range for rank 4");
  EXPECT_EQ(Error("Flatten", {{"axis", int64_t{4}}}, {x}), "axis = 4 is out of range for rank 3");
  EXPECT_EQ(Error("Transpose", {{"perm", Ints{0, 1}}}, {x}),
            "perm [0,1] does not fit an input of rank 3");
  EXPECT_EQ(Error("Transpose", {{"perm", Ints{0, 1, 1}}}, {x}), "axis 1 is given twice");
}

TEST(DepthToSpace, ModesAndInverse) {
  const Tensor x = Iota({1, 8, 1, 1});
  EXPECT_EQ(Run32("DepthToSpace", {{"blocksize", int64_t{2}}}, {x}), (V32{0, 2, 4, 6, 1, 3, 5, 7}));
  EXPECT_EQ(Run32("DepthToSpace", {{"blocksize", int64_t{2}}, {"mode", "CRD"}}, {x}),
            (V32{0, 1, 2, 3, 4, 5, 6, 7}));
  const Tensor image = Iota({2, 3, 4, 6});
  EXPECT_TRUE(BitEqual(RunOp(Op("DepthToSpace"), {{"blocksize", int64_t{2}}},
                             {RunOp(Op("SpaceToDepth"), {{"blocksize", int64_t{2}}}, {image})}),
                       image));
  EXPECT_EQ(Error("DepthToSpace", {{"blocksize", int64_t{3}}}, {x}),
            "blocksize 9 does not divide 8");
  EXPECT_EQ(Error("SpaceToDepth", {{"blocksize", int64_t{0}}}, {image}),
            "blocksize = 0, must be 1 to 1024");
  EXPECT_EQ(Error("SpaceToDepth", {{"blocksize", int64_t{2}}}, {Iota({2, 2})}),
            "input [2,2] must have rank 4");
  EXPECT_EQ(Error("DepthToSpace", {{"blocksize", int64_t{2}}, {"mode", "XYZ"}}, {x}),
            "mode = 'XYZ' is unknown");
}

TEST(Resize, NearestModes) {
  const Tensor x = F({1, 1, 1, 4}, {0, 1, 2, 3});
  const auto resize = [&](const char* nearest, const char* coordinates, int64_t size) {
    return RunF("Resize",
                {{"nearest_mode", nearest}, {"coordinate_transformation_mode", coordinates}},
                {x, {}, {}, I({1, 1, 1, size})});
  };
  // Source coordinates 0, 0.5, 1, ... 3.5.
  EXPECT_EQ(resize("round_prefer_floor", "asymmetric", 8), (Floats{0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(resize("round_prefer_ceil", "asymmetric", 8), (Floats{0, 1, 1, 2, 2, 3, 3, 3}));
  EXPECT_EQ(resize("floor", "asymmetric", 8), (Floats{0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(resize("ceil", "asymmetric", 8), (Floats{0, 1, 1, 2, 2, 3, 3, 3}));
  // 0.5 and 2.5.
  EXPECT_EQ(resize("round_prefer_floor", "half_pixel", 2), (Floats{0, 2}));
  EXPECT_EQ(resize("round_prefer_ceil", "half_pixel", 2), (Floats{1, 3}));
  EXPECT_EQ(resize("floor", "align_corners", 3), (Floats{0, 1, 3}));
  EXPECT_EQ(resize("floor", "pytorch_half_pixel", 1), (Floats{0}));
  EXPECT_EQ(resize("floor", "half_pixel", 1), (Floats{1}));
}

TEST(Resize, LinearCubicAndPolicies) {
  const Tensor x = F({1, 1, 1, 2}, {0, 4});
  const auto sizes = [&](int64_t n) { return I({1, 1, 1, n}); };
  EXPECT_EQ(RunF("Resize", {{"mode", "linear"}}, {x, {}, {}, sizes(4)}), (Floats{0, 1, 3, 4}));
  EXPECT_EQ(
      RunF("Resize", {{"mode", "linear"}, {"coordinate_transformation_mode", "align_corners"}},
           {x, {}, {}, sizes(5)}),
      (Floats{0, 1, 2, 3, 4}));
  EXPECT_EQ(RunF("Resize", {{"mode", "linear"}, {"coordinate_transformation_mode", "asymmetric"}},
                 {x, {}, {}, sizes(4)}),
            (Floats{0, 2, 4, 4}));
  // Keys' kernel with a = -0.75 at distance 0.5: weights -0.09375, 0.59375, 0.59375, -0.09375.
  const Floats cubic =
      RunF("Resize", {{"mode", "cubic"}, {"coordinate_transformation_mode", "asymmetric"}},
           {F({4}, {0, 0, 16, 0}), {}, {}, I({8})});
  EXPECT_EQ(cubic[3], 9.5f);
  EXPECT_EQ(cubic[1], -1.5f);
  EXPECT_EQ(cubic[4], 16);
  // Averaging four pixels into one.
  EXPECT_EQ(RunF("Resize", {{"mode", "linear"}, {"antialias", int64_t{1}}},
                 {F({4}, {1, 2, 3, 10}), {}, F({1}, {0.25f}), {}}),
            (Floats{4.1875f}));
  const Tensor image = Iota({1, 1, 4, 8});
  const auto kept = [&](const char* policy) {
    return RunOp(Op("Resize"), {{"axes", Ints{-2, -1}}, {"keep_aspect_ratio_policy", policy}},
                 {image, {}, {}, I({8, 8})})
        .dims();
  };
  EXPECT_EQ(kept("stretch"), (Ints{1, 1, 8, 8}));
  EXPECT_EQ(kept("not_larger"), (Ints{1, 1, 4, 8}));
  EXPECT_EQ(kept("not_smaller"), (Ints{1, 1, 8, 16}));
  // The right half, and what lies beyond.
  EXPECT_EQ(RunF("Resize",
                 {{"mode", "linear"},
                  {"coordinate_transformation_mode", "tf_crop_and_resize"},
                  {"extrapolation_value", -1.0f}},
                 {F({3}, {0, 1, 2}), F({2}, {0.5f, 1.5f}), {}, I({3})}),
            (Floats{1, 2, -1}));
}

TEST(Resize, Refusals) {
  const Tensor x = F({4}, {0, 1, 2, 3});
  EXPECT_EQ(Error("Resize", {}, {x}), "exactly one of scales and sizes must be given");
  EXPECT_EQ(Error("Resize", {}, {x, {}, F({1}, {2}), I({8})}),
            "exactly one of scales and sizes must be given");
  EXPECT_EQ(Error("Resize", {}, {x, {}, F({2}, {2, 2})}), "scales has 2 values, must have 1");
  EXPECT_EQ(Error("Resize", {}, {x, {}, F({1}, {-2})}),
            "scale = -2.000000 must be positive and finite");
  EXPECT_EQ(Error("Resize", {}, {x, {}, F({1}, {std::nanf("")})}),
            "scale = nan must be positive and finite");
  EXPECT_EQ(Error("Resize", {}, {x, {}, F({1}, {1e30f})}),
            "scale = 1000000015047466219876688855040.000000 must be positive and finite");
  EXPECT_EQ(Error("Resize", {}, {x, {}, {}, I({-1})}), "size = -1 is out of range");
  EXPECT_EQ(Error("Resize", {{"mode", "area"}}, {x, {}, {}, I({2})}), "mode = 'area' is unknown");
  EXPECT_EQ(Error("Resize", {{"coordinate_transformation_mode", "tf_crop_and_resize"}},
                  {x, {}, {}, I({2})}),
            "tf_crop_and_resize needs roi in floating point");
  EXPECT_EQ(Error("Resize", {}, {F({0}, {}), {}, {}, I({2})}), "cannot resize the empty [0]");
  EXPECT_EQ(Error("Resize", {{"axes", Ints{1}}}, {x, {}, {}, I({2})}),
            "axis = 1 is out of range for rank 1");
}

TEST(SmallOperators, Values) {
  EXPECT_EQ(ValuesOf<int64_t>(RunOp(Op("Shape"), {}, {Iota({2, 0, 3})})), (Ints{2, 0, 3}));
  EXPECT_EQ(ValuesOf<int64_t>(RunOp(Op("Size"), {}, {Iota({2, 3})})), (Ints{6}));
  EXPECT_EQ(RunF("ConstantOfShape", {}, {I({2})}), (Floats{0, 0}));
  EXPECT_EQ(
      Run32("ConstantOfShape", {{"value", Tensor::FromValues<int32_t>({1}, {5})}}, {I({2, 1})}),
      (V32{5, 5}));
  EXPECT_EQ(RunOp(Op("ConstantOfShape"), {}, {I(Ints{})}).rank(), 0);
  EXPECT_EQ(Error("ConstantOfShape", {{"value", Iota({2})}}, {I({2})}),
            "value has shape [2], must be one element");
  EXPECT_EQ(RunF("Constant", {{"value_floats", Floats{1, 2}}}, {}), (Floats{1, 2}));
  EXPECT_EQ(Error("Constant", {}, {}), "has 0 attributes, must have exactly one value");
  EXPECT_EQ(Error("Constant", {{"value_string", "x"}}, {}),
            "attribute 'value_string': strings are not supported");
  EXPECT_EQ(RunF("OneHot", {}, {I({1, -1, 7}), I({3}), F({2}, {0, 1})}),
            (Floats{0, 1, 0, 0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(RunF("OneHot", {{"axis", int64_t{0}}}, {I({1, 0}), I({2}), F({2}, {5, 9})}),
            (Floats{5, 9, 9, 5}));
  EXPECT_EQ(Error("OneHot", {}, {I({1}), I({0}), F({2}, {0, 1})}), "depth = 0, must be >= 1");
  const Tensor condition = Tensor::FromValues<bool>({2, 1}, {true, false});
  EXPECT_EQ(Run32("Where", {}, {condition, Iota({2}), Tensor::Scalar<int32_t>(9)}),
            (V32{0, 1, 9, 9}));
  EXPECT_EQ(Error("Where", {}, {Iota({1}), Iota({1}), Iota({1})}), "the condition must be bool");
  EXPECT_EQ(Run32("Trilu", {}, {Iota({2, 3})}), (V32{0, 1, 2, 0, 4, 5}));
  EXPECT_EQ(Run32("Trilu", {{"upper", int64_t{0}}}, {Iota({2, 3}), I({}, {1})}),
            (V32{0, 1, 0, 3, 4, 5}));
  EXPECT_EQ(Run32("Trilu", {}, {Iota({2, 2}), I({}, {INT64_MIN})}), (V32{0, 1, 2, 3}));
  EXPECT_EQ(Run32("Identity", {}, {Iota({3})}), (V32{0, 1, 2}));
}

constexpr const char* kTensorOperators[] = {"Abs",
                                            "Add",
                                            "And",
                                            "ArgMax",
                                            "ArgMin",
                                            "Cast",
                                            "CastLike",
                                            "Ceil",
                                            "Concat",
                                            "Constant",
                                            "ConstantOfShape",
                                            "Cos",
                                            "CumSum",
                                            "DepthToSpace",
                                            "Div",
                                            "Equal",
                                            "Exp",
                                            "Expand",
                                            "Flatten",
                                            "Floor",
                                            "Gather",
                                            "GatherElements",
                                            "GatherND",
                                            "Greater",
                                            "GreaterOrEqual",
                                            "Identity",
                                            "IsInf",
                                            "IsNaN",
                                            "Less",
                                            "LessOrEqual",
                                            "Log",
                                            "Max",
                                            "Mean",
                                            "Min",
                                            "Mod",
                                            "Mul",
                                            "Neg",
                                            "Not",
                                            "OneHot",
                                            "Or",
                                            "Pad",
                                            "Pow",
                                            "Range",
                                            "Reciprocal",
                                            "ReduceL1",
                                            "ReduceL2",
                                            "ReduceLogSum",
                                            "ReduceLogSumExp",
                                            "ReduceMax",
                                            "ReduceMean",
                                            "ReduceMin",
                                            "ReduceProd",
                                            "ReduceSum",
                                            "ReduceSumSquare",
                                            "Reshape",
                                            "Resize",
                                            "Round",
                                            "ScatterElements",
                                            "ScatterND",
                                            "Shape",
                                            "Sign",
                                            "Sin",
                                            "Size",
                                            "Slice",
                                            "SpaceToDepth",
                                            "Split",
                                            "Sqrt",
                                            "Squeeze",
                                            "Sub",
                                            "Sum",
                                            "Tile",
                                            "TopK",
                                            "Transpose",
                                            "Trilu",
                                            "Unsqueeze",
                                            "Where",
                                            "Xor"};

// Random arguments, mostly wrong: every operator must answer with values or a Status. Run under
// ASan and UBSan this looks for reads and writes out of bounds.
TEST(TensorOperators, RandomArgumentsEndInAStatus) {
  std::mt19937 rng(4);
  const auto pick = [&](int n) { return static_cast<int64_t>(rng() % static_cast<unsigned>(n)); };
  const auto number = [&]() -> int64_t {
    static constexpr int64_t kOdd[] = {INT64_MAX, INT64_MIN, int64_t{1} << 50, -1000};
    return pick(12) == 0 ? kOdd[pick(4)] : pick(8) - 3;
  };
  const auto tensor = [&]() -> Tensor {
    if (pick(10) == 0) return {};
    static constexpr DType kTypes[] = {DType::kFloat32, DType::kInt64,  DType::kInt64,
                                       DType::kInt32,   DType::kBool,   DType::kFloat16,
                                       DType::kUInt8,   DType::kFloat64};
    Tensor t = Tensor::Allocate(kTypes[pick(8)], RandomDims(rng, pick(3) == 0 ? 4 : 2, 4));
    for (int64_t i = 0; i < t.size(); ++i) {
      if (t.dtype() == DType::kInt64) {
        t.mutable_data<int64_t>()[i] = number();
      } else if (t.dtype() == DType::kFloat32) {
        t.mutable_data<float>()[i] = pick(9) == 0 ? std::nanf("") : static_cast<float>(number());
      } else {
        static_cast<uint8_t*>(t.mutable_raw())[i] = static_cast<uint8_t>(rng());
      }
    }
    return t;
  };
  static constexpr const char* kStrings[] = {
      "constant", "edge", "wrap", "linear", "cubic",      "nearest",           "floor",
      "reflect",  "CRD",  "add",  "none",   "asymmetric", "tf_crop_and_resize"};
  int answered = 0;
  for (const char* const name : kTensorOperators) {
    const OpDef* const op = &Op(name);
    for (int trial = 0; trial < 150; ++trial) {
      AttrMap attrs;
      for (const AttrDef& a : op->attrs) {
        if (!a.required && pick(3) != 0) continue;
        switch (a.kind) {
          case AttrKind::kInt:
            attrs.Set(a.name, std::string_view(a.name) == "to" ? pick(20) : number());
            break;
          case AttrKind::kFloat:
            attrs.Set(a.name, static_cast<float>(number()));
            break;
          case AttrKind::kString:
            attrs.Set(a.name, std::string(kStrings[pick(13)]));
            break;
          case AttrKind::kInts: {
            Ints v(static_cast<size_t>(pick(5)));
            for (int64_t& i : v) i = number();
            attrs.Set(a.name, v);
            break;
          }
          case AttrKind::kTensor:
            attrs.Set(a.name, tensor());
            break;
          default:
            break;
        }
      }
      std::vector<Tensor> inputs(static_cast<size_t>(op->min_inputs));
      while (pick(2) == 0 &&
             static_cast<int>(inputs.size()) < (op->max_inputs < 0 ? 4 : op->max_inputs)) {
        inputs.emplace_back();
      }
      for (Tensor& t : inputs) t = tensor();
      const auto r = Evaluate(*op, attrs, inputs, op->min_outputs);
      if (r.ok()) {
        ++answered;
      } else {
        EXPECT_FALSE(r.status().message().empty()) << op->name;
        EXPECT_NE(r.status().code(), StatusCode::kInternal) << op->name;
      }
      // The same with outputs of dims that a plan for other inputs would have.
      std::vector<Tensor> wrong;
      std::vector<TensorView> outputs;
      std::vector<ConstTensorView> views;
      std::vector<ValueInfo> infos(inputs.size());
      std::vector<const ValueInfo*> pointers(inputs.size(), nullptr);
      for (size_t i = 0; i < inputs.size(); ++i) {
        views.push_back(inputs[i].defined() ? inputs[i].view() : ConstTensorView{});
        if (!inputs[i].defined()) continue;
        infos[i] = {inputs[i].dtype(), ToShape(inputs[i].dims())};
        pointers[i] = &infos[i];
      }
      std::vector<ValueInfo> out(static_cast<size_t>(op->min_outputs));
      InferContext ctx(attrs, pointers, out);
      if (!op->infer(ctx).ok()) continue;  // the types do not fit: never evaluated
      for (const ValueInfo& info : out) {
        wrong.push_back(Tensor::Allocate(info.dtype, RandomDims(rng, 4, 4)));
      }
      for (Tensor& t : wrong) outputs.push_back(t.mutable_view());
      (void)op->eval(EvalContext{attrs, views, outputs});
    }
  }
  EXPECT_GT(answered, 1000) << "the arguments are too wild to test anything";
}

}  // namespace
}  // namespace adze
