// Reductions over given axes (all by default): ReduceSum, Mean, Max, Min, Prod, L1, L2, SumSquare,
// LogSum, LogSumExp. Floats accumulate in double, so that the result does not depend on how a
// faster kernel orders the sum; integers in 64 bits, wrapping. An empty set gives the neutral
// element.
#include <cmath>
#include <limits>

#include "ops/binary.h"
#include "ops/convert.h"
#include "ops/shape_util.h"
#include "ops/strided.h"
#include "ops/vjp.h"

namespace adze {
namespace {

// --- accumulators: start (lowest and highest: the range of the element type), Add, Finish. `exact`
// says that integers can be accumulated as integers; otherwise they are in double and truncate.

template <typename A>
struct Sum {
  static constexpr bool exact = true;
  A s{};
  Sum(A, A) {}
  void Add(A x) { s = binary::Add{}(s, x); }
  A Finish(int64_t) const { return s; }
};
template <typename A>
struct Mean : Sum<A> {
  using Sum<A>::Sum;
  A Finish(int64_t n) const {
    if constexpr (std::is_integral_v<A>) return n == 0 ? 0 : this->s / static_cast<A>(n);
    return this->s / static_cast<A>(n);
  }
};
template <typename A>
struct Prod {
  static constexpr bool exact = true;
  A p{1};
  Prod(A, A) {}
  void Add(A x) { p = binary::Mul{}(p, x); }
  A Finish(int64_t) const { return p; }
};
template <typename A>
struct Max {
  static constexpr bool exact = true;
  A m;
  Max(A lowest, A) : m(lowest) {}
  void Add(A x) { m = binary::Max{}(m, x); }
  A Finish(int64_t) const { return m; }
};
template <typename A>
struct Min {
  static constexpr bool exact = true;
  A m;
  Min(A, A highest) : m(highest) {}
  void Add(A x) { m = binary::Min{}(m, x); }
  A Finish(int64_t) const { return m; }
};
template <typename A>
struct L1 : Sum<A> {
  using Sum<A>::Sum;
  void Add(A x) { Sum<A>::Add(x < A{} ? binary::Sub{}(A{}, x) : x); }
};
template <typename A>
struct SumSquare : Sum<A> {
  using Sum<A>::Sum;
  void Add(A x) { Sum<A>::Add(binary::Mul{}(x, x)); }
};
template <typename A>
struct L2 : SumSquare<A> {
  static constexpr bool exact = false;
  using SumSquare<A>::SumSquare;
  A Finish(int64_t) const { return std::sqrt(this->s); }
};
template <typename A>
struct LogSum : Sum<A> {
  static constexpr bool exact = false;
  using Sum<A>::Sum;
  A Finish(int64_t) const { return std::log(this->s); }
};
// log(sum of e^x) = m + log(sum of e^(x - m)) with the running maximum m.
template <typename A>
struct LogSumExp {
  static constexpr bool exact = false;
  A m = -std::numeric_limits<A>::infinity();
  A s = 0;
  LogSumExp(A, A) {}
  void Add(A x) {
    if (x == m) {
      s += std::isinf(x) && x < 0 ? 0 : 1;
    } else if (x > m) {
      s = s * std::exp(m - x) + 1;
      m = x;
    } else {
      s += std::exp(x - m);  // NaN, too
    }
  }
  A Finish(int64_t) const { return m + std::log(s); }
};

// --- the loop

// The dimensions of the input, those that stay and those that are reduced, outer to inner.
struct Plan {
  struct Dims {
    int rank = 0;
    int64_t dim[kMaxRank];
    int64_t stride[kMaxRank];
    int64_t count = 1;

    void Add(int64_t d, int64_t s) {
      dim[rank] = d;
      stride[rank++] = s;
      count *= d;
    }
    // Calls fn(offset) for every element of the box.
    template <typename Fn>
    void ForEach(Fn&& fn) const {
      int64_t index[kMaxRank] = {};
      int64_t offset = 0;
      for (int64_t i = 0; i < count; ++i) {
        fn(offset);
        for (int d = rank - 1; d >= 0; --d) {
          offset += stride[d];
          if (++index[d] < dim[d]) break;
          offset -= stride[d] * dim[d];
          index[d] = 0;
        }
      }
    }
  };
  Dims kept;
  Dims reduced;
};

// The reduced axes, from the attribute noop_with_empty_axes and the axes given (null: absent).
Result<uint32_t> ReducedAxes(const AttrMap& attrs, const SmallInts* axes, int rank) {
  if (axes != nullptr && axes->size != 0) return AxisMask(axes->span(), rank);
  return attrs.Int("noop_with_empty_axes") != 0 ? 0u : (1u << rank) - 1;
}

Status Infer(InferContext& ctx) {
  ADZE_TRY(RequireInputs(ctx, 1));
  const DType dtype = ctx.input(0)->dtype;
  ctx.SetOutput(0, dtype, std::nullopt);
  std::optional<SmallInts> axes;
  if (ctx.input(1) != nullptr) {
    ADZE_ASSIGN(axes, IntsInput(ctx, 1, "axes"));
    if (!axes) return OkStatus();
  }
  const Shape* const x = ctx.shape(0);
  if (x == nullptr) return OkStatus();
  ADZE_ASSIGN(const uint32_t reduced,
              ReducedAxes(ctx.attrs, axes ? &*axes : nullptr, static_cast<int>(x->size())));
  const bool keep = ctx.attrs.Int("keepdims", 1) != 0;
  Shape out;
  for (size_t i = 0; i < x->size(); ++i) {
    if ((reduced >> i & 1) == 0) {
      out.push_back((*x)[i]);
    } else if (keep) {
      out.push_back(1);
    }
  }
  return SetShape(ctx, 0, dtype, std::move(out));
}

Status InferNumber(InferContext& ctx) {
  ADZE_TRY(Infer(ctx));
  const DType dtype = ctx.input(0)->dtype;
  return dtype == DType::kBool ? UnsupportedDType(dtype) : OkStatus();
}

// Sum and Prod also work on known contents: sizes are products of dimensions.
template <typename Fn>
Status InferKnown(InferContext& ctx, Fn fn, int64_t neutral) {
  ADZE_TRY(InferNumber(ctx));
  const auto elements = KnownElements(ctx, 0);
  if (!elements || !ctx.output(0).shape) return OkStatus();
  if (elements->size() != 1 && NumElements(*ctx.output(0).shape).IsConst(1)) {
    Dim all = neutral;
    for (const Dim& d : *elements) all = fn(all, d);
    SetElements(ctx, 0, std::vector<Dim>{all});
  } else {
    SetElements(ctx, 0, elements);
  }
  return OkStatus();
}

template <typename Acc, typename A, typename Load, typename Store>
void Loop(const Plan& plan, A lowest, A highest, Load load, Store store) {
  int64_t out = 0;
  plan.kept.ForEach([&](int64_t base) {
    Acc acc(lowest, highest);
    plan.reduced.ForEach([&](int64_t offset) { acc.Add(load(base + offset)); });
    store(out++, acc.Finish(plan.reduced.count));
  });
}

template <template <typename> class Acc>
Status Eval(const EvalContext& ctx) {
  const ConstTensorView& x = ctx.in(0);
  const TensorView& y = ctx.out(0);
  SmallInts axes;
  if (ctx.has(1)) {
    ADZE_ASSIGN(axes, ReadInts(ctx.in(1), "axes"));
  }
  ADZE_ASSIGN(const uint32_t reduced, ReducedAxes(ctx.attrs, &axes, x.rank()));
  int64_t stride[kMaxRank];
  DenseStrides(x.dims, stride);
  Plan plan;
  for (int d = 0; d < x.rank(); ++d) {
    (reduced >> d & 1 ? plan.reduced : plan.kept).Add(x.dims[static_cast<size_t>(d)], stride[d]);
  }
  if (y.size() != plan.kept.count) {
    return InvalidInput("axes of the input " + DimsToString(x.dims) + " do not give the output " +
                        DimsToString(y.dims));
  }
  const auto store_double = [&](int64_t i, double v) {
    if (y.dtype == DType::kFloat64) {
      y.as<double>()[i] = v;
    } else if (IsFloat(y.dtype)) {
      SetFloatAt(y, i, static_cast<float>(v));
    } else {
      DispatchDType(y.dtype,
                    [&](auto zero) { y.as<decltype(zero)>()[i] = TruncateTo<decltype(zero)>(v); });
    }
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (x.dtype == DType::kFloat32) {
    Loop<Acc<double>>(
        plan, -kInfinity, kInfinity, [&](int64_t i) -> double { return x.as<float>()[i]; },
        store_double);
  } else if (IsFloat(x.dtype) || !Acc<double>::exact) {
    Loop<Acc<double>>(
        plan, -kInfinity, kInfinity, [&](int64_t i) { return NumberAt(x, i); }, store_double);
  } else if constexpr (Acc<double>::exact) {
    const auto store = [&](int64_t i, auto v) {
      DispatchDType(y.dtype,
                    [&](auto zero) { y.as<decltype(zero)>()[i] = static_cast<decltype(zero)>(v); });
    };
    if (x.dtype == DType::kUInt64) {
      Loop<Acc<uint64_t>>(
          plan, uint64_t{0}, UINT64_MAX, [&](int64_t i) { return x.as<uint64_t>()[i]; }, store);
    } else {
      const IntRange range = x.dtype == DType::kBool ? IntRange{0, 1} : RangeOf(x.dtype);
      Loop<Acc<int64_t>>(
          plan, range.min, range.max, [&](int64_t i) { return IntegerAt(x, i); }, store);
    }
  }
  return OkStatus();
}

// The gradient of ReduceSum (of ReduceMean: divided by the count) in the dims of the input, each
// element once for every one that was reduced.
Status SpreadGradient(VjpContext& c, bool mean) {
  const VjpValue x = c.input(0);
  VjpValue g = c.gradient(0);
  if (mean) g = vjp::PerElement(c, g, x);
  if (c.attrs.Int("keepdims", 1) == 0) {
    std::vector<int64_t> axes;
    if (c.input(1).present()) {
      const auto given = vjp::ConstantInts(c, c.input(1));
      if (!given) return Unsupported("computed axes have no gradient rule");
      axes = *given;
    }
    const SmallInts none;
    SmallInts list = none;
    for (const int64_t a : axes) list[list.size++] = a;
    ADZE_ASSIGN(const uint32_t reduced, ReducedAxes(c.attrs, &list, vjp::RankOf(c, x)));
    axes.clear();
    for (int i = 0; i < vjp::RankOf(c, x); ++i) {
      if (reduced >> i & 1) axes.push_back(i);
    }
    if (!axes.empty()) g = vjp::Onnx(c, "Unsqueeze", {g, vjp::Ints(c, axes)});
  }
  c.SetGradient(0, vjp::ExpandLike(c, g, x));
  return OkStatus();
}
Status VjpSum(VjpContext& c) { return SpreadGradient(c, false); }
Status VjpMean(VjpContext& c) { return SpreadGradient(c, true); }

constexpr AttrDef kAttrs[] = {{"keepdims", AttrKind::kInt},
                              {"noop_with_empty_axes", AttrKind::kInt}};

constexpr OpDef Reduction(const char* name, const char* summary, Status (*infer)(InferContext&),
                          Status (*eval)(const EvalContext&), QuantKind quant = QuantKind::kFloat,
                          Status (*vjp)(VjpContext&) = nullptr) {
  return {.name = name,
          .summary = summary,
          .max_inputs = 2,
          .attrs = kAttrs,
          .infer = infer,
          .eval = eval,
          .vjp = vjp,
          .quant = {.kind = quant}};
}

}  // namespace

extern constexpr OpDef kReduceSumOp = Reduction(
    "ReduceSum", "Sum over axes",
    [](InferContext& ctx) {
      return InferKnown(
          ctx, [](const Dim& a, const Dim& b) { return a + b; }, 0);
    },
    Eval<Sum>, QuantKind::kFloat, VjpSum);
extern constexpr OpDef kReduceProdOp = Reduction(
    "ReduceProd", "Product over axes",
    [](InferContext& ctx) {
      return InferKnown(
          ctx, [](const Dim& a, const Dim& b) { return a * b; }, 1);
    },
    Eval<Prod>);
extern constexpr OpDef kReduceMeanOp = Reduction("ReduceMean", "Mean over axes", InferNumber,
                                                 Eval<Mean>, QuantKind::kAverage, VjpMean);
extern constexpr OpDef kReduceMaxOp = Reduction("ReduceMax", "Maximum over axes", Infer, Eval<Max>);
extern constexpr OpDef kReduceMinOp = Reduction("ReduceMin", "Minimum over axes", Infer, Eval<Min>);
extern constexpr OpDef kReduceL1Op =
    Reduction("ReduceL1", "Sum of magnitudes over axes", InferNumber, Eval<L1>);
extern constexpr OpDef kReduceL2Op =
    Reduction("ReduceL2", "Euclidean norm over axes", InferNumber, Eval<L2>);
extern constexpr OpDef kReduceSumSquareOp =
    Reduction("ReduceSumSquare", "Sum of squares over axes", InferNumber, Eval<SumSquare>);
extern constexpr OpDef kReduceLogSumOp =
    Reduction("ReduceLogSum", "Logarithm of the sum over axes", InferNumber, Eval<LogSum>);
extern constexpr OpDef kReduceLogSumExpOp =
    Reduction("ReduceLogSumExp", "Logarithm of the sum of exponentials over axes", InferNumber,
              Eval<LogSumExp>);

}  // namespace adze
