// Graph passes: what a pass is, which there are, and the driver that runs pipelines of them.
//
// A pass proposes, the driver disposes: `match` looks at one node (the last one of its pattern) and
// says yes, or no with a reason, or that the node is of no interest; `rewrite` returns a Patch. The
// driver applies it, infers types, removes what died, verifies, counts and times. The few passes
// that are conversions of a whole graph implement `run` instead.
//
// To add one: a file src/passes/my_pass.cc that defines `extern constexpr PassDef kMyPass`, a row
// in pass_list.inc and, where it should run by default, its name in pipelines.cc. fuse_silu.cc is
// the template to copy.
#ifndef ADZE_PASSES_PASS_H_
#define ADZE_PASSES_PASS_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "ir/graph.h"
#include "ir/patch.h"

namespace adze {

// The answer of `match`.
class Match {
 public:
  // The pattern is there; `ids` are what `rewrite` wants to know (values or nodes, as the pass
  // documents).
  static Match Yes(std::initializer_list<int32_t> ids = {}) {
    Match m(Kind::kYes);
    m.ids_ = ids;
    return m;
  }
  // The node looks like one for this pass, but `reason` (a clause, no full stop) forbids it.
  static Match No(std::string reason) {
    Match m(Kind::kNo);
    m.reason_ = std::move(reason);
    return m;
  }
  // Another operator, nothing to explain.
  static Match NotApplicable() { return Match(Kind::kNotApplicable); }

  bool yes() const { return kind_ == Kind::kYes; }
  bool no() const { return kind_ == Kind::kNo; }
  const std::string& reason() const { return reason_; }
  int32_t id(int i) const { return ids_[static_cast<size_t>(i)]; }

 private:
  enum class Kind : uint8_t { kYes, kNo, kNotApplicable };
  explicit Match(Kind kind) : kind_(kind) {}
  Kind kind_;
  std::vector<int32_t> ids_;
  std::string reason_;
};

struct PassOptions {
  std::vector<std::string> only;     // when not empty: of the pipeline's passes run only these
  std::vector<std::string> disable;  // skip these
  int64_t stop_after = -1;  // stop after so many patches over the whole pipeline; -1: no limit
  bool explain = false;     // collect every "no"
  // Values that must stay readable with unchanged meaning (taps). A pass may put another value in
  // the place of one; PassReport::preserved says which.
  std::vector<ValueId> preserved;
  int64_t max_folded_bytes = int64_t{64}
                             << 20;  // constants larger than this are not created by folding
  bool verify_each_patch =
      false;  // Verify after every patch, not only after every pass; debug builds always do
};

// What a pass may look at besides the graph.
struct PassContext {
  std::span<const ValueId> preserved;
  int64_t max_folded_bytes = 0;
  bool IsPreserved(ValueId id) const;
};

struct PassDef {
  const char* name = nullptr;     // snake_case, as on the command line
  const char* summary = nullptr;  // one sentence for `adze list passes`
  Match (*match)(const Graph& graph, NodeId node, const PassContext& context) = nullptr;
  // Called right after `match` said yes, with its answer.
  Result<Patch> (*rewrite)(const Graph& graph, NodeId node, const Match& match,
                           const PassContext& context) = nullptr;
  // Instead of match and rewrite: changes the whole graph and returns how many changes it made.
  Result<int64_t> (*run)(Graph& graph, const PassContext& context) = nullptr;
};

// Every pass, in list order (pass_list.inc), and by name (null when unknown).
std::span<const PassDef* const> AllPasses();
const PassDef* FindPass(std::string_view name);

// A readable list of passes, run in order and from the start again until none changes anything.
struct Pipeline {
  const char* name;
  const char* summary;
  std::span<const char* const> passes;
};
// "simplify":        what `adze opt` does: only standard ONNX operators come out
// "fuse":            for execution, run inside Lower: operators of domain adze come out
// "lift":            Q/DQ nodes and integer operators become types of values; after reading
// "lower_qdq":       types of values become Q/DQ nodes; before writing
// "lower_qoperator": types of values become integer operators; before writing
std::span<const Pipeline> AllPipelines();
const Pipeline* FindPipeline(std::string_view name);  // null when unknown

struct PassReport {
  struct Count {
    std::string pass;
    int64_t patches = 0;
    double time_ms = 0;
  };
  struct Refusal {
    std::string pass;
    std::string node;  // DescribeNode
    std::string reason;
  };
  std::vector<Count> counts;  // one per pass that ran, in order
  std::vector<Refusal>
      refusals;  // with PassOptions::explain: as of the end, each pass and node once
  std::vector<ValueId> preserved;  // PassOptions::preserved, where they are now
  int64_t total_patches = 0;
};

// Runs `pipeline` over all regions of `graph`, which must verify. UsageError for names in `only` or
// `disable` that are no pass. On failure the graph is unusable.
Result<PassReport> RunPipeline(Graph& graph, const Pipeline& pipeline, const PassOptions& options);
// The same for one of AllPipelines() by name.
Result<PassReport> RunPipeline(Graph& graph, std::string_view pipeline,
                               const PassOptions& options = {});

}  // namespace adze

#endif  // ADZE_PASSES_PASS_H_
