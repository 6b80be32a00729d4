// Reading and writing ONNX models (.onnx) over the protobuf wire format.
//
// Reading maps the file and keeps weights as views into it; every node is adapted from the file's
// opset to the semantics of kCanonicalOpset (adapt.h). Writing lowers each node to the oldest form
// that expresses it (form.h).
#ifndef ADZE_FORMATS_ONNX_ONNX_H_
#define ADZE_FORMATS_ONNX_ONNX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "ir/graph.h"
#include "ops/tensor.h"

namespace adze {

// Opsets of the default domain that can be read.
inline constexpr int kOldestOnnxOpset = 7;
inline constexpr int kNewestOnnxOpset = 25;

// Reads a model file and infers its types. Refusals name the file and, where there is one, the node
// or tensor: kInvalidInput for a broken model, kUnsupported for a well-formed one that adze cannot
// represent. Operators unknown to adze are kept as they are (their outputs have the types the file
// declares). Initializers and Constant nodes become constants of the graph; weights in external
// files must lie inside the model's folder.
Result<Graph> ReadOnnx(const std::string& path);

// The same for a model in memory. `owner` keeps `bytes` alive as long as tensors of the graph view
// them (null: the caller does). External data is looked up in `base_dir`; empty refuses it.
Result<Graph> ReadOnnxFromMemory(std::span<const std::byte> bytes,
                                 std::shared_ptr<const void> owner, const std::string& base_dir);

// A serialized TensorProto on its own (.pb), the form of ONNX's test vectors.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};
Result<NamedTensor> ReadOnnxTensor(const std::string& path);

struct OnnxWriteOptions {
  // The opset is the lowest that expresses the graph, but not below this one (13 to
  // kCanonicalOpset).
  int min_opset = 13;
  // Keep weights in `<path>.data`. They go there in any case when the model would exceed
  // `max_inline_bytes` (protobuf messages end at 2 GiB).
  bool external_data = false;
  uint64_t max_inline_bytes = 2'000'000'000;
};

// Writes `path` (and `<path>.data`) whole or not at all. Names, symbolic dimension names, doc
// strings, metadata and fields that adze does not know are kept (notes.h; docs/onnx.md has the
// list). Refuses graphs with quantized values (lower them to Quantize/DequantizeLinear first),
// operators of adze's own domain and operators it does not know unless the opset they were read
// with can be kept.
Status WriteOnnx(const Graph& graph, const std::string& path, const OnnxWriteOptions& options = {});

// The IR version that introduced an opset of the default domain (7 to kNewestOnnxOpset).
int OnnxIrVersionFor(int opset);

}  // namespace adze

#endif  // ADZE_FORMATS_ONNX_ONNX_H_
