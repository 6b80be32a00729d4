#include "formats/safetensors/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/file.h"
#include "formats/json/json.h"

namespace adze {
namespace {

static_assert(std::endian::native == std::endian::little);

using Json = nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = uint64_t{100} << 20;  // the format's own limit
constexpr size_t kAlignment = 64;

struct DTypeCode {
  const char* code;
  DType dtype;
};
constexpr DTypeCode kCodes[] = {
    {"F32", DType::kFloat32}, {"F16", DType::kFloat16}, {"BF16", DType::kBFloat16},
    {"F64", DType::kFloat64}, {"I8", DType::kInt8},     {"U8", DType::kUInt8},
    {"I16", DType::kInt16},   {"U16", DType::kUInt16},  {"I32", DType::kInt32},
    {"U32", DType::kUInt32},  {"I64", DType::kInt64},   {"U64", DType::kUInt64},
    {"BOOL", DType::kBool}};

std::optional<DType> DTypeOfCode(const std::string& code) {
  for (const DTypeCode& c : kCodes) {
    if (code == c.code) return c.dtype;
  }
  return std::nullopt;
}

const char* CodeOf(DType dtype) {
  for (const DTypeCode& c : kCodes) {
    if (dtype == c.dtype) return c.code;
  }
  return nullptr;
}

// A list of exactly representable non-negative integers.
std::optional<std::vector<uint64_t>> Naturals(const Json& list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<uint64_t> out;
  for (const Json& item : list) {
    if (!item.is_number_unsigned()) return std::nullopt;
    out.push_back(item.get<uint64_t>());
  }
  return out;
}

struct Span {
  uint64_t begin, end;
};

Result<Tensor> ReadTensor(const Json& entry, std::span<const std::byte> data,
                          const std::shared_ptr<const void>& owner, Span* span) {
  if (!entry.is_object()) return InvalidInput("is not an object");
  for (const auto& [key, value] : entry.items()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      return InvalidInput("unknown field '" + key + "'");
    }
  }
  const auto field = [&](const char* name) {
    const auto it = entry.find(name);
    return it == entry.end() ? Json() : *it;
  };
  const Json code = field("dtype");
  const auto dtype = code.is_string() ? DTypeOfCode(code.get<std::string>()) : std::nullopt;
  if (!dtype)
    return InvalidInput("unknown dtype " +
                        code.dump(-1, ' ', true, Json::error_handler_t::replace));
  const auto shape = Naturals(field("shape"));
  const auto offsets = Naturals(field("data_offsets"));
  if (!shape || !offsets || offsets->size() != 2) {
    return InvalidInput("shape or data_offsets is not a list of integers");
  }
  if (shape->size() > static_cast<size_t>(kMaxRank)) {
    return Unsupported("has rank " + std::to_string(shape->size()));
  }
  std::vector<int64_t> dims;
  for (uint64_t d : *shape) {
    if (d > static_cast<uint64_t>(kMaxElements)) return InvalidInput("is too large");
    dims.push_back(static_cast<int64_t>(d));
  }
  const int64_t elements = NumElements(dims);
  if (elements < 0) return InvalidInput("is too large");
  *span = {(*offsets)[0], (*offsets)[1]};
  const uint64_t bytes = static_cast<uint64_t>(elements) * SizeOf(*dtype);
  if (span->begin > span->end || span->end > data.size() || span->end - span->begin != bytes) {
    return InvalidInput("data_offsets do not fit its shape or the file");
  }
  const std::byte* const p = data.data() + span->begin;
  if (bytes == 0) return Tensor::Allocate(*dtype, std::move(dims));
  if (reinterpret_cast<uintptr_t>(p) % SizeOf(*dtype) == 0) {
    return Tensor::View(*dtype, std::move(dims), p, owner);
  }
  Result<Tensor> copy = Tensor::TryAllocate(*dtype, std::move(dims));
  ADZE_TRY(copy);
  std::memcpy(copy->mutable_raw(), p, bytes);
  return copy;
}

Result<SafeTensors> Parse(const std::shared_ptr<const MappedFile>& file) {
  const std::span<const std::byte> bytes = file->bytes();
  uint64_t header_bytes = 0;
  if (bytes.size() < sizeof(header_bytes)) return InvalidInput("is too short for safetensors");
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  if (header_bytes > kMaxHeaderBytes || header_bytes > bytes.size() - sizeof(header_bytes)) {
    return InvalidInput("is not a safetensors file: the header length exceeds the file");
  }
  const char* const text = reinterpret_cast<const char*>(bytes.data()) + sizeof(header_bytes);
  const Json header = ParseJson<Json>({text, header_bytes});
  if (!header.is_object()) return InvalidInput("has a header that is not a JSON object");
  const auto data = bytes.subspan(sizeof(header_bytes) + header_bytes);

  SafeTensors out;
  std::vector<Span> spans;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) return InvalidInput("__metadata__ is not an object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) return InvalidInput("__metadata__ '" + key + "' is not a string");
        out.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    Span span;
    Result<Tensor> tensor = ReadTensor(entry, data, file, &span);
    if (!tensor.ok()) return tensor.status().WithContext("tensor '" + name + "'");
    out.tensors.emplace(name, std::move(tensor).value());
    spans.push_back(span);
  }
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  for (size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].begin < spans[i - 1].end) return InvalidInput("has tensors that overlap");
  }
  return out;
}

}  // namespace

Result<SafeTensors> ReadSafeTensors(const std::string& path) {
  ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  Result<SafeTensors> out = Parse(file);
  if (!out.ok()) return out.status().WithContext(path);
  return out;
}

Status WriteSafeTensors(const SafeTensors& contents, const std::string& path) {
  Json header = Json::object();
  if (!contents.metadata.empty()) header["__metadata__"] = contents.metadata;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : contents.tensors) {
    const char* const code = CodeOf(tensor.dtype());
    if (code == nullptr) return InternalError("tensor '" + name + "' is undefined");
    header[name] = {{"dtype", code},
                    {"shape", tensor.dims()},
                    {"data_offsets", {offset, offset + tensor.bytes()}}};
    offset += tensor.bytes();
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  // Tensors of one element size stay aligned: the data starts at a multiple of 64.
  while ((sizeof(uint64_t) + text.size()) % kAlignment != 0) text += ' ';
  const uint64_t header_bytes = text.size();
  ADZE_ASSIGN(std::unique_ptr<AtomicFileWriter> writer, AtomicFileWriter::Create(path));
  ADZE_TRY(writer->Append(std::as_bytes(std::span(&header_bytes, 1))));
  ADZE_TRY(writer->Append(text));
  for (const auto& [name, tensor] : contents.tensors) {
    ADZE_TRY(
        writer->Append(std::span(static_cast<const std::byte*>(tensor.raw()), tensor.bytes())));
  }
  return writer->Commit();
}

}  // namespace adze
