#include "search/work_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "formats/encodings/encodings.h"
#include "ir/sha256.h"
#include "ir/text.h"

namespace adze {
namespace {

constexpr const char* kLock = "lock";
// Text, because it gives every bit of a graph back, and its order.
constexpr const char* kEqualized = "equalized.adzir";
constexpr const char* kAdjusted = "adjusted.adzir";
constexpr const char* kEncodings = "base.encodings.json";
constexpr const char* kSideFile = "base.encodings.safetensors";
constexpr const char* kStatistics = "statistics.safetensors";

std::set<std::string> LayerNames(const Graph& graph) {
  std::set<std::string> names;
  for (const NodeId id : graph.top().nodes) {
    const Node& n = graph.node(id);
    const OpDef* const def = FindOp(n.op);
    if (def == nullptr || def->quant.kind != QuantKind::kCompute) continue;
    names.insert(graph.value(n.outputs[0]).name);
  }
  return names;
}

}  // namespace

Result<std::unique_ptr<WorkFolder>> WorkFolder::Open(const std::string& path) {
  ADZE_TRY(MakeDirectories(path));
  std::unique_ptr<WorkFolder> folder(new WorkFolder(path));
  const std::string lock = folder->File(kLock);
  folder->lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (folder->lock_ < 0) return InvalidInput(lock + ": cannot open: " + std::strerror(errno));
  if (::flock(folder->lock_, LOCK_EX | LOCK_NB) != 0) {
    return InvalidInput(path + ": another adze works there; give another --out, or wait for it");
  }
  return folder;
}

WorkFolder::~WorkFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Result<std::string> WorkFolder::BaseHash() const {
  std::string all;
  for (const char* name : {kEqualized, kAdjusted, kEncodings, kSideFile, kStatistics}) {
    if (name == kSideFile && ::access(File(name).c_str(), F_OK) != 0) continue;
    ADZE_ASSIGN(const std::string hash, Sha256OfFile(File(name)));
    all += hash;
  }
  Sha256 hash;
  hash.Update(all.data(), all.size());
  return hash.Finish();
}

Result<std::string> WorkFolder::SaveBase(const QuantizeResult& result) const {
  std::remove(File(kSideFile).c_str());
  ADZE_TRY(WriteFileAtomic(File(kEqualized), PrintGraph(result.equalized_graph)));
  ADZE_TRY(WriteFileAtomic(File(kAdjusted), PrintGraph(result.adjusted)));
  ADZE_TRY(WriteEncodings(result.encodings, File(kEncodings)));
  ADZE_TRY(WriteStatistics(result.statistics, File(kStatistics)));
  return BaseHash();
}

Result<WorkFolder::Base> WorkFolder::LoadBase(const std::string& hash) const {
  ADZE_ASSIGN(const std::string found, BaseHash());
  if (found != hash)
    return InvalidInput(path_ + ": the calibrated network is not as it was written");
  Base base;
  ADZE_ASSIGN(const Graph equalized, ReadGraphFile(File(kEqualized)));
  ADZE_ASSIGN(base.network.adjusted, ReadGraphFile(File(kAdjusted)));
  ADZE_ASSIGN(base.network.encodings, ReadEncodings(File(kEncodings)));
  ADZE_ASSIGN(base.statistics, ReadStatistics(File(kStatistics)));
  // Under the ids of `adjusted`, which may have more biases.
  base.network.equalized = base.network.adjusted;
  ADZE_TRY(RestoreWeights(LayerNames(equalized), equalized, &base.network.equalized));
  return base;
}

void WorkFolder::Remove() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path_, ignored)) {
    if (entry.is_regular_file(ignored)) std::filesystem::remove(entry.path(), ignored);
  }
  std::filesystem::remove(path_, ignored);
}

}  // namespace adze
