// The ONNX reader on arbitrary bytes: a Status or a graph that verifies, and that the writer either
// refuses or writes so that it can be read again.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>

#include "formats/onnx/onnx.h"
#include "ir/graph.h"

namespace {

void Require(const adze::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.message().c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto graph = adze::ReadOnnxFromMemory(std::as_bytes(std::span(data, size)), nullptr, "");
  if (!graph.ok()) return 0;
  Require(adze::Verify(*graph), "the graph read does not verify");
  // A file in memory: the writer syncs to disk.
  static const std::string* const path =
      new std::string((std::filesystem::exists("/dev/shm") ? "/dev/shm/" : "/tmp/") +
                      ("adze_onnx_fuzzer." + std::to_string(::getpid())));
  if (!adze::WriteOnnx(*graph, *path).ok()) return 0;
  const auto again = adze::ReadOnnx(*path);
  ::unlink(path->c_str());
  Require(again.status(), "the graph written cannot be read");
  return 0;
}
