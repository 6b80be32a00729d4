// The fields of every argument struct, in the order in which plan files hold them. A change here is
// a change of the file format: raise its version (runtime/plan_file/format.h).
#ifndef ADZE_RUNTIME_ARGS_FIELDS_H_
#define ADZE_RUNTIME_ARGS_FIELDS_H_

#include "kernels/binary_i8/binary_i8_args.h"
#include "kernels/concat/concat.h"
#include "kernels/conv_args.h"
#include "kernels/elementwise_f32/elementwise_f32.h"
#include "kernels/fake_quant_f32/fake_quant_f32.h"
#include "kernels/pool_f32/pool_f32.h"
#include "kernels/pool_i8/pool_i8_args.h"
#include "kernels/quantize/quantize_args.h"
#include "kernels/resize_f32/resize_f32.h"
#include "kernels/slice/slice.h"
#include "kernels/softmax_f32/softmax_f32.h"

namespace adze {

template <typename V>
constexpr void VisitFields(V& v, ConvWindow& a) {
  v(a.kernel_h, a.kernel_w, a.stride_h, a.stride_w, a.dilation_h, a.dilation_w, a.pad_top,
    a.pad_left, a.pad_bottom, a.pad_right, a.in_channels, a.out_channels, a.groups);
}

template <typename V>
constexpr void VisitFields(V& v, ConvI8Args& a) {
  VisitFields(v, a.window);
  v(a.packing, a.x_zero_point, a.y_zero_point, a.act_min, a.act_max, a.output_f32, a.act_min_f,
    a.act_max_f, a.has_residual, a.t_zero_point, a.t_min, a.t_max, a.r_zero_point, a.t_multiplier,
    a.r_multiplier, a.activation, a.has_factor, a.act_alpha, a.act_beta, a.y_scale);
}

template <typename V>
constexpr void VisitFields(V& v, ConvF32Args& a) {
  VisitFields(v, a.window);
  v(a.packing, a.act_min, a.act_max, a.has_residual);
}

template <typename V>
constexpr void VisitFields(V& v, BinaryI8Args& a) {
  v(a.a_zero_point, a.b_zero_point, a.y_zero_point, a.act_min, a.act_max, a.a_multiplier,
    a.b_multiplier);
}

template <typename V>
constexpr void VisitFields(V& v, ConcatArgs& a) {
  v(a.axis);
}

template <typename V>
constexpr void VisitFields(V& v, EltwiseArgs& a) {
  v(a.op, a.alpha, a.beta, a.lo, a.hi);
}

template <typename V>
constexpr void VisitFields(V& v, FakeQuantArgs& a) {
  v(a.scale, a.zero_point, a.qmin, a.qmax);
}

template <typename V>
constexpr void VisitFields(V& v, PoolF32Args& a) {
  VisitFields(v, a.window);
  v(a.kind, a.count_include_pad, a.global);
}

template <typename V>
constexpr void VisitFields(V& v, PoolI8Args& a) {
  v(a.mode, a.global, a.kernel_h, a.kernel_w, a.stride_h, a.stride_w, a.dilation_h, a.dilation_w,
    a.pad_top, a.pad_left, a.pad_bottom, a.pad_right, a.count_include_pad, a.x_zero_point,
    a.y_zero_point, a.act_min, a.act_max, a.x_scale, a.y_scale);
}

template <typename V>
constexpr void VisitFields(V& v, QuantizeArgs& a) {
  v(a.scale, a.zero_point);
}

template <typename V>
constexpr void VisitFields(V& v, ResizeArgs& a) {
  v(a.mode, a.coordinates, a.nearest, a.scale_h, a.scale_w);
}

template <typename V>
constexpr void VisitFields(V& v, SliceArgs& a) {
  v(a.rank, a.starts, a.steps);
}

template <typename V>
constexpr void VisitFields(V& v, SoftmaxF32Args& a) {
  v(a.axis, a.log);
}

template <typename V>
constexpr void VisitFields(V& v, TransposeArgs& a) {
  v(a.rank, a.perm);
}

}  // namespace adze

#endif  // ADZE_RUNTIME_ARGS_FIELDS_H_
