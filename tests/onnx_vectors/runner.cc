// Runs ONNX's backend node tests against the reference evaluations:
//   adze_onnx_vectors DIR [--refused FILE] [--op NAME] [--verbose]
// DIR holds test_*/model.onnx with test_data_set_*/{input,output}_*.pb. Prints per operator how
// many tests passed, failed, were refused (with reasons). Exit 1 if a test of operators that adze
// lists gives wrong numbers, or is refused without being named in FILE, or is named there but
// passes. Tests of operators that adze does not list, and of opsets newer than it reads, are only
// counted.
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/onnx/onnx.h"
#include "formats/onnx/proto.h"
#include "ir/graph.h"
#include "numerics/half.h"
#include "ops/op_def.h"
#include "ops/op_util.h"

namespace adze {
namespace {

namespace fs = std::filesystem;

// The tolerances of ONNX's own backend test; 16-bit floats may differ in the last two places.
constexpr double kAbsolute = 1e-7;
double RelativeTolerance(DType t) {
  return t == DType::kBFloat16 ? 0x1p-6 : t == DType::kFloat16 ? 0x1p-9 : 1e-3;
}

double NumberAt(const Tensor& t, int64_t i) {
  if (t.dtype() == DType::kFloat64) return t.data<double>()[i];
  return FloatAt(t.view(), i);
}

// "" when equal within the tolerances.
std::string Difference(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype()) {
    return std::string("type ") + DTypeName(got.dtype()) + ", expected " + DTypeName(want.dtype());
  }
  if (got.dims() != want.dims()) {
    return "shape " + ShapeToString(ToShape(got.dims())) + ", expected " +
           ShapeToString(ToShape(want.dims()));
  }
  const double relative = RelativeTolerance(got.dtype());
  for (int64_t i = 0; i < got.size(); ++i) {
    if (IsFloat(got.dtype())) {
      const double a = NumberAt(got, i);
      const double b = NumberAt(want, i);
      if (std::isnan(a) && std::isnan(b)) continue;
      if (a == b || std::abs(a - b) <= kAbsolute + relative * std::abs(b)) continue;
      return "element " + std::to_string(i) + " is " + std::to_string(a) + ", expected " +
             std::to_string(b);
    }
    const int64_t a = IntegerAt(got.view(), i);
    const int64_t b = IntegerAt(want.view(), i);
    if (a != b) {
      return "element " + std::to_string(i) + " is " + std::to_string(a) + ", expected " +
             std::to_string(b);
    }
  }
  return "";
}

// Evaluates the top region in order with the reference evaluations.
Status Evaluate(const Graph& graph, std::map<std::string, Tensor>* tensors) {
  std::vector<Tensor> values(static_cast<size_t>(graph.num_values()));
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    if (graph.value(id).is_constant()) values[static_cast<size_t>(id)] = graph.value(id).constant;
  }
  for (ValueId id : graph.top().inputs) {
    const auto it = tensors->find(graph.value(id).name);
    if (it == tensors->end()) return InvalidInput("no data for input " + graph.value(id).name);
    values[static_cast<size_t>(id)] = it->second;
  }
  for (NodeId id : graph.top().nodes) {
    const Node& n = graph.node(id);
    const OpDef* const def = FindOp(n.op);
    if (def == nullptr) return Unsupported(DescribeNode(graph, id) + ": unknown operator");
    std::vector<Tensor> inputs;
    for (ValueId in : n.inputs) {
      inputs.push_back(in == kNoId ? Tensor() : values[static_cast<size_t>(in)]);
    }
    auto outputs = EvaluateOp(*def, n.attrs, inputs, static_cast<int>(n.outputs.size()));
    if (!outputs.ok()) return outputs.status().WithContext(DescribeNode(graph, id));
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      if (n.outputs[i] != kNoId) values[static_cast<size_t>(n.outputs[i])] = (*outputs)[i];
    }
  }
  for (ValueId id : graph.top().outputs) {
    (*tensors)[graph.value(id).name] = values[static_cast<size_t>(id)];
  }
  return OkStatus();
}

struct Outcome {
  enum Kind { kPassed, kFailed, kRefused } kind = kPassed;
  std::string reason;
};

Outcome RunDataSet(const Graph& graph, const onnx::ModelProto& proto, const fs::path& dir) {
  std::map<std::string, Tensor> tensors;
  for (size_t i = 0; i < proto.graph.inputs.size(); ++i) {
    const fs::path file = dir / ("input_" + std::to_string(i) + ".pb");
    if (!fs::exists(file)) continue;
    auto t = ReadOnnxTensor(file.string());
    if (!t.ok()) return {Outcome::kRefused, t.status().message()};
    tensors[std::string(proto.graph.inputs[i].name)] = t->tensor;
  }
  if (Status s = Evaluate(graph, &tensors); !s.ok()) return {Outcome::kRefused, s.message()};
  for (size_t i = 0; i < proto.graph.outputs.size(); ++i) {
    auto want = ReadOnnxTensor((dir / ("output_" + std::to_string(i) + ".pb")).string());
    if (!want.ok()) return {Outcome::kRefused, want.status().message()};
    const std::string name(proto.graph.outputs[i].name);
    const std::string difference = Difference(tensors[name], want->tensor);
    if (!difference.empty()) return {Outcome::kFailed, "output " + name + ": " + difference};
  }
  return {};
}

Outcome RunTest(const fs::path& dir, const onnx::ModelProto& proto) {
  auto graph = ReadOnnx((dir / "model.onnx").string());
  if (!graph.ok()) return {Outcome::kRefused, graph.status().message()};
  if (Status s = Verify(*graph); !s.ok()) return {Outcome::kFailed, "Verify: " + s.message()};
  Outcome outcome;
  for (int i = 0; outcome.kind == Outcome::kPassed; ++i) {
    const fs::path data = dir / ("test_data_set_" + std::to_string(i));
    if (!fs::exists(data)) break;
    outcome = RunDataSet(*graph, proto, data);
  }
  return outcome;
}

// What FILE says about tests: the names (shell patterns) of those that must be refused and, marked
// with '~', of those whose own numbers are wrong.
struct Expectations {
  std::vector<std::string> refused;
  std::vector<std::string> wrong;
};
Expectations ReadExpectations(const std::string& path) {
  Expectations e;
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line[0] == '#') continue;
    const std::string name = line.substr(0, line.find(' '));
    if (name[0] == '~') {
      e.wrong.push_back(name.substr(1));
    } else {
      e.refused.push_back(name);
    }
  }
  return e;
}

bool Matches(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

struct Count {
  int passed = 0;
  int failed = 0;
  int refused = 0;
};

int Main(int argc, char** argv) {
  std::string root;
  std::string only;
  Expectations expectations;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--refused" && i + 1 < argc) {
      expectations = ReadExpectations(argv[++i]);
    } else if (arg == "--op" && i + 1 < argc) {
      only = argv[++i];
    } else if (arg == "--verbose") {
      verbose = true;
    } else {
      root = arg;
    }
  }
  std::error_code error;
  std::set<fs::path> dirs;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    if (fs::exists(entry.path() / "model.onnx")) dirs.insert(entry.path());
  }
  if (dirs.empty()) {
    std::fprintf(stderr, "usage: adze_onnx_vectors DIR [--refused FILE] [--op NAME] [--verbose]\n");
    return 2;
  }
  std::map<std::string, Count> counts;
  std::vector<std::string> problems;
  int unlisted = 0;
  int newer = 0;
  for (const fs::path& dir : dirs) {
    const std::string test = dir.filename().string();
    auto file = MappedFile::Open((dir / "model.onnx").string());
    const auto text = [&] {
      return std::string_view(reinterpret_cast<const char*>((*file)->bytes().data()),
                              (*file)->bytes().size());
    };
    auto proto = file.ok() ? onnx::ParseModel(text()) : file.status();
    if (!proto.ok()) {
      problems.push_back(test + ": " + proto.status().message());
      continue;
    }
    std::set<std::string> ops;
    bool listed = true;
    for (const onnx::NodeProto& n : proto->graph.nodes) {
      const OpType op = OpType::Intern(n.domain, n.op_type);
      ops.insert(op.ToString());
      listed = listed && (FindOp(op) != nullptr || op.Is("Constant") || op.Is("Upsample") ||
                          op.Is("Scatter"));
    }
    const std::string op = ops.size() == 1 ? *ops.begin() : "(several operators)";
    if (!only.empty() && op != only) continue;
    if (!listed) {
      ++unlisted;
      continue;
    }
    const bool is_newer =
        std::any_of(proto->opset_imports.begin(), proto->opset_imports.end(),
                    [](const auto& i) { return i.first.empty() && i.second > kNewestOnnxOpset; });
    if (is_newer) {
      ++newer;
      continue;
    }
    const Outcome outcome = RunTest(dir, *proto);
    const bool expected = Matches(expectations.refused, test);
    const bool wrong = Matches(expectations.wrong, test);
    Count& count = counts[op];
    switch (outcome.kind) {
      case Outcome::kPassed:
        ++count.passed;
        if (expected) problems.push_back(test + ": passes, but is listed in FILE");
        break;
      case Outcome::kFailed:
        ++count.failed;
        if (!wrong) problems.push_back(test + " (" + op + ") failed: " + outcome.reason);
        break;
      case Outcome::kRefused:
        ++count.refused;
        if (!expected) problems.push_back(test + " (" + op + ") refused: " + outcome.reason);
        if (verbose && expected)
          std::printf("refused %s: %s\n", test.c_str(), outcome.reason.c_str());
        break;
    }
    if (verbose && outcome.kind == Outcome::kPassed) std::printf("passed %s\n", test.c_str());
  }
  Count total;
  std::printf("%-28s %7s %7s %7s\n", "operator", "passed", "failed", "refused");
  for (const auto& [op, c] : counts) {
    std::printf("%-28s %7d %7d %7d\n", op.c_str(), c.passed, c.failed, c.refused);
    total.passed += c.passed;
    total.failed += c.failed;
    total.refused += c.refused;
  }
  std::printf("%-28s %7d %7d %7d\n", "total", total.passed, total.failed, total.refused);
  std::printf("%d tests use operators that adze does not list, %d are of newer opsets\n", unlisted,
              newer);
  for (const std::string& p : problems) std::printf("PROBLEM %s\n", p.c_str());
  return problems.empty() && total.passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace adze

int main(int argc, char** argv) { return adze::Main(argc, argv); }
