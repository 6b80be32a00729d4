// A diagnosis as evidence (docs/evidence.md): what `adze diagnose --json` prints, and what the
// report is made from.
#ifndef ADZE_SEARCH_DIAGNOSIS_DIAGNOSIS_JSON_H_
#define ADZE_SEARCH_DIAGNOSIS_DIAGNOSIS_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

#include "search/diagnosis/diagnose.h"

namespace adze {

// Where things came from, for the record.
struct DiagnosisSource {
  std::string tool_version;
  int threads = 1;
  std::string model, model_sha256;  // the float network
  std::string quantized;            // file of the network or of the encodings; empty: adze's own
  std::string data;
};

nlohmann::ordered_json DiagnosisJson(const Diagnosis& d, const DiagnoseOptions& options,
                                     const DiagnosisSource& source);

// The name under which people know the layer: of its node as the file has it, else its tensor.
std::string LayerName(const Diagnosis& d, const LayerFacts& layer);
// Its operator; "input" for an input of the network.
std::string LayerOp(const Diagnosis& d, const LayerFacts& layer);

}  // namespace adze

#endif  // ADZE_SEARCH_DIAGNOSIS_DIAGNOSIS_JSON_H_
