// How a family's argument struct stands in a plan file: its fields one after another in the order
// of runtime/args_fields.h, 4 or 8 bytes each, little-endian, without padding.
#ifndef ADZE_RUNTIME_ARGS_CODEC_H_
#define ADZE_RUNTIME_ARGS_CODEC_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace adze {

struct ArgsCodec {
  size_t struct_bytes = 0;  // 0: the family has no arguments
  size_t file_bytes = 0;
  void (*encode)(const std::byte* args, std::byte* file) = nullptr;
  void (*decode)(const std::byte* file, std::byte* args) = nullptr;
};

namespace internal {

static_assert(std::endian::native == std::endian::little);

template <typename T>
concept Field = (std::is_arithmetic_v<T> || std::is_enum_v<T>)&&(sizeof(T) == 4 || sizeof(T) == 8);

// Visitors of fields; `each` takes one.
template <typename Each>
struct FieldVisitor {
  Each each;
  template <typename... T>
  constexpr void operator()(T&... fields) {
    (One(fields), ...);
  }
  template <Field T>
  constexpr void One(T& field) {
    each(field);
  }
  template <Field T, size_t n>
  constexpr void One(T (&fields)[n]) {
    for (T& field : fields) each(field);
  }
};
template <typename Each>
FieldVisitor(Each) -> FieldVisitor<Each>;

template <typename Args>
constexpr size_t FileBytes() {
  Args args{};
  size_t bytes = 0;
  FieldVisitor visitor{[&](auto& field) { bytes += sizeof(field); }};
  VisitFields(visitor, args);
  return bytes;
}

}  // namespace internal

// Args needs a VisitFields.
template <typename Args>
constexpr ArgsCodec ArgsCodecOf() {
  static_assert(std::is_trivially_copyable_v<Args>);
  constexpr size_t kFileBytes = internal::FileBytes<Args>();
  static_assert(sizeof(Args) - kFileBytes < alignof(Args), "VisitFields leaves out a field");
  return {sizeof(Args), kFileBytes,
          [](const std::byte* bytes, std::byte* file) {
            Args args;
            std::memcpy(&args, bytes, sizeof(args));
            internal::FieldVisitor visitor{[&](auto& field) {
              std::memcpy(file, &field, sizeof(field));
              file += sizeof(field);
            }};
            VisitFields(visitor, args);
          },
          [](const std::byte* file, std::byte* bytes) {
            Args args{};
            internal::FieldVisitor visitor{[&](auto& field) {
              std::memcpy(&field, file, sizeof(field));
              file += sizeof(field);
            }};
            VisitFields(visitor, args);
            std::memcpy(bytes, &args, sizeof(args));
          }};
}

}  // namespace adze

#endif  // ADZE_RUNTIME_ARGS_CODEC_H_
