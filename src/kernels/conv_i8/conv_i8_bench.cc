// Rates of conv_i8 and depthwise_i8 by layer, for every row this CPU can run, on one thread.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "kernels/conv_i8_functions.h"

namespace adze {
namespace {

struct Layer {
  const char* name;
  int image, in, out, kernel, stride;
  bool residual = false;
};

constexpr Layer kLayers[] = {
    {"stem 3x3/2 224 3>32", 224, 3, 32, 3, 2},
    {"stem 7x7/2 224 3>64", 224, 3, 64, 7, 2},
    {"pw 56 64>64", 56, 64, 64, 1, 1},
    {"pw 56 64>256", 56, 64, 256, 1, 1},
    {"pw 56 64>256 add", 56, 64, 256, 1, 1, true},
    {"pw 56 256>64", 56, 256, 64, 1, 1},
    {"pw 28 128>512", 28, 128, 512, 1, 1},
    {"pw 28 512>128", 28, 512, 128, 1, 1},
    {"pw 14 256>1024", 14, 256, 1024, 1, 1},
    {"pw 14 1024>256", 14, 1024, 256, 1, 1},
    {"pw 7 2048>512", 7, 2048, 512, 1, 1},
    {"pw 112 32>16", 112, 32, 16, 1, 1},
    {"pw 112 16>96", 112, 16, 96, 1, 1},
    {"pw 56 24>144", 56, 24, 144, 1, 1},
    {"pw 14 384>64", 14, 384, 64, 1, 1},
    {"pw 14 96>576", 14, 96, 576, 1, 1},
    {"pw 7 960>320", 7, 960, 320, 1, 1},
    {"pw 7 320>1280", 7, 320, 1280, 1, 1},
    {"3x3 56 64>64", 56, 64, 64, 3, 1},
    {"3x3 28 128>128", 28, 128, 128, 3, 1},
    {"3x3 14 256>256", 14, 256, 256, 3, 1},
    {"3x3 7 512>512", 7, 512, 512, 3, 1},
    {"3x3 32 16>16", 32, 16, 16, 3, 1},
    {"3x3 8 64>64", 8, 64, 64, 3, 1},
    {"fc 1280>1000", 1, 1280, 1000, 1, 1},
};
constexpr Layer kDepthwise[] = {
    {"dw 7 64 (L1)", 7, 64, 64, 3, 1},   {"dw 112 32", 112, 32, 32, 3, 1},
    {"dw/2 112 96", 112, 96, 96, 3, 2},  {"dw 56 144", 56, 144, 144, 3, 1},
    {"dw/2 56 144", 56, 144, 144, 3, 2}, {"dw 28 192", 28, 192, 192, 3, 1},
    {"dw 14 384", 14, 384, 384, 3, 1},   {"dw 14 576", 14, 576, 576, 3, 1},
    {"dw 7 960", 7, 960, 960, 3, 1},     {"dw5 14 480", 14, 480, 480, 5, 1},
};

// Zeroed, aligned as the executor's buffers are, padded for the permitted over-read.
struct Aligned {
  explicit Aligned(int64_t n) : size(n), storage(n + 128) {}
  uint8_t* get() const {
    const uintptr_t at = reinterpret_cast<uintptr_t>(storage.data());
    return const_cast<uint8_t*>(storage.data()) + (64 - at % 64) % 64;
  }
  int64_t size;
  std::vector<uint8_t> storage;
};

template <typename F>
void Run(benchmark::State& state, const typename F::Row& row, const Layer& l, int groups) {
  ConvI8Args args;
  ConvWindow& w = args.window;
  w.kernel_h = w.kernel_w = l.kernel;
  w.stride_h = w.stride_w = l.stride;
  w.pad_top = w.pad_left = w.pad_bottom = w.pad_right = l.kernel / 2;
  w.in_channels = l.in;
  w.out_channels = l.out;
  w.groups = groups;
  args.has_residual = l.residual;
  args.t_multiplier = args.r_multiplier = 0.5f;
  const int out = (l.image + 2 * (l.kernel / 2) - l.kernel) / l.stride + 1;
  const ConvSizes s = {1, l.image, l.image, out, out};
  const int64_t depth = int64_t{l.in} / groups * l.kernel * l.kernel;
  std::mt19937 rng(1);
  const Aligned x(int64_t{l.image} * l.image * l.in);
  for (int64_t i = 0; i < x.size; ++i) x.get()[i] = static_cast<uint8_t>(rng());
  std::vector<int8_t> weights(l.out * depth);
  for (int8_t& v : weights) v = static_cast<int8_t>(rng());
  const std::vector<float> multiplier(l.out, 1e-4f);
  const ConvI8PackedSize size = F::Packed(w, row.packing);
  const Aligned packed(size.weight_bytes);
  std::vector<int32_t> offset(size.channels);
  std::vector<float> packed_multiplier(size.channels);
  F::Pack(w, row.packing, 0, weights.data(), nullptr, multiplier.data(), packed.get(),
          offset.data(), packed_multiplier.data());
  const auto plan = F::MakePlan(row, args, s);
  const Aligned scratch(plan->scratch_bytes);
  const Aligned y(int64_t{out} * out * l.out);
  const Aligned residual(y.size);
  const ConvI8Buffers buffers = {x.get(),
                                 packed.get(),
                                 offset.data(),
                                 packed_multiplier.data(),
                                 l.residual ? residual.get() : nullptr,
                                 y.get()};
  for (auto _ : state) {
    for (int64_t c = 0; c < plan->num_chunks; ++c) F::RunChunk(*plan, buffers, c, scratch.get());
    benchmark::ClobberMemory();
  }
  const double ops = 2.0 * out * out * l.out * depth;
  state.counters["GOPS"] =
      benchmark::Counter(ops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["chunks"] = static_cast<double>(plan->num_chunks);
}

}  // namespace

// The first line of each row is a 1x1 layer with one panel: near what the inner loop can reach.
void RegisterAll() {
  for (const ConvI8Row& row : ConvI8Rows()) {
    if (row.isa > DetectIsa() || row.isa == Isa::kGeneric) continue;
    static constexpr Layer kPeak = {"inner loop 1x14 512>32", 14, 512, 32, 1, 1};
    benchmark::RegisterBenchmark(
        (std::string(row.name) + " " + kPeak.name).c_str(),
        [&row](benchmark::State& s) { Run<ConvI8Functions>(s, row, kPeak, 1); });
    for (const Layer& l : kLayers) {
      benchmark::RegisterBenchmark(
          (std::string(row.name) + " " + l.name).c_str(),
          [&row, &l](benchmark::State& s) { Run<ConvI8Functions>(s, row, l, 1); });
    }
  }
  for (const DepthwiseI8Row& row : DepthwiseI8Rows()) {
    if (row.isa > DetectIsa() || row.isa == Isa::kGeneric) continue;
    for (const Layer& l : kDepthwise) {
      benchmark::RegisterBenchmark(
          (std::string(row.name) + " " + l.name).c_str(),
          [&row, &l](benchmark::State& s) { Run<DepthwiseI8Functions>(s, row, l, l.in); });
    }
  }
}

}  // namespace adze

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  adze::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
}
