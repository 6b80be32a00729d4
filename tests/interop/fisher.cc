// adze_fisher MODEL.onnx DATA.yaml SPLIT SAMPLES THREADS: the Fisher information of the output of
// every convolution and matrix product, and the time it took. For bench/gradients.py.
#include "calib/fisher.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "api/model_file.h"

namespace {

adze::Status Print(const std::string& model, const std::string& data, const std::string& split,
                   int64_t samples, int threads) {
  ADZE_ASSIGN(const adze::Graph g, adze::ReadForExecution(model));
  ADZE_ASSIGN(const std::unique_ptr<adze::Dataset> dataset, adze::OpenDataset(data));
  adze::FisherOptions options;
  options.split = split;
  options.samples = samples;
  ADZE_ASSIGN(options.isa, adze::ChooseIsa());
  for (const adze::NodeId id : g.top().nodes) {
    const adze::Node& n = g.node(id);
    if (n.op.Is("Conv") || n.op.Is("Gemm") || n.op.Is("MatMul"))
      options.values.push_back(n.outputs[0]);
  }
  adze::ThreadPool pool(threads);
  const auto start = std::chrono::steady_clock::now();
  ADZE_ASSIGN(const std::vector<double> fisher, adze::CollectFisher(g, *dataset, options, &pool));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  for (size_t i = 0; i < fisher.size(); ++i) {
    std::printf("%-40s %.4e\n", g.value(options.values[i]).name.c_str(), fisher[i]);
  }
  std::printf("%.3f s\n", took.count());
  return adze::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: adze_fisher MODEL.onnx DATA.yaml SPLIT SAMPLES THREADS\n");
    return 2;
  }
  const adze::Status status =
      Print(argv[1], argv[2], argv[3], std::atoll(argv[4]), std::atoi(argv[5]));
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return static_cast<int>(status.code());
}
