#include <filesystem>

#include "base/file.h"
#include "formats/onnx/build.h"
#include "formats/onnx/onnx.h"
#include "formats/onnx/proto.h"
#include "formats/onnx/tensor_proto.h"

namespace adze {
namespace {

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Allocation failures of the standard library are the only exceptions that can arrive here; file
// names may also throw on the way through std::filesystem.
template <typename T, typename Fn>
Result<T> Guarded(Fn&& fn) {
  try {
    return fn();
  } catch (const std::bad_alloc&) {
    return InvalidInput("out of memory while reading");
  } catch (const std::exception& e) {
    return InvalidInput(std::string("cannot be read: ") + e.what());
  }
}

}  // namespace

Result<Graph> ReadOnnxFromMemory(std::span<const std::byte> bytes,
                                 std::shared_ptr<const void> owner, const std::string& base_dir) {
  return Guarded<Graph>([&]() -> Result<Graph> {
    ADZE_ASSIGN(const onnx::ModelProto model, onnx::ParseModel(AsText(bytes)));
    onnx::ExternalFiles external(base_dir);
    return onnx::BuildGraph(model, std::move(owner), &external);
  });
}

Result<Graph> ReadOnnx(const std::string& path) {
  ADZE_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  Result<Graph> graph = ReadOnnxFromMemory(file->bytes(), file, folder);
  if (!graph.ok()) return graph.status().WithContext(path);
  return graph;
}

Result<NamedTensor> ReadOnnxTensor(const std::string& path) {
  ADZE_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  Result<NamedTensor> tensor = Guarded<NamedTensor>([&]() -> Result<NamedTensor> {
    ADZE_ASSIGN(const onnx::TensorProto proto, onnx::ParseTensor(AsText(file->bytes())));
    onnx::ExternalFiles none{std::string()};
    ADZE_ASSIGN(Tensor t, onnx::DecodeTensor(proto, file, &none));
    return NamedTensor{std::string(proto.name), std::move(t)};
  });
  if (!tensor.ok()) return tensor.status().WithContext(path);
  return tensor;
}

}  // namespace adze
