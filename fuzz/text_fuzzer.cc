// Fuzzes the text parser: any bytes give a graph or a Status, and what a graph prints parses back
// to the same text.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ir/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto graph = adze::ParseGraph({reinterpret_cast<const char*>(data), size});
  if (!graph.ok()) return 0;
  const std::string text = adze::PrintGraph(*graph);
  const auto back = adze::ParseGraph(text);
  ADZE_CHECK(back.ok());
  ADZE_CHECK(adze::PrintGraph(*back) == text);
  return 0;
}
