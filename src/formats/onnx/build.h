// Parsed messages -> Graph.
#ifndef ADZE_FORMATS_ONNX_BUILD_H_
#define ADZE_FORMATS_ONNX_BUILD_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/status.h"
#include "formats/onnx/proto.h"
#include "formats/onnx/tensor_proto.h"
#include "ir/graph.h"

namespace adze::onnx {

// Builds the graph of a model whose bytes `owner` keeps alive, with types inferred as far as they
// can be.
Result<Graph> BuildGraph(const ModelProto& model, std::shared_ptr<const void> owner,
                         ExternalFiles* external);

// "node 'conv1' (Conv)", or by first output when it has no name.
std::string DescribeNode(const NodeProto& node);

// The order in which the nodes of a graph can run: the file's own where that is valid, else the one
// nearest to it. `defined` tells whether a name has a value before any node runs (initializers,
// inputs, outer graphs). Refused: cycles, two outputs of one name, inputs nobody defines.
Result<std::vector<size_t>> SortNodes(const GraphProto& graph,
                                      FunctionRef<bool(std::string_view)> defined);

// The attributes of a node except its graphs. Refused: duplicates, kinds that AttrValue cannot
// hold.
Result<AttrMap> ReadAttributes(const NodeProto& node, const std::shared_ptr<const void>& owner,
                               ExternalFiles* external);

// What the one attribute of a Constant node stands for. Refused: attributes that are no constant.
Result<Tensor> DecodeConstant(const AttributeProto& a, const std::shared_ptr<const void>& owner,
                              ExternalFiles* external);

// Types as the file declares them. A named dimension becomes a symbol, its name cleaned of
// characters that Dim::Parse would not read back; unknown, negative and placeholder ("?", "None" …)
// dimensions become symbols of their own.
class TypeReader {
 public:
  // Undefined parts of the result are those that the file does not declare. Refused: element types
  // without a DType, ranks and dimensions that are too large; messages do not name the value.
  Result<TensorType> Read(const ValueInfoProto& info);
  // The symbol of each dimension name of the file.
  const std::map<std::string, std::string, std::less<>>& symbols() const { return symbols_; }

 private:
  std::string FreshSymbol(std::string_view wish);
  std::map<std::string, std::string, std::less<>> symbols_;  // name in the file -> symbol
  std::set<std::string, std::less<>> taken_;
  std::map<std::string, int, std::less<>> counters_;  // of repeated wishes
};

}  // namespace adze::onnx

#endif  // ADZE_FORMATS_ONNX_BUILD_H_
