#include "formats/onnx/parse_parts.h"

#include <string>

#include "formats/onnx/wire.h"

namespace adze::onnx {

using protozero::pbf_reader;

namespace {

Status IntField(const pbf_reader& r, TensorProto* t) {
  const int field = static_cast<int>(r.tag());
  if (t->int_field != 0 && t->int_field != field) {
    return InvalidInput("tensor '" + std::string(t->name) + "' has elements in two data fields");
  }
  t->int_field = field;
  return OkStatus();
}

}  // namespace

Status PartParser::Count() {
  if (++messages_ > kMaxMessages) {
    return Unsupported("the model has more than " + std::to_string(kMaxMessages) +
                       " nodes, attributes, tensors and dimensions");
  }
  return OkStatus();
}

Status PartParser::Text(pbf_reader& r, std::string_view* out) {
  *out = View(r);
  return IsUtf8(*out) ? OkStatus() : InvalidInput("a name or text of the model is not UTF-8");
}
Status PartParser::Text(pbf_reader& r, std::vector<std::string_view>* out) {
  ADZE_TRY(Count());
  out->emplace_back();
  return Text(r, &out->back());
}

Status PartParser::StringPair(pbf_reader r, StringPairs* pairs) {
  ADZE_TRY(Count());
  std::pair<std::string_view, std::string_view> pair;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case Bytes(1):
        ADZE_TRY(Text(r, &pair.first));
        break;
      case Bytes(2):
        ADZE_TRY(Text(r, &pair.second));
        break;
      default:
        r.skip();
    }
  }
  pairs->push_back(pair);
  return OkStatus();
}

Status PartParser::KeepPair(pbf_reader& r, std::string* notes) {
  pbf_reader field = r;
  StringPairs checked;
  ADZE_TRY(StringPair(r.get_message(), &checked));
  KeepUnread(field, 0, notes);
  return OkStatus();
}
Status PartParser::KeepAnnotation(pbf_reader& r, std::string* notes) {
  pbf_reader field = r;
  std::string_view tensor;
  StringPairs checked;
  pbf_reader annotation = r.get_message();
  while (annotation.next()) {
    switch (annotation.tag_and_type()) {
      case Bytes(1):
        ADZE_TRY(Text(annotation, &tensor));
        break;
      case Bytes(2):
        ADZE_TRY(StringPair(annotation.get_message(), &checked));
        break;
      default:
        annotation.skip();
    }
  }
  KeepUnread(field, 0, notes);
  return OkStatus();
}

Status PartParser::Tensor(pbf_reader r, TensorProto* t) {
  ADZE_TRY(Count());
  std::string_view doc;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case Bytes(1):
        for (int64_t d : r.get_packed_int64()) t->dims.push_back(d);
        break;
      case Varint(1):
        t->dims.push_back(r.get_int64());
        break;
      case Varint(2):
        t->data_type = r.get_int64();
        break;
      case Bytes(4):
        for (float f : r.get_packed_float()) t->float_data.push_back(f);
        break;
      case Fixed32(4):
        t->float_data.push_back(r.get_float());
        break;
      case Bytes(5):
      case Bytes(7):
      case Bytes(11):
        ADZE_TRY(IntField(r, t));
        for (int64_t v : r.get_packed_int64()) t->int_data.push_back(v);
        break;
      case Varint(5):
      case Varint(7):
      case Varint(11):
        ADZE_TRY(IntField(r, t));
        t->int_data.push_back(r.get_int64());
        break;
      case Bytes(6):
        ++t->num_strings;
        r.skip();
        break;
      case Bytes(8):
        ADZE_TRY(Text(r, &t->name));
        break;
      case Bytes(9):
        t->has_raw = true;
        t->raw = View(r);
        break;
      case Bytes(10):
        for (double d : r.get_packed_double()) t->double_data.push_back(d);
        break;
      case Fixed64(10):
        t->double_data.push_back(r.get_double());
        break;
      case Bytes(12):
        ADZE_TRY(Text(r, &doc));
        break;
      case Bytes(13):
        ADZE_TRY(StringPair(r.get_message(), &t->external_data));
        break;
      case Varint(14):
        t->external = r.get_int64() == 1;
        break;
      case Bytes(16):
        ADZE_TRY(KeepPair(r, &t->notes));
        break;
      default:  // 3 is the position of a chunk in a larger tensor: the elements are checked
        KeepUnread(r, FieldSet({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16}), &t->notes);
    }
  }
  AppendText(12, doc, &t->notes);
  return OkStatus();
}

Status PartParser::ValueInfo(pbf_reader r, std::vector<ValueInfoProto>* list) {
  ADZE_TRY(Count());
  ValueInfoProto& v = list->emplace_back();
  std::string_view doc;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case Bytes(1):
        ADZE_TRY(Text(r, &v.name));
        break;
      case Bytes(2):
        ADZE_TRY(Type(r.get_message(), &v));
        break;
      case Bytes(3):
        ADZE_TRY(Text(r, &doc));
        break;
      case Bytes(4):
        ADZE_TRY(KeepPair(r, &v.notes));
        break;
      default:
        KeepUnread(r, FieldSet({1, 2, 3, 4}), &v.notes);
    }
  }
  AppendText(3, doc, &v.notes);
  return OkStatus();
}

Status PartParser::Type(pbf_reader r, ValueInfoProto* v) {
  v->has_type = true;
  std::string_view denotation;
  while (r.next()) {
    if (r.tag_and_type() == Bytes(6)) {
      ADZE_TRY(Text(r, &denotation));
      continue;
    }
    if (r.tag_and_type() != Bytes(1)) {  // 4, 5, 7, 8, 9: sequences, maps and the like
      KeepUnread(r, FieldSet({1, 4, 5, 6, 7, 8, 9}), &v->type_notes);
      continue;
    }
    v->is_tensor = true;
    pbf_reader tensor = r.get_message();
    while (tensor.next()) {
      switch (tensor.tag_and_type()) {
        case Varint(1):
          v->elem_type = tensor.get_int64();
          break;
        case Bytes(2):
          ADZE_TRY(Shape(tensor.get_message(), v));
          break;
        default:
          tensor.skip();
      }
    }
  }
  AppendText(6, denotation, &v->type_notes);
  return OkStatus();
}

Status PartParser::Shape(pbf_reader r, ValueInfoProto* v) {
  v->has_shape = true;
  while (r.next()) {
    if (r.tag_and_type() != Bytes(1)) {
      r.skip();
      continue;
    }
    ADZE_TRY(Count());
    DimProto& d = v->dims.emplace_back();
    std::string_view denotation;
    pbf_reader dim = r.get_message();
    while (dim.next()) {
      switch (dim.tag_and_type()) {
        case Varint(1):
          d.kind = DimProto::kValue;
          d.value = dim.get_int64();
          break;
        case Bytes(2):
          d.kind = DimProto::kParam;
          ADZE_TRY(Text(dim, &d.param));
          break;
        case Bytes(3):
          ADZE_TRY(Text(dim, &denotation));
          break;
        default:
          KeepUnread(dim, FieldSet({1, 2, 3}), &d.notes);
      }
    }
    AppendText(3, denotation, &d.notes);
  }
  return OkStatus();
}

}  // namespace adze::onnx
