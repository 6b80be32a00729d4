// adz_seeds SOURCE_FOLDER FOLDER: plan files of the repository's small networks, for adz_fuzzer to
// start from.
#include <cstdio>
#include <filesystem>

#include "api/model_file.h"
#include "lower/lower.h"
#include "runtime/plan_file.h"

namespace {

namespace fs = std::filesystem;

adze::Status Convert(const fs::path& model, adze::Isa isa, const fs::path& out) {
  ADZE_ASSIGN(const adze::Graph graph, adze::ReadForExecution(model.string()));
  ADZE_ASSIGN(const adze::LoweredPlan lowered, adze::Lower(graph, {.isa = isa}));
  return adze::WritePlan(*lowered.plan, out.string());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const fs::path source = argv[1];
  const fs::path folder = argv[2];
  for (const char* name : {"float", "int8"}) {
    for (const adze::Isa isa : {adze::Isa::kGeneric, adze::Isa::kAvx2}) {
      const adze::Status status =
          Convert(source / "tests" / "plans" / (std::string(name) + ".adzir"), isa,
                  folder / (std::string(name) + "_" + adze::IsaName(isa) + ".seed"));
      if (!status.ok()) {
        std::fprintf(stderr, "adz_seeds: %s\n", status.message().c_str());
        return 1;
      }
    }
  }
  // One operator each; a few need shapes that depend on data and have no plan.
  int count = 0;
  for (const auto& entry : fs::directory_iterator(source / "tests" / "onnx_vectors" / "own")) {
    const fs::path out = folder / (entry.path().filename().string() + ".seed");
    count += Convert(entry.path() / "model.onnx", adze::Isa::kGeneric, out).ok() ? 1 : 0;
  }
  return count >= 100 ? 0 : 1;
}
