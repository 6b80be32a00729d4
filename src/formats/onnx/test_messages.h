// A tiny protobuf writer and ONNX messages made with it: what the tests feed the reader,
// independent of the writer under test.
#ifndef ADZE_FORMATS_ONNX_TEST_MESSAGES_H_
#define ADZE_FORMATS_ONNX_TEST_MESSAGES_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/onnx/onnx.h"

namespace adze::onnx_test {

struct Message {
  std::string bytes;

  void Varint(uint64_t v) {
    for (; v >= 0x80; v >>= 7) bytes.push_back(static_cast<char>((v & 0x7f) | 0x80));
    bytes.push_back(static_cast<char>(v));
  }
  Message& Int(uint32_t field, int64_t v) {
    Varint(field << 3);
    Varint(static_cast<uint64_t>(v));
    return *this;
  }
  Message& Bytes(uint32_t field, std::string_view v) {
    Varint(field << 3 | 2);
    Varint(v.size());
    bytes += v;
    return *this;
  }
  Message& Sub(uint32_t field, const Message& m) { return Bytes(field, m.bytes); }
  Message& Float(uint32_t field, float v) {
    Varint(field << 3 | 5);
    char raw[4];
    std::memcpy(raw, &v, 4);
    bytes.append(raw, 4);
    return *this;
  }
};

template <typename T>
std::string Raw(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// ONNX element types.
enum {
  kFloat = 1,
  kUInt8 = 2,
  kInt8 = 3,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUInt32 = 12,
  kFloat8E4M3 = 17,
  kUInt4 = 21,
  kInt4 = 22,
  kInt2 = 26
};

inline Message TensorHead(std::string_view name, int type, const std::vector<int64_t>& dims) {
  Message m;
  for (int64_t d : dims) m.Int(1, d);
  m.Int(2, type);
  if (!name.empty()) m.Bytes(8, name);
  return m;
}
inline Message FloatTensor(std::string_view name, const std::vector<int64_t>& dims,
                           const std::vector<float>& values) {
  return TensorHead(name, kFloat, dims).Bytes(9, Raw(values));
}
inline Message IntTensor(std::string_view name, const std::vector<int64_t>& values) {
  return TensorHead(name, kInt64, {static_cast<int64_t>(values.size())}).Bytes(9, Raw(values));
}

// A dimension: its number, or its name ("" is unknown).
struct D {
  int64_t value = -1;
  std::string name;
  D(int64_t v) : value(v) {}     // NOLINT: implicit for brevity
  D(const char* n) : name(n) {}  // NOLINT
};
inline Message TypedValue(std::string_view name, int type, const std::vector<D>& dims) {
  Message shape;
  for (const D& d : dims) {
    Message dim;
    if (!d.name.empty()) {
      dim.Bytes(2, d.name);
    } else if (d.value >= 0) {
      dim.Int(1, d.value);
    }
    shape.Sub(1, dim);
  }
  const Message tensor = Message().Int(1, type).Sub(2, shape);
  return Message().Bytes(1, name).Sub(2, Message().Sub(1, tensor));
}

inline Message IntAttr(std::string_view name, int64_t v) {
  return Message().Bytes(1, name).Int(3, v).Int(20, 2);
}
inline Message FloatAttr(std::string_view name, float v) {
  return Message().Bytes(1, name).Float(2, v).Int(20, 1);
}
inline Message StringAttr(std::string_view name, std::string_view v) {
  return Message().Bytes(1, name).Bytes(4, v).Int(20, 3);
}
inline Message IntsAttr(std::string_view name, const std::vector<int64_t>& v) {
  Message m = Message().Bytes(1, name).Int(20, 7);
  for (int64_t x : v) m.Int(8, x);
  return m;
}
inline Message FloatsAttr(std::string_view name, const std::vector<float>& v) {
  Message m = Message().Bytes(1, name).Int(20, 6);
  for (float x : v) m.Float(7, x);
  return m;
}
inline Message TensorAttr(std::string_view name, const Message& tensor) {
  return Message().Bytes(1, name).Sub(5, tensor).Int(20, 4);
}
inline Message GraphAttr(std::string_view name, const Message& graph) {
  return Message().Bytes(1, name).Sub(6, graph).Int(20, 5);
}

inline Message MakeNode(std::string_view op, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs,
                        const std::vector<Message>& attrs = {}, std::string_view name = "") {
  Message m;
  for (const std::string& s : inputs) m.Bytes(1, s);
  for (const std::string& s : outputs) m.Bytes(2, s);
  if (!name.empty()) m.Bytes(3, name);
  m.Bytes(4, op);
  for (const Message& a : attrs) m.Sub(5, a);
  return m;
}

// What a GraphProto is made of.
struct GraphParts {
  std::vector<Message> nodes = {};
  std::vector<Message> initializers = {};
  std::vector<Message> inputs = {};
  std::vector<Message> outputs = {};
  std::vector<Message> value_infos = {};

  Message Build(std::string_view name = "g") const {
    Message m;
    for (const Message& n : nodes) m.Sub(1, n);
    m.Bytes(2, name);
    for (const Message& t : initializers) m.Sub(5, t);
    for (const Message& v : inputs) m.Sub(11, v);
    for (const Message& v : outputs) m.Sub(12, v);
    for (const Message& v : value_infos) m.Sub(13, v);
    return m;
  }
};

inline Message OpsetImport(std::string_view domain, int64_t version) {
  return Message().Bytes(1, domain).Int(2, version);
}
inline std::string Model(const GraphParts& graph, int64_t opset = 21, int64_t ir_version = 8) {
  return Message()
      .Int(1, ir_version)
      .Sub(8, OpsetImport("", opset))
      .Sub(8, OpsetImport("com.microsoft", 1))
      .Sub(7, graph.Build())
      .bytes;
}

// The graph keeps the bytes: its tensors may be views into them.
inline Result<Graph> Read(std::string bytes, const std::string& base_dir = "") {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return ReadOnnxFromMemory(std::as_bytes(std::span(*owner)), owner, base_dir);
}

}  // namespace adze::onnx_test

#endif  // ADZE_FORMATS_ONNX_TEST_MESSAGES_H_
