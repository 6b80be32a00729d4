#include "formats/onnx/tensor_proto.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

namespace adze::onnx {
namespace {

namespace fs = std::filesystem;

struct TypeRow {
  const char* name;
  DType dtype;
};
// Indexed by TensorProto.DataType.
constexpr TypeRow kTypes[] = {
    {"undefined", DType::kUndefined},
    {"float32", DType::kFloat32},
    {"uint8", DType::kUInt8},
    {"int8", DType::kInt8},
    {"uint16", DType::kUInt16},
    {"int16", DType::kInt16},
    {"int32", DType::kInt32},
    {"int64", DType::kInt64},
    {"string", DType::kUndefined},
    {"bool", DType::kBool},
    {"float16", DType::kFloat16},
    {"float64", DType::kFloat64},
    {"uint32", DType::kUInt32},
    {"uint64", DType::kUInt64},
    {"complex64", DType::kUndefined},
    {"complex128", DType::kUndefined},
    {"bfloat16", DType::kBFloat16},
    {"float8e4m3fn", DType::kUndefined},
    {"float8e4m3fnuz", DType::kUndefined},
    {"float8e5m2", DType::kUndefined},
    {"float8e5m2fnuz", DType::kUndefined},
    {"uint4", DType::kUInt4},
    {"int4", DType::kInt4},
    {"float4e2m1", DType::kUndefined},
    {"float8e8m0", DType::kUndefined},
    {"uint2", DType::kUInt2},
    {"int2", DType::kInt2},
};

// Which typed field holds the elements of a type that is not stored raw.
int FieldOf(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return 4;
    case DType::kInt64:
      return 7;
    case DType::kFloat64:
      return 10;
    case DType::kUInt32:
    case DType::kUInt64:
      return 11;
    default:
      return 5;
  }
}

std::string_view Lookup(const StringPairs& pairs, std::string_view key) {
  for (const auto& [k, v] : pairs) {
    if (k == key) return v;
  }
  return {};
}

Result<uint64_t> ParseSize(const StringPairs& pairs, std::string_view key, uint64_t fallback) {
  const std::string_view text = Lookup(pairs, key);
  if (text.empty()) return fallback;
  uint64_t v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidInput("external data has " + std::string(key) + " '" + std::string(text) +
                        "', must be a number of bytes");
  }
  return v;
}

// Bytes of `count` elements in a file: narrow integers are packed, the first in the lowest bits.
size_t FileBytes(DType dtype, int64_t count) {
  if (!IsNarrow(dtype)) return static_cast<size_t>(count) * SizeOf(dtype);
  const int64_t per_byte = 8 / BitsOf(dtype);
  return static_cast<size_t>((count + per_byte - 1) / per_byte);
}

Result<Tensor> Unpack(DType dtype, std::vector<int64_t> dims, std::string_view bytes) {
  ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(dtype, std::move(dims)));
  const int bits = BitsOf(dtype);
  const int mask = (1 << bits) - 1;
  const int sign = ContainerOf(dtype) == DType::kInt8 ? 1 << (bits - 1) : 0;
  auto* const out = static_cast<uint8_t*>(t.mutable_raw());
  for (int64_t i = 0; i < t.size(); ++i) {
    const int64_t bit = i * bits;
    const int code = static_cast<unsigned char>(bytes[static_cast<size_t>(bit / 8)]) >> bit % 8;
    out[i] = static_cast<uint8_t>(((code & mask) ^ sign) - sign);
  }
  return t;
}

// A view of `bytes`, or a copy where they are unaligned. Booleans must be 0 or 1 in memory: others
// are copied as 1.
Result<Tensor> FromRaw(DType dtype, std::vector<int64_t> dims, std::string_view bytes,
                       std::shared_ptr<const void> owner) {
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % SizeOf(dtype) == 0;
  if (IsNarrow(dtype)) return Unpack(dtype, std::move(dims), bytes);
  bool plain = true;
  if (dtype == DType::kBool) {
    for (char c : bytes) plain = plain && static_cast<unsigned char>(c) <= 1;
  }
  if (aligned && plain && !bytes.empty()) {
    return Tensor::View(dtype, std::move(dims), bytes.data(), std::move(owner));
  }
  ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(dtype, std::move(dims)));
  if (plain) {
    if (!bytes.empty()) std::memcpy(t.mutable_raw(), bytes.data(), bytes.size());
  } else {
    auto* const out = static_cast<uint8_t*>(t.mutable_raw());
    for (size_t i = 0; i < bytes.size(); ++i) out[i] = bytes[i] != 0;
  }
  return t;
}

Result<Tensor> FromExternal(const TensorProto& proto, DType dtype, size_t size,
                            ExternalFiles* external) {
  const std::string_view location = Lookup(proto.external_data, "location");
  ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, external->Open(location));
  const uint64_t available = file->bytes().size();
  ADZE_ASSIGN(const uint64_t offset, ParseSize(proto.external_data, "offset", 0));
  ADZE_ASSIGN(const uint64_t length, ParseSize(proto.external_data, "length", size));
  if (length != size) {
    return InvalidInput("external data has " + std::to_string(length) + " bytes, must have " +
                        std::to_string(size));
  }
  if (offset > available || length > available - offset) {
    return InvalidInput("external data ends at byte " + std::to_string(offset) + " + " +
                        std::to_string(length) + ", but '" + std::string(location) + "' has " +
                        std::to_string(available) + " bytes");
  }
  const auto* const begin = reinterpret_cast<const char*>(file->bytes().data()) + offset;
  return FromRaw(dtype, proto.dims, {begin, length}, file);
}

Status FillInts(const TensorProto& proto, Tensor* t) {
  const DType dtype = t->dtype();
  // 16-bit floats are stored as their bits.
  const DType range_type = IsFloat(dtype) ? DType::kUInt16 : dtype;
  IntRange range = RangeOf(range_type);
  if (dtype == DType::kBool) range = {0, 1};
  if (dtype == DType::kUInt64) range = {INT64_MIN, INT64_MAX};  // the bits of an unsigned number
  auto* out = static_cast<std::byte*>(t->mutable_raw());
  const size_t size = SizeOf(dtype);
  for (int64_t v : proto.int_data) {
    if (v < range.min || v > range.max) {
      return InvalidInput("element " + std::to_string(v) + " does not fit its type " +
                          DTypeName(dtype));
    }
    std::memcpy(out, &v, size);  // little-endian: the low bytes
    out += size;
  }
  return OkStatus();
}

}  // namespace

std::optional<DType> DTypeFromOnnx(int64_t data_type) {
  if (data_type < 0 || data_type >= static_cast<int64_t>(std::size(kTypes))) return std::nullopt;
  const DType dtype = kTypes[data_type].dtype;
  return dtype == DType::kUndefined ? std::nullopt : std::optional(dtype);
}

int64_t OnnxFromDType(DType dtype) {
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    if (kTypes[i].dtype == dtype) return static_cast<int64_t>(i);
  }
  return 0;
}

Tensor PackForOnnx(const Tensor& t) {
  if (!IsNarrow(t.dtype())) return t;
  const int bits = BitsOf(t.dtype());
  const auto bytes = static_cast<int64_t>(FileBytes(t.dtype(), t.size()));
  Tensor packed = Tensor::Allocate(DType::kUInt8, {bytes});
  uint8_t* const out = packed.mutable_data<uint8_t>();
  std::fill(out, out + bytes, uint8_t{0});
  const auto* const codes = static_cast<const uint8_t*>(t.raw());
  for (int64_t i = 0; i < t.size(); ++i) {
    const int code = codes[i] & ((1 << bits) - 1);
    out[i * bits / 8] = static_cast<uint8_t>(out[i * bits / 8] | code << i * bits % 8);
  }
  return packed;
}

std::string OnnxTypeName(int64_t data_type) {
  if (data_type < 0 || data_type >= static_cast<int64_t>(std::size(kTypes))) {
    return "unknown (" + std::to_string(data_type) + ")";
  }
  return kTypes[data_type].name;
}

Result<std::shared_ptr<const MappedFile>> ExternalFiles::Open(std::string_view location) {
  if (base_dir_.empty()) return InvalidInput("external data in a model that has no folder");
  const auto it = files_.find(location);
  if (it != files_.end()) return it->second;
  if (location.empty() || location.find('\0') != std::string_view::npos) {
    return InvalidInput("external data has no location");
  }
  const fs::path relative{std::string(location)};
  bool inside = !relative.is_absolute();
  for (const fs::path& part : relative) inside = inside && part != "..";
  std::error_code error;
  const fs::path base = fs::canonical(base_dir_, error);
  const fs::path path = error ? fs::path() : fs::weakly_canonical(base / relative, error);
  if (error) return InvalidInput("external data '" + std::string(location) + "' cannot be found");
  const auto [end, rest] = std::mismatch(base.begin(), base.end(), path.begin(), path.end());
  if (!inside || end != base.end()) {
    return InvalidInput("external data '" + std::string(location) +
                        "' lies outside the model's folder");
  }
  ADZE_ASSIGN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path.string()));
  files_.emplace(location, file);
  return file;
}

Result<Tensor> DecodeTensor(const TensorProto& proto, const std::shared_ptr<const void>& owner,
                            ExternalFiles* external) {
  const std::optional<DType> dtype = DTypeFromOnnx(proto.data_type);
  if (!dtype) {
    return Unsupported("element type " + OnnxTypeName(proto.data_type) + " is not supported");
  }
  if (proto.dims.size() > static_cast<size_t>(kMaxRank)) {
    return Unsupported("rank " + std::to_string(proto.dims.size()) + ", at most " +
                       std::to_string(kMaxRank) + " is supported");
  }
  const int64_t count = NumElements(proto.dims);
  if (count < 0) return InvalidInput("dimensions are negative or too large");
  const size_t size = FileBytes(*dtype, count);
  if (proto.external) return FromExternal(proto, *dtype, size, external);

  const int fields = static_cast<int>(proto.has_raw) + static_cast<int>(!proto.float_data.empty()) +
                     static_cast<int>(!proto.int_data.empty()) +
                     static_cast<int>(!proto.double_data.empty()) +
                     static_cast<int>(proto.num_strings > 0);
  // An empty raw_data beside typed elements is a habit of some writers.
  if (fields > 1 && !(fields == 2 && proto.has_raw && proto.raw.empty())) {
    return InvalidInput("has elements in two data fields");
  }
  if (proto.has_raw && (fields == 1)) {
    if (proto.raw.size() != size) {
      return InvalidInput("raw data has " + std::to_string(proto.raw.size()) +
                          " bytes, must have " + std::to_string(size));
    }
    return FromRaw(*dtype, proto.dims, proto.raw, owner);
  }
  const int field = !proto.float_data.empty()    ? 4
                    : !proto.double_data.empty() ? 10
                    : proto.num_strings > 0      ? 6
                                                 : proto.int_field;
  const size_t stored = proto.float_data.size() + proto.double_data.size() + proto.int_data.size() +
                        proto.num_strings;
  // Of narrow integers every element of the field is a byte.
  const size_t wanted = IsNarrow(*dtype) ? size : static_cast<size_t>(count);
  if (stored != wanted) {
    return InvalidInput("has " + std::to_string(stored) + " elements, must have " +
                        std::to_string(wanted));
  }
  if (stored > 0 && field != FieldOf(*dtype)) {
    return InvalidInput(std::string("elements of type ") + DTypeName(*dtype) +
                        " are in the data field of another type");
  }
  if (IsNarrow(*dtype)) {
    std::string bytes;
    for (const int64_t v : proto.int_data) bytes.push_back(static_cast<char>(v));
    return Unpack(*dtype, proto.dims, bytes);
  }
  ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(*dtype, proto.dims));
  if (*dtype == DType::kFloat32) {
    if (stored > 0) std::memcpy(t.mutable_raw(), proto.float_data.data(), size);
  } else if (*dtype == DType::kFloat64) {
    if (stored > 0) std::memcpy(t.mutable_raw(), proto.double_data.data(), size);
  } else {
    ADZE_TRY(FillInts(proto, &t));
  }
  return t;
}

}  // namespace adze::onnx
