// adze inspect: what is in a model file, without running it.
#include <cstdio>
#include <map>

#include "cli/command.h"
#include "ir/text.h"
#include "lower/lower.h"
#include "quant/integer_form.h"
#include "runtime/family.h"
#include "runtime/plan_file.h"

namespace adze::cli {
namespace {

struct InspectCommand {
  CommonOptions common;
  std::string model;
  bool text = false;
  bool plan = false;
};

std::string TypeText(const TensorType& t) {
  std::string s = DTypeName(t.dtype);
  s += t.shape ? ShapeToString(*t.shape) : "[?]";
  if (t.quant) s += " " + QuantTypeSummary(*t.quant);
  return s;
}

Json ValueList(const Graph& graph, const std::vector<ValueId>& ids) {
  Json list = Json::array();
  for (ValueId id : ids) {
    list.push_back({{"name", graph.value(id).name}, {"type", TypeText(graph.value(id).type)}});
  }
  return list;
}

// The plan that runs on this machine.
Result<std::shared_ptr<const Plan>> PlanOf(const std::string& path) {
  ADZE_ASSIGN(const Isa isa, ChooseIsa());
  if (IsPlanFile(path)) {
    ADZE_ASSIGN(const PlanFromFile file, ReadPlan(path, isa));
    return file.plan;
  }
  ADZE_ASSIGN(const Graph graph, ReadForExecution(path));
  const Result<LoweredPlan> lowered = Lower(graph, {.isa = isa});
  if (!lowered.ok()) return lowered.status().WithContext(path);
  return lowered->plan;
}

Status PrintPlan(const InspectCommand& o) {
  ADZE_ASSIGN(const std::shared_ptr<const Plan> plan, PlanOf(o.model));
  Json steps = Json::array();
  for (const Step& s : plan->steps) {
    const PlanValue& y = plan->values[static_cast<size_t>(s.outputs[0])];
    const Json step = {{"kernel", FindFamily(s.family) ? FindFamily(s.family)->name : "?"},
                       {"op", s.op.ToString()},
                       {"node", s.name},
                       {"output", std::string(DTypeName(y.dtype)) + ShapeToString(y.shape)},
                       {"layout", y.layout == Layout::kChannelsLast ? "channels_last" : "logical"}};
    if (!o.common.json) {
      std::printf("%-16s %-20s %-36s %-13s %s\n", step["kernel"].get<std::string>().c_str(),
                  step["op"].get<std::string>().c_str(), step["output"].get<std::string>().c_str(),
                  step["layout"].get<std::string>().c_str(), s.name.c_str());
    }
    steps.push_back(step);
  }
  if (o.common.json) PrintJson({{"isa", IsaName(plan->isa)}, {"steps", steps}});
  return OkStatus();
}

Json BorderList(const Plan& plan, const std::vector<int32_t>& indices) {
  Json list = Json::array();
  for (const int32_t i : indices) {
    const PlanValue& v = plan.values[static_cast<size_t>(i)];
    list.push_back(
        {{"name", v.name}, {"type", std::string(DTypeName(v.dtype)) + ShapeToString(v.shape)}});
  }
  return list;
}

void PrintBorders(const Json& inputs, const Json& outputs) {
  for (const auto& [what, list] : {std::pair("input", &inputs), std::pair("output", &outputs)}) {
    for (const Json& v : *list) {
      std::printf("%-7s %s : %s\n", what, v["name"].get<std::string>().c_str(),
                  v["type"].get<std::string>().c_str());
    }
  }
}

Status InspectPlanFile(const InspectCommand& o) {
  if (o.text) return UsageError(o.model + ": a plan has no text form; --plan shows its steps");
  ADZE_ASSIGN(const Isa isa, ChooseIsa());
  ADZE_ASSIGN(const PlanFromFile file, ReadPlan(o.model, isa));
  const int64_t weight_bytes = PackedWeightBytes(*file.plan);
  const Json result = {{"packed_for", IsaName(file.packed_for)},
                       {"repacked_steps", file.repacked_steps},
                       {"inputs", BorderList(*file.plan, file.plan->inputs)},
                       {"outputs", BorderList(*file.plan, file.plan->outputs)},
                       {"steps", file.plan->steps.size()},
                       {"weight_bytes", weight_bytes}};
  if (o.common.json) {
    PrintJson(result);
    return OkStatus();
  }
  PrintBorders(result["inputs"], result["outputs"]);
  std::printf("plan of %zu steps, %.2f MB of weights packed for %s; undamaged\n",
              file.plan->steps.size(), static_cast<double>(weight_bytes) / 1e6,
              IsaName(file.packed_for));
  return OkStatus();
}

Status Inspect(const InspectCommand& o) {
  if (o.plan) return PrintPlan(o);
  if (IsPlanFile(o.model)) return InspectPlanFile(o);
  ADZE_ASSIGN(const Graph graph, ReadModel(o.model));
  if (o.text) {
    const std::string text = PrintGraph(graph, {.max_elements = 16});
    std::fwrite(text.data(), 1, text.size(), stdout);
    return OkStatus();
  }
  std::map<std::string, int64_t> ops;
  Json unsupported = Json::array();
  for (RegionId r = 0; r < graph.num_regions(); ++r) {
    for (NodeId id : graph.region(r).nodes) {
      const OpType op = graph.node(id).op;
      if (ops[op.ToString()]++ == 0 && FindOp(op) == nullptr) unsupported.push_back(op.ToString());
    }
  }
  int64_t macs = 0;  // absurd shapes saturate
  for (const NodeId id : graph.top().nodes) {
    if (__builtin_add_overflow(macs, NodeMacs(graph, id), &macs)) macs = INT64_MAX;
  }
  int64_t parameters = 0;
  int64_t parameter_bytes = 0;
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Value& v = graph.value(id);
    if (v.dead || !v.is_constant()) continue;
    parameters += v.constant.size();
    parameter_bytes += static_cast<int64_t>(v.constant.bytes());
  }
  Json opsets = Json::object();
  for (const auto& [domain, version] : graph.metadata.opset_imports) {
    opsets[domain.empty() ? "ai.onnx" : domain] = version;
  }
  Json counts = Json::object();
  for (const auto& [name, count] : ops) counts[name] = count;
  const Json result = {{"producer", graph.metadata.producer_name},
                       {"ir_version", graph.metadata.ir_version},
                       {"opsets", opsets},
                       {"inputs", ValueList(graph, graph.top().inputs)},
                       {"outputs", ValueList(graph, graph.top().outputs)},
                       {"nodes", graph.top().nodes.size()},
                       {"macs", macs},
                       {"parameters", parameters},
                       {"parameter_bytes", parameter_bytes},
                       {"ops", counts},
                       {"unsupported_ops", unsupported},
                       {"graph_hash", GraphHash(graph)}};
  if (o.common.json) {
    PrintJson(result);
    return OkStatus();
  }
  PrintBorders(result["inputs"], result["outputs"]);
  std::printf(
      "%zu nodes, %.4g million multiply-accumulates, %lld parameters in %.2f MB, opsets %s, "
      "IR %lld\n",
      graph.top().nodes.size(), static_cast<double>(macs) / 1e6, static_cast<long long>(parameters),
      static_cast<double>(parameter_bytes) / 1e6, opsets.dump().c_str(),
      static_cast<long long>(graph.metadata.ir_version));
  for (const auto& [name, count] : ops) {
    std::printf("  %5lld %s%s\n", static_cast<long long>(count), name.c_str(),
                FindOp(OpType::Intern("", name)) == nullptr &&
                        unsupported.dump().find('"' + name + '"') != std::string::npos
                    ? "   (not supported)"
                    : "");
  }
  return OkStatus();
}

}  // namespace

void RegisterInspect(CLI::App& app, Action* action) {
  auto o = std::make_shared<InspectCommand>();
  CLI::App* c = app.add_subcommand("inspect", "show what is in a model file");
  c->add_option("model", o->model, "network (.onnx, .adzir or .adz)")->required();
  c->add_flag("--text", o->text, "print the graph in its text form (long constants shortened)");
  c->add_flag("--plan", o->plan, "print the kernel calls it becomes on this machine");
  AddJson(*c, &o->common);
  c->callback([o, action] { *action = [o] { return Inspect(*o); }; });
}

}  // namespace adze::cli
