#include "search/recipe.h"

#include <set>

#include "base/file.h"
#include "formats/json/json.h"

namespace adze {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kLockVersion = 1;

Json RecipeJson(const Recipe& r) {
  Json json = {{"model", r.model},
               {"data", r.data},
               {"calibration_split", r.calibration_split},
               {"evaluation_split", r.evaluation_split},
               {"samples", r.samples},
               {"observer", r.observer},
               {"metric", r.metric},
               {"target", r.target}};
  json.update(BudgetJson(r.budget));
  return json;
}

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// Takes the fields of one JSON object, each once; what is left over or of another type is refused.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) Fail("is not an object");
  }
  template <typename T>
  void Take(const char* name, T* out) {
    const Json* const v = Get(name);
    if (v == nullptr) return;
    Convert(*v, name, out);
  }
  template <typename T>
  void TakeIfThere(const char* name, T* out) {
    if (object_.is_object() && object_.contains(name)) Take(name, out);
  }
  const Json* Get(const char* name) {
    taken_.insert(name);
    if (!status_.ok()) return nullptr;
    const auto it = object_.find(name);
    if (it == object_.end()) {
      Fail(std::string("lacks '") + name + "'");
      return nullptr;
    }
    return &*it;
  }
  Status Finish() {
    if (!status_.ok()) return status_;
    for (const auto& item : object_.items()) {
      if (!taken_.contains(item.key())) {
        Fail("has the unknown field '" + item.key() + "'");
        break;
      }
    }
    return status_;
  }

 private:
  void Fail(std::string what) {
    if (status_.ok()) status_ = InvalidInput(where_ + " " + std::move(what));
  }
  void Wrong(const char* name, const char* kind) {
    Fail(std::string("has a '") + name + "' that is not " + kind);
  }
  void Convert(const Json& v, const char* name, std::string* out) {
    v.is_string() ? void(*out = v.get<std::string>()) : Wrong(name, "a string");
  }
  void Convert(const Json& v, const char* name, int64_t* out) {
    v.is_number_integer() ? void(*out = v.get<int64_t>()) : Wrong(name, "an integer");
  }
  void Convert(const Json& v, const char* name, double* out) {
    v.is_number() ? void(*out = v.get<double>()) : Wrong(name, "a number");
  }
  template <typename T>
  void Convert(const Json& v, const char* name, std::optional<T>* out) {
    if (v.is_null()) return;
    Convert(v, name, &out->emplace());
  }

  const Json& object_;
  std::string where_;
  std::set<std::string> taken_;
  Status status_;
};

}  // namespace

Json BudgetJson(const Budget& b) {
  return {{"max_drop_points", JsonOrNull(b.max_drop_points)},
          {"min_sqnr_db", JsonOrNull(b.min_sqnr_db)},
          {"max_size_bytes", JsonOrNull(b.max_size_bytes)},
          {"max_latency_ms", JsonOrNull(b.max_latency_ms)},
          {"max_memory_bytes", JsonOrNull(b.max_memory_bytes)}};
}

std::string RecipeYaml(const Recipe& recipe) {
  std::string out =
      "# What adze compress was asked for. JSON values are YAML; null: no such budget.\n"
      "format: adze.recipe\nversion: 1\n";
  const Json json = RecipeJson(recipe);
  for (const auto& item : json.items()) {
    out += item.key() + ": " + Dump(item.value(), -1) + "\n";
  }
  return out;
}

Status WriteLock(const Lock& lock, const std::string& path) {
  Json measurements = Json::object();
  for (const auto& [key, value] : lock.measurements) measurements[key] = value;
  Json files = Json::object();
  for (const auto& [name, hash] : lock.files) files[name] = hash;
  const Json json = {{"format", "adze.lock"},
                     {"version", kLockVersion},
                     {"tool_version", lock.tool_version},
                     {"isa", lock.isa},
                     {"recipe", RecipeJson(lock.recipe)},
                     {"model_sha256", lock.model_sha256},
                     {"graph_hash", lock.graph_hash},
                     {"data_sha256", lock.data_sha256},
                     {"fingerprint", lock.fingerprint},
                     {"measurements", measurements},
                     {"files", files}};
  return WriteFileAtomic(path, Dump(json, 1) + "\n");
}

Result<Lock> ReadLock(const std::string& path) {
  ADZE_ASSIGN(const auto file, MappedFile::Open(path));
  const char* const begin = reinterpret_cast<const char*>(file->bytes().data());
  const Json json = ParseJson({begin, file->bytes().size()});
  if (json.is_discarded()) return InvalidInput(path + ": is not JSON");
  Lock lock;
  std::string format;
  int64_t version = 0;
  Fields top(json, path + ":");
  top.Take("format", &format);
  top.Take("version", &version);
  if (json.is_object() && (format != "adze.lock" || version != kLockVersion)) {
    return InvalidInput(path + ": is not a lock file of version " + std::to_string(kLockVersion));
  }
  top.Take("tool_version", &lock.tool_version);
  top.Take("isa", &lock.isa);
  top.Take("model_sha256", &lock.model_sha256);
  top.Take("graph_hash", &lock.graph_hash);
  top.Take("data_sha256", &lock.data_sha256);
  top.Take("fingerprint", &lock.fingerprint);
  const Json* const recipe = top.Get("recipe");
  const Json* const measurements = top.Get("measurements");
  const Json* const files = top.Get("files");
  ADZE_TRY(top.Finish());
  Fields r(*recipe, path + ": the recipe");
  r.Take("model", &lock.recipe.model);
  r.Take("data", &lock.recipe.data);
  r.Take("calibration_split", &lock.recipe.calibration_split);
  r.Take("evaluation_split", &lock.recipe.evaluation_split);
  r.Take("samples", &lock.recipe.samples);
  r.Take("observer", &lock.recipe.observer);
  r.Take("metric", &lock.recipe.metric);
  r.Take("target", &lock.recipe.target);
  r.Take("max_drop_points", &lock.recipe.budget.max_drop_points);
  r.TakeIfThere("min_sqnr_db", &lock.recipe.budget.min_sqnr_db);
  r.Take("max_size_bytes", &lock.recipe.budget.max_size_bytes);
  r.Take("max_latency_ms", &lock.recipe.budget.max_latency_ms);
  r.Take("max_memory_bytes", &lock.recipe.budget.max_memory_bytes);
  ADZE_TRY(r.Finish());
  if (!measurements->is_object() || !files->is_object()) {
    return InvalidInput(path + ": 'measurements' and 'files' must be objects");
  }
  for (const auto& item : measurements->items()) lock.measurements[item.key()] = item.value();
  for (const auto& item : files->items()) {
    if (!item.value().is_string()) return InvalidInput(path + ": a hash in 'files' is no string");
    lock.files[item.key()] = item.value().get<std::string>();
  }
  return lock;
}

}  // namespace adze
