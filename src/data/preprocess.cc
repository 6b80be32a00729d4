#include "data/preprocess.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "data/resize.h"
#include "numerics/half.h"
#include "numerics/rounding.h"
#include "ops/op_util.h"

namespace adze {
namespace {

constexpr int64_t kMaxSide = 1 << 16;

bool ParseFloat(const std::string& text, double* out) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *out);
  return error == std::errc() && stop == end && std::isfinite(*out);
}

Result<std::vector<float>> Floats(YamlMap& map, const std::string& key) {
  ADZE_ASSIGN(const std::vector<double> values, map.Doubles(key));
  return std::vector<float>(values.begin(), values.end());
}

Status ParseValueKeys(YamlMap& map, ValueSpec* spec) {
  ADZE_ASSIGN(const std::string scale, map.String("scale", "1"));
  const size_t slash = scale.find('/');
  double multiplier = 1;
  double divisor = 1;
  if (!ParseFloat(scale.substr(0, slash), &multiplier) ||
      (slash != std::string::npos && !ParseFloat(scale.substr(slash + 1), &divisor)) ||
      static_cast<float>(divisor) == 0) {
    return map.ErrorAt("scale", "'scale' is '" + scale + "', must be a number or a fraction a/b");
  }
  spec->multiplier = static_cast<float>(multiplier);
  spec->divisor = static_cast<float>(divisor);
  ADZE_ASSIGN(spec->mean, Floats(map, "mean"));
  ADZE_ASSIGN(spec->std, Floats(map, "std"));
  for (const float s : spec->std) {
    if (s == 0) return map.ErrorAt("std", "'std' must not be 0");
  }
  if (!map.Has("dtype")) return OkStatus();
  ADZE_ASSIGN(const std::string name, map.String("dtype"));
  spec->dtype = ParseDType(name);
  if (!spec->dtype) return map.ErrorAt("dtype", "unknown element type '" + name + "'");
  if (*spec->dtype == DType::kBool || *spec->dtype == DType::kUInt32 ||
      *spec->dtype == DType::kUInt64) {
    return map.ErrorAt("dtype", "conversion to " + name + " is not supported");
  }
  return OkStatus();
}

Status ParseResize(YamlMap& map, ImageSpec* spec) {
  ADZE_ASSIGN(std::optional<YamlMap> resize, map.Map("resize"));
  if (!resize) return OkStatus();
  const int given = resize->Has("shorter_side") + resize->Has("exact") + resize->Has("letterbox");
  if (given != 1) {
    return resize->Error("'resize' must have exactly one of: exact, letterbox, shorter_side");
  }
  ADZE_TRY(resize->Choice("filter", {"bilinear"}));
  if (resize->Has("shorter_side")) {
    spec->resize = ResizeMode::kShorterSide;
    ADZE_ASSIGN(spec->shorter_side, resize->Int("shorter_side", 1, kMaxSide));
    return resize->RefuseUnknownKeys();
  }
  const bool letterbox = resize->Has("letterbox");
  const char* const key = letterbox ? "letterbox" : "exact";
  spec->resize = letterbox ? ResizeMode::kLetterbox : ResizeMode::kExact;
  ADZE_ASSIGN(const std::vector<int64_t> size, resize->Ints(key, 2, 1, kMaxSide));
  if (size[0] * size[1] > kMaxImagePixels) return resize->ErrorAt(key, "the size is too large");
  spec->resize_height = size[0];
  spec->resize_width = size[1];
  if (letterbox) {
    ADZE_ASSIGN(const int64_t pad, resize->Int("pad_value", 0, 255, 0));
    spec->pad_value = static_cast<uint8_t>(pad);
    ADZE_ASSIGN(const int align, resize->Choice("align", {"center", "top_left"}));
    spec->pad_centered = align == 0;
  }
  return resize->RefuseUnknownKeys();
}

Status ParseCrop(YamlMap& map, ImageSpec* spec) {
  ADZE_ASSIGN(std::optional<YamlMap> crop, map.Map("crop"));
  if (!crop) return OkStatus();
  ADZE_ASSIGN(const std::vector<int64_t> size, crop->Ints("center", 2, 1, kMaxSide));
  spec->crop_height = size[0];
  spec->crop_width = size[1];
  return crop->RefuseUnknownKeys();
}

// Luma of ITU-R BT.601 in 16-bit fixed point, as Pillow's convert("L").
Image ToGray(const Image& rgb) {
  Image gray{rgb.height, rgb.width, 1, {}};
  gray.pixels.resize(static_cast<size_t>(rgb.height * rgb.width));
  const uint8_t* p = rgb.pixels.data();
  for (uint8_t& g : gray.pixels) {
    g = static_cast<uint8_t>((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16);
    p += 3;
  }
  return gray;
}

Image ToRgb(const Image& gray) {
  Image rgb{gray.height, gray.width, 3, {}};
  rgb.pixels.reserve(gray.pixels.size() * 3);
  for (const uint8_t g : gray.pixels) rgb.pixels.insert(rgb.pixels.end(), 3, g);
  return rgb;
}

Image Letterbox(const ImageSpec& spec, const Image& image) {
  const double ratio = std::min(static_cast<double>(spec.resize_height) / image.height,
                                static_cast<double>(spec.resize_width) / image.width);
  const int64_t height =
      std::clamp<int64_t>(static_cast<int64_t>(image.height * ratio), 1, spec.resize_height);
  const int64_t width =
      std::clamp<int64_t>(static_cast<int64_t>(image.width * ratio), 1, spec.resize_width);
  const Image resized = ResizeBilinear(image, height, width);
  const int64_t top = spec.pad_centered ? (spec.resize_height - height) / 2 : 0;
  const int64_t left = spec.pad_centered ? (spec.resize_width - width) / 2 : 0;
  const int64_t channels = image.channels;
  Image out{spec.resize_height, spec.resize_width, image.channels, {}};
  out.pixels.assign(static_cast<size_t>(out.height * out.width * channels), spec.pad_value);
  for (int64_t y = 0; y < height; ++y) {
    std::copy_n(resized.pixels.data() + y * width * channels, width * channels,
                out.pixels.data() + ((top + y) * out.width + left) * channels);
  }
  return out;
}

Result<Image> Resize(const ImageSpec& spec, Image image) {
  switch (spec.resize) {
    case ResizeMode::kNone:
      return image;
    case ResizeMode::kExact:
      return ResizeBilinear(image, spec.resize_height, spec.resize_width);
    case ResizeMode::kLetterbox:
      return Letterbox(spec, image);
    case ResizeMode::kShorterSide:
      break;
  }
  // The longer side is truncated, as torchvision does.
  const int64_t shorter = std::min(image.height, image.width);
  const int64_t height = spec.shorter_side * image.height / shorter;
  const int64_t width = spec.shorter_side * image.width / shorter;
  if (height > kMaxImagePixels / width) {
    return InvalidInput("resizing the shorter side of " + std::to_string(image.height) + " x " +
                        std::to_string(image.width) + " pixels to " +
                        std::to_string(spec.shorter_side) + " gives too large an image");
  }
  return ResizeBilinear(image, height, width);
}

// Half of the excess, ties to even: torchvision's round().
int64_t CropStart(int64_t size, int64_t crop) {
  const int64_t excess = size - crop;
  const int64_t half = excess / 2;
  return excess % 2 != 0 && half % 2 != 0 ? half + 1 : half;
}

float Value(const ValueSpec& spec, float number, size_t channel) {
  const auto at = [&](const std::vector<float>& v, float absent) {
    return v.empty() ? absent : v.size() == 1 ? v[0] : v[channel];
  };
  const float scaled = number * spec.multiplier / spec.divisor;
  return (scaled - at(spec.mean, 0)) / at(spec.std, 1);
}

template <typename T>
T SaturateInteger(float v) {
  if (std::isnan(v)) return 0;
  const float r = RoundNearestEven(v);
  // The limits of 64 bits are not floats; the comparison with the next power of two is exact.
  if (r >= static_cast<float>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
  if (r <= static_cast<float>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  return static_cast<T>(r);
}

// dtypes that ParseValueKeys lets through.
void Store(const TensorView& out, int64_t i, float v) {
  if (IsFloat(out.dtype)) {
    SetFloatAt(out, i, v);
    return;
  }
  DispatchDType(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool> && std::is_integral_v<T>) {
      static_cast<T*>(out.data)[i] = SaturateInteger<T>(v);
    }
  });
}

template <typename T>
void LookUp(const Image& image, bool bgr, bool channels_last, const T* table, T* out) {
  const int channels = image.channels;
  const int64_t pixels = image.height * image.width;
  const uint8_t* const in = image.pixels.data();
  for (int c = 0; c < channels; ++c) {
    const uint8_t* const from = in + (bgr ? channels - 1 - c : c);
    const T* const values = table + 256 * c;
    T* const to = channels_last ? out + c : out + c * pixels;
    const int64_t step = channels_last ? channels : 1;
    for (int64_t p = 0; p < pixels; ++p) to[p * step] = values[from[p * channels]];
  }
}

}  // namespace

Result<ImageSpec> ParseImageSpec(YamlMap* map) {
  ImageSpec spec;
  if (map == nullptr) return spec;
  ADZE_ASSIGN(const int color, map->Choice("color", {"as_stored", "rgb", "gray"}));
  if (color != 0) spec.channels = color == 1 ? 3 : 1;
  ADZE_TRY(ParseResize(*map, &spec));
  ADZE_TRY(ParseCrop(*map, &spec));
  ADZE_ASSIGN(const int order, map->Choice("channel_order", {"rgb", "bgr"}));
  spec.bgr = order == 1;
  ADZE_ASSIGN(const int layout, map->Choice("layout", {"nchw", "nhwc"}));
  spec.channels_last = layout == 1;
  ADZE_TRY(ParseValueKeys(*map, &spec.value));
  for (const char* key : {"mean", "std"}) {
    const size_t n = (key[0] == 'm' ? spec.value.mean : spec.value.std).size();
    if (n > 1 && n != static_cast<size_t>(spec.channels.value_or(3))) {
      return map->ErrorAt(key, std::string("'") + key + "' has " + std::to_string(n) +
                                   " values, must have 1 or one per channel");
    }
  }
  ADZE_TRY(map->RefuseUnknownKeys());
  return spec;
}

Result<ValueSpec> ParseValueSpec(YamlMap* map) {
  ValueSpec spec;
  if (map == nullptr) return spec;
  ADZE_TRY(ParseValueKeys(*map, &spec));
  if (spec.mean.size() > 1) return map->ErrorAt("mean", "'mean' must be one number here");
  if (spec.std.size() > 1) return map->ErrorAt("std", "'std' must be one number here");
  ADZE_TRY(map->RefuseUnknownKeys());
  return spec;
}

Result<Tensor> PreprocessImage(const ImageSpec& spec, Image image) {
  if (spec.channels && *spec.channels != image.channels) {
    image = *spec.channels == 1 ? ToGray(image) : ToRgb(image);
  }
  ADZE_ASSIGN(image, Resize(spec, std::move(image)));
  if (spec.crop_height != 0 &&
      (spec.crop_height != image.height || spec.crop_width != image.width)) {
    if (image.height < spec.crop_height || image.width < spec.crop_width) {
      return InvalidInput("the image has " + std::to_string(image.height) + " x " +
                          std::to_string(image.width) + " pixels, smaller than the crop of " +
                          std::to_string(spec.crop_height) + " x " +
                          std::to_string(spec.crop_width));
    }
    const int64_t top = CropStart(image.height, spec.crop_height);
    const int64_t left = CropStart(image.width, spec.crop_width);
    Image crop{spec.crop_height, spec.crop_width, image.channels, {}};
    crop.pixels.reserve(static_cast<size_t>(crop.height * crop.width * crop.channels));
    for (int64_t y = 0; y < crop.height; ++y) {
      const uint8_t* const row =
          image.pixels.data() + ((top + y) * image.width + left) * image.channels;
      crop.pixels.insert(crop.pixels.end(), row, row + crop.width * crop.channels);
    }
    image = std::move(crop);
  }
  if (std::max(spec.value.mean.size(), spec.value.std.size()) >
      static_cast<size_t>(image.channels)) {
    return InvalidInput("'mean' or 'std' has more values than the image has channels");
  }

  const DType dtype = spec.value.dtype.value_or(DType::kFloat32);
  // A byte has 256 values: the arithmetic is done once for each of them and channel.
  Tensor table = Tensor::Allocate(dtype, {image.channels, 256});
  const TensorView entries = table.mutable_view();
  for (int64_t i = 0; i < table.size(); ++i) {
    Store(entries, i, Value(spec.value, static_cast<float>(i % 256), static_cast<size_t>(i / 256)));
  }
  std::vector<int64_t> dims = {image.height, image.width};
  dims.insert(spec.channels_last ? dims.end() : dims.begin(), image.channels);
  ADZE_ASSIGN(Tensor out, Tensor::TryAllocate(dtype, std::move(dims)));
  const auto look_up = [&](auto unsigned_zero) {
    using T = decltype(unsigned_zero);
    LookUp(image, spec.bgr, spec.channels_last, static_cast<const T*>(table.raw()),
           static_cast<T*>(out.mutable_raw()));
  };
  switch (SizeOf(dtype)) {
    case 1:
      look_up(uint8_t{});
      break;
    case 2:
      look_up(uint16_t{});
      break;
    case 4:
      look_up(uint32_t{});
      break;
    default:
      look_up(uint64_t{});
  }
  return out;
}

Result<Tensor> PreprocessValues(const ValueSpec& spec, const Tensor& numbers) {
  const DType from = numbers.dtype();
  const DType dtype =
      spec.dtype.value_or(spec.changes_values() && !IsFloat(from) ? DType::kFloat32 : from);
  if (dtype == from && !spec.changes_values()) return numbers;
  ADZE_ASSIGN(Tensor out, Tensor::TryAllocate(dtype, numbers.dims()));
  const TensorView to = out.mutable_view();
  const ConstTensorView in = numbers.view();
  const int64_t n = numbers.size();
  if (!spec.changes_values() && !IsFloat(from) && !IsFloat(dtype)) {
    // Integers stay exact where they fit; a float32 between would round those above 2^24.
    DispatchDType(dtype, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool> && sizeof(T) < 8) {
        for (int64_t i = 0; i < n; ++i) {
          to.as<T>()[i] = static_cast<T>(std::clamp<int64_t>(
              IntegerAt(in, i), std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
        }
      } else if constexpr (std::is_same_v<T, int64_t>) {
        for (int64_t i = 0; i < n; ++i) to.as<T>()[i] = IntegerAt(in, i);
      }
    });
    return out;
  }
  for (int64_t i = 0; i < n; ++i) {
    const float number = IsFloat(from) ? FloatAt(in, i) : static_cast<float>(IntegerAt(in, i));
    Store(to, i, Value(spec, number, 0));
  }
  return out;
}

}  // namespace adze
