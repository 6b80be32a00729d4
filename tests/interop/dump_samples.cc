// adze_dump_samples DATA.yaml SPLIT COUNT OUT_DIR: writes input 0 of the first COUNT samples of a
// split as OUT_DIR/0.npy … and prints "index id label" for each. For comparisons with other
// people's preprocessing.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "data/dataset.h"
#include "formats/npy/npy.h"

namespace {

adze::Status Dump(const std::string& yaml, const std::string& split, int64_t count,
                  const std::string& folder) {
  ADZE_ASSIGN(const std::unique_ptr<adze::Dataset> data, adze::OpenDataset(yaml));
  ADZE_ASSIGN(const int64_t available, data->NumSamples(split));
  for (int64_t i = 0; i < count && i < available; ++i) {
    adze::Sample sample;
    ADZE_TRY(data->Read(split, i, &sample));
    ADZE_TRY(adze::WriteNpy(folder + "/" + std::to_string(i) + ".npy", sample.inputs[0].view()));
    std::printf("%lld %s %lld\n", static_cast<long long>(i), sample.id.c_str(),
                static_cast<long long>(sample.label.value_or(-1)));
  }
  return adze::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: adze_dump_samples DATA.yaml SPLIT COUNT OUT_DIR\n");
    return 2;
  }
  const adze::Status status = Dump(argv[1], argv[2], std::atoll(argv[3]), argv[4]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return static_cast<int>(status.code());
}
