// kind: npy, raw — numbers as they are stored; kind: idx, cifar — small images.
#include "data/arrays.h"

#include <algorithm>

#include "data/preprocess.h"
#include "data/source.h"
#include "data/yaml_map.h"
#include "formats/cifar/cifar.h"

namespace adze {
namespace {

class ArraySource : public InputSource {
 public:
  ArraySource(SampleArrays arrays, ValueSpec spec)
      : arrays_(std::move(arrays)), spec_(std::move(spec)) {}
  int64_t size() const override { return arrays_.size; }
  Result<Tensor> Read(int64_t index) const override {
    return PreprocessValues(spec_, arrays_.At(index));
  }

 private:
  SampleArrays arrays_;
  ValueSpec spec_;
};

Result<OpenedSource> OpenArrays(YamlMap& input, Result<SampleArrays> arrays) {
  ADZE_TRY(arrays);
  ADZE_ASSIGN(std::optional<YamlMap> preprocess, input.Map("preprocess"));
  ADZE_ASSIGN(ValueSpec spec, ParseValueSpec(preprocess ? &*preprocess : nullptr));
  OpenedSource opened;
  opened.source = std::make_unique<ArraySource>(std::move(arrays).value(), std::move(spec));
  return opened;
}

Result<OpenedSource> OpenNpy(YamlMap& input, const std::string& root, YamlMap*) {
  return OpenArrays(input, ReadNpyArrays(input, root));
}

Result<OpenedSource> OpenRaw(YamlMap& input, const std::string& root, YamlMap*) {
  return OpenArrays(input, ReadRawArrays(input, root));
}

Result<ImageSpec> ImageSpecOf(YamlMap& input) {
  ADZE_ASSIGN(std::optional<YamlMap> preprocess, input.Map("preprocess"));
  return ParseImageSpec(preprocess ? &*preprocess : nullptr);
}

// uint8 [H,W] is gray, [H,W,3] is RGB.
class IdxSource : public InputSource {
 public:
  IdxSource(SampleArrays arrays, ImageSpec spec)
      : arrays_(std::move(arrays)), spec_(std::move(spec)) {}
  int64_t size() const override { return arrays_.size; }
  Result<Tensor> Read(int64_t index) const override {
    const Tensor sample = arrays_.At(index);
    const std::span<const uint8_t> bytes = sample.values<uint8_t>();
    Image image{sample.dims()[0], sample.dims()[1], sample.rank() == 2 ? 1 : 3, {}};
    image.pixels.assign(bytes.begin(), bytes.end());
    return PreprocessImage(spec_, std::move(image));
  }

 private:
  SampleArrays arrays_;
  ImageSpec spec_;
};

Result<OpenedSource> OpenIdx(YamlMap& input, const std::string& root, YamlMap*) {
  ADZE_ASSIGN(SampleArrays arrays, ReadIdxArrays(input, root));
  ADZE_ASSIGN(ImageSpec spec, ImageSpecOf(input));
  const std::vector<int64_t>& dims = arrays.sample_dims;
  const bool image = dims.size() == 2 || (dims.size() == 3 && dims[2] == 3);
  if (arrays.dtype != DType::kUInt8 || !image || NumElements(dims) > 3 * kMaxImagePixels) {
    return input.Error(
        "kind idx needs uint8 images of shape [count, height, width] or [count, "
        "height, width, 3]");
  }
  OpenedSource opened;
  opened.source = std::make_unique<IdxSource>(std::move(arrays), std::move(spec));
  return opened;
}

class CifarSource : public InputSource {
 public:
  CifarSource(std::vector<CifarFile> files, ImageSpec spec)
      : files_(std::move(files)), spec_(std::move(spec)) {
    for (const CifarFile& f : files_) size_ += f.size;
  }
  int64_t size() const override { return size_; }
  Result<Tensor> Read(int64_t index) const override {
    size_t f = 0;
    while (index >= files_[f].size) index -= files_[f++].size;
    const uint8_t* const planes = files_[f].planes(index);
    Image image{kCifarSide, kCifarSide, 3, {}};
    constexpr size_t kPixels = kCifarSide * kCifarSide;
    image.pixels.resize(3 * kPixels);
    for (size_t i = 0; i < 3 * kPixels; ++i) {
      image.pixels[i % kPixels * 3 + i / kPixels] = planes[i];
    }
    return PreprocessImage(spec_, std::move(image));
  }

 private:
  std::vector<CifarFile> files_;
  ImageSpec spec_;
  int64_t size_ = 0;
};

Result<OpenedSource> OpenCifar(YamlMap& input, const std::string& root, YamlMap*) {
  ADZE_ASSIGN(const std::vector<std::string> paths, ReadFileList(input, root));
  ADZE_ASSIGN(ImageSpec spec, ImageSpecOf(input));
  std::vector<CifarFile> files;
  OpenedSource opened;
  for (const std::string& path : paths) {
    ADZE_ASSIGN(CifarFile file, ReadCifar10(path));
    for (int64_t i = 0; i < file.size; ++i) opened.labels.push_back(file.label(i));
    files.push_back(std::move(file));
  }
  opened.source = std::make_unique<CifarSource>(std::move(files), std::move(spec));
  return opened;
}

}  // namespace

extern const SourceKind kNpyKind;
extern const SourceKind kRawKind;
extern const SourceKind kIdxKind;
extern const SourceKind kCifarKind;
const SourceKind kNpyKind = {"npy", "arrays in .npy or .npz files, samples first", OpenNpy};
const SourceKind kRawKind = {"raw", "files of bare little-endian numbers", OpenRaw};
const SourceKind kIdxKind = {"idx", "uint8 images in idx files (MNIST)", OpenIdx};
const SourceKind kCifarKind = {"cifar", "CIFAR-10 binary files, labels included", OpenCifar};

}  // namespace adze
