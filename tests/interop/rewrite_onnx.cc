// adze_rewrite_onnx IN OUT [MIN_OPSET] [external]: reads and writes an ONNX model without changing
// the graph.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "formats/onnx/onnx.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: adze_rewrite_onnx IN OUT [MIN_OPSET] [external]\n");
    return 2;
  }
  adze::OnnxWriteOptions options;
  if (argc > 3) options.min_opset = std::atoi(argv[3]);
  options.external_data = argc > 4 && std::string(argv[4]) == "external";
  const auto graph = adze::ReadOnnx(argv[1]);
  const adze::Status status =
      graph.ok() ? adze::WriteOnnx(*graph, argv[2], options) : graph.status();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return static_cast<int>(status.code());
}
