// Wire format -> structs of proto.h. A field whose wire type does not match its definition is
// skipped; repeated numbers may be packed or not. Fields that adze does not read go to the `notes`
// of their message; texts and pairs among them are checked first, and a text given twice counts
// once.
#include "formats/onnx/parse_parts.h"
#include "formats/onnx/proto.h"
#include "formats/onnx/wire.h"

namespace adze::onnx {
namespace {

using protozero::pbf_reader;

class Parser : public PartParser {
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
          KeepUnread(r, FieldSet({1, 2, 3, 4, 5, 6, 7, 8, 14, 25}), &m->notes);
      }
    }
    return OkStatus();
  }

 private:
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
    std::string_view doc;
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
        case Bytes(10):
          ADZE_TRY(Text(r, &doc));
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
        case Bytes(14):
          ADZE_TRY(KeepAnnotation(r, &g->notes));
          break;
        case Bytes(15):
          ++g->num_sparse_initializers;
          r.skip();
          break;
        case Bytes(16):
          ADZE_TRY(KeepPair(r, &g->notes));
          break;
        default:
          KeepUnread(r, FieldSet({1, 2, 5, 10, 11, 12, 13, 14, 15, 16}), &g->notes);
      }
    }
    AppendText(10, doc, &g->notes);
    return OkStatus();
  }

  Status Node(pbf_reader r, NodeProto* n, int depth) {
    ADZE_TRY(Count());
    std::string_view doc, overload;
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
          ADZE_TRY(Text(r, &doc));
          break;
        case Bytes(7):
          ADZE_TRY(Text(r, &n->domain));
          break;
        case Bytes(8):
          ADZE_TRY(Text(r, &overload));
          break;
        case Bytes(9):
          ADZE_TRY(KeepPair(r, &n->notes));
          break;
        default:
          KeepUnread(r, FieldSet({1, 2, 3, 4, 5, 6, 7, 8, 9}), &n->notes);
      }
    }
    AppendText(6, doc, &n->notes);
    AppendText(8, overload, &n->notes);
    return OkStatus();
  }

  Status Attribute(pbf_reader r, AttributeProto* a, int depth) {
    ADZE_TRY(Count());
    std::string_view doc;
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
        case Bytes(13):
          ADZE_TRY(Text(r, &doc));
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
        default:  // 10, 11, 14, 15, 22, 23: values of kinds that adze does not read
          KeepUnread(r, FieldSet({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 20, 21, 22, 23}),
                     &a->notes);
      }
    }
    AppendText(13, doc, &a->notes);
    if (a->type == AttributeType::kUndefined) a->type = seen;
    return OkStatus();
  }
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
