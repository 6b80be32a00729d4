// Parsing of the text form: recursive descent over the tokens of text_lexer.h, one function per
// construct of text.h.
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "base/file.h"
#include "ir/text.h"
#include "ir/text_lexer.h"
#include "numerics/half.h"
#include "numerics/number_format.h"

namespace adze {
namespace {

constexpr int kMaxRegionDepth = 16;
constexpr int64_t kMaxSplatBytes =
    int64_t{1} << 28;  // of one text: splat allocates without spending characters

template <typename T>
bool ParseNumber(std::string_view text, T* value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

// from_chars refuses what rounds to zero or infinity; the text form prints neither that way.
template <typename T>
bool ParseReal(const Token& token, T* value) {
  if (token.IsWord("nan")) {
    *value = std::numeric_limits<T>::quiet_NaN();
    return true;
  }
  if (token.IsWord("inf")) {
    *value = std::numeric_limits<T>::infinity();
    return true;
  }
  return token.kind == TokenKind::kNumber && ParseNumber(token.text, value);
}

bool IsRealToken(const Token& token) {
  return token.IsWord("inf") || token.IsWord("nan") ||
         (token.kind == TokenKind::kNumber &&
          token.text.find_first_of(".einf") != std::string::npos);
}

// Writes one element; false when the token is no value of the dtype.
bool StoreElement(const Token& token, DType dtype, char* out) {
  const auto store = [&](auto value) {
    std::memcpy(out, &value, sizeof(value));
    return true;
  };
  if (dtype == DType::kFloat64) {
    double v = 0;
    return ParseReal(token, &v) && store(v);
  }
  if (IsFloat(dtype)) {
    float v = 0;
    if (!ParseReal(token, &v)) return false;
    if (dtype == DType::kFloat16) return store(EncodeFloat16(v));
    if (dtype == DType::kBFloat16) return store(EncodeBFloat16(v));
    return store(v);
  }
  if (token.kind != TokenKind::kNumber) return false;
  const auto integer = [&](auto value) { return ParseNumber(token.text, &value) && store(value); };
  if (IsNarrow(dtype)) {
    int8_t v = 0;
    const IntRange range = RangeOf(dtype);
    return ParseNumber(token.text, &v) && v >= range.min && v <= range.max && store(v);
  }
  switch (dtype) {
    case DType::kInt8:
      return integer(int8_t{});
    case DType::kUInt8:
      return integer(uint8_t{});
    case DType::kInt16:
      return integer(int16_t{});
    case DType::kUInt16:
      return integer(uint16_t{});
    case DType::kInt32:
      return integer(int32_t{});
    case DType::kUInt32:
      return integer(uint32_t{});
    case DType::kInt64:
      return integer(int64_t{});
    case DType::kUInt64:
      return integer(uint64_t{});
    case DType::kBool: {
      uint8_t v = 0;
      return ParseNumber(token.text, &v) && v <= 1 && store(v);
    }
    default:
      return false;
  }
}

struct ParsedType {
  TensorType type;
  std::vector<std::string> origins;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Graph> Run() {
    ADZE_TRY(lexer_.Advance());
    ADZE_TRY(ExpectWord("graph"));
    if (lexer_.Peek().kind == TokenKind::kString) {
      graph_.metadata.graph_name = lexer_.Peek().text;
      ADZE_TRY(lexer_.Advance());
    }
    ADZE_TRY(Body(0, 0));
    if (lexer_.Peek().kind != TokenKind::kEnd) return lexer_.Error("text after the graph's end");
    // The outputs of nodes with regions are known only now.
    ADZE_TRY(InferGraph(graph_));
    ADZE_TRY(Verify(graph_));
    return std::move(graph_);
  }

 private:
  // --- tokens
  Status Expect(std::string_view punct) {
    if (!lexer_.Peek().Is(punct)) return lexer_.Error("'" + std::string(punct) + "' is expected");
    return lexer_.Advance();
  }
  Status ExpectWord(std::string_view word) {
    if (!lexer_.Peek().IsWord(word)) return lexer_.Error("'" + std::string(word) + "' is expected");
    return lexer_.Advance();
  }
  // Consumes the token if it is there.
  Result<bool> Accept(std::string_view punct) {
    if (!lexer_.Peek().Is(punct)) return false;
    ADZE_TRY(lexer_.Advance());
    return true;
  }
  Result<std::string> Text(TokenKind kind, const char* what) {
    if (lexer_.Peek().kind != kind) return lexer_.Error(std::string(what) + " is expected");
    std::string text = lexer_.Peek().text;
    ADZE_TRY(lexer_.Advance());
    return text;
  }
  Result<std::string> WordOrString(const char* what) {
    const TokenKind kind = lexer_.Peek().kind;
    return Text(kind == TokenKind::kString ? kind : TokenKind::kWord, what);
  }
  template <typename T>
  Result<T> Integer() {
    T v = 0;
    if (lexer_.Peek().kind != TokenKind::kNumber || !ParseNumber(lexer_.Peek().text, &v)) {
      return lexer_.Error("an integer is expected");
    }
    ADZE_TRY(lexer_.Advance());
    return v;
  }
  Result<float> Real() {
    float v = 0;
    if (!ParseReal(lexer_.Peek(), &v)) return lexer_.Error("a number is expected");
    ADZE_TRY(lexer_.Advance());
    return v;
  }
  // '[' item {',' item} ']', or '[' ']'.
  template <typename Fn>
  Status List(std::string_view open, std::string_view close, Fn&& item) {
    ADZE_TRY(Expect(open));
    if (!lexer_.Peek().Is(close)) {
      while (true) {
        ADZE_TRY(item());
        ADZE_ASSIGN(const bool more, Accept(","));
        if (!more) break;
      }
    }
    return Expect(close);
  }

  // --- values
  Status Define(const std::string& name) {
    if (!names_.insert(name).second) return lexer_.Error("a second value called '" + name + "'");
    return OkStatus();
  }
  void Show(ValueId id) {
    visible_[graph_.value(id).name] = id;
    shown_.push_back(graph_.value(id).name);
  }
  Result<std::string> NewName() {
    ADZE_ASSIGN(std::string name, Text(TokenKind::kName, "a %name"));
    ADZE_TRY(Define(name));
    return name;
  }
  // A value that is visible here, or kNoId for `_` where that is allowed.
  Result<ValueId> Use(bool optional) {
    if (optional && lexer_.Peek().IsWord("_")) {
      ADZE_TRY(lexer_.Advance());
      return kNoId;
    }
    if (lexer_.Peek().kind != TokenKind::kName) return lexer_.Error("a %name is expected");
    const auto it = visible_.find(lexer_.Peek().text);
    if (it == visible_.end()) {
      return lexer_.Error("no value '" + lexer_.Peek().text + "' before this line");
    }
    const ValueId id = it->second;
    ADZE_TRY(lexer_.Advance());
    return id;
  }

  // --- types
  Result<Shape> ParseShape() {
    Shape shape;
    ADZE_TRY(List("[", "]", [&]() -> Status {
      ADZE_ASSIGN(const std::string raw, lexer_.RawUntil(",]"));
      const std::optional<Dim> dim = Dim::Parse(raw);
      if (!dim || (dim->is_const() && dim->value() < 0)) {
        return lexer_.Error("'" + raw + "' is no dimension");
      }
      shape.push_back(*dim);
      return shape.size() <= kMaxRank ? OkStatus() : lexer_.Error("more than 8 dimensions");
    }));
    const auto dims = ToConstDims(shape);
    if (dims && NumElements(*dims) < 0) return lexer_.Error("the tensor is too large");
    return shape;
  }

  Result<std::shared_ptr<const QuantType>> ParseQuant() {
    QuantType q;
    ADZE_TRY(Expect("("));
    ADZE_ASSIGN(const std::string storage, Text(TokenKind::kWord, "a storage type"));
    const std::optional<DType> dtype = ParseDType(storage);
    if (!dtype) return lexer_.Error("'" + storage + "' is no element type");
    q.storage = *dtype;
    while (lexer_.Peek().Is(",")) {
      ADZE_TRY(lexer_.Advance());
      ADZE_ASSIGN(const std::string key, Text(TokenKind::kWord, "a quantization parameter"));
      ADZE_TRY(Expect("="));
      if (key == "axis") {
        ADZE_ASSIGN(q.axis, Integer<int>());
        if (q.axis < 0 || q.axis >= kMaxRank) return lexer_.Error("the axis is out of range");
      } else if (key == "block_size") {
        ADZE_ASSIGN(q.block_size, Integer<int64_t>());
      } else if (key == "codebook" && lexer_.Peek().kind == TokenKind::kString) {
        ADZE_ASSIGN(const std::string name, Text(TokenKind::kString, "a number format"));
        const NumberFormat* const format = FindNumberFormat(name);
        if (format == nullptr || format->codebook == nullptr) {
          return lexer_.Error("'" + name + "' is no number format with a codebook");
        }
        q.codebook = format->codebook();
      } else if (key == "codebook") {
        ADZE_TRY(List("[", "]", [&]() -> Status {
          ADZE_ASSIGN(const float v, Real());
          q.codebook.push_back(v);
          return OkStatus();
        }));
      } else if (key == "scale") {
        ADZE_TRY(List("[", "]", [&]() -> Status {
          ADZE_ASSIGN(const float v, Real());
          q.scale.push_back(v);
          return OkStatus();
        }));
      } else if (key == "zero_point") {
        ADZE_TRY(List("[", "]", [&]() -> Status {
          ADZE_ASSIGN(const int32_t v, Integer<int32_t>());
          q.zero_point.push_back(v);
          return OkStatus();
        }));
      } else {
        return lexer_.Error("unknown quantization parameter '" + key + "'");
      }
    }
    ADZE_TRY(Expect(")"));
    return std::make_shared<const QuantType>(std::move(q));
  }

  // dtype[dims] or `_`, then quant(...) and origins(...).
  Result<ParsedType> ParseType() {
    ParsedType parsed;
    ADZE_ASSIGN(const std::string word, Text(TokenKind::kWord, "a type"));
    if (word != "_") {
      const std::optional<DType> dtype = ParseDType(word);
      if (!dtype) return lexer_.Error("'" + word + "' is no element type");
      parsed.type.dtype = *dtype;
      if (lexer_.Peek().Is("[")) {
        ADZE_ASSIGN(parsed.type.shape, ParseShape());
      }
    }
    if (lexer_.Peek().IsWord("quant")) {
      ADZE_TRY(lexer_.Advance());
      ADZE_ASSIGN(parsed.type.quant, ParseQuant());
    }
    if (lexer_.Peek().IsWord("origins")) {
      ADZE_TRY(lexer_.Advance());
      ADZE_TRY(List("(", ")", [&]() -> Status {
        ADZE_ASSIGN(std::string name, Text(TokenKind::kString, "a quoted name"));
        parsed.origins.push_back(std::move(name));
        return OkStatus();
      }));
    }
    return parsed;
  }

  void SetOrigins(ValueId id, const ParsedType& parsed) {
    for (const std::string& name : parsed.origins) graph_.AddOrigin(id, name);
  }

  // --- tensors
  Result<Tensor> ParseElements(DType dtype, const std::optional<Shape>& shape) {
    const auto dims = shape ? ToConstDims(*shape) : std::nullopt;
    if (!dims) return lexer_.Error("a constant needs a fixed shape");
    const int64_t n = NumElements(*dims);
    const size_t size = SizeOf(dtype);
    if (lexer_.Peek().IsWord("splat")) {
      splat_bytes_ += n * static_cast<int64_t>(size);
      if (n > kMaxSplatBytes || splat_bytes_ > kMaxSplatBytes) {
        return lexer_.Error("splat constants are too large");
      }
      ADZE_TRY(lexer_.Advance());
      ADZE_TRY(Expect("("));
      ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(dtype, *dims));
      char* const out = static_cast<char*>(t.mutable_raw());
      char element[8];
      ADZE_TRY(Element(dtype, element));
      for (int64_t i = 0; i < n; ++i)
        std::memcpy(out + i * static_cast<int64_t>(size), element, size);
      ADZE_TRY(Expect(")"));
      return t;
    }
    std::vector<char> bytes;
    ADZE_TRY(List("[", "]", [&]() -> Status {
      if (bytes.size() >= static_cast<size_t>(n) * size) return lexer_.Error("too many elements");
      char element[8];
      ADZE_TRY(Element(dtype, element));
      bytes.insert(bytes.end(), element, element + size);
      return OkStatus();
    }));
    if (bytes.size() != static_cast<size_t>(n) * size) {
      return lexer_.Error(std::to_string(bytes.size() / size) + " elements for " +
                          std::to_string(n));
    }
    ADZE_ASSIGN(Tensor t, Tensor::TryAllocate(dtype, *dims));
    if (!bytes.empty()) std::memcpy(t.mutable_raw(), bytes.data(), bytes.size());
    return t;
  }
  Status Element(DType dtype, char* out) {
    if (!StoreElement(lexer_.Peek(), dtype, out)) {
      return lexer_.Error(std::string("a value of type ") + DTypeName(dtype) + " is expected");
    }
    return lexer_.Advance();
  }

  // --- attributes
  Result<AttrValue> ParseAttr() {
    const Token token = lexer_.Peek();
    if (token.Is("(")) {
      ADZE_TRY(lexer_.Advance());
      ADZE_ASSIGN(const ParsedType parsed, ParseType());
      if (parsed.type.dtype == DType::kUndefined) return lexer_.Error("the tensor has no type");
      ADZE_TRY(Expect("="));
      ADZE_ASSIGN(Tensor t, ParseElements(parsed.type.dtype, parsed.type.shape));
      ADZE_TRY(Expect(")"));
      return AttrValue(std::move(t));
    }
    if (token.kind == TokenKind::kString) {
      ADZE_TRY(lexer_.Advance());
      return AttrValue(token.text);
    }
    if (IsRealToken(token)) {
      ADZE_ASSIGN(const float v, Real());
      return AttrValue(v);
    }
    if (token.kind == TokenKind::kNumber) {
      ADZE_ASSIGN(const int64_t v, Integer<int64_t>());
      return AttrValue(v);
    }
    if (token.kind == TokenKind::kWord) {
      ADZE_TRY(lexer_.Advance());
      ADZE_TRY(Expect("["));
      ADZE_TRY(Expect("]"));
      if (token.text == "ints") return AttrValue(std::vector<int64_t>());
      if (token.text == "floats") return AttrValue(std::vector<float>());
      if (token.text == "strings") return AttrValue(std::vector<std::string>());
      return lexer_.Error("'" + token.text + "' is no list kind");
    }
    return ParseListAttr();
  }
  // A list takes the kind of its elements; integers among floats are floats.
  Result<AttrValue> ParseListAttr() {
    std::vector<std::string> strings;
    std::vector<float> floats;
    std::vector<int64_t> ints;
    bool all_ints = true;
    ADZE_TRY(List("[", "]", [&]() -> Status {
      const Token token = lexer_.Peek();
      if (token.kind == TokenKind::kString) {
        strings.push_back(token.text);
        return lexer_.Advance();
      }
      float real = 0;
      int64_t integer = 0;
      if (!ParseReal(token, &real)) return lexer_.Error("an attribute value is expected");
      const bool is_int = !IsRealToken(token);
      if (is_int && !ParseNumber(token.text, &integer)) {
        return lexer_.Error("the integer is out of range");
      }
      all_ints = all_ints && is_int;
      floats.push_back(real);
      ints.push_back(integer);
      return lexer_.Advance();
    }));
    if (strings.empty() && floats.empty()) {
      return lexer_.Error("an empty list needs its kind: ints[], floats[] or strings[]");
    }
    if (!strings.empty() && !floats.empty()) return lexer_.Error("the list mixes kinds");
    if (!strings.empty()) return AttrValue(std::move(strings));
    if (all_ints) return AttrValue(std::move(ints));
    return AttrValue(std::move(floats));
  }

  // --- statements
  Status Body(RegionId region, int depth) {
    if (depth > kMaxRegionDepth) return lexer_.Error("regions are nested too deeply");
    ADZE_TRY(Expect("{"));
    while (!lexer_.Peek().Is("}")) {
      if (lexer_.Peek().IsWord("input") && region == 0) {
        ADZE_TRY(lexer_.Advance());
        ADZE_TRY(Input(region));
      } else if (lexer_.Peek().IsWord("const")) {
        ADZE_TRY(lexer_.Advance());
        ADZE_TRY(Constant());
      } else if (lexer_.Peek().IsWord("output")) {
        ADZE_TRY(lexer_.Advance());
        ADZE_ASSIGN(const ValueId id, Use(false));
        graph_.AddOutput(id, region);
      } else {
        ADZE_TRY(ParseNode(region, depth));
      }
    }
    return lexer_.Advance();
  }

  Status Input(RegionId region) {
    ADZE_ASSIGN(std::string name, NewName());
    ADZE_TRY(Expect(":"));
    ADZE_ASSIGN(const ParsedType parsed, ParseType());
    const ValueId id = graph_.AddInput(std::move(name), parsed.type, region);
    SetOrigins(id, parsed);
    Show(id);
    return OkStatus();
  }

  Status Constant() {
    ADZE_ASSIGN(std::string name, NewName());
    ADZE_TRY(Expect(":"));
    ADZE_ASSIGN(const ParsedType parsed, ParseType());
    if (parsed.type.quant && parsed.type.dtype != DType::kFloat32) {
      return lexer_.Error("only float32 values can be quantized");
    }
    if (parsed.type.dtype == DType::kUndefined) return lexer_.Error("a constant needs a type");
    ADZE_TRY(Expect("="));
    ADZE_ASSIGN(Tensor t, ParseElements(parsed.type.storage(), parsed.type.shape));
    const ValueId id = graph_.AddConstant(std::move(name), std::move(t), parsed.type.quant);
    SetOrigins(id, parsed);
    Show(id);
    return OkStatus();
  }

  // %a, _ = Op(%x, _) {attributes and regions} "name" : types
  Status ParseNode(RegionId region, int depth) {
    std::vector<std::string> outputs;
    while (true) {
      if (lexer_.Peek().IsWord("_")) {
        ADZE_TRY(lexer_.Advance());
        outputs.emplace_back();
      } else {
        if (lexer_.Peek().kind != TokenKind::kName) {
          return lexer_.Error("'input', 'const', 'output', '}' or a %name is expected");
        }
        ADZE_ASSIGN(std::string name, NewName());
        outputs.push_back(std::move(name));
      }
      ADZE_ASSIGN(const bool more, Accept(","));
      if (!more) break;
    }
    ADZE_TRY(Expect("="));
    ADZE_ASSIGN(const std::string op, WordOrString("an operator"));
    const size_t dot = op.rfind('.');
    const OpType type = dot == std::string::npos
                            ? OpType::Intern("", op)
                            : OpType::Intern(op.substr(0, dot), op.substr(dot + 1));
    std::vector<ValueId> inputs;
    ADZE_TRY(List("(", ")", [&]() -> Status {
      ADZE_ASSIGN(const ValueId id, Use(true));
      inputs.push_back(id);
      return OkStatus();
    }));
    const NodeId node = graph_.AddNode(type, "", std::move(inputs), outputs, {}, region);
    if (lexer_.Peek().Is("{")) {
      ADZE_TRY(List("{", "}", [&] { return AttrOrRegion(node, depth); }));
    }
    if (lexer_.Peek().kind == TokenKind::kString) {
      graph_.SetNodeName(node, lexer_.Peek().text);
      ADZE_TRY(lexer_.Advance());
    }
    const std::vector<ValueId> ids = graph_.node(node).outputs;
    ADZE_ASSIGN(const bool typed, Accept(":"));
    for (size_t i = 0; typed && i < ids.size(); ++i) {
      if (i != 0) ADZE_TRY(Expect(","));
      ADZE_ASSIGN(const ParsedType parsed, ParseType());
      if (ids[i] == kNoId) continue;
      graph_.SetType(ids[i], parsed.type);
      SetOrigins(ids[i], parsed);
    }
    if (Status s = InferNode(graph_, node); !s.ok()) return lexer_.Error(s.message());
    for (ValueId id : ids) {
      if (id != kNoId) Show(id);
    }
    return OkStatus();
  }

  Status AttrOrRegion(NodeId node, int depth) {
    ADZE_ASSIGN(const std::string name, WordOrString("an attribute name"));
    ADZE_TRY(Expect("="));
    if (!lexer_.Peek().IsWord("region")) {
      ADZE_ASSIGN(AttrValue value, ParseAttr());
      graph_.SetAttr(node, name, std::move(value));
      return OkStatus();
    }
    ADZE_TRY(lexer_.Advance());
    const RegionId region = graph_.AddRegion(node, name);
    const size_t num_outside = shown_.size();
    ADZE_TRY(List("(", ")", [&] { return Input(region); }));
    ADZE_TRY(Body(region, depth + 1));
    for (; shown_.size() > num_outside; shown_.pop_back()) visible_.erase(shown_.back());
    return OkStatus();
  }

  Lexer lexer_;
  Graph graph_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, ValueId, std::less<>> visible_;
  std::vector<std::string> shown_;  // the names in visible_, oldest first
  int64_t splat_bytes_ = 0;
};

}  // namespace

Result<Graph> ParseGraph(std::string_view text) { return Parser(text).Run(); }

Result<Graph> ReadGraphFile(const std::string& path) {
  ADZE_ASSIGN(const auto file, MappedFile::Open(path));
  const std::span<const std::byte> bytes = file->bytes();
  Result<Graph> graph = ParseGraph({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!graph.ok()) return graph.status().WithContext(path);
  return graph;
}

}  // namespace adze
