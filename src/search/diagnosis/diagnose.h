// adze diagnose: which layer broke it, why, and what would help.
#ifndef ADZE_SEARCH_DIAGNOSIS_DIAGNOSE_H_
#define ADZE_SEARCH_DIAGNOSIS_DIAGNOSE_H_

#include <string>
#include <vector>

#include "formats/encodings/encodings.h"
#include "search/diagnosis/finding.h"
#include "search/diagnosis/gather.h"
#include "search/diagnosis/what_if.h"

namespace adze {

struct DiagnoseOptions {
  std::string split;  // that judges
  std::string
      calibration_split;  // that chose the ranges; empty: unknown, or `split` to quantize on
  int64_t samples = 32;   // of `split`, spread evenly, at most
  int64_t fixes = 48;     // WhatIfOptions::fixes
  Isa isa = Isa::kGeneric;
  ProgressSink* progress = nullptr;
};

struct Diagnosis {
  Graph reference;  // float; with the channel factors of the quantized network where adze made it
  Graph quantized;
  Facts facts;
  std::vector<Finding> findings;   // worth telling, worst first
  std::vector<Finding> dismissed;  // looked into; their fixes change little
  int64_t problems = 0;            // findings that IsProblem
  OutputFigures output;
  int64_t samples = 0;              // compared
  int64_t calibration_samples = 0;  // 0: unknown
  std::string sentence;
  std::vector<std::string> warnings;
};

// `graph`: lifted, simplified, with gates joined (the pipelines lift, simplify, gates), float.
// What quantization with adze's default settings would do to it.
Result<Diagnosis> DiagnoseFloat(const Graph& graph, const Dataset& dataset,
                                const DiagnoseOptions& options, ThreadPool* pool);

// The network `quantized`, read and made ready in the same way, as it is. Refuses networks of which
// nothing is quantized and networks with other outputs.
Result<Diagnosis> DiagnoseQuantized(const Graph& graph, const Graph& quantized,
                                    const Dataset& dataset, const DiagnoseOptions& options,
                                    ThreadPool* pool);

// The network that these encodings make of `graph`.
Result<Diagnosis> DiagnoseEncodings(const Graph& graph, const Encodings& encodings,
                                    const Dataset& dataset, const DiagnoseOptions& options,
                                    ThreadPool* pool);

}  // namespace adze

#endif  // ADZE_SEARCH_DIAGNOSIS_DIAGNOSE_H_
