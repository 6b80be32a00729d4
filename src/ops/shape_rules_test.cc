// Shape arithmetic as exporters write it: symbolic dimensions and partially known integers travel
// through Shape, Gather, Concat and the like until a Reshape, Slice, Expand or Resize turns them
// into a shape again.
#include <deque>

#include "ops/op_test_util.h"

namespace adze {
namespace {

using op_test::Info;
using op_test::Op;
using Ints = std::vector<int64_t>;

class Chain : public testing::Test {
 protected:
  ValueInfo Constant(Tensor t) {
    tensors_.push_back(std::move(t));
    ValueInfo v = Info(tensors_.back().dtype(), ToShape(tensors_.back().dims()));
    v.constant = &tensors_.back();
    return v;
  }
  ValueInfo Vector(const Ints& values) {
    return Constant(Tensor::FromValues<int64_t>({static_cast<int64_t>(values.size())},
                                                std::span<const int64_t>(values)));
  }
  ValueInfo Scalar(int64_t value) { return Constant(Tensor::Scalar<int64_t>(value)); }
  ValueInfo Apply(const char* op, const std::vector<ValueInfo>& inputs, const AttrMap& attrs = {}) {
    const Result<ValueInfo> r = op_test::Infer(Op(op), attrs, inputs, Op(op).min_outputs);
    EXPECT_TRUE(r.ok()) << op << ": " << r.status().message();
    return r.ok() ? r.value() : ValueInfo{};
  }
  static std::string ShapeOf(const ValueInfo& v) {
    return v.shape ? ShapeToString(*v.shape) : "unknown";
  }
  static std::string ElementsOf(const ValueInfo& v) {
    return v.elements ? ShapeToString(*v.elements) : "unknown";
  }
  ValueInfo Dimension(const ValueInfo& x, int64_t i) {
    return Apply("Gather", {Apply("Shape", {x}), Scalar(i)}, {{"axis", int64_t{0}}});
  }

  const Dim n_ = Dim::Symbol("N");
  const Dim h_ = Dim::Symbol("H");
  const Dim w_ = Dim::Symbol("W");
  const ValueInfo image_ = Info({n_, 8, h_, w_});

 private:
  std::deque<Tensor> tensors_;
};

TEST_F(Chain, FlattenFromTheBatchSize) {
  // x.view(x.size(0), -1)
  const ValueInfo x = Info({n_, 512, 1, 1});
  const ValueInfo size = Apply("Unsqueeze", {Dimension(x, 0), Vector({0})});
  EXPECT_EQ(ElementsOf(size), "[N]");
  const ValueInfo shape = Apply("Concat", {size, Vector({-1})}, {{"axis", int64_t{0}}});
  EXPECT_EQ(ElementsOf(shape), "[N,-1]");
  EXPECT_EQ(ShapeOf(Apply("Reshape", {x, shape})), "[N,512]");
}

TEST_F(Chain, ChannelShuffle) {
  // x.view(n, 2, c / 2, h, w).transpose(1, 2).reshape(n, -1, h, w)
  const ValueInfo half = Apply("Div", {Dimension(image_, 1), Scalar(2)});
  EXPECT_EQ(ElementsOf(half), "[4]");
  std::vector<ValueInfo> parts;
  for (const ValueInfo& v :
       {Dimension(image_, 0), Scalar(2), half, Dimension(image_, 2), Dimension(image_, 3)}) {
    parts.push_back(Apply("Unsqueeze", {v, Vector({0})}));
  }
  const ValueInfo split =
      Apply("Reshape", {image_, Apply("Concat", parts, {{"axis", int64_t{0}}})});
  EXPECT_EQ(ShapeOf(split), "[N,2,4,H,W]");
  const ValueInfo swapped = Apply("Transpose", {split}, {{"perm", Ints{0, 2, 1, 3, 4}}});
  EXPECT_EQ(ShapeOf(swapped), "[N,4,2,H,W]");
  const ValueInfo back =
      Apply("Concat", {parts[0], Vector({-1}), parts[3], parts[4]}, {{"axis", int64_t{0}}});
  EXPECT_EQ(ShapeOf(Apply("Reshape", {swapped, back})), "[N,8,H,W]");
}

TEST_F(Chain, ReshapeToTokens) {
  EXPECT_EQ(ShapeOf(Apply("Reshape", {image_, Vector({0, 8, -1})})), "[N,8,H*W]");
  EXPECT_EQ(ShapeOf(Apply("Reshape", {image_, Vector({-1, 8})})), "[H*N*W,8]");
  EXPECT_EQ(ShapeOf(Apply("Reshape", {image_, Vector({0, 2, -1})})), "[N,2,4*H*W]");
  EXPECT_EQ(ShapeOf(Apply("Reshape", {image_, Vector({0, 16, -1})})), "[N,16,floor((H*W)/2)]");
  EXPECT_EQ(ShapeOf(Apply("Reshape", {image_, Vector({-1})})), "[8*H*N*W]");
  // The dimension that strided convolutions compute cancels although it is no single symbol.
  const Dim y = (h_ - 1).FloorDiv(2) + 1;
  const ValueInfo feature = Info({n_, 255, y, y});
  EXPECT_EQ(ShapeOf(Apply("Reshape", {feature, Vector({0, 3, 85, -1})})),
            ShapeOf(Info({n_, 3, 85, y * y})));
  ValueInfo wanted = Info(DType::kInt64, {3});
  wanted.elements = std::vector<Dim>{n_, -1, y * y};
  EXPECT_EQ(ShapeOf(Apply("Reshape", {feature, wanted})), ShapeOf(Info({n_, 255, y * y})));
  // A dimension of size 0 that is copied needs no division.
  EXPECT_EQ(ShapeOf(Apply("Reshape", {Info({0, 3, 4}), Vector({0, -1})})), "[0,12]");
  EXPECT_EQ(ShapeOf(Apply("Reshape", {Info({0, 3}), Vector({3, 0})}, {{"allowzero", int64_t{1}}})),
            "[3,0]");
  // Unknown contents: unknown shape.
  EXPECT_EQ(ShapeOf(Apply("Reshape", {image_, Info(DType::kInt64, {2})})), "unknown");
}

TEST_F(Chain, ShapeSlices) {
  const ValueInfo shape = Apply("Shape", {image_});
  EXPECT_EQ(ElementsOf(shape), "[N,8,H,W]");
  EXPECT_EQ(ElementsOf(Apply("Shape", {image_}, {{"start", int64_t{-2}}})), "[H,W]");
  EXPECT_EQ(ElementsOf(Apply("Shape", {image_}, {{"start", int64_t{1}}, {"end", int64_t{-1}}})),
            "[8,H]");
  EXPECT_EQ(ShapeOf(Apply("Shape", {image_}, {{"start", int64_t{9}}})), "[0]");
  EXPECT_EQ(ElementsOf(Apply("Slice", {shape, Vector({2}), Vector({INT64_MAX})})), "[H,W]");
  EXPECT_EQ(ElementsOf(Apply(
                "Slice", {shape, Vector({-1}), Vector({INT64_MIN}), Vector({0}), Vector({-1})})),
            "[W,H,8,N]");
  EXPECT_EQ(ElementsOf(Apply("Slice", {shape, Vector({0}), Vector({4}), Vector({0}), Vector({3})})),
            "[N,W]");
  EXPECT_EQ(ElementsOf(Apply("Gather", {shape, Vector({3, -4})})), "[W,N]");
  EXPECT_EQ(ElementsOf(Apply("Size", {image_})), "[8*H*N*W]");
  const Result<ValueInfo> bad = op_test::Infer(Op("Gather"), {}, {shape, Vector({4})});
  EXPECT_EQ(bad.status().message(), "index 4 is out of range for a dimension of 4");
}

TEST_F(Chain, Arithmetic) {
  const ValueInfo shape = Apply("Shape", {image_});
  EXPECT_EQ(ElementsOf(Apply("Add", {shape, Scalar(1)})), "[N + 1,9,H + 1,W + 1]");
  EXPECT_EQ(ElementsOf(Apply("Sub", {shape, shape})), "[0,0,0,0]");
  EXPECT_EQ(ElementsOf(Apply("Mul", {shape, Vector({1, 1, 2, 2})})), "[N,8,2*H,2*W]");
  EXPECT_EQ(ElementsOf(Apply("Div", {shape, Scalar(4)})),
            "[floor((N)/4),2,floor((H)/4),floor((W)/4)]");
  EXPECT_EQ(ElementsOf(Apply("Div", {Vector({-7, 7}), Scalar(2)})), "[-3,3]") << "truncates";
  EXPECT_EQ(ElementsOf(Apply("Div", {Apply("Mul", {shape, shape}), shape})), "[N,8,H,W]");
  EXPECT_EQ(ElementsOf(Apply("Div", {shape, Apply("Sub", {shape, shape})})), "unknown");
  EXPECT_EQ(ElementsOf(Apply("Mod", {Vector({-7, 7}), Scalar(4)})), "[1,3]");
  EXPECT_EQ(ElementsOf(Apply("Mod", {shape, Scalar(1)})), "[0,0,0,0]");
  EXPECT_EQ(ElementsOf(Apply("Neg", {Scalar(3)})), "[-3]");
  EXPECT_EQ(ElementsOf(Apply("Max", {shape, Scalar(0)})), "[N,8,H,W]");
  EXPECT_EQ(ElementsOf(Apply("Max", {shape, Scalar(1)})), "unknown") << "N may be 0";
  EXPECT_EQ(ElementsOf(Apply("Min", {Vector({3, 9}), Scalar(5)})), "[3,5]");
  EXPECT_EQ(ElementsOf(Apply("ReduceProd", {shape})), "[8*H*N*W]");
  EXPECT_EQ(ShapeOf(Apply("ReduceProd", {shape}, {{"keepdims", int64_t{0}}})), "[]");
  EXPECT_EQ(ElementsOf(Apply("ReduceSum", {Vector({1, 2, 3})})), "[6]");
  const ValueInfo narrow = Apply("Cast", {shape}, {{"to", int64_t{6}}});
  EXPECT_EQ(narrow.dtype, DType::kInt32);
  EXPECT_EQ(ElementsOf(narrow), "[N,8,H,W]");
  EXPECT_EQ(ElementsOf(Apply("Cast", {Vector({300})}, {{"to", int64_t{2}}})), "unknown")
      << "does not fit uint8";
  EXPECT_EQ(ElementsOf(Apply("Cast", {shape}, {{"to", int64_t{1}}})), "unknown") << "float";
  EXPECT_EQ(ElementsOf(Apply("Identity", {shape})), "[N,8,H,W]");
  EXPECT_EQ(ElementsOf(Apply("Add", {Scalar(INT64_MAX), Scalar(1)})), "unknown") << "overflow";
}

TEST_F(Chain, ExpandAsPyTorchExportsIt) {
  // x.expand(n, -1, -1): the -1 of the wish become 1 through Equal and Where.
  const ValueInfo wish =
      Apply("Concat",
            {Apply("Unsqueeze", {Dimension(image_, 0), Vector({0})}), Vector({-1}), Vector({-1})},
            {{"axis", int64_t{0}}});
  const ValueInfo ones =
      Apply("ConstantOfShape", {Vector({3})}, {{"value", Tensor::FromValues<int64_t>({1}, {1})}});
  EXPECT_EQ(ElementsOf(ones), "[1,1,1]");
  const ValueInfo keep = Apply("Equal", {wish, Apply("Mul", {ones, Scalar(-1)})});
  EXPECT_EQ(keep.dtype, DType::kBool);
  EXPECT_EQ(ElementsOf(keep), "[0,1,1]");
  const ValueInfo shape = Apply("Where", {keep, ones, wish});
  EXPECT_EQ(ElementsOf(shape), "[N,1,1]");
  EXPECT_EQ(ShapeOf(Apply("Expand", {Info({1, 7, 64}), shape})), "[N,7,64]");
}

TEST_F(Chain, Comparisons) {
  const ValueInfo shape = Apply("Shape", {image_});
  EXPECT_EQ(ElementsOf(Apply("GreaterOrEqual", {shape, Scalar(0)})), "[1,1,1,1]");
  EXPECT_EQ(ElementsOf(Apply("Less", {shape, Scalar(0)})), "[0,0,0,0]");
  EXPECT_EQ(ElementsOf(Apply("Greater", {shape, Scalar(0)})), "unknown");
  EXPECT_EQ(ElementsOf(Apply("LessOrEqual", {Vector({1, 2, 3}), Scalar(2)})), "[1,1,0]");
  EXPECT_EQ(ElementsOf(Apply("Greater", {Vector({1, 2, 3}), Scalar(2)})), "[0,0,1]");
  EXPECT_EQ(ElementsOf(Apply("Not", {Apply("Less", {shape, Scalar(0)})})), "[1,1,1,1]");
  EXPECT_EQ(ElementsOf(Apply("Equal", {shape, shape})), "[1,1,1,1]");
}

TEST_F(Chain, RangeAndTile) {
  const ValueInfo positions = Apply("Range", {Scalar(0), Dimension(image_, 2), Scalar(1)});
  EXPECT_EQ(ShapeOf(positions), "[H]");
  EXPECT_EQ(ShapeOf(Apply("Range", {Scalar(0), Dimension(image_, 2), Scalar(3)})),
            "[floor((H + 2)/3)]");
  EXPECT_EQ(ElementsOf(Apply("Range", {Scalar(5), Scalar(-1), Scalar(-2)})), "[5,3,1]");
  EXPECT_EQ(ShapeOf(Apply("Range", {Scalar(5), Scalar(9), Scalar(-2)})), "[0]");
  ValueInfo repeats = Info(DType::kInt64, {2});
  repeats.elements = std::vector<Dim>{n_, 2};
  EXPECT_EQ(ShapeOf(Apply("Tile", {Info({1, w_}), repeats})), "[N,2*W]");
}

TEST_F(Chain, SliceOfSymbolicDims) {
  const auto slice = [&](int64_t start, int64_t end, int64_t step) {
    return ShapeOf(
        Apply("Slice", {Info({n_}), Vector({start}), Vector({end}), Vector({0}), Vector({step})}));
  };
  EXPECT_EQ(slice(0, INT64_MAX, 1), "[N]");
  EXPECT_EQ(slice(1, INT64_MAX, 1), "[N + -1]");
  EXPECT_EQ(slice(0, -1, 1), "[N + -1]");
  EXPECT_EQ(slice(-3, INT64_MAX, 1), "[3]");
  EXPECT_EQ(slice(0, 1, 1), "[1]");
  EXPECT_EQ(slice(0, INT64_MAX, 2), "[floor((N + 1)/2)]");
  EXPECT_EQ(slice(1, INT64_MAX, 2), "[floor((N)/2)]");
  EXPECT_EQ(slice(-1, INT64_MIN, -1), "[N]");
  EXPECT_EQ(slice(-2, INT64_MIN, -1), "unknown");
  // A table cut to a computed length.
  const ValueInfo length = Apply("Unsqueeze", {Dimension(image_, 2), Vector({0})});
  EXPECT_EQ(ShapeOf(Apply("Slice", {Info({1, 512, 64}), Vector({0}), length, Vector({1})})),
            "[1,H,64]");
}

TEST_F(Chain, ResizeToComputedSizes) {
  const ValueInfo small = Info({n_, 8, h_.FloorDiv(2), w_.FloorDiv(2)});
  const ValueInfo sizes =
      Apply("Concat", {Vector({1, 8}), Apply("Shape", {image_}, {{"start", int64_t{2}}})},
            {{"axis", int64_t{0}}});
  EXPECT_EQ(ShapeOf(Apply("Resize", {small, {}, {}, sizes})), "[1,8,H,W]");
  const auto scales = [&](std::vector<float> s) {
    return Constant(Tensor::FromValues<float>({4}, std::span<const float>(s)));
  };
  EXPECT_EQ(ShapeOf(Apply("Resize", {image_, {}, scales({1, 1, 2, 2})})), "[N,8,2*H,2*W]");
  EXPECT_EQ(ShapeOf(Apply("Resize", {image_, {}, scales({1, 1, 0.5f, 1.5f})})),
            "[N,8,floor((H)/2),floor((3*W)/2)]");
  EXPECT_EQ(ShapeOf(Apply("Resize", {image_, {}, scales({1, 1, 0.123456f, 1})})), "unknown");
  // Empty roi and scales as old exporters leave them.
  const ValueInfo empty = Constant(Tensor::Allocate(DType::kFloat32, {0}));
  EXPECT_EQ(ShapeOf(Apply("Resize", {Info({1, 8, 4, 4}), empty, empty, Vector({1, 8, 9, 2})})),
            "[1,8,9,2]");
}

TEST_F(Chain, MovementOfSymbolicDims) {
  EXPECT_EQ(ShapeOf(Apply("Flatten", {image_})), "[N,8*H*W]");
  EXPECT_EQ(ShapeOf(Apply("Flatten", {image_}, {{"axis", int64_t{0}}})), "[1,8*H*N*W]");
  EXPECT_EQ(ShapeOf(Apply("Squeeze", {Info({n_, 1, 1}), Vector({-1, 1})})), "[N]");
  EXPECT_EQ(ShapeOf(Apply("Squeeze", {Info({n_, 1})})), "unknown") << "N may be 1";
  EXPECT_EQ(ShapeOf(Apply("Squeeze", {Info({4, 1})})), "[4]");
  EXPECT_EQ(ShapeOf(Apply("Unsqueeze", {Info({n_, 4}), Vector({-1, 0})})), "[1,N,4,1]");
  EXPECT_EQ(ShapeOf(Apply("Concat", {image_, Info({n_, 3, 5, w_})}, {{"axis", int64_t{1}}})),
            "[N,11,5,W]");
  EXPECT_EQ(ShapeOf(Apply("Pad", {image_, Vector({0, 0, 1, 1, 0, 0, 1, 0})})), "[N,8,H + 2,W + 1]");
  EXPECT_EQ(ShapeOf(Apply("DepthToSpace", {image_}, {{"blocksize", int64_t{2}}})), "[N,2,2*H,2*W]");
  EXPECT_EQ(
      ShapeOf(Apply("SpaceToDepth", {Info({n_, 3, Dim(2) * h_, 6})}, {{"blocksize", int64_t{2}}})),
      "[N,12,H,3]");
  EXPECT_EQ(ShapeOf(Apply("ReduceMean", {image_, Vector({2, 3})})), "[N,8,1,1]");
  EXPECT_EQ(ShapeOf(Apply("ReduceMean", {image_, Vector({-1})}, {{"keepdims", int64_t{0}}})),
            "[N,8,H]");
  EXPECT_EQ(ShapeOf(Apply("ArgMax", {image_}, {{"axis", int64_t{1}}})), "[N,1,H,W]");
  EXPECT_EQ(ShapeOf(Apply("TopK", {Info({n_, 1000}), Vector({5})})), "[N,5]");
  EXPECT_EQ(ShapeOf(Apply("Gather", {Info({30, 64}), Info(DType::kInt64, {n_, 7})})), "[N,7,64]");
  EXPECT_EQ(ShapeOf(Apply("GatherND", {Info({n_, 4, 5}), Info(DType::kInt64, {n_, 3, 1})},
                          {{"batch_dims", int64_t{1}}})),
            "[N,3,5]");
  EXPECT_EQ(ShapeOf(Apply("OneHot", {Info(DType::kInt64, {n_}), Scalar(10), Info({2})})), "[N,10]");
  EXPECT_EQ(ShapeOf(Apply("Add", {image_, Info({8, 1, 1})})), "[N,8,H,W]");
  EXPECT_EQ(ShapeOf(Apply("ConstantOfShape", {Apply("Shape", {image_})})), "[N,8,H,W]");
}

TEST_F(Chain, SplitSizes) {
  const auto shapes = [&](const std::vector<ValueInfo>& inputs, const AttrMap& attrs, int n) {
    std::vector<const ValueInfo*> pointers;
    for (const ValueInfo& v : inputs) pointers.push_back(&v);
    std::vector<ValueInfo> out(static_cast<size_t>(n));
    InferContext ctx(attrs, pointers, out);
    const Status s = Op("Split").infer(ctx);
    if (!s.ok()) return s.message();
    std::string all;
    for (const ValueInfo& v : out) all += ShapeOf(v) + ElementsOf(v) + " ";
    return all;
  };
  EXPECT_EQ(shapes({Info({7})}, {{"num_outputs", int64_t{3}}}, 3),
            "[3]unknown [3]unknown [1]unknown ");
  EXPECT_EQ(shapes({Info({Dim(2) * n_})}, {}, 2), "[N]unknown [N]unknown ");
  EXPECT_EQ(shapes({Apply("Shape", {image_}), Vector({1, 3})}, {}, 2), "[1][N] [3][8,H,W] ");
  EXPECT_EQ(shapes({Info({7}), Vector({3, 3})}, {}, 2),
            "split [3,3] does not cut a dimension of 7 into 2 pieces");
  EXPECT_EQ(shapes({Info({5})}, {}, 4), "a dimension of 5 cannot be split into 4 pieces of 2");
}

TEST_F(Chain, OnlySmallIntegerVectorsAreFollowed) {
  const ValueInfo big =
      Apply("ConstantOfShape", {Vector({65})}, {{"value", Tensor::FromValues<int64_t>({1}, {1})}});
  EXPECT_EQ(ElementsOf(big), "unknown");
  EXPECT_EQ(ElementsOf(Apply("ConstantOfShape", {Vector({64})},
                             {{"value", Tensor::FromValues<int64_t>({1}, {1})}})),
            ShapeToString(Shape(64, Dim(1))));
  EXPECT_EQ(ElementsOf(Apply("Unsqueeze", {Vector({1, 2}), Vector({0})})), "unknown") << "rank 2";
  EXPECT_EQ(ElementsOf(Apply("Constant", {}, {{"value_ints", Ints{4, 5}}})), "[4,5]");
  EXPECT_EQ(ElementsOf(Apply("Constant", {}, {{"value_int", int64_t{6}}})), "[6]");
}

}  // namespace
}  // namespace adze
