#include "formats/npz/npz.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>

#include "base/file.h"
#include "formats/npy/npy.h"

namespace adze {
namespace {

// Records of a zip file (APPNOTE.TXT 6.3): signature and fixed size.
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kDirectorySignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kEnd64LocatorSignature = 0x07064b50;
constexpr size_t kLocalBytes = 30;
constexpr size_t kDirectoryBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr size_t kEnd64Bytes = 56;
constexpr size_t kEnd64LocatorBytes = 20;
constexpr uint16_t kZip64Extra = 0x0001;
constexpr uint16_t kAlignmentExtra = 0xd935;  // as zipalign of Android writes it
constexpr size_t kMaxComment = 65535;
constexpr size_t kDataAlignment = 64;
// Deflate codes at most 258 bytes in 2 bits; a little more for the start of short streams.
constexpr uint64_t kMaxDeflateRatio = 1032;
constexpr uint64_t kDeflateSlack = 64;

uint64_t LoadLe(std::span<const std::byte> bytes, uint64_t at, int size) {
  uint64_t v = 0;
  for (int i = size; i-- > 0;)
    v = v << 8 | static_cast<uint64_t>(bytes[at + static_cast<uint64_t>(i)]);
  return v;
}
void AppendLe(std::string* out, uint64_t v, int size) {
  for (int i = 0; i < size; ++i) out->push_back(static_cast<char>(v >> (8 * i) & 0xff));
}

struct Member {
  std::string name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc = 0;
  uint64_t packed = 0;
  uint64_t unpacked = 0;
  uint64_t local_offset = 0;
};

struct Directory {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;
};

Result<Directory> FindDirectory(std::span<const std::byte> zip) {
  const Status not_zip = InvalidInput("not an npz (zip) file, or truncated");
  if (zip.size() < kEndBytes) return not_zip;
  const size_t lowest = zip.size() - std::min(zip.size(), kEndBytes + kMaxComment);
  size_t end = zip.size() - kEndBytes;
  while (LoadLe(zip, end, 4) != kEndSignature) {
    if (end == lowest) return not_zip;
    --end;
  }
  Directory d;
  d.entries = LoadLe(zip, end + 10, 2);
  d.bytes = LoadLe(zip, end + 12, 4);
  d.offset = LoadLe(zip, end + 16, 4);
  if (end >= kEnd64LocatorBytes &&
      LoadLe(zip, end - kEnd64LocatorBytes, 4) == kEnd64LocatorSignature) {
    const uint64_t at = LoadLe(zip, end - kEnd64LocatorBytes + 8, 8);
    if (at > zip.size() || zip.size() - at < kEnd64Bytes || LoadLe(zip, at, 4) != kEnd64Signature) {
      return InvalidInput("the zip64 directory is corrupt");
    }
    d.entries = LoadLe(zip, at + 32, 8);
    d.bytes = LoadLe(zip, at + 40, 8);
    d.offset = LoadLe(zip, at + 48, 8);
  }
  if (d.offset > zip.size() || d.bytes > zip.size() - d.offset ||
      d.entries > d.bytes / kDirectoryBytes) {
    return InvalidInput("the zip directory lies outside the file");
  }
  return d;
}

// Fills the 64-bit fields that the 32-bit ones defer to the extra field.
Status ApplyZip64(std::span<const std::byte> extra, Member* m) {
  size_t at = 0;
  while (extra.size() - at >= 4) {
    const uint64_t id = LoadLe(extra, at, 2);
    const uint64_t size = LoadLe(extra, at + 2, 2);
    at += 4;
    if (size > extra.size() - at) break;
    if (id == kZip64Extra) {
      uint64_t field = at;
      for (uint64_t* v : {&m->unpacked, &m->packed, &m->local_offset}) {
        if (*v != UINT32_MAX) continue;
        if (field + 8 > at + size) return InvalidInput("a zip64 field is truncated");
        *v = LoadLe(extra, field, 8);
        field += 8;
      }
    }
    at += size;
  }
  return OkStatus();
}

Result<std::vector<Member>> ReadDirectory(std::span<const std::byte> zip) {
  ADZE_ASSIGN(const Directory d, FindDirectory(zip));
  const std::span<const std::byte> bytes = zip.subspan(d.offset, d.bytes);
  std::vector<Member> members;
  std::set<std::string> names;
  uint64_t at = 0;
  for (uint64_t i = 0; i < d.entries; ++i) {
    if (bytes.size() - at < kDirectoryBytes || LoadLe(bytes, at, 4) != kDirectorySignature) {
      return InvalidInput("the zip directory is corrupt");
    }
    Member m;
    m.flags = static_cast<uint16_t>(LoadLe(bytes, at + 8, 2));
    m.method = static_cast<uint16_t>(LoadLe(bytes, at + 10, 2));
    m.crc = static_cast<uint32_t>(LoadLe(bytes, at + 16, 4));
    m.packed = LoadLe(bytes, at + 20, 4);
    m.unpacked = LoadLe(bytes, at + 24, 4);
    const uint64_t name_bytes = LoadLe(bytes, at + 28, 2);
    const uint64_t extra_bytes = LoadLe(bytes, at + 30, 2);
    const uint64_t comment_bytes = LoadLe(bytes, at + 32, 2);
    m.local_offset = LoadLe(bytes, at + 42, 4);
    at += kDirectoryBytes;
    if (name_bytes + extra_bytes + comment_bytes > bytes.size() - at) {
      return InvalidInput("the zip directory is corrupt");
    }
    m.name.assign(reinterpret_cast<const char*>(bytes.data() + at), name_bytes);
    ADZE_TRY(ApplyZip64(bytes.subspan(at + name_bytes, extra_bytes), &m));
    at += name_bytes + extra_bytes + comment_bytes;
    if (!names.insert(m.name).second) {
      return InvalidInput("member '" + m.name + "' occurs twice");
    }
    members.push_back(std::move(m));
  }
  return members;
}

// The member's packed bytes, found through its local header.
Result<std::span<const std::byte>> PackedBytes(std::span<const std::byte> zip, const Member& m) {
  if (m.local_offset > zip.size() || zip.size() - m.local_offset < kLocalBytes ||
      LoadLe(zip, m.local_offset, 4) != kLocalSignature) {
    return InvalidInput("no local header where the directory says");
  }
  const uint64_t start = m.local_offset + kLocalBytes + LoadLe(zip, m.local_offset + 26, 2) +
                         LoadLe(zip, m.local_offset + 28, 2);
  if (start > zip.size() || m.packed > zip.size() - start) {
    return InvalidInput("data lies outside the file");
  }
  return zip.subspan(start, m.packed);
}

uint32_t Crc(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// `budget`: bytes that deflated members may still unpack to.
Result<Tensor> ReadMember(std::span<const std::byte> packed, const Member& m,
                          const std::shared_ptr<const void>& owner, uint64_t* budget) {
  constexpr uint16_t kEncrypted = 1;
  constexpr uint16_t kStored = 0;
  constexpr uint16_t kDeflated = 8;
  if ((m.flags & kEncrypted) != 0) return Unsupported("encrypted members are not supported");
  if (m.method == kStored) {
    if (m.packed != m.unpacked) return InvalidInput("stored with two different sizes");
    if (Crc(packed) != m.crc) return InvalidInput("checksum mismatch");
    return ParseNpy(packed, owner);
  }
  if (m.method != kDeflated) {
    return Unsupported("compression method " + std::to_string(m.method) + " is not supported");
  }
  if (m.unpacked > kDeflateSlack && (m.unpacked - kDeflateSlack) / kMaxDeflateRatio > m.packed) {
    return InvalidInput("claims to unpack " + std::to_string(m.packed) + " bytes to " +
                        std::to_string(m.unpacked));
  }
  if (m.unpacked > *budget) {
    return InvalidInput("the archive unpacks to more than the limit");
  }
  *budget -= m.unpacked;
  ADZE_ASSIGN(Tensor buffer,
              Tensor::TryAllocate(DType::kUInt8, {static_cast<int64_t>(m.unpacked)}));
  const std::span<std::byte> out(static_cast<std::byte*>(buffer.mutable_raw()), buffer.bytes());
  ADZE_TRY(InflateRaw(packed, out));
  if (Crc(out) != m.crc) return InvalidInput("checksum mismatch");
  return ParseNpy(out, std::make_shared<const Tensor>(std::move(buffer)));
}

Result<std::vector<NamedTensor>> ReadMembers(const std::shared_ptr<const MappedFile>& file,
                                             uint64_t max_bytes) {
  const std::span<const std::byte> zip = file->bytes();
  ADZE_ASSIGN(const std::vector<Member> members, ReadDirectory(zip));
  std::vector<NamedTensor> tensors;
  uint64_t budget = max_bytes;
  uint64_t packed_total = 0;  // members that share bytes would exceed the file: an overlapping bomb
  for (const Member& m : members) {
    const std::string context = "member '" + m.name + "'";
    constexpr std::string_view kSuffix = ".npy";
    if (!m.name.ends_with(kSuffix)) return InvalidInput(context + ": not an npy file");
    Result<std::span<const std::byte>> packed = PackedBytes(zip, m);
    if (!packed.ok()) return packed.status().WithContext(context);
    packed_total += m.packed;
    if (packed_total > zip.size()) return InvalidInput(context + ": shares data with another");
    Result<Tensor> tensor = ReadMember(*packed, m, file, &budget);
    if (!tensor.ok()) return tensor.status().WithContext(context);
    tensors.push_back(
        {m.name.substr(0, m.name.size() - kSuffix.size()), std::move(tensor).value()});
  }
  return tensors;
}

// Version needed to extract … name length are the same in the local header and the directory.
void AppendCommonFields(std::string* out, uint32_t crc, uint64_t size, size_t name_bytes) {
  AppendLe(out, 20, 2);                       // version needed: 2.0
  AppendLe(out, 0x0800, 2);                   // flags: the name is UTF-8
  AppendLe(out, 0, 2);                        // stored
  AppendLe(out, 0, 2);                        // time: none, so that equal tensors give equal files
  AppendLe(out, (0 << 9) | (1 << 5) | 1, 2);  // date: 1980-01-01, the earliest
  AppendLe(out, crc, 4);
  AppendLe(out, size, 4);
  AppendLe(out, size, 4);
  AppendLe(out, name_bytes, 2);
}

}  // namespace

Result<std::vector<NamedTensor>> ReadNpz(const std::string& path, uint64_t max_bytes) {
  ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  Result<std::vector<NamedTensor>> tensors = ReadMembers(file, max_bytes);
  if (!tensors.ok()) return tensors.status().WithContext(path);
  return tensors;
}

Status WriteNpz(const std::string& path, std::span<const NamedTensor> tensors) {
  if (tensors.size() > UINT16_MAX) {
    return Unsupported(path + ": more than 65535 arrays are not supported");
  }
  ADZE_ASSIGN(const std::unique_ptr<AtomicFileWriter> file, AtomicFileWriter::Create(path));
  std::string directory;
  for (const NamedTensor& t : tensors) {
    const std::string name = t.name + ".npy";
    const std::string header = NpyHeader(t.tensor.dtype(), t.tensor.dims());
    const std::span<const std::byte> data(static_cast<const std::byte*>(t.tensor.raw()),
                                          t.tensor.bytes());
    const uint64_t size = header.size() + data.size();
    const uint64_t offset = file->bytes_written();
    if (name.size() > UINT16_MAX || offset + size >= UINT32_MAX) {
      return Unsupported(path + ": archives of 4 GiB and more are not supported");
    }
    const uint32_t crc = static_cast<uint32_t>(
        crc32_z(crc32_z(0, reinterpret_cast<const Bytef*>(header.data()), header.size()),
                reinterpret_cast<const Bytef*>(data.data()), data.size()));
    // The extra field pads the local header so that the npy begins at a multiple of 64.
    const size_t unpadded = offset + kLocalBytes + name.size() + 6;
    const size_t padding = (kDataAlignment - unpadded % kDataAlignment) % kDataAlignment;
    std::string local;
    AppendLe(&local, kLocalSignature, 4);
    AppendCommonFields(&local, crc, size, name.size());
    AppendLe(&local, 6 + padding, 2);
    local += name;
    AppendLe(&local, kAlignmentExtra, 2);
    AppendLe(&local, 2 + padding, 2);
    AppendLe(&local, kDataAlignment, 2);
    local.append(padding, '\0');
    ADZE_TRY(file->Append(local));
    ADZE_TRY(file->Append(header));
    ADZE_TRY(file->Append(data));

    AppendLe(&directory, kDirectorySignature, 4);
    AppendLe(&directory, 20, 2);  // made by version 2.0
    AppendCommonFields(&directory, crc, size, name.size());
    AppendLe(&directory, 0, 2);  // extra
    AppendLe(&directory, 0, 2);  // comment
    AppendLe(&directory, 0, 2);  // disk
    AppendLe(&directory, 0, 2);  // internal attributes
    AppendLe(&directory, 0, 4);  // external attributes
    AppendLe(&directory, offset, 4);
    directory += name;
  }
  const uint64_t directory_offset = file->bytes_written();
  if (directory_offset + directory.size() >= UINT32_MAX) {
    return Unsupported(path + ": archives of 4 GiB and more are not supported");
  }
  std::string end;
  AppendLe(&end, kEndSignature, 4);
  AppendLe(&end, 0, 4);  // this disk, disk of the directory
  AppendLe(&end, tensors.size(), 2);
  AppendLe(&end, tensors.size(), 2);
  AppendLe(&end, directory.size(), 4);
  AppendLe(&end, directory_offset, 4);
  AppendLe(&end, 0, 2);  // comment
  ADZE_TRY(file->Append(directory));
  ADZE_TRY(file->Append(end));
  return file->Commit();
}

}  // namespace adze
