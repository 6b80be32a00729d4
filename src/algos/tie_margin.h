// Output scales of quantized additions and multiplications for which no pair of codes falls near a
// rounding tie.
//
// Runtimes evaluate these operators in float32 in different orders (fused or not, offsets first or
// last), and no standard prescribes one: ONNX Runtime's QLinearAdd and adze's round three of the
// 65,536 pairs of some additions differently, and later layers amplify it. There are only 65,536
// pairs: the output's scale is enlarged by a few millionths until none of them lies within the
// margin of a tie, and every order gives the same codes.
#ifndef ADZE_ALGOS_TIE_MARGIN_H_
#define ADZE_ALGOS_TIE_MARGIN_H_

#include "numerics/rounding.h"
#include "quant/encodings.h"
#include "quant/quantization_plan.h"

namespace adze {

// Float32 evaluations of codes within [0, 255] differ by less than this.
inline constexpr double kTieMargin = 4e-5;

// One operand or the result, per tensor with at most 8 bits.
struct CodeScale {
  double scale;
  int32_t zero_point;
  IntRange codes = {0, 255};
};

// Distance of the nearest result to a tie: min over all pairs of codes a, b of the distance of v =
// (a - z_a) s_a + (b - z_b) s_b, or of the product of both, over s_y to the nearest k + 1/2 that
// lies between two codes.
double TieDistance(bool product, const CodeScale& a, const CodeScale& b, const CodeScale& y);

// Enlarges scales of the results of Add, Sub and Mul in `encodings` (made for `plan` of `graph`) in
// graph order, by at most a thousandth. An operator whose result shares its scale with an operand,
// or whose scale was settled by another one, stays as it is.
void KeepFromTies(const Graph& graph, const QuantizationPlan& plan, Encodings* encodings);

}  // namespace adze

#endif  // ADZE_ALGOS_TIE_MARGIN_H_
