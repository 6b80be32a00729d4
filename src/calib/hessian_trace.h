// How much the outputs move with each weight: the trace of the Hessian of the squared output error
// against the float network. At the float weights its gradient vanishes and its Hessian is that of
// Gauss-Newton, J^T J, whose trace is E |J^T v|^2 over vectors v of random signs (Hutchinson 1990;
// as a measure of sensitivity HAWQ-V2, Dong et al. 2020). With weights disturbed by dw at random
// the outputs move by trace / elements * |dw|^2.
#ifndef ADZE_CALIB_HESSIAN_TRACE_H_
#define ADZE_CALIB_HESSIAN_TRACE_H_

#include <vector>

#include "calib/gradient_squares.h"

namespace adze {

// For each of `weights`, float32 constants of region 0, trace / elements, averaged over samples
// with one vector each. The batch of the network is 1, or fixed; outputs have constant sizes
// otherwise. Refuses what cannot be differentiated, by node.
Result<std::vector<double>> CollectHessianTrace(const Graph& graph, const Dataset& dataset,
                                                const std::vector<ValueId>& weights,
                                                const GradientSamples& options, ThreadPool* pool);

}  // namespace adze

#endif  // ADZE_CALIB_HESSIAN_TRACE_H_
