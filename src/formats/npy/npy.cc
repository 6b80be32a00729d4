#include "formats/npy/npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "ops/dim.h"

namespace adze {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kDataAlignment = 64;
// NumPy itself refuses longer headers by default because of what parsing them may cost.
constexpr size_t kMaxHeaderBytes = 10000;

struct TypeCode {
  DType dtype;
  char code[3];  // kind and bytes per element
};
constexpr TypeCode kTypeCodes[] = {
    {DType::kFloat32, "f4"}, {DType::kFloat16, "f2"}, {DType::kBFloat16, "V2"},
    {DType::kFloat64, "f8"}, {DType::kInt8, "i1"},    {DType::kUInt8, "u1"},
    {DType::kInt16, "i2"},   {DType::kUInt16, "u2"},  {DType::kInt32, "i4"},
    {DType::kUInt32, "u4"},  {DType::kInt64, "i8"},   {DType::kUInt64, "u8"},
    {DType::kBool, "b1"}};

// Reads the header: a Python dict literal such as
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  // False: not that.
  bool Eat(char c) {
    SkipSpace();
    if (pos_ >= text_.size() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }
  bool Peek(char c) {
    SkipSpace();
    return pos_ < text_.size() && text_[pos_] == c;
  }
  bool String(std::string_view* out) {
    SkipSpace();
    if (pos_ >= text_.size() || (text_[pos_] != '\'' && text_[pos_] != '"')) return false;
    const size_t end = text_.find(text_[pos_], pos_ + 1);
    if (end == std::string_view::npos) return false;
    *out = text_.substr(pos_ + 1, end - pos_ - 1);
    pos_ = end + 1;
    return true;
  }
  bool Bool(bool* out) {
    SkipSpace();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(pos_, word.size()) == word) {
        pos_ += word.size();
        *out = value;
        return true;
      }
    }
    return false;
  }
  bool Dims(std::vector<int64_t>* out) {
    if (!Eat('(')) return false;
    while (!Eat(')')) {
      SkipSpace();
      int64_t d = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + pos_, text_.data() + text_.size(), d);
      if (error != std::errc() || d < 0) return false;
      pos_ = static_cast<size_t>(end - text_.data());
      Eat('L');  // Python 2 wrote long integers so
      out->push_back(d);
      if (!Eat(',') && !Peek(')')) return false;
    }
    return true;
  }
  bool AtEnd() {
    SkipSpace();
    return pos_ == text_.size();
  }

 private:
  void SkipSpace() {
    while (pos_ < text_.size() && (text_[pos_] == ' ' || text_[pos_] == '\n')) ++pos_;
  }
  std::string_view text_;
  size_t pos_ = 0;
};

struct Header {
  DType dtype = DType::kUndefined;
  bool fortran_order = false;
  std::vector<int64_t> dims;
};

Result<DType> ParseDescr(std::string_view descr) {
  if (descr.size() >= 2) {
    const char order = descr[0];
    for (const TypeCode& t : kTypeCodes) {
      if (descr.substr(1) != t.code) continue;
      if (order == '<' || (order == '|' && (SizeOf(t.dtype) == 1 || t.code[0] == 'V'))) {
        return t.dtype;
      }
      if (order == '>') {
        return Unsupported("big-endian data ('" + std::string(descr) + "') is not supported");
      }
    }
  }
  return Unsupported("element type '" + std::string(descr) + "' is not supported");
}

Result<Header> ParseHeader(std::string_view text) {
  const Status malformed = InvalidInput("the npy header is malformed");
  HeaderParser p(text);
  Header h;
  bool has_descr = false;
  bool has_order = false;
  bool has_shape = false;
  if (!p.Eat('{')) return malformed;
  while (!p.Eat('}')) {
    std::string_view key;
    if (!p.String(&key) || !p.Eat(':')) return malformed;
    if (key == "descr" && !has_descr) {
      if (p.Peek('[')) return Unsupported("structured element types are not supported");
      std::string_view descr;
      if (!p.String(&descr)) return malformed;
      ADZE_ASSIGN(h.dtype, ParseDescr(descr));
      has_descr = true;
    } else if (key == "fortran_order" && !has_order) {
      if (!p.Bool(&h.fortran_order)) return malformed;
      has_order = true;
    } else if (key == "shape" && !has_shape) {
      if (!p.Dims(&h.dims)) return malformed;
      has_shape = true;
    } else {
      return malformed;
    }
    if (!p.Eat(',') && !p.Peek('}')) return malformed;
  }
  if (!has_descr || !has_order || !has_shape || !p.AtEnd()) return malformed;
  return h;
}

// Column-major to row-major.
void CopyFromFortran(const std::byte* in, const std::vector<int64_t>& dims, size_t element,
                     std::byte* out) {
  const size_t rank = dims.size();
  std::vector<int64_t> index(rank, 0);
  std::vector<int64_t> stride(rank, 1);  // of the input, in elements
  for (size_t d = 1; d < rank; ++d) stride[d] = stride[d - 1] * dims[d - 1];
  const int64_t n = NumElements(dims);
  int64_t from = 0;
  for (int64_t i = 0; i < n; ++i) {
    std::memcpy(out + static_cast<size_t>(i) * element, in + static_cast<size_t>(from) * element,
                element);
    for (size_t d = rank; d-- > 0;) {
      from += stride[d];
      if (++index[d] < dims[d]) break;
      from -= stride[d] * dims[d];
      index[d] = 0;
    }
  }
}

}  // namespace

Result<Tensor> ParseNpy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(0, kMagic.size()) != kMagic) return InvalidInput("not an npy file");
  if (text.size() < kMagic.size() + 4) return InvalidInput("the npy header is truncated");
  const auto byte_at = [&](size_t i) { return static_cast<size_t>(bytes[i]); };
  const size_t major = byte_at(6);
  if (major < 1 || major > 3 || byte_at(7) != 0) {
    return Unsupported("npy format version " + std::to_string(major) + "." +
                       std::to_string(byte_at(7)) + " is not supported");
  }
  size_t start = 10;
  size_t header_bytes = byte_at(8) | byte_at(9) << 8;
  if (major >= 2) {
    if (text.size() < 12) return InvalidInput("the npy header is truncated");
    start = 12;
    header_bytes |= byte_at(10) << 16 | byte_at(11) << 24;
  }
  if (header_bytes > text.size() - start) return InvalidInput("the npy header is truncated");
  if (header_bytes > kMaxHeaderBytes) {
    return InvalidInput("the npy header has " + std::to_string(header_bytes) +
                        " bytes, more than " + std::to_string(kMaxHeaderBytes));
  }
  ADZE_ASSIGN(Header h, ParseHeader(text.substr(start, header_bytes)));

  if (h.dims.size() > kMaxRank) {
    return Unsupported("rank " + std::to_string(h.dims.size()) + " is over the limit of " +
                       std::to_string(kMaxRank));
  }
  const int64_t n = NumElements(h.dims);
  const size_t available = bytes.size() - start - header_bytes;
  const size_t element = SizeOf(h.dtype);
  if (n < 0 || available != static_cast<size_t>(n) * element) {
    return InvalidInput("the header says shape " + ShapeToString(ToShape(h.dims)) + " of " +
                        DTypeName(h.dtype) + ", but " + std::to_string(available) +
                        " bytes of data follow");
  }
  const std::byte* const data = bytes.data() + start + header_bytes;
  if (h.dtype == DType::kBool &&
      std::any_of(data, data + n, [](std::byte b) { return b > std::byte{1}; })) {
    return InvalidInput("a bool is neither 0 nor 1");
  }
  const bool row_major = !h.fortran_order || std::count_if(h.dims.begin(), h.dims.end(),
                                                           [](int64_t d) { return d > 1; }) < 2;
  if (row_major && reinterpret_cast<uintptr_t>(data) % element == 0) {
    return Tensor::View(h.dtype, std::move(h.dims), data, std::move(owner));
  }
  ADZE_ASSIGN(Tensor copy, Tensor::TryAllocate(h.dtype, h.dims));
  std::byte* const out = static_cast<std::byte*>(copy.mutable_raw());
  if (row_major) {
    std::memcpy(out, data, available);
  } else {
    CopyFromFortran(data, h.dims, element, out);
  }
  return copy;
}

Result<Tensor> ReadNpy(const std::string& path) {
  ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  Result<Tensor> tensor = ParseNpy(file->bytes(), file);
  if (!tensor.ok()) return tensor.status().WithContext(path);
  return tensor;
}

std::string NpyHeader(DType dtype, std::span<const int64_t> dims) {
  std::string dict = "{'descr': '";
  dict += SizeOf(dtype) == 1 ? '|' : '<';
  for (const TypeCode& t : kTypeCodes) {
    if (t.dtype == dtype) dict += t.code;
  }
  dict += "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < dims.size(); ++i) {
    dict += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  }
  dict += dims.size() == 1 ? ",), }" : "), }";
  constexpr size_t kPrefix = 10;
  const size_t total =
      (kPrefix + dict.size() + 1 + kDataAlignment - 1) / kDataAlignment * kDataAlignment;
  dict.append(total - kPrefix - dict.size() - 1, ' ');
  dict += '\n';
  std::string header(kMagic);
  header += '\x01';
  header += '\0';
  header += static_cast<char>(dict.size() & 0xff);
  header += static_cast<char>(dict.size() >> 8);
  return header + dict;
}

Status WriteNpy(const std::string& path, const ConstTensorView& tensor) {
  ADZE_ASSIGN(const std::unique_ptr<AtomicFileWriter> file, AtomicFileWriter::Create(path));
  ADZE_TRY(file->Append(NpyHeader(tensor.dtype, tensor.dims)));
  const size_t size = static_cast<size_t>(tensor.size()) * SizeOf(tensor.dtype);
  ADZE_TRY(file->Append(std::span(static_cast<const std::byte*>(tensor.data), size)));
  return file->Commit();
}

}  // namespace adze
