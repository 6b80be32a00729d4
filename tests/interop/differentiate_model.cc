// adze_differentiate_model MODEL WHAT OUT.adzir: writes the graph that computes the outputs of a
// network and the gradients of these with respect to its inputs (WHAT = inputs), or to its inputs
// and float constants (all; all_as_inputs: the constants become inputs). For comparisons with other
// people's gradients; `adze run` and `adze bench` take the result.
#include <cstdio>
#include <string>

#include "api/model_file.h"
#include "passes/differentiate.h"
#include "passes/pass.h"

namespace {

adze::Status DifferentiateModel(const std::string& model, const std::string& what,
                                const std::string& out) {
  ADZE_ASSIGN(const adze::Graph g, adze::ReadModel(model));
  adze::DifferentiateOptions options;
  options.of = g.top().outputs;
  options.outputs = g.top().outputs;
  options.with_respect_to = g.top().inputs;
  options.constants_as_inputs = what == "all_as_inputs";
  for (adze::ValueId id = 0; what != "inputs" && id < g.num_values(); ++id) {
    const adze::Value& v = g.value(id);
    // Single numbers are bounds and factors of activations, not weights.
    if (!v.dead && v.is_constant() && v.type.dtype == adze::DType::kFloat32 &&
        v.constant.size() > 1) {
      options.with_respect_to.push_back(id);
    }
  }
  ADZE_ASSIGN(adze::Graph gradient, adze::Differentiate(g, options));
  ADZE_TRY(adze::RunPipeline(gradient, "simplify"));
  return adze::WriteModel(gradient, out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr,
                 "usage: adze_differentiate_model MODEL inputs|all|all_as_inputs OUT.adzir\n");
    return 2;
  }
  const adze::Status status = DifferentiateModel(argv[1], argv[2], argv[3]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return static_cast<int>(status.code());
}
