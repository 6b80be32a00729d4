#include "formats/encodings/encodings.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/file.h"
#include "formats/json/json.h"
#include "formats/safetensors/safetensors.h"
#include "numerics/number_format.h"

namespace adze {
namespace {

using Json = nlohmann::json;  // objects keep their keys sorted: deterministic bytes

constexpr const char* kFormatName = "adze.encodings";

// The double nearest to 9 significant digits of x: printed with at most 9 digits, and read back as
// exactly x.
Json FloatToJson(float x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", static_cast<double>(x));
  return std::strtod(text, nullptr);
}

std::string SidePath(const std::string& path) {
  constexpr std::string_view kSuffix = ".json";
  std::string stem = path;
  if (stem.ends_with(kSuffix)) stem.resize(stem.size() - kSuffix.size());
  return stem + ".safetensors";
}

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// --- writing

class Writer {
 public:
  SafeTensors side;

  // `key` names the array in the side file.
  template <typename T>
  Json Array(const std::vector<T>& values, const std::string& key) {
    if (values.size() > kMaxInlineElements) {
      side.tensors.emplace(
          key, Tensor::FromValues<T>({static_cast<int64_t>(values.size())}, std::span(values)));
      return {{"side", key}};
    }
    Json list = Json::array();
    for (const T v : values) {
      if constexpr (std::is_same_v<T, float>) {
        list.push_back(FloatToJson(v));
      } else {
        list.push_back(v);
      }
    }
    return list;
  }

  Json Encoding(const TensorEncoding& e, const std::string& key) {
    const QuantType& q = e.type;
    Json out = Json::object();
    out["storage"] = DTypeName(q.storage);
    out["scale"] = q.per_tensor() ? FloatToJson(q.scale[0]) : Array(q.scale, key + "/scale");
    const bool uniform = std::all_of(q.zero_point.begin(), q.zero_point.end(),
                                     [&](int32_t z) { return z == q.zero_point[0]; });
    out["zero_point"] = uniform ? Json(q.zero_point[0]) : Array(q.zero_point, key + "/zero_point");
    if (!q.per_tensor()) out["axis"] = q.axis;
    if (q.block_size != 0) out["block_size"] = q.block_size;
    if (!q.codebook.empty()) {
      const NumberFormat* const format = FormatOfCodebook(q.codebook);
      out["codebook"] =
          format != nullptr ? Json(format->name) : Array(q.codebook, key + "/codebook");
    }
    if (!e.outer_scale.empty()) out["outer_scale"] = Array(e.outer_scale, key + "/outer_scale");
    const EncodingProvenance& p = e.provenance;
    if (!p.observer.empty()) {
      out["observer"] = p.observer;
      out["range"] = {FloatToJson(p.range_min), FloatToJson(p.range_max)};
    }
    if (!p.note.empty()) out["note"] = p.note;
    return out;
  }
};

Status Check(const TensorEncoding& e) {
  ADZE_TRY(VerifyQuantType(e.type, static_cast<int64_t>(e.type.scale.size())));
  for (const float s : e.outer_scale) {
    if (!std::isfinite(s) || s <= 0) {
      return InvalidInput("an outer scale is not a positive finite number");
    }
  }
  if (!std::isfinite(e.provenance.range_min) || !std::isfinite(e.provenance.range_max)) {
    return InvalidInput("the observed range is not finite");
  }
  return OkStatus();
}

// --- reading

// Fields are taken one by one; what is left at the end is unknown.
class Object {
 public:
  Object(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  Status CheckFields(std::initializer_list<const char*> known) const {
    if (!json_.is_object()) return InvalidInput(where_ + " is not an object");
    for (const auto& [key, value] : json_.items()) {
      if (std::none_of(known.begin(), known.end(),
                       [&key = key](const char* k) { return key == k; })) {
        return InvalidInput(where_ + ": unknown field '" + key + "'");
      }
    }
    return OkStatus();
  }
  const Json* Find(const char* name) const {
    const auto it = json_.find(name);
    return it == json_.end() ? nullptr : &*it;
  }
  Status Wrong(const char* name, const char* expected) const {
    return InvalidInput(where_ + ": field '" + name + "' must be " + expected);
  }
  Result<std::string> String(const char* name, bool required) const {
    const Json* const v = Find(name);
    if (v == nullptr && !required) return std::string();
    if (v == nullptr || !v->is_string()) return Wrong(name, "a string");
    return v->get<std::string>();
  }
  Result<int64_t> Int(const char* name, int64_t fallback, int64_t min, int64_t max) const {
    const Json* const v = Find(name);
    if (v == nullptr) return fallback;
    if (!v->is_number_integer()) return Wrong(name, "an integer");
    const int64_t i =
        v->is_number_unsigned() && v->get<uint64_t>() > INT64_MAX ? INT64_MAX : v->get<int64_t>();
    if (i < min || i > max) return Wrong(name, "an integer within range");
    return i;
  }
  const std::string& where() const { return where_; }

 private:
  const Json& json_;
  std::string where_;
};

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  Result<Encodings> Run() {
    ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path_));
    const char* const text = reinterpret_cast<const char*>(file->bytes().data());
    const Json json = ParseJson<Json>({text, file->bytes().size()});
    if (json.is_discarded()) return InvalidInput("is not valid JSON");
    const Object top(json, "the file");
    ADZE_TRY(top.CheckFields({"format", "version", "graph_hash", "side_file", "tensors", "uses"}));
    ADZE_ASSIGN(const std::string format, top.String("format", true));
    if (format != kFormatName) return InvalidInput("is not an encodings file");
    ADZE_ASSIGN(const int64_t version, top.Int("version", 0, 0, INT64_MAX));
    if (version != kEncodingsVersion) {
      return Unsupported("has version " + std::to_string(version) + ", this adze reads version " +
                         std::to_string(kEncodingsVersion));
    }
    Encodings out;
    ADZE_ASSIGN(out.graph_hash, top.String("graph_hash", false));
    ADZE_ASSIGN(const std::string side, top.String("side_file", false));
    if (!side.empty()) {
      if (side.find('/') != std::string::npos) {
        return InvalidInput("side_file must be a file name without a folder");
      }
      ADZE_ASSIGN(side_, ReadSafeTensors(path_.substr(0, path_.rfind('/') + 1) + side));
    }
    const Json* const tensors = top.Find("tensors");
    if (tensors == nullptr || !tensors->is_object()) return top.Wrong("tensors", "an object");
    for (const auto& [name, entry] : tensors->items()) {
      ADZE_ASSIGN(out.tensors[name], Encoding(entry, "tensor '" + name + "'", {}));
    }
    if (const Json* const uses = top.Find("uses")) {
      if (!uses->is_array()) return top.Wrong("uses", "a list");
      for (size_t i = 0; i < uses->size(); ++i) {
        const Object use((*uses)[i], "use " + std::to_string(i));
        UseEncoding u;
        ADZE_ASSIGN(u.encoding, Encoding((*uses)[i], use.where(), {"node_output", "input"}));
        ADZE_ASSIGN(u.node_output, use.String("node_output", true));
        ADZE_ASSIGN(const int64_t input, use.Int("input", -1, 0, 1 << 20));
        if (input < 0) return use.Wrong("input", "an integer");
        u.input = static_cast<int>(input);
        out.uses.push_back(std::move(u));
      }
    }
    return out;
  }

 private:
  template <typename T>
  Result<std::vector<T>> Array(const Object& object, const char* name) {
    const Json& json = *object.Find(name);
    std::vector<T> out;
    if (json.is_object()) {
      const Object reference(json, object.where() + ": " + name);
      ADZE_TRY(reference.CheckFields({"side"}));
      ADZE_ASSIGN(const std::string key, reference.String("side", true));
      const auto it = side_.tensors.find(key);
      if (it == side_.tensors.end()) {
        return InvalidInput(object.where() + ": the side file has no array '" + key + "'");
      }
      if (it->second.dtype() != kDTypeOf<T> || it->second.rank() != 1) {
        return InvalidInput(object.where() + ": the side file's array '" + key +
                            "' has the wrong type");
      }
      const auto values = it->second.values<T>();
      return std::vector<T>(values.begin(), values.end());
    }
    const auto append = [&](const Json& item) {
      if constexpr (std::is_same_v<T, float>) {
        if (!item.is_number()) return false;
        const double d = item.get<double>();
        if (!(std::abs(d) <= 3.5e38)) return false;
        out.push_back(static_cast<float>(d));
      } else {
        if (!item.is_number_integer()) return false;
        const bool huge = item.is_number_unsigned() && item.get<uint64_t>() > INT32_MAX;
        if (huge || item.get<int64_t>() > INT32_MAX || item.get<int64_t>() < INT32_MIN) {
          return false;
        }
        out.push_back(static_cast<T>(item.get<int64_t>()));
      }
      return true;
    };
    const bool ok = json.is_array() ? std::all_of(json.begin(), json.end(), append) : append(json);
    if (!ok) return object.Wrong(name, "a number or a list of numbers");
    return out;
  }

  Result<TensorEncoding> Encoding(const Json& json, const std::string& where,
                                  std::initializer_list<const char*> more) {
    static constexpr const char* kFields[] = {"storage",    "scale",       "zero_point", "axis",
                                              "block_size", "outer_scale", "observer",   "range",
                                              "note",       "codebook"};
    const Object object(json, where);
    if (json.is_object()) {
      for (const auto& [key, value] : json.items()) {
        const auto is_key = [&key = key](const char* k) { return key == k; };
        if (std::none_of(std::begin(kFields), std::end(kFields), is_key) &&
            std::none_of(more.begin(), more.end(), is_key)) {
          return InvalidInput(where + ": unknown field '" + key + "'");
        }
      }
    } else {
      return InvalidInput(where + " is not an object");
    }
    TensorEncoding e;
    ADZE_ASSIGN(const std::string storage, object.String("storage", true));
    const auto dtype = ParseDType(storage);
    if (!dtype) return InvalidInput(where + ": unknown storage '" + storage + "'");
    e.type.storage = *dtype;
    for (const char* name : {"scale", "zero_point"}) {
      if (object.Find(name) == nullptr) {
        return InvalidInput(where + ": field '" + name + "' is missing");
      }
    }
    ADZE_ASSIGN(e.type.scale, Array<float>(object, "scale"));
    ADZE_ASSIGN(e.type.zero_point, Array<int32_t>(object, "zero_point"));
    if (!object.Find("zero_point")->is_array() && !object.Find("zero_point")->is_object()) {
      e.type.zero_point.assign(e.type.scale.size(), e.type.zero_point[0]);
    }
    ADZE_ASSIGN(const int64_t axis, object.Int("axis", -1, 0, 7));
    e.type.axis = static_cast<int>(axis);
    ADZE_ASSIGN(e.type.block_size, object.Int("block_size", 0, 1, int64_t{1} << 40));
    if (const Json* const book = object.Find("codebook"); book != nullptr && book->is_string()) {
      const NumberFormat* const format = FindNumberFormat(book->get<std::string>());
      if (format == nullptr || format->codebook == nullptr) {
        return object.Wrong("codebook", "a list of numbers or a format that has one");
      }
      e.type.codebook = format->codebook();
    } else if (book != nullptr) {
      ADZE_ASSIGN(e.type.codebook, Array<float>(object, "codebook"));
    }
    if (object.Find("outer_scale") != nullptr) {
      ADZE_ASSIGN(e.outer_scale, Array<float>(object, "outer_scale"));
    }
    ADZE_ASSIGN(e.provenance.observer, object.String("observer", false));
    ADZE_ASSIGN(e.provenance.note, object.String("note", false));
    if (object.Find("range") != nullptr) {
      ADZE_ASSIGN(const std::vector<float> range, Array<float>(object, "range"));
      if (range.size() != 2) return object.Wrong("range", "two numbers");
      e.provenance.range_min = range[0];
      e.provenance.range_max = range[1];
    }
    if (Status s = Check(e); !s.ok()) return s.WithContext(where);
    return e;
  }

  std::string path_;
  SafeTensors side_;
};

}  // namespace

Status WriteEncodings(const Encodings& encodings, const std::string& path) {
  Writer writer;
  Json json = {{"format", kFormatName}, {"version", kEncodingsVersion}};
  if (!encodings.graph_hash.empty()) json["graph_hash"] = encodings.graph_hash;
  Json& tensors = json["tensors"] = Json::object();
  for (const auto& [name, e] : encodings.tensors) {
    if (Status s = Check(e); !s.ok()) return s.WithContext("tensor '" + name + "'");
    tensors[name] = writer.Encoding(e, name);
  }
  for (size_t i = 0; i < encodings.uses.size(); ++i) {
    const UseEncoding& u = encodings.uses[i];
    if (Status s = Check(u.encoding); !s.ok()) {
      return s.WithContext("use of '" + u.node_output + "'");
    }
    Json use = writer.Encoding(u.encoding, "use " + std::to_string(i));
    use["node_output"] = u.node_output;
    use["input"] = u.input;
    json["uses"].push_back(std::move(use));
  }
  if (!writer.side.tensors.empty()) {
    const std::string side = SidePath(path);
    json["side_file"] = FileName(side);
    ADZE_TRY(WriteSafeTensors(writer.side, side));
  }
  return WriteFileAtomic(path, json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

Result<Encodings> ReadEncodings(const std::string& path) {
  Result<Encodings> out = Reader(path).Run();
  if (!out.ok()) return out.status().WithContext(path);
  return out;
}

}  // namespace adze
