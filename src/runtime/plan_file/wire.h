// Little-endian numbers and strings in a row.
#ifndef ADZE_RUNTIME_PLAN_FILE_WIRE_H_
#define ADZE_RUNTIME_PLAN_FILE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace adze::plan_file {

class ByteWriter {
 public:
  template <typename T>
  void Put(T v) {
    static_assert(std::is_arithmetic_v<T>);
    Bytes(std::as_bytes(std::span(&v, 1)));
  }
  void Bytes(std::span<const std::byte> b) { bytes_.insert(bytes_.end(), b.begin(), b.end()); }
  void String(std::string_view s) {
    Put(static_cast<uint32_t>(s.size()));
    Bytes(std::as_bytes(std::span(s.data(), s.size())));
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// Reading past the end gives zeros and empty strings, and ok() is false from then on.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename T>
  T Get() {
    static_assert(std::is_arithmetic_v<T>);
    T v{};
    if (const std::span<const std::byte> b = Bytes(sizeof(T)); !b.empty()) {
      std::memcpy(&v, b.data(), sizeof(T));
    }
    return v;
  }
  std::span<const std::byte> Bytes(size_t n) {
    if (n > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::span<const std::byte> b = bytes_.first(n);
    bytes_ = bytes_.subspan(n);
    return b;
  }
  std::string_view String() {
    const std::span<const std::byte> b = Bytes(Get<uint32_t>());
    return {reinterpret_cast<const char*>(b.data()), b.size()};
  }
  // A number of items of at least `item_bytes` each: never more than the rest can hold, so that the
  // caller may allocate for them.
  uint32_t Count(size_t item_bytes) {
    const uint32_t n = Get<uint32_t>();
    if (n <= bytes_.size() / item_bytes) return n;
    ok_ = false;
    bytes_ = {};
    return 0;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

}  // namespace adze::plan_file

#endif  // ADZE_RUNTIME_PLAN_FILE_WIRE_H_
