// The reader of plan files on arbitrary bytes, and what it lets pass prepared and run: a Status, or
// results computed within the plan's memory. Magic, version, sizes and checksums are put right
// first, or nothing would get past them; tests/e2e shows that they are verified.
#include <cstdint>
#include <cstring>
#include <span>

#include "runtime/plan_file/test_util.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace format = adze::plan_file;
  static adze::ThreadPool* const pool = new adze::ThreadPool(1);
  format::Header h;
  if (size < sizeof(h) + format::kTailBytes) return 0;
  adze::testing::AlignedBytes file(std::as_bytes(std::span(data, size)));
  std::memcpy(&h, data, sizeof(h));
  std::memcpy(h.magic, format::kMagic, sizeof(h.magic));
  h.major = format::kMajor;
  h.minor = format::kMinor;
  h.metadata_bytes %= size - sizeof(h) - format::kTailBytes + 1;
  h.weights_offset = format::Align(sizeof(h) + h.metadata_bytes);
  std::memcpy(file.bytes().data(), &h, sizeof(h));
  adze::testing::FixHeader(file.bytes());
  (void)adze::testing::LoadAndRun(file.bytes(), adze::DetectIsa(), pool);
  return 0;
}
