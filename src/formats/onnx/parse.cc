// Wire format -> structs of proto.h. A field whose wire type does not match its definition is
// skipped like an unknown one, as protobuf itself does; repeated numbers may be packed or not.
#include <protozero/pbf_reader.hpp>
#include <string>

#include "formats/onnx/proto.h"

namespace adze::onnx {
namespace {

using protozero::pbf_reader;

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

std::string_view View(pbf_reader& r) {
  const protozero::data_view v = r.get_view();
  return {v.data(), v.size()};
}

// Shortest-form, no surrogates, at most U+10FFFF.
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

class Parser {
 public:
  Status Model(pbf_reader r, ModelProto* m) {
    while (r.next()) {
      switch (r.tag_and_type()) {
        case Varint(1):
          m->ir_version = r.get_int64();
          break;
        case Bytes(2):
          ADZE_TRY(Text(r, &m->producer_name));
          break;
        case Bytes(3):
          ADZE_TRY(Text(r, &m->producer_version));
          break;
        case Bytes(4):
          ADZE_TRY(Text(r, &m->domain));
          break;
        case Varint(5):
          m->model_version = r.get_int64();
          break;
        case Bytes(6):
          ADZE_TRY(Text(r, &m->doc));
          break;
        case Bytes(7):
          if (m->has_graph) return InvalidInput("the model holds two graphs");
          m->has_graph = true;
          ADZE_TRY(Graph(r.get_message(), &m->graph, 0));
          break;
        case Bytes(8):
          ADZE_TRY(OpsetImport(r.get_message(), m));
          break;
        case Bytes(14):
          ADZE_TRY(StringPair(r.get_message(), &m->metadata_props));
          break;
        case Bytes(25):
          ADZE_TRY(FunctionName(r.get_message(), m));
          break;
        default:
          r.skip();
      }
    }
    return OkStatus();
  }

  Status Tensor(pbf_reader r, TensorProto* t) {
    ADZE_TRY(Count());
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
        case Bytes(13):
          ADZE_TRY(StringPair(r.get_message(), &t->external_data));
          break;
        case Varint(14):
          t->external = r.get_int64() == 1;
          break;
        default:
          r.skip();
      }
    }
    return OkStatus();
  }

 private:
  Status Count() {
    if (++messages_ > kMaxMessages) {
      return Unsupported("the model has more than " + std::to_string(kMaxMessages) +
                         " nodes, attributes, tensors and dimensions");
    }
    return OkStatus();
  }

  Status Text(pbf_reader& r, std::string_view* out) {
    *out = View(r);
    return IsUtf8(*out) ? OkStatus() : InvalidInput("a name or text of the model is not UTF-8");
  }
  Status Text(pbf_reader& r, std::vector<std::string_view>* out) {
    ADZE_TRY(Count());
    out->emplace_back();
    return Text(r, &out->back());
  }

  static Status IntField(const pbf_reader& r, TensorProto* t) {
    const int field = static_cast<int>(r.tag());
    if (t->int_field != 0 && t->int_field != field) {
      return InvalidInput("tensor '" + std::string(t->name) + "' has elements in two data fields");
    }
    t->int_field = field;
    return OkStatus();
  }

  Status StringPair(pbf_reader r, StringPairs* pairs) {
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

  Status OpsetImport(pbf_reader r, ModelProto* m) {
    ADZE_TRY(Count());
    std::pair<std::string_view, int64_t> import{};
    while (r.next()) {
      switch (r.tag_and_type()) {
        case Bytes(1):
          ADZE_TRY(Text(r, &import.first));
          break;
        case Varint(2):
          import.second = r.get_int64();
          break;
        default:
          r.skip();
      }
    }
    m->opset_imports.push_back(import);
    return OkStatus();
  }

  Status FunctionName(pbf_reader r, ModelProto* m) {
    ADZE_TRY(Count());
    std::string_view name;
    while (r.next()) {
      if (r.tag_and_type() == Bytes(1)) {
        ADZE_TRY(Text(r, &name));
      } else {
        r.skip();
      }
    }
    m->function_names.push_back(name);
    return OkStatus();
  }

  Status Graph(pbf_reader r, GraphProto* g, int depth) {
    ADZE_TRY(Count());
    if (depth > kMaxGraphDepth) {
      return Unsupported("graphs are nested deeper than " + std::to_string(kMaxGraphDepth) +
                         " levels");
    }
    while (r.next()) {
      switch (r.tag_and_type()) {
        case Bytes(1):
          g->nodes.emplace_back();
          ADZE_TRY(Node(r.get_message(), &g->nodes.back(), depth));
          break;
        case Bytes(2):
          ADZE_TRY(Text(r, &g->name));
          break;
        case Bytes(5):
          g->initializers.emplace_back();
          ADZE_TRY(Tensor(r.get_message(), &g->initializers.back()));
          break;
        case Bytes(11):
          ADZE_TRY(ValueInfo(r.get_message(), &g->inputs));
          break;
        case Bytes(12):
          ADZE_TRY(ValueInfo(r.get_message(), &g->outputs));
          break;
        case Bytes(13):
          ADZE_TRY(ValueInfo(r.get_message(), &g->value_infos));
          break;
        case Bytes(15):
          ++g->num_sparse_initializers;
          r.skip();
          break;
        default:
          r.skip();
      }
    }
    return OkStatus();
  }

  Status Node(pbf_reader r, NodeProto* n, int depth) {
    ADZE_TRY(Count());
    while (r.next()) {
      switch (r.tag_and_type()) {
        case Bytes(1):
          ADZE_TRY(Text(r, &n->inputs));
          break;
        case Bytes(2):
          ADZE_TRY(Text(r, &n->outputs));
          break;
        case Bytes(3):
          ADZE_TRY(Text(r, &n->name));
          break;
        case Bytes(4):
          ADZE_TRY(Text(r, &n->op_type));
          break;
        case Bytes(5):
          n->attributes.emplace_back();
          ADZE_TRY(Attribute(r.get_message(), &n->attributes.back(), depth));
          break;
        case Bytes(6):
          ADZE_TRY(Text(r, &n->doc));
          break;
        case Bytes(7):
          ADZE_TRY(Text(r, &n->domain));
          break;
        default:
          r.skip();
      }
    }
    return OkStatus();
  }

  Status Attribute(pbf_reader r, AttributeProto* a, int depth) {
    ADZE_TRY(Count());
    AttributeType seen = AttributeType::kUndefined;  // what the type is when the file does not say
    while (r.next()) {
      switch (r.tag_and_type()) {
        case Bytes(1):
          ADZE_TRY(Text(r, &a->name));
          break;
        case Fixed32(2):
          a->f = r.get_float();
          seen = AttributeType::kFloat;
          break;
        case Varint(3):
          a->i = r.get_int64();
          seen = AttributeType::kInt;
          break;
        case Bytes(4):
          a->s = View(r);
          seen = AttributeType::kString;
          break;
        case Bytes(5):
          a->t = std::make_unique<TensorProto>();
          ADZE_TRY(Tensor(r.get_message(), a->t.get()));
          seen = AttributeType::kTensor;
          break;
        case Bytes(6):
          a->g = std::make_unique<GraphProto>();
          ADZE_TRY(Graph(r.get_message(), a->g.get(), depth + 1));
          seen = AttributeType::kGraph;
          break;
        case Bytes(7):
          for (float f : r.get_packed_float()) a->floats.push_back(f);
          seen = AttributeType::kFloats;
          break;
        case Fixed32(7):
          a->floats.push_back(r.get_float());
          seen = AttributeType::kFloats;
          break;
        case Bytes(8):
          for (int64_t v : r.get_packed_int64()) a->ints.push_back(v);
          seen = AttributeType::kInts;
          break;
        case Varint(8):
          a->ints.push_back(r.get_int64());
          seen = AttributeType::kInts;
          break;
        case Bytes(9):
          ADZE_TRY(Count());
          a->strings.push_back(View(r));
          seen = AttributeType::kStrings;
          break;
        case Varint(20):
          a->type = static_cast<AttributeType>(r.get_int64());
          break;
        case Bytes(21): {
          std::string_view reference;
          ADZE_TRY(Text(r, &reference));
          a->is_reference = !reference.empty();
          break;
        }
        default:
          r.skip();
      }
    }
    if (a->type == AttributeType::kUndefined) a->type = seen;
    return OkStatus();
  }

  Status ValueInfo(pbf_reader r, std::vector<ValueInfoProto>* list) {
    ADZE_TRY(Count());
    ValueInfoProto& v = list->emplace_back();
    while (r.next()) {
      switch (r.tag_and_type()) {
        case Bytes(1):
          ADZE_TRY(Text(r, &v.name));
          break;
        case Bytes(2):
          ADZE_TRY(Type(r.get_message(), &v));
          break;
        default:
          r.skip();
      }
    }
    return OkStatus();
  }

  Status Type(pbf_reader r, ValueInfoProto* v) {
    v->has_type = true;
    while (r.next()) {
      if (r.tag_and_type() != Bytes(1)) {
        r.skip();
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
    return OkStatus();
  }

  Status Shape(pbf_reader r, ValueInfoProto* v) {
    v->has_shape = true;
    while (r.next()) {
      if (r.tag_and_type() != Bytes(1)) {
        r.skip();
        continue;
      }
      ADZE_TRY(Count());
      DimProto& d = v->dims.emplace_back();
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
          default:
            dim.skip();
        }
      }
    }
    return OkStatus();
  }

  int64_t messages_ = 0;
};

// Protobuf lengths are 32 bits wide and messages end at 2 GiB.
constexpr size_t kMaxMessageBytes = (size_t{1} << 31) - 1;

template <typename Message, typename Fn>
Result<Message> Parse(std::string_view bytes, Fn&& parse) {
  if (bytes.size() > kMaxMessageBytes) {
    return InvalidInput("larger than 2 GiB, which no protobuf message can be");
  }
  try {
    Message message;
    Parser parser;
    ADZE_TRY(parse(parser, pbf_reader(bytes.data(), bytes.size()), &message));
    return message;
  } catch (const protozero::exception&) {
    return InvalidInput("truncated or not a protobuf message");
  } catch (const std::bad_alloc&) {
    return InvalidInput("out of memory while parsing");
  }
}

}  // namespace

Result<ModelProto> ParseModel(std::string_view bytes) {
  return Parse<ModelProto>(bytes,
                           [](Parser& p, pbf_reader r, ModelProto* m) { return p.Model(r, m); });
}

Result<TensorProto> ParseTensor(std::string_view bytes) {
  return Parse<TensorProto>(bytes,
                            [](Parser& p, pbf_reader r, TensorProto* t) { return p.Tensor(r, t); });
}

}  // namespace adze::onnx
