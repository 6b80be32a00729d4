// The ONNX messages as plain structs, parsed from the protobuf wire format. Strings and bytes are
// views into the message; nothing here is interpreted beyond its wire type. Field numbers:
// onnx.proto of the ONNX project. `notes` are the fields that adze does not read (doc strings,
// metadata, numbers that it does not know), as wire.h says.
#ifndef ADZE_FORMATS_ONNX_PROTO_H_
#define ADZE_FORMATS_ONNX_PROTO_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace adze::onnx {

struct GraphProto;
using StringPairs = std::vector<std::pair<std::string_view, std::string_view>>;

struct TensorProto {
  std::string_view name;
  std::vector<int64_t> dims;
  int64_t data_type = 0;
  bool external = false;
  bool has_raw = false;
  std::string_view raw;  // little-endian elements
  std::vector<float> float_data;
  std::vector<int64_t> int_data;  // int32_data or int64_data or uint64_data (bits), see int_field
  int int_field = 0;              // field number that int_data came from
  std::vector<double> double_data;
  size_t num_strings = 0;
  StringPairs external_data;
  std::string notes;
};

// AttributeProto.AttributeType.
enum class AttributeType : int64_t {
  kUndefined = 0,
  kFloat = 1,
  kInt = 2,
  kString = 3,
  kTensor = 4,
  kGraph = 5,
  kFloats = 6,
  kInts = 7,
  kStrings = 8,
};

struct AttributeProto {
  std::string_view name;
  AttributeType type = AttributeType::kUndefined;  // other values: kinds that adze does not read
  bool is_reference = false;                       // ref_attr_name is set
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  std::unique_ptr<TensorProto> t;
  std::unique_ptr<GraphProto> g;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  std::string notes;
};

struct NodeProto {
  std::string_view name;
  std::string_view op_type;
  std::string_view domain;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<AttributeProto> attributes;
  std::string notes;  // doc_string included
};

struct DimProto {
  enum Kind : uint8_t { kUnknown, kValue, kParam } kind = kUnknown;
  int64_t value = 0;
  std::string_view param;
  std::string notes;
};

struct ValueInfoProto {
  std::string_view name;
  bool is_tensor = false;  // false: sequence, map, optional, sparse tensor or no type at all
  bool has_type = false;
  int64_t elem_type = 0;
  bool has_shape = false;
  std::vector<DimProto> dims;
  std::string notes;
  std::string type_notes;  // of the TypeProto in it
};

struct GraphProto {
  std::string_view name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<ValueInfoProto> inputs;
  std::vector<ValueInfoProto> outputs;
  std::vector<ValueInfoProto> value_infos;
  size_t num_sparse_initializers = 0;
  std::string notes;
};

struct ModelProto {
  int64_t ir_version = 0;
  std::vector<std::pair<std::string_view, int64_t>> opset_imports;
  std::string_view producer_name;
  std::string_view producer_version;
  std::string_view domain;
  std::string_view doc;
  int64_t model_version = 0;
  bool has_graph = false;
  GraphProto graph;
  StringPairs metadata_props;
  std::vector<std::string_view> function_names;
  std::string notes;
};

// Parse a whole message. Refused: malformed wire format (protozero's exceptions are caught here),
// names that are not UTF-8, graphs nested deeper than kMaxGraphDepth, more than kMaxMessages nodes,
// attributes, tensors, values and dimensions together (the structs are larger than their wire form,
// so this bounds memory).
inline constexpr int kMaxGraphDepth = 16;
inline constexpr int64_t kMaxMessages = int64_t{1} << 21;
Result<ModelProto> ParseModel(std::string_view bytes);
Result<TensorProto> ParseTensor(std::string_view bytes);

}  // namespace adze::onnx

#endif  // ADZE_FORMATS_ONNX_PROTO_H_
