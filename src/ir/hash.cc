// SHA-256 over the meaning of a graph.
#include <bit>

#include "ir/graph.h"
#include "ir/sha256.h"

namespace adze {
namespace {

// Every item is written with its length or kind, so that no two graphs share one byte stream.
class Hasher {
 public:
  void Bytes(const void* data, size_t size) { hash_.Update(data, size); }
  void Int(int64_t v) { Bytes(&v, sizeof(v)); }
  void Text(std::string_view s) {
    Int(static_cast<int64_t>(s.size()));
    Bytes(s.data(), s.size());
  }
  void Floats(std::span<const float> values) {
    Int(static_cast<int64_t>(values.size()));
    Bytes(values.data(), values.size_bytes());
  }
  void Contents(const Tensor& t) {
    Int(static_cast<int64_t>(t.dtype()));
    Int(t.rank());
    for (int64_t d : t.dims()) Int(d);
    Bytes(t.raw(), t.bytes());
  }
  void Type(const TensorType& t) {
    Int(static_cast<int64_t>(t.dtype));
    Text(t.shape ? ShapeToString(*t.shape) : "?");
    Int(t.quant ? 1 : 0);
    if (!t.quant) return;
    Int(static_cast<int64_t>(t.quant->storage));
    Int(t.quant->axis);
    Int(t.quant->block_size);
    Floats(t.quant->scale);
    Int(static_cast<int64_t>(t.quant->zero_point.size()));
    for (int32_t z : t.quant->zero_point) Int(z);
    // Absent where it is empty: hashes of affine networks are in files of earlier versions.
    if (!t.quant->codebook.empty()) Floats(t.quant->codebook);
  }
  void Attr(const AttrValue& value) {
    Int(static_cast<int64_t>(value.index()));
    std::visit(
        [&](const auto& v) {
          using T = std::decay_t<decltype(v)>;
          if constexpr (std::is_same_v<T, int64_t>) {
            Int(v);
          } else if constexpr (std::is_same_v<T, float>) {
            Int(std::bit_cast<int32_t>(v));
          } else if constexpr (std::is_same_v<T, std::string>) {
            Text(v);
          } else if constexpr (std::is_same_v<T, Tensor>) {
            Contents(v);
          } else if constexpr (std::is_same_v<T, std::vector<float>>) {
            Floats(v);
          } else {
            Int(static_cast<int64_t>(v.size()));
            for (const auto& item : v) {
              if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
                Int(item);
              } else {
                Text(item);
              }
            }
          }
        },
        value);
  }
  std::string Finish() { return hash_.Finish(); }

 private:
  Sha256 hash_;
};

void HashValue(const Graph& graph, ValueId id, Hasher* h) {
  if (id == kNoId) {
    h->Text("");
    return;
  }
  const Value& v = graph.value(id);
  h->Text(v.name);
  h->Type(v.type);
  if (v.is_constant()) h->Contents(v.constant);
}

void HashRegion(const Graph& graph, RegionId region, Hasher* h) {
  const Region& r = graph.region(region);
  h->Int(static_cast<int64_t>(r.inputs.size()));
  for (ValueId id : r.inputs) HashValue(graph, id, h);
  h->Int(static_cast<int64_t>(r.nodes.size()));
  for (NodeId id : r.nodes) {
    const Node& n = graph.node(id);
    h->Text(n.op.ToString());
    h->Int(static_cast<int64_t>(n.inputs.size()));
    for (ValueId in : n.inputs) HashValue(graph, in, h);
    h->Int(static_cast<int64_t>(n.outputs.size()));
    for (ValueId out : n.outputs) HashValue(graph, out, h);
    h->Int(static_cast<int64_t>(n.attrs.size()));
    for (const auto& [name, value] : n.attrs) {
      h->Text(name);
      h->Attr(value);
    }
    h->Int(static_cast<int64_t>(n.regions.size()));
    for (const auto& [name, inner] : n.regions) {
      h->Text(name);
      HashRegion(graph, inner, h);
    }
  }
  h->Int(static_cast<int64_t>(r.outputs.size()));
  for (ValueId id : r.outputs) HashValue(graph, id, h);
}

}  // namespace

std::string GraphHash(const Graph& graph) {
  Hasher h;
  h.Text("adze graph 1");
  HashRegion(graph, 0, &h);
  return h.Finish();
}

}  // namespace adze
