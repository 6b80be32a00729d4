// Pieces of reading protobuf messages that protozero leaves to its users: tags as switch labels,
// texts that must be UTF-8, and fields that are carried along without being read ("notes").
//
// Notes are fields in wire form, one after another, re-encoded in the shortest form: what they say
// is unchanged and they are never longer than in the file.
#ifndef ADZE_FORMATS_ONNX_WIRE_H_
#define ADZE_FORMATS_ONNX_WIRE_H_

#include <cstdint>
#include <initializer_list>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>

namespace adze::onnx {

// Field number and wire type as one number, for `switch (r.tag_and_type())`.
constexpr uint32_t Bytes(uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::length_delimited);
}
constexpr uint32_t Varint(uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::varint);
}
constexpr uint32_t Fixed32(uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::fixed32);
}
constexpr uint32_t Fixed64(uint32_t field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::fixed64);
}

// A set of field numbers below 32.
constexpr uint32_t FieldSet(std::initializer_list<uint32_t> fields) {
  uint32_t set = 0;
  for (uint32_t f : fields) set |= uint32_t{1} << f;
  return set;
}

inline std::string_view View(protozero::pbf_reader& r) {
  const protozero::data_view v = r.get_view();
  return {v.data(), v.size()};
}

// Shortest-form, no surrogates, at most U+10FFFF.
bool IsUtf8(std::string_view text);

// Copies the reader's current field, contents unseen, and moves past it. Throws what the reader
// throws on a malformed field.
void CopyField(protozero::pbf_reader& r, protozero::pbf_writer& w);

// For the `default:` of a switch over the fields of a message: appends the current field to
// `notes`, unless its number is one of `defined`. Such a field has the wrong wire type and is
// skipped, as protobuf does: carried along, it would stand beside the real one.
void KeepUnread(protozero::pbf_reader& r, uint32_t defined, std::string* notes);

// Appends a text field; nothing if the text is empty.
void AppendText(uint32_t field, std::string_view text, std::string* notes);

}  // namespace adze::onnx

#endif  // ADZE_FORMATS_ONNX_WIRE_H_
