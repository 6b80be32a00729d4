#include "report/evidence.h"

#include <cmath>
#include <limits>

namespace adze::report {
namespace {

using Json = nlohmann::ordered_json;

// Reads the fields of one JSON object. The first error is kept in `status`; after it, and for an
// absent object, every field reads as unknown.
class Fields {
 public:
  Fields(const Json* json, std::string where, Status* status)
      : json_(json), where_(std::move(where)), status_(status) {
    if (json_ != nullptr && !json_->is_object()) Fail(where_, "is not an object");
    if (!status_->ok()) json_ = nullptr;
  }

  bool present() const { return json_ != nullptr; }

  Fields Object(const char* name) { return Fields(Find(name), Path(name), status_); }

  void Read(const char* name, std::string* out) {
    const Json* const v = Find(name);
    if (v == nullptr) return;
    if (!v->is_string()) return Fail(Path(name), "is not a string");
    *out = v->get<std::string>();
  }

  // The only strings that must be there: names, by which parts of the file refer to each other.
  void ReadName(std::string* out) {
    if (present() && Find("name") == nullptr) return Fail(Path("name"), "is missing");
    Read("name", out);
  }

  void Read(const char* name, std::optional<bool>* out) {
    const Json* const v = Find(name);
    if (v == nullptr) return;
    if (!v->is_boolean()) return Fail(Path(name), "is neither true nor false");
    *out = v->get<bool>();
  }

  void Read(const char* name, Number* out) {
    const Json* const v = Find(name);
    if (v != nullptr) *out = ToNumber(*v, Path(name));
  }

  // Bytes, counts, times: finite and not negative.
  void ReadAmount(const char* name, Number* out) {
    Read(name, out);
    if (*out && !(**out >= 0 && std::isfinite(**out))) Fail(Path(name), "is not a number >= 0");
  }

  void ReadShare(const char* name, Number* out) {
    Read(name, out);
    if (*out && !(**out >= 0 && **out <= 1)) Fail(Path(name), "is not a number from 0 to 1");
  }

  void Read(const char* name, Range* out) {
    std::vector<double> ends;
    if (Find(name) == nullptr) return;
    Read(name, &ends);
    if (!status_->ok()) return;
    if (ends.size() != 2) return Fail(Path(name), "is not [low, high]");
    *out = {ends[0], ends[1]};
  }

  void Read(const char* name, std::vector<double>* out) {
    Each(name, [&](const Json& v, const std::string& where) {
      const Number n = ToNumber(v, where);
      if (!n) return Fail(where, "is not a number");
      out->push_back(*n);
    });
  }

  void Read(const char* name, std::vector<std::string>* out) {
    Each(name, [&](const Json& v, const std::string& where) {
      if (!v.is_string()) return Fail(where, "is not a string");
      out->push_back(v.get<std::string>());
    });
  }

  // An object of numbers.
  void Read(const char* name, std::vector<std::pair<std::string, Number>>* out) {
    const Fields object = Object(name);
    if (!object.present()) return;
    for (const auto& [key, value] : object.json_->items()) {
      out->emplace_back(key, ToNumber(value, object.Path(key.c_str())));
    }
  }

  void Read(const char* name, Precision* out) {
    std::string s;
    Read(name, &s);
    if (s == "int8") *out = Precision::kInt8;
    if (s == "float") *out = Precision::kFloat;
    if (!s.empty() && *out == Precision::kUnknown) {
      Fail(Path(name), "is '" + s + "', must be int8 or float");
    }
  }

  // Appends one item per entry of an array of objects; `read(fields, &item)` fills it.
  template <typename Item, typename Read>
  void Items(const char* name, std::vector<Item>* out, Read read) {
    Each(name, [&](const Json& v, const std::string& where) {
      Fields fields(&v, where, status_);
      read(fields, &out->emplace_back());
    });
  }

  void Fail(const std::string& where, const std::string& what) {
    if (status_->ok()) *status_ = InvalidInput(where + " " + what);
  }

  std::string Path(const char* name) const { return where_.empty() ? name : where_ + "." + name; }

 private:
  const Json* Find(const char* name) const {
    if (json_ == nullptr) return nullptr;
    const auto it = json_->find(name);
    return it == json_->end() || it->is_null() ? nullptr : &*it;
  }

  Number ToNumber(const Json& v, const std::string& where) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (v.is_null()) return std::nullopt;
    if (v.is_number()) {
      // JSON has no NaN, but a value that was never written to a file may be one.
      const auto number = v.get<double>();
      return std::isnan(number) ? std::nullopt : Number(number);
    }
    if (v == "inf") return kInfinity;
    if (v == "-inf") return -kInfinity;
    Fail(where, "is not a number");
    return std::nullopt;
  }

  template <typename Visit>
  void Each(const char* name, Visit visit) {
    const Json* const v = Find(name);
    if (v == nullptr) return;
    if (!v->is_array()) return Fail(Path(name), "is not a list");
    const std::string path = Path(name);
    for (size_t i = 0; i < v->size() && status_->ok(); ++i) {
      visit((*v)[i], path + "[" + std::to_string(i) + "]");
    }
  }

  const Json* json_;
  std::string where_;
  Status* status_;
};

void ReadMeasured(Fields f, Measured* m) {
  f.Read("file", &m->file);
  f.Read("value", &m->value);
  f.Read("ci95", &m->ci95);
  f.ReadAmount("size_bytes", &m->size_bytes);
  Fields latency = f.Object("latency");
  latency.ReadAmount("p50_ms", &m->latency.p50_ms);
  latency.ReadAmount("p95_ms", &m->latency.p95_ms);
  latency.ReadAmount("p99_ms", &m->latency.p99_ms);
  latency.ReadAmount("min_ms", &m->latency.min_ms);
  f.ReadAmount("memory_bytes", &m->memory_bytes);
  f.Read("drop_points", &m->drop_points);
  f.Read("drop_ci95_points", &m->drop_ci95_points);
  f.ReadShare("flip_rate", &m->flip_rate);
  f.Read("sqnr_db", &m->sqnr_db);
  f.ReadShare("int8_macs_share", &m->int8_macs_share);
}

void ReadRung(Fields& f, Rung* r) {
  f.ReadName(&r->name);
  f.Read("description", &r->description);
  f.Read("float_layers", &r->float_layers);
  f.Read("value", &r->value);
  f.Read("drop_points", &r->drop_points);
  f.Read("drop_ci95_points", &r->drop_ci95_points);
  f.ReadShare("flip_rate", &r->flip_rate);
  f.Read("sqnr_db", &r->sqnr_db);
  f.ReadAmount("size_bytes", &r->size_bytes);
  f.ReadAmount("latency_ms", &r->latency_ms);
  f.ReadAmount("memory_bytes", &r->memory_bytes);
  f.Read("met", &r->met);
  f.Read("unmet", &r->unmet);
  std::optional<bool> chosen;
  f.Read("chosen", &chosen);
  r->chosen = chosen.value_or(false);
  f.ReadAmount("seconds", &r->seconds);
}

void ReadLayer(Fields& f, Layer* l) {
  f.ReadName(&l->name);
  f.Read("op", &l->op);
  f.ReadAmount("macs", &l->macs);
  f.ReadAmount("parameters", &l->parameters);
  f.Read("precision", &l->precision);
  f.Read("reason", &l->reason);
  f.Read("own_sqnr_db", &l->own_sqnr_db);
  f.Read("inherited_sqnr_db", &l->inherited_sqnr_db);
  f.Read("total_sqnr_db", &l->total_sqnr_db);
  f.Read("sensitivity_db", &l->sensitivity_db);
  f.ReadAmount("latency_us_before", &l->latency_us_before);
  f.ReadAmount("latency_us_after", &l->latency_us_after);
  f.Read("input", &l->input);
  f.Read("output", &l->output);
  f.Read("weight", &l->weight);
  f.ReadShare("clipped_share", &l->clipped_share);
  f.ReadAmount("channels", &l->channels);
  f.ReadAmount("outlier_channels", &l->outlier_channels);
  f.ReadAmount("dead_channels", &l->dead_channels);
}

void ReadHistogram(Fields& f, const char* name, Histogram* out) {
  Fields h = f.Object(name);
  if (!h.present()) return;
  Number low, high;
  h.Read("low", &low);
  h.Read("high", &high);
  h.Read("counts", &out->counts);
  for (double c : out->counts) {
    if (!(c >= 0 && std::isfinite(c))) h.Fail(h.Path("counts"), "must hold numbers >= 0");
  }
  if (!low || !high) {
    out->counts.clear();  // nobody knows where the bins lie
    return;
  }
  if (!std::isfinite(*high - *low) || *low >= *high) {
    return h.Fail(f.Path(name), "must have low < high");
  }
  out->low = *low;
  out->high = *high;
}

void ReadTensor(Fields& f, Tensor* t) {
  f.ReadName(&t->name);
  std::string kind;
  f.Read("kind", &kind);
  if (!kind.empty() && kind != "activation" && kind != "weight") {
    f.Fail(f.Path("kind"), "is '" + kind + "', must be activation or weight");
  }
  t->weight = kind == "weight";
  f.Read("storage", &t->storage);
  f.Read("observer", &t->observer);
  f.Read("scale", &t->scale);
  f.Read("zero_point", &t->zero_point);
  f.Read("min", &t->min);
  f.Read("max", &t->max);
  f.Read("observed_min", &t->observed_min);
  f.Read("observed_max", &t->observed_max);
  f.ReadShare("clipped_share", &t->clipped_share);
  ReadHistogram(f, "histogram", &t->histogram);
  ReadHistogram(f, "calibration_histogram", &t->calibration_histogram);
}

void ReadFinding(Fields& f, Finding* x) {
  f.ReadName(&x->name);
  f.Read("op", &x->op);
  f.Read("tensors", &x->tensors);
  f.Read("kind", &x->kind);
  f.Read("title", &x->title);
  f.Read("level", &x->level);
  if (x->level != "" && x->level != "problem" && x->level != "note" && x->level != "minor") {
    f.Fail(f.Path("level"), "is '" + x->level + "', must be problem, note or minor");
  }
  f.Read("what", &x->what);
  f.Read("numbers", &x->numbers);
  f.Read("severity_db", &x->severity_db);
  f.Read("own_sqnr_db", &x->own_sqnr_db);
  f.Read("inherited_sqnr_db", &x->inherited_sqnr_db);
  f.Read("fix", &x->fix);
  f.Read("gain_db", &x->gain_db);
  f.ReadAmount("samples", &x->samples);
}

void ReadNamedType(Fields& f, NamedType* t) {
  f.ReadName(&t->name);
  f.Read("type", &t->type);
}

void ReadModelAndData(Fields& top, Evidence* e) {
  Fields model = top.Object("model");
  model.Read("path", &e->model.path);
  model.Read("sha256", &e->model.sha256);
  model.Items("inputs", &e->model.inputs, ReadNamedType);
  model.Items("outputs", &e->model.outputs, ReadNamedType);
  model.ReadAmount("operators", &e->model.operators);
  model.ReadAmount("parameters", &e->model.parameters);
  model.ReadAmount("macs", &e->model.macs);
  Fields data = top.Object("data");
  data.Read("path", &e->data.path);
  data.Read("sha256", &e->data.sha256);
  data.Read("metric", &e->data.metric);
  for (auto [name, split] : {std::pair("calibration", &e->data.calibration),
                             std::pair("evaluation", &e->data.evaluation)}) {
    Fields f = data.Object(name);
    f.Read("split", &split->split);
    f.ReadAmount("samples", &split->samples);
  }
}

void ReadOutcome(Fields& top, Evidence* e) {
  Fields budget = top.Object("budget");
  budget.Read("max_drop_points", &e->budget.max_drop_points);
  budget.Read("min_sqnr_db", &e->budget.min_sqnr_db);
  budget.ReadAmount("max_size_bytes", &e->budget.max_size_bytes);
  budget.ReadAmount("max_latency_ms", &e->budget.max_latency_ms);
  budget.ReadAmount("max_memory_bytes", &e->budget.max_memory_bytes);
  budget.Read("target", &e->budget.target);
  Fields outcome = top.Object("outcome");
  outcome.Read("met", &e->outcome.met);
  outcome.Read("sentence", &e->outcome.sentence);
  top.Items("rungs", &e->rungs, ReadRung);
  Number chosen;
  outcome.ReadAmount("rung", &chosen);
  if (!chosen || e->rungs.empty()) return;
  if (*chosen != std::floor(*chosen) || *chosen >= static_cast<double>(e->rungs.size())) {
    return outcome.Fail("outcome.rung", "is no index into rungs");
  }
  for (Rung& r : e->rungs) r.chosen = false;
  e->rungs[static_cast<size_t>(*chosen)].chosen = true;
}

void ReadGraph(Fields graph, Evidence* e) {
  graph.Items("nodes", &e->nodes, [](Fields& f, GraphNode* n) {
    f.ReadName(&n->name);
    f.Read("op", &n->op);
    f.Read("inputs", &n->inputs);
    f.Read("outputs", &n->outputs);
    f.Read("precision", &n->precision);
  });
  graph.Read("inputs", &e->graph_inputs);
  graph.Read("outputs", &e->graph_outputs);
}

}  // namespace

Result<Evidence> ReadEvidence(const Json& json) {
  Status status;
  Fields top(&json, "", &status);
  if (!json.is_object()) return InvalidInput("is not an evidence file: it holds no JSON object");
  std::string format;
  Number version;
  top.Read("format", &format);
  if (format != "adze.evidence") {
    return InvalidInput("is not an evidence file: its format is not adze.evidence");
  }
  top.Read("version", &version);
  if (version != 1.0) {
    return InvalidInput("version of the evidence is not 1, the only one that this adze knows");
  }
  Evidence e;
  Fields tool = top.Object("tool");
  tool.Read("version", &e.tool.version);
  tool.Read("isa", &e.tool.isa);
  tool.ReadAmount("threads", &e.tool.threads);
  tool.Read("cpu", &e.tool.cpu);
  tool.Read("date", &e.tool.date);
  ReadModelAndData(top, &e);
  ReadOutcome(top, &e);
  e.has_before = top.Object("before").present();
  e.has_after = top.Object("after").present();
  ReadMeasured(top.Object("before"), &e.before);
  ReadMeasured(top.Object("after"), &e.after);
  top.Items("layers", &e.layers, ReadLayer);
  top.Items("tensors", &e.tensors, ReadTensor);
  ReadGraph(top.Object("graph"), &e);
  e.diagnosed = json.contains("findings") && json["findings"].is_array();
  top.Items("findings", &e.findings, ReadFinding);
  top.Items("files", &e.files, [](Fields& f, OutputFile* file) {
    f.ReadName(&file->name);
    f.ReadAmount("bytes", &file->bytes);
    f.Read("sha256", &file->sha256);
    f.Read("what", &file->what);
  });
  top.Items("steps", &e.steps, [](Fields& f, TimedStep* s) {
    f.ReadName(&s->name);
    f.ReadAmount("seconds", &s->seconds);
  });
  top.Read("warnings", &e.warnings);
  if (!status.ok()) return status;
  return e;
}

}  // namespace adze::report
