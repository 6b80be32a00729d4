#include "data/arrays.h"

#include <memory>
#include <utility>

#include "data/labels.h"
#include "formats/gzip/gzip.h"
#include "formats/idx/idx.h"
#include "formats/npy/npy.h"
#include "formats/npz/npz.h"
#include "ops/dim.h"

namespace adze {
namespace {

std::string Describe(DType dtype, const std::vector<int64_t>& dims) {
  return std::string(DTypeName(dtype)) + " " + ShapeToString(ToShape(dims));
}

// Appends a whole tensor, sample dimension first.
Status Append(const std::string& path, Tensor tensor, SampleArrays* arrays) {
  if (tensor.rank() < 1 || tensor.size() == 0) {
    return InvalidInput(path + ": holds no samples (shape " +
                        ShapeToString(ToShape(tensor.dims())) + ")");
  }
  const std::vector<int64_t> dims(tensor.dims().begin() + 1, tensor.dims().end());
  if (arrays->parts.empty()) {
    arrays->sample_dims = dims;
    arrays->dtype = tensor.dtype();
  } else if (dims != arrays->sample_dims || tensor.dtype() != arrays->dtype) {
    return InvalidInput(path + ": its samples are " + Describe(tensor.dtype(), dims) +
                        ", those of the files before are " +
                        Describe(arrays->dtype, arrays->sample_dims));
  }
  const int64_t size = tensor.dims()[0];
  const int64_t stride = NumElements(dims);
  arrays->parts.push_back({std::move(tensor), size, stride});
  arrays->size += size;
  return OkStatus();
}

}  // namespace

Tensor SampleArrays::At(int64_t index) const {
  for (const Part& part : parts) {
    if (index >= part.size) {
      index -= part.size;
      continue;
    }
    const std::byte* const data = static_cast<const std::byte*>(part.tensor.raw()) +
                                  static_cast<size_t>(index * part.stride) * SizeOf(dtype);
    return Tensor::View(dtype, sample_dims, data, std::make_shared<const Tensor>(part.tensor));
  }
  ADZE_CHECK(false && "sample index out of range");
}

Result<std::vector<std::string>> ReadFileList(YamlMap& map, const std::string& root) {
  const bool one = map.Has("file");
  if (one == map.Has("files")) return map.Error("exactly one of 'file' and 'files' is needed");
  ADZE_ASSIGN(std::vector<std::string> files, map.Strings(one ? "file" : "files"));
  for (std::string& f : files) f = JoinPath(root, f);
  return files;
}

Result<SampleArrays> ReadNpyArrays(YamlMap& map, const std::string& root) {
  ADZE_ASSIGN(const std::vector<std::string> files, ReadFileList(map, root));
  ADZE_ASSIGN(const std::string array, map.String("array", ""));
  SampleArrays arrays;
  for (const std::string& path : files) {
    if (array.empty()) {
      if (path.ends_with(".npz")) {
        return map.Error("'array' is missing: which array of " + path);
      }
      ADZE_ASSIGN(Tensor tensor, ReadNpy(path));
      ADZE_TRY(Append(path, std::move(tensor), &arrays));
      continue;
    }
    ADZE_ASSIGN(std::vector<NamedTensor> members, ReadNpz(path));
    std::string names;
    NamedTensor* found = nullptr;
    for (NamedTensor& m : members) {
      if (m.name == array) found = &m;
      names += (names.empty() ? "" : ", ") + m.name;
    }
    if (found == nullptr) {
      return map.ErrorAt("array", path + " has no array '" + array + "', it has: " + names);
    }
    ADZE_TRY(Append(path, std::move(found->tensor), &arrays));
  }
  return arrays;
}

Result<SampleArrays> ReadIdxArrays(YamlMap& map, const std::string& root) {
  ADZE_ASSIGN(const std::vector<std::string> files, ReadFileList(map, root));
  SampleArrays arrays;
  for (const std::string& path : files) {
    ADZE_ASSIGN(Tensor tensor, ReadIdx(path));
    ADZE_TRY(Append(path, std::move(tensor), &arrays));
  }
  return arrays;
}

Result<SampleArrays> ReadRawArrays(YamlMap& map, const std::string& root) {
  ADZE_ASSIGN(const std::vector<std::string> files, ReadFileList(map, root));
  ADZE_ASSIGN(const std::string type_name, map.String("dtype"));
  const std::optional<DType> dtype = ParseDType(type_name);
  if (!dtype || *dtype == DType::kBool) {
    return map.ErrorAt("dtype", "'" + type_name + "' is not an element type of a raw file");
  }
  SampleArrays arrays;
  arrays.dtype = *dtype;
  ADZE_ASSIGN(arrays.sample_dims, map.Ints("shape", 0, 1, kMaxElements));
  const int64_t elements = NumElements(arrays.sample_dims);
  if (elements < 0 || arrays.sample_dims.size() >= kMaxRank) {
    return map.ErrorAt("shape", "'shape' is too large");
  }
  ADZE_ASSIGN(const int64_t stride, map.Int("stride", 1, kMaxElements, elements));
  const int64_t element_bytes = static_cast<int64_t>(SizeOf(*dtype));
  for (const std::string& path : files) {
    ADZE_ASSIGN(const FileBytes file, ReadFileMaybeGzip(path));
    const int64_t bytes = static_cast<int64_t>(file.bytes.size());
    const int64_t count = bytes / element_bytes;
    if (bytes % element_bytes != 0 || count < elements || (count - elements) % stride != 0) {
      return InvalidInput(path + ": " + std::to_string(bytes) + " bytes are not samples of " +
                          Describe(*dtype, arrays.sample_dims) + " every " +
                          std::to_string(stride) + " elements");
    }
    Tensor tensor = Tensor::View(*dtype, {count}, file.bytes.data(), file.owner);
    const int64_t size = (count - elements) / stride + 1;
    arrays.parts.push_back({std::move(tensor), size, stride});
    arrays.size += size;
  }
  return arrays;
}

}  // namespace adze
