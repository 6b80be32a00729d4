// usage: consumer_cpp NETWORK: the network of install_test.py, through adze.hpp.
#include <adze/adze.hpp>
#include <cmath>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    adze::Model("nothing.onnx");
    std::cerr << "a missing file was not refused\n";
    return 1;
  } catch (const adze::Error& e) {
    if (e.code() != ADZE_INVALID_INPUT) return 1;
  }
  adze::Model model(argv[1], 1);
  const auto inputs = model.inputs();
  if (inputs.size() != 1 || inputs[0].name != "x" ||
      inputs[0].dims != std::vector<int64_t>{-1, 3}) {
    return 1;
  }
  const auto outputs = model.Run({{"x", {1, 3}, {1, 2, 3}}});
  if (outputs.size() != 2 || outputs[0].dims != std::vector<int64_t>{1, 2}) return 1;
  if (std::abs(outputs[0].data[0] - 18) > 1e-5f || std::abs(outputs[0].data[1] - 21) > 1e-5f) {
    return 1;
  }
  try {
    model.Run({{"x", {2, 3}, {1, 2, 3}}});
    std::cerr << "half of the data was not refused\n";
    return 1;
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
