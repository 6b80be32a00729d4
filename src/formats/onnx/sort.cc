#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "formats/onnx/build.h"

namespace adze::onnx {
namespace {

// Appends the names that `graph` and the graphs inside it use but do not define.
void CollectCaptured(const GraphProto& graph, std::vector<std::string_view>* names) {
  std::unordered_set<std::string_view> local;
  for (const ValueInfoProto& v : graph.inputs) local.insert(v.name);
  for (const TensorProto& t : graph.initializers) local.insert(t.name);
  for (const NodeProto& n : graph.nodes) local.insert(n.outputs.begin(), n.outputs.end());
  std::vector<std::string_view> used;
  for (const ValueInfoProto& v : graph.outputs) used.push_back(v.name);
  for (const NodeProto& n : graph.nodes) {
    used.insert(used.end(), n.inputs.begin(), n.inputs.end());
    for (const AttributeProto& a : n.attributes) {
      if (a.g != nullptr) CollectCaptured(*a.g, &used);
    }
  }
  for (std::string_view name : used) {
    if (!local.contains(name)) names->push_back(name);
  }
}

}  // namespace

std::string DescribeNode(const NodeProto& node) {
  std::string_view name = node.name;
  for (size_t i = 0; name.empty() && i < node.outputs.size(); ++i) name = node.outputs[i];
  const OpType op = OpType::Intern(node.domain, node.op_type);
  return "node '" + std::string(name) + "' (" + op.ToString() + ")";
}

Result<std::vector<size_t>> SortNodes(const GraphProto& graph,
                                      FunctionRef<bool(std::string_view)> defined) {
  const size_t n = graph.nodes.size();
  std::unordered_map<std::string_view, size_t> producers;
  for (size_t i = 0; i < n; ++i) {
    for (std::string_view out : graph.nodes[i].outputs) {
      if (out.empty()) continue;
      if (const auto [it, inserted] = producers.emplace(out, i); !inserted) {
        return InvalidInput("'" + std::string(out) + "' is the output of both " +
                            DescribeNode(graph.nodes[it->second]) + " and " +
                            DescribeNode(graph.nodes[i]));
      }
    }
  }
  std::vector<std::vector<size_t>> users(n);
  std::vector<size_t> missing(n, 0);  // inputs that are not computed yet
  std::vector<std::string_view> captured;
  for (size_t i = 0; i < n; ++i) {
    const auto depend = [&](std::string_view name) {
      const auto it = producers.find(name);
      if (it == producers.end()) return false;
      users[it->second].push_back(i);
      ++missing[i];
      return true;
    };
    for (std::string_view in : graph.nodes[i].inputs) {
      if (!in.empty() && !depend(in) && !defined(in)) {
        return InvalidInput(DescribeNode(graph.nodes[i]) + ": input '" + std::string(in) +
                            "' is not defined anywhere");
      }
    }
    captured.clear();
    for (const AttributeProto& a : graph.nodes[i].attributes) {
      if (a.g != nullptr) CollectCaptured(*a.g, &captured);
    }
    for (std::string_view name : captured) {
      if (!name.empty()) depend(name);
    }
  }
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < n; ++i) {
    if (missing[i] == 0) ready.push(i);
  }
  std::vector<size_t> order;
  order.reserve(n);
  while (!ready.empty()) {
    const size_t i = ready.top();
    ready.pop();
    order.push_back(i);
    for (size_t user : users[i]) {
      if (--missing[user] == 0) ready.push(user);
    }
  }
  if (order.size() == n) return order;
  size_t stuck = 0;
  while (missing[stuck] == 0) ++stuck;
  return InvalidInput(DescribeNode(graph.nodes[stuck]) +
                      " waits for its own output: the nodes form a cycle");
}

}  // namespace adze::onnx
