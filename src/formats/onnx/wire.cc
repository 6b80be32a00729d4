#include "formats/onnx/wire.h"

namespace adze::onnx {

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t k) { return static_cast<uint8_t>(text[i + k]); };
    const uint8_t lead = byte(0);
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xc2 ? 0
                          : lead < 0xe0 ? 2
                          : lead < 0xf0 ? 3
                          : lead < 0xf5 ? 4
                                        : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((byte(k) & 0xc0) != 0x80) return false;
    }
    if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
        (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) {
      return false;
    }
    i += length;
  }
  return true;
}

void CopyField(protozero::pbf_reader& r, protozero::pbf_writer& w) {
  const protozero::pbf_tag_type field = r.tag();
  switch (r.wire_type()) {
    case protozero::pbf_wire_type::varint:
      w.add_uint64(field, r.get_uint64());
      break;
    case protozero::pbf_wire_type::fixed64:
      w.add_fixed64(field, r.get_fixed64());
      break;
    case protozero::pbf_wire_type::fixed32:
      w.add_fixed32(field, r.get_fixed32());
      break;
    case protozero::pbf_wire_type::length_delimited:
      w.add_bytes(field, r.get_view());
      break;
    default:  // groups; pbf_reader::next has refused them
      r.skip();
  }
}

void KeepUnread(protozero::pbf_reader& r, uint32_t defined, std::string* notes) {
  const protozero::pbf_tag_type field = r.tag();
  if (field < 32 && (defined >> field & 1) != 0) {
    r.skip();
    return;
  }
  protozero::pbf_writer w(*notes);
  CopyField(r, w);
}

void AppendText(uint32_t field, std::string_view text, std::string* notes) {
  if (text.empty()) return;
  protozero::pbf_writer(*notes).add_bytes(field, text.data(), text.size());
}

}  // namespace adze::onnx
