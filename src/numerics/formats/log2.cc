// Signed powers of two and zero (Miyashita et al., Convolutional Neural Networks using Logarithmic
// Data Representation, 2016).
#include "numerics/number_format.h"

namespace adze {

namespace {

std::vector<float> Powers(int bits) {
  std::vector<float> numbers = {0.0f};
  float power = 1.0f;
  for (int i = 0; i < (1 << (bits - 1)) - 1; ++i, power /= 2) {
    numbers.push_back(power);
    numbers.push_back(-power);
  }
  return MakeCodebook(std::move(numbers), size_t{1} << bits);
}

}  // namespace

extern const NumberFormat kLog4Format = {"log4", "0 and powers of two: 1 to 1/64, both signs", 4,
                                         DType::kUInt4, [] { return Powers(4); }};
extern const NumberFormat kLog3Format = {"log3", "0 and powers of two: 1 to 1/4, both signs", 3,
                                         DType::kUInt3, [] { return Powers(3); }};

}  // namespace adze
