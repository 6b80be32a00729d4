// Fuzzes the report: any JSON gives a page or a Status, and a page has no control characters.
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "report/report.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto json = nlohmann::ordered_json::parse(data, data + size, nullptr, false);
  if (json.is_discarded()) return 0;
  const adze::Result<std::string> page = adze::RenderHtml(json);
  ADZE_CHECK(adze::RenderMarkdown(json).ok() == page.ok());
  if (!page.ok()) return 0;
  for (char c : *page) ADZE_CHECK(static_cast<unsigned char>(c) >= 32 || c == '\n' || c == '\t');
  return 0;
}
