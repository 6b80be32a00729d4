// The driver: applies what the passes propose.
#include <algorithm>
#include <chrono>

#include "passes/pass.h"

namespace adze {
namespace {

// Passes of a pipeline feed each other; a few rounds reach the end. More means that two of them
// undo each other.
constexpr int kMaxRounds = 64;

#ifdef NDEBUG
constexpr bool kVerifyEachPatch = false;
#else
constexpr bool kVerifyEachPatch = true;
#endif

bool Contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

class Driver {
 public:
  Driver(Graph& graph, const PassOptions& options) : graph_(graph), options_(options) {
    report_.preserved = options.preserved;
  }

  Result<PassReport> Run(const Pipeline& pipeline) {
    ADZE_ASSIGN(const std::vector<const PassDef*> passes, Choose(pipeline));
    for (const PassDef* pass : passes) report_.counts.push_back({pass->name, 0, 0});
    bool changed = true;
    for (int round = 0; changed; ++round) {
      if (round == kMaxRounds) {
        return InternalError(std::string("pipeline '") + pipeline.name +
                             "' does not come to an end");
      }
      changed = false;
      for (size_t i = 0; i < passes.size() && !Stopped(); ++i) {
        const int64_t before = report_.total_patches;
        const auto start = std::chrono::steady_clock::now();
        if (Status s = RunPass(*passes[i]); !s.ok()) {
          return s.WithContext(std::string("pass '") + passes[i]->name + "'");
        }
        PassReport::Count& count = report_.counts[i];
        count.patches += report_.total_patches - before;
        count.time_ms +=
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
                .count();
        changed = changed || report_.total_patches != before;
      }
      if (Stopped()) break;
    }
    if (options_.explain) Explain(passes);
    return std::move(report_);
  }

 private:
  Result<std::vector<const PassDef*>> Choose(const Pipeline& pipeline) const {
    for (const std::vector<std::string>* list : {&options_.only, &options_.disable}) {
      for (const std::string& name : *list) {
        if (FindPass(name) == nullptr) {
          return UsageError("unknown pass '" + name + "'; `adze list passes` shows all");
        }
      }
    }
    for (const std::string& name : options_.only) {
      if (std::find(pipeline.passes.begin(), pipeline.passes.end(), name) ==
          pipeline.passes.end()) {
        return UsageError("pass '" + name + "' is not part of '" + pipeline.name + "'");
      }
    }
    std::vector<const PassDef*> passes;
    for (const char* name : pipeline.passes) {
      if (!options_.only.empty() && !Contains(options_.only, name)) continue;
      if (Contains(options_.disable, name)) continue;
      passes.push_back(FindPass(name));
      ADZE_CHECK(passes.back() != nullptr);
    }
    return passes;
  }

  bool Stopped() const {
    return options_.stop_after >= 0 && report_.total_patches >= options_.stop_after;
  }
  PassContext Context() const { return {report_.preserved, options_.max_folded_bytes}; }

  Status RunPass(const PassDef& pass) {
    const int64_t before = report_.total_patches;
    if (pass.run != nullptr) {
      ADZE_ASSIGN(const int64_t changes, pass.run(graph_, Context()));
      report_.total_patches += changes;
    } else {
      const int64_t limit = before + 1000 + 8 * int64_t{graph_.num_nodes()};
      while (true) {
        ADZE_ASSIGN(const bool changed, Sweep(pass));
        if (!changed || Stopped()) break;
        if (report_.total_patches > limit) return InternalError("does not come to an end");
      }
    }
    if (report_.total_patches == before) return OkStatus();
    EraseConstants();
    ADZE_TRY(InferGraph(graph_));
    return Verify(graph_);
  }

  // One visit of every node, in order.
  Result<bool> Sweep(const PassDef& pass) {
    bool changed = false;
    for (RegionId region = 0; region < graph_.num_regions(); ++region) {
      const std::vector<NodeId> nodes = graph_.region(region).nodes;
      for (NodeId id : nodes) {
        if (Stopped()) return changed;
        if (graph_.node(id).dead) continue;
        const Match match = pass.match(graph_, id, Context());
        if (!match.yes()) continue;
        ADZE_TRY(Rewrite(pass, id, match));
        changed = true;
      }
    }
    return changed;
  }

  Status Rewrite(const PassDef& pass, NodeId id, const Match& match) {
    const std::string who = DescribeNode(graph_, id);
    std::vector<std::pair<ValueId, ValueId>> replaced;
    const auto apply = [&]() -> Status {
      ADZE_ASSIGN(const Patch patch, pass.rewrite(graph_, id, match, Context()));
      return patch.Apply(graph_, &replaced);
    };
    if (Status s = apply(); !s.ok()) return s.WithContext(who);
    for (const auto& [from, to] : replaced) {
      std::replace(report_.preserved.begin(), report_.preserved.end(), from, to);
    }
    EraseIfUnused(id);
    ++report_.total_patches;
    for (ValueId v : report_.preserved) {
      if (graph_.value(v).dead) return InternalError(who + ": a value that must stay is gone");
    }
    if (!kVerifyEachPatch && !options_.verify_each_patch) return OkStatus();
    Status s = InferGraph(graph_);
    if (s.ok()) s = Verify(graph_);
    return s.WithContext("after rewriting " + who);
  }

  // Erases the node if nothing needs its outputs, then what only it needed.
  void EraseIfUnused(NodeId root) {
    std::vector<NodeId> work = {root};
    while (!work.empty()) {
      const NodeId id = work.back();
      work.pop_back();
      const Node& n = graph_.node(id);
      if (n.dead) continue;
      const bool used = std::any_of(n.outputs.begin(), n.outputs.end(), [&](ValueId out) {
        return out != kNoId && (!graph_.users(out).empty() || graph_.IsRegionOutput(out) ||
                                Context().IsPreserved(out));
      });
      if (used) continue;
      for (ValueId in : n.inputs) {
        if (in != kNoId && graph_.value(in).producer != kNoId) {
          work.push_back(graph_.value(in).producer);
        }
      }
      graph_.EraseNode(id);
    }
  }

  void EraseConstants() {
    const bool keep = std::any_of(
        report_.preserved.begin(), report_.preserved.end(),
        [&](ValueId id) { return graph_.value(id).is_constant() && graph_.users(id).empty(); });
    if (!keep) graph_.EraseUnusedConstants();
  }

  void Explain(const std::vector<const PassDef*>& passes) {
    for (const PassDef* pass : passes) {
      if (pass->match == nullptr) continue;
      for (RegionId region = 0; region < graph_.num_regions(); ++region) {
        for (NodeId id : graph_.region(region).nodes) {
          const Match match = pass->match(graph_, id, Context());
          if (match.no()) {
            report_.refusals.push_back({pass->name, DescribeNode(graph_, id), match.reason()});
          }
        }
      }
    }
  }

  Graph& graph_;
  const PassOptions& options_;
  PassReport report_;
};

}  // namespace

bool PassContext::IsPreserved(ValueId id) const {
  return std::find(preserved.begin(), preserved.end(), id) != preserved.end();
}

#define ADZE_PASS(symbol) extern const PassDef symbol;
#include "passes/pass_list.inc"
#undef ADZE_PASS

std::span<const PassDef* const> AllPasses() {
  static constexpr const PassDef* kPasses[] = {
#define ADZE_PASS(symbol) &symbol,
#include "passes/pass_list.inc"
#undef ADZE_PASS
  };
  return kPasses;
}

const PassDef* FindPass(std::string_view name) {
  for (const PassDef* pass : AllPasses()) {
    if (name == pass->name) return pass;
  }
  return nullptr;
}

const Pipeline* FindPipeline(std::string_view name) {
  for (const Pipeline& pipeline : AllPipelines()) {
    if (name == pipeline.name) return &pipeline;
  }
  return nullptr;
}

Result<PassReport> RunPipeline(Graph& graph, const Pipeline& pipeline, const PassOptions& options) {
  return Driver(graph, options).Run(pipeline);
}

Result<PassReport> RunPipeline(Graph& graph, std::string_view pipeline,
                               const PassOptions& options) {
  const Pipeline* const found = FindPipeline(pipeline);
  if (found == nullptr) return UsageError("unknown pipeline '" + std::string(pipeline) + "'");
  return RunPipeline(graph, *found, options);
}

}  // namespace adze
