// What adze quantize says when it is done (docs/cli.md).
#ifndef ADZE_CLI_QUANTIZE_REPORT_H_
#define ADZE_CLI_QUANTIZE_REPORT_H_

#include "algos/quantize.h"
#include "algos/weight_only.h"
#include "cli/command.h"

namespace adze::cli {

Json QuantizeReportJson(const QuantizeResult& r, double wall_s);
void PrintQuantizeReport(const QuantizeResult& r, double wall_s);

// Of --weight-only.
Json QuantizeReportJson(const WeightOnlyResult& r, const NumberFormat& format, double wall_s);
void PrintQuantizeReport(const WeightOnlyResult& r, const NumberFormat& format, double wall_s);

}  // namespace adze::cli

#endif  // ADZE_CLI_QUANTIZE_REPORT_H_
