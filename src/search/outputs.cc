#include "search/outputs.h"

#include <filesystem>

#include "ir/sha256.h"

namespace adze {
namespace {

// All that can be there; ".data" beside a network when its weights exceed one file.
constexpr struct {
  const char* name;
  const char* what;
} kOutputs[] = {
    {kFloatFile, "the float network, simplified"},
    {"float.onnx.data", "its weights"},
    {kQuantizedFile, "the compressed network"},
    {"quantized.onnx.data", "its weights"},
    {kEncodingsFile, "its formats, scales and zero points"},
    {"quantized.encodings.safetensors", "long arrays of the encodings"},
    {kAdjustedFile,
     "the float network that the encodings belong to: equalized, rounded, corrected"},
    {"adjusted.onnx.data", "its weights"},
    {kRecipeFile, "what was asked"},
};

}  // namespace

Status CheckOverwrite(const std::string& folder, const std::string& model,
                      const std::string& data) {
  std::vector<std::string> names = {kLockFile, "evidence.json", "report.html"};
  for (const auto& output : kOutputs) names.push_back(output.name);
  for (const std::string& name : names) {
    for (const std::string& source : {model, data}) {
      std::error_code none;
      if (std::filesystem::equivalent(folder + "/" + name, source, none)) {
        return UsageError("--out " + folder + " would replace " + source + "; give another folder");
      }
    }
  }
  return OkStatus();
}

void ClearOutputs(const WorkFolder& work) {
  std::error_code ignored;
  for (const auto& output : kOutputs) std::filesystem::remove(work.File(output.name), ignored);
}

Result<std::vector<OutputFile>> ListOutputs(const WorkFolder& work) {
  std::vector<OutputFile> files;
  for (const auto& output : kOutputs) {
    const std::string path = work.File(output.name);
    std::error_code missing;
    const auto bytes = std::filesystem::file_size(path, missing);
    if (missing) continue;
    ADZE_ASSIGN(std::string sha256, Sha256OfFile(path));
    files.push_back({output.name, output.what, static_cast<int64_t>(bytes), std::move(sha256)});
  }
  return files;
}

Status MoveOutputs(const WorkFolder& work, const std::vector<OutputFile>& files,
                   const std::string& folder) {
  for (const OutputFile& f : files) {
    const std::string to = folder + "/" + f.name;
    std::error_code error;
    std::filesystem::rename(work.File(f.name), to, error);
    if (error) return InvalidInput(to + ": cannot write: " + error.message());
  }
  return OkStatus();
}

}  // namespace adze
