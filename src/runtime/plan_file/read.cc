#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "runtime/family.h"
#include "runtime/plan_file.h"
#include "runtime/plan_file/format.h"
#include "runtime/plan_file/wire.h"

namespace adze {
namespace plan_file {
namespace {

// Reads the tables, then values and steps, checking every reference on the way. Tensors are taken
// from the weights one after another, so no two share memory, and copies of them are bounded.
class PlanReader {
 public:
  PlanReader(std::span<const std::byte> metadata, std::span<const std::byte> weights,
             const std::shared_ptr<const void>& owner)
      : in_(metadata), weights_(weights), owner_(owner) {}
  Status Read(Plan* plan);

 private:
  Status Intact() const {
    return in_.ok() ? OkStatus() : InvalidInput("the description of the network ends too early");
  }
  Status ReadDimTable();
  Status ReadOpTable();
  Status ReadDims(std::vector<Dim>* dims);
  Result<Tensor> ReadTensor();
  Result<AttrValue> ReadAttr();
  Status ReadValue(PlanValue* v);
  Status ReadBorder(const std::vector<PlanValue>& values, bool inputs, std::vector<int32_t>* list);
  Status ReadStep(size_t num_values, Step* s);
  Result<std::vector<int32_t>> ReadIndices(int64_t first, size_t end);

  template <typename T>
  std::vector<T> Numbers() {
    std::vector<T> numbers(in_.Count(sizeof(T)));
    for (T& n : numbers) n = in_.Get<T>();
    return numbers;
  }

  ByteReader in_;
  std::span<const std::byte> weights_;
  std::shared_ptr<const void> owner_;
  std::vector<Dim> dims_;
  std::vector<OpType> ops_;
};

Status PlanReader::ReadDimTable() {
  const uint32_t n = in_.Count(sizeof(uint32_t));
  uint64_t text_bytes = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const std::string_view text = in_.String();
    ADZE_TRY(Intact());
    text_bytes += sizeof(uint32_t) + text.size();
    if (text_bytes > kMaxDimText) return InvalidInput("its symbolic dimensions are too long");
    const std::optional<Dim> d = Dim::Parse(text);
    if (!d) return InvalidInput("dimension " + std::to_string(i) + " is no polynomial");
    dims_.push_back(*d);
  }
  return OkStatus();
}

// Only known names are interned: identities are never freed.
OpType KnownOp(std::string_view domain, std::string_view name) {
  for (const OpDef* def : AllOps()) {
    if (domain == def->domain && name == def->name) return OpType::Intern(domain, name);
  }
  return OpType();
}

Status PlanReader::ReadOpTable() {
  const uint32_t n = in_.Count(2 * sizeof(uint32_t));
  for (uint32_t i = 0; i < n; ++i) {
    const std::string_view domain = in_.String();
    const std::string_view name = in_.String();
    ADZE_TRY(Intact());
    ops_.push_back(KnownOp(domain, name));
    if (ops_.back() == OpType()) {
      constexpr size_t kShown = 100;
      return Unsupported("the operator " + std::string(name.substr(0, kShown)) +
                         " is not in this build");
    }
  }
  return OkStatus();
}

Status PlanReader::ReadDims(std::vector<Dim>* dims) {
  const uint32_t n = in_.Count(sizeof(uint32_t));
  dims->reserve(n);
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t index = in_.Get<uint32_t>();
    if (index > dims_.size()) return InvalidInput("a dimension is not in its table");
    dims->push_back(index == 0 ? Dim(in_.Get<int64_t>()) : dims_[index - 1]);
  }
  return Intact();
}

Result<Tensor> PlanReader::ReadTensor() {
  const DType dtype = static_cast<DType>(in_.Get<uint8_t>());
  const uint8_t rank = in_.Get<uint8_t>();
  if (rank > kMaxRank) return InvalidInput("a tensor has too many dimensions");
  std::vector<int64_t> dims(rank);
  for (int64_t& d : dims) d = in_.Get<int64_t>();
  ADZE_TRY(Intact());
  if (SizeOf(dtype) == 0) return InvalidInput("a tensor has an unknown element type");
  const int64_t size = NumElements(dims);
  if (size < 0) return InvalidInput("a tensor has negative or too large dimensions");
  const uint64_t bytes = Align(static_cast<uint64_t>(size) * SizeOf(dtype));
  if (bytes > weights_.size() - kTailBytes) return InvalidInput("the weights end too early");
  const std::byte* const data = weights_.data();
  weights_ = weights_.subspan(bytes);
  return Tensor::View(dtype, std::move(dims), data, owner_);
}

Result<AttrValue> PlanReader::ReadAttr() {
  switch (static_cast<AttrKind>(in_.Get<uint8_t>())) {
    case AttrKind::kInt:
      return AttrValue(in_.Get<int64_t>());
    case AttrKind::kFloat:
      return AttrValue(in_.Get<float>());
    case AttrKind::kString:
      return AttrValue(std::string(in_.String()));
    case AttrKind::kTensor: {
      ADZE_ASSIGN(Tensor t, ReadTensor());
      return AttrValue(std::move(t));
    }
    case AttrKind::kInts:
      return AttrValue(Numbers<int64_t>());
    case AttrKind::kFloats:
      return AttrValue(Numbers<float>());
    case AttrKind::kStrings: {
      std::vector<std::string> strings(in_.Count(sizeof(uint32_t)));
      for (std::string& s : strings) s = in_.String();
      return AttrValue(std::move(strings));
    }
  }
  return InvalidInput("an attribute is of unknown kind");
}

Status PlanReader::ReadValue(PlanValue* v) {
  v->name = in_.String();
  const uint8_t dtype = in_.Get<uint8_t>();
  const uint8_t layout = in_.Get<uint8_t>();
  const uint8_t kind = in_.Get<uint8_t>();
  const uint8_t keep = in_.Get<uint8_t>();
  v->scale = in_.Get<float>();
  v->zero_point = in_.Get<int32_t>();
  ADZE_TRY(ReadDims(&v->shape));
  v->dtype = static_cast<DType>(dtype);
  v->layout = static_cast<Layout>(layout);
  v->kind = static_cast<PlanValueKind>(kind);
  v->keep = keep != 0;
  if (SizeOf(v->dtype) == 0) return InvalidInput("has an unknown element type");
  if (v->shape.size() > static_cast<size_t>(kMaxRank)) {
    return InvalidInput("has too many dimensions");
  }
  if (layout > static_cast<uint8_t>(Layout::kChannelsLast) ||
      (v->layout == Layout::kChannelsLast && v->shape.size() < 3)) {
    return InvalidInput("has an impossible layout");
  }
  if (!std::isfinite(v->scale) || v->scale < 0 || keep > 1) {
    return InvalidInput("has an impossible scale or flag");
  }
  switch (v->kind) {
    case PlanValueKind::kTemporary:
    case PlanValueKind::kInput:
      return OkStatus();
    case PlanValueKind::kConstant: {
      ADZE_ASSIGN(v->constant, ReadTensor());
      if (v->constant.dtype() != v->dtype || ToShape(v->constant.dims()) != v->shape) {
        return InvalidInput("does not have the type of its constant");
      }
      return OkStatus();
    }
    case PlanValueKind::kSymbolic:
      return ReadDims(&v->elements);
  }
  return InvalidInput("is of unknown kind");
}

// Indices from `first` to end - 1.
Result<std::vector<int32_t>> PlanReader::ReadIndices(int64_t first, size_t end) {
  std::vector<int32_t> list = Numbers<int32_t>();
  for (const int32_t i : list) {
    if (i < first || (i >= 0 && static_cast<size_t>(i) >= end)) {
      return InvalidInput("names value " + std::to_string(i) + ", which does not exist");
    }
  }
  return list;
}

// Inputs and outputs of the network: logical layout, and an input is given once.
Status PlanReader::ReadBorder(const std::vector<PlanValue>& values, bool inputs,
                              std::vector<int32_t>* list) {
  const char* const what = inputs ? "the list of inputs" : "the list of outputs";
  Result<std::vector<int32_t>> read = ReadIndices(0, values.size());
  if (!read.ok()) return read.status().WithContext(what);
  *list = std::move(read).value();
  std::vector<bool> seen(values.size(), false);
  for (const int32_t i : *list) {
    const PlanValue& v = values[static_cast<size_t>(i)];
    if (v.layout != Layout::kLogical ||
        (inputs && (v.kind != PlanValueKind::kInput || seen[static_cast<size_t>(i)]))) {
      return InvalidInput(std::string(what) + " names a value that cannot be one");
    }
    seen[static_cast<size_t>(i)] = true;
  }
  return OkStatus();
}

Status PlanReader::ReadStep(size_t num_values, Step* s) {
  s->name = in_.String();
  s->family = static_cast<FamilyId>(in_.Get<uint16_t>());
  const uint8_t in_place = in_.Get<uint8_t>();
  const int32_t op = in_.Get<int32_t>();
  s->macs_per_output = in_.Get<int64_t>();
  ADZE_TRY(Intact());
  const FamilyDef* const family = FindFamily(s->family);
  if (family == nullptr) {
    return Unsupported("kernel family " + std::to_string(static_cast<int>(s->family)) +
                       " is not in this build");
  }
  if (op < -1 || op >= static_cast<int64_t>(ops_.size()) ||
      (op < 0 && s->family == FamilyId::kOp)) {
    return InvalidInput("its operator is not in the table");
  }
  if (op >= 0) s->op = ops_[static_cast<size_t>(op)];
  if (in_place > 1 || s->macs_per_output < 0 || s->macs_per_output > kMaxMacsPerOutput) {
    return InvalidInput("has an impossible count or flag");
  }
  s->in_place = in_place != 0;
  ADZE_ASSIGN(s->inputs, ReadIndices(-1, num_values));
  ADZE_ASSIGN(s->outputs, ReadIndices(0, num_values));
  if (s->outputs.empty()) return InvalidInput("has no output");
  const std::span<const std::byte> args = in_.Bytes(in_.Get<uint32_t>());
  ADZE_TRY(Intact());
  if (args.size() != family->args_bytes) {
    return InvalidInput("has " + std::to_string(args.size()) + " bytes of arguments, must have " +
                        std::to_string(family->args_bytes));
  }
  s->args.assign(args.begin(), args.end());
  s->weights.resize(in_.Count(2));
  for (Tensor& t : s->weights) {
    ADZE_ASSIGN(t, ReadTensor());
  }
  const uint32_t num_attrs = in_.Count(sizeof(uint32_t) + 1);
  if (num_attrs > 0 && s->family != FamilyId::kOp) {
    return InvalidInput("has attributes, which only operators have");
  }
  // Attributes are kept in a small sorted list: known names only, each once.
  const OpDef* const def = s->family == FamilyId::kOp ? FindOp(s->op) : nullptr;
  for (uint32_t i = 0; i < num_attrs; ++i) {
    const std::string_view name = in_.String();
    ADZE_ASSIGN(AttrValue value, ReadAttr());
    ADZE_TRY(Intact());
    bool known = !s->attrs.Has(name);
    if (known)
      known = std::any_of(def->attrs.begin(), def->attrs.end(),
                          [&](const AttrDef& a) { return name == a.name; });
    if (!known) return InvalidInput("has an attribute that its operator does not know, or twice");
    s->attrs.Set(name, std::move(value));
  }
  return Intact();
}

Status PlanReader::Read(Plan* plan) {
  ADZE_TRY(ReadDimTable());
  ADZE_TRY(ReadOpTable());
  const uint32_t num_values = in_.Count(6 * sizeof(uint32_t));
  if (num_values > kMaxValues) return InvalidInput("it has too many values");
  plan->values.resize(num_values);
  for (size_t i = 0; i < plan->values.size(); ++i) {
    if (Status status = ReadValue(&plan->values[i]); !status.ok()) {
      return status.WithContext("value " + std::to_string(i));
    }
  }
  ADZE_TRY(ReadBorder(plan->values, true, &plan->inputs));
  ADZE_TRY(ReadBorder(plan->values, false, &plan->outputs));
  const uint32_t num_steps = in_.Count(8 * sizeof(uint32_t));
  if (num_steps > kMaxSteps) return InvalidInput("it has too many steps");
  plan->steps.resize(num_steps);
  for (size_t i = 0; i < plan->steps.size(); ++i) {
    if (Status status = ReadStep(num_values, &plan->steps[i]); !status.ok()) {
      return status.WithContext("step " + std::to_string(i));
    }
  }
  ADZE_TRY(Intact());
  return in_.at_end() ? OkStatus() : InvalidInput("there are bytes behind its last step");
}

}  // namespace

Result<PlanFromFile> Read(std::span<const std::byte> bytes,
                          const std::shared_ptr<const void>& owner, Isa isa) {
  ADZE_CHECK(reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment == 0);
  ADZE_ASSIGN(const Header h, ReadHeader(bytes));
  PlanFromFile out;
  out.packed_for = static_cast<Isa>(h.isa);
  if (!ParseIsa(IsaName(out.packed_for))) {
    return Unsupported("is made for the unknown instruction set " + std::to_string(h.isa));
  }
  auto plan = std::make_shared<Plan>();
  PlanReader reader(bytes.subspan(sizeof(Header), h.metadata_bytes),
                    bytes.subspan(h.weights_offset), owner);
  ADZE_TRY(reader.Read(plan.get()));
  for (Step& s : plan->steps) {
    const FamilyDef* const family = FindFamily(s.family);
    if (family->repack == nullptr) continue;
    const Result<bool> repacked = family->repack(s, isa);
    if (!repacked.ok()) return repacked.status().WithContext("node '" + s.name + "'");
    out.repacked_steps += *repacked ? 1 : 0;
  }
  plan->isa = isa;
  out.plan = std::move(plan);
  return out;
}

}  // namespace plan_file

Result<PlanFromFile> ReadPlanFromMemory(std::span<const std::byte> bytes,
                                        const std::shared_ptr<const void>& owner, Isa isa) {
  return plan_file::Read(bytes, owner, isa);
}

Result<PlanFromFile> ReadPlan(const std::string& path, Isa isa) {
  ADZE_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  Result<PlanFromFile> plan = plan_file::Read(file->bytes(), file, isa);
  if (!plan.ok()) return plan.status().WithContext(path);
  return plan;
}

}  // namespace adze
