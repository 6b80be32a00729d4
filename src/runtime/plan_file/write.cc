#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "runtime/family.h"
#include "runtime/plan_file.h"
#include "runtime/plan_file/format.h"
#include "runtime/plan_file/wire.h"

namespace adze {
namespace plan_file {
namespace {

template <typename Enum>
uint8_t Number(Enum e) {
  return static_cast<uint8_t>(e);
}

// Values and steps go to `body`; the names in them go to the tables, which stand before it.
class PlanWriter {
 public:
  Status Add(const Plan& plan);
  std::vector<std::byte> Metadata() const;
  const std::vector<Tensor>& tensors() const { return tensors_; }
  uint64_t weights_bytes() const { return weights_bytes_ + kTailBytes; }

 private:
  void PutDim(const Dim& d);
  template <typename List>
  void PutDims(const List& dims) {
    body_.Put(static_cast<uint32_t>(dims.size()));
    for (const Dim& d : dims) PutDim(d);
  }
  template <typename T>
  void PutNumbers(const std::vector<T>& numbers) {
    body_.Put(static_cast<uint32_t>(numbers.size()));
    for (const T n : numbers) body_.Put(n);
  }
  void PutTensor(const Tensor& t);
  void PutAttr(const AttrValue& v);
  void PutValue(const PlanValue& v);
  Status PutStep(const Step& s);

  ByteWriter body_, dims_, ops_;  // the tables without their counts
  std::map<std::string, uint32_t> dim_index_;
  std::map<std::pair<std::string_view, std::string_view>, int32_t> op_index_;
  std::vector<Tensor> tensors_;  // in the order in which the body has them
  uint64_t weights_bytes_ = 0;
};

void PlanWriter::PutDim(const Dim& d) {
  if (d.is_const()) {
    body_.Put(uint32_t{0});
    body_.Put(d.value());
    return;
  }
  const std::string text = d.ToString();
  const auto [it, is_new] = dim_index_.emplace(text, static_cast<uint32_t>(dim_index_.size()) + 1);
  if (is_new) dims_.String(text);
  body_.Put(it->second);
}

void PlanWriter::PutTensor(const Tensor& t) {
  body_.Put(Number(t.dtype()));
  body_.Put(static_cast<uint8_t>(t.rank()));
  for (const int64_t d : t.dims()) body_.Put(d);
  weights_bytes_ += Align(t.bytes());
  tensors_.push_back(t);
}

void PlanWriter::PutAttr(const AttrValue& v) {
  body_.Put(Number(KindOf(v)));
  switch (KindOf(v)) {
    case AttrKind::kInt:
      return body_.Put(std::get<int64_t>(v));
    case AttrKind::kFloat:
      return body_.Put(std::get<float>(v));
    case AttrKind::kString:
      return body_.String(std::get<std::string>(v));
    case AttrKind::kTensor:
      return PutTensor(std::get<Tensor>(v));
    case AttrKind::kInts:
      return PutNumbers(std::get<std::vector<int64_t>>(v));
    case AttrKind::kFloats:
      return PutNumbers(std::get<std::vector<float>>(v));
    case AttrKind::kStrings: {
      const auto& strings = std::get<std::vector<std::string>>(v);
      body_.Put(static_cast<uint32_t>(strings.size()));
      for (const std::string& s : strings) body_.String(s);
      return;
    }
  }
}

void PlanWriter::PutValue(const PlanValue& v) {
  body_.String(v.name);
  body_.Put(Number(v.dtype));
  body_.Put(Number(v.layout));
  body_.Put(Number(v.kind));
  body_.Put(static_cast<uint8_t>(v.keep));
  body_.Put(v.scale);
  body_.Put(v.zero_point);
  PutDims(v.shape);
  if (v.kind == PlanValueKind::kConstant) PutTensor(v.constant);
  if (v.kind == PlanValueKind::kSymbolic) PutDims(v.elements);
}

Status PlanWriter::PutStep(const Step& s) {
  const FamilyDef* const family = FindFamily(s.family);
  if (family == nullptr || s.args.size() != family->args_bytes) {
    return InternalError("step '" + s.name + "' has arguments of an unknown form");
  }
  int32_t op = -1;
  if (!(s.op == OpType())) {
    const auto [it, is_new] = op_index_.emplace(std::pair(s.op.domain(), s.op.name()),
                                                static_cast<int32_t>(op_index_.size()));
    if (is_new) {
      ops_.String(s.op.domain());
      ops_.String(s.op.name());
    }
    op = it->second;
  }
  body_.String(s.name);
  body_.Put(static_cast<uint16_t>(s.family));
  body_.Put(static_cast<uint8_t>(s.in_place));
  body_.Put(op);
  body_.Put(s.macs_per_output);
  PutNumbers(s.inputs);
  PutNumbers(s.outputs);
  body_.Put(static_cast<uint32_t>(s.args.size()));
  body_.Bytes(s.args);
  body_.Put(static_cast<uint32_t>(s.weights.size()));
  for (const Tensor& t : s.weights) PutTensor(t);
  body_.Put(static_cast<uint32_t>(s.attrs.size()));
  for (const auto& [name, value] : s.attrs) {
    body_.String(name);
    PutAttr(value);
  }
  return OkStatus();
}

Status PlanWriter::Add(const Plan& plan) {
  if (plan.values.size() > kMaxValues || plan.steps.size() > kMaxSteps) {
    return Unsupported("a plan of more than " + std::to_string(kMaxValues) + " values or " +
                       std::to_string(kMaxSteps) + " steps");
  }
  body_.Put(static_cast<uint32_t>(plan.values.size()));
  for (const PlanValue& v : plan.values) PutValue(v);
  PutNumbers(plan.inputs);
  PutNumbers(plan.outputs);
  body_.Put(static_cast<uint32_t>(plan.steps.size()));
  for (const Step& s : plan.steps) ADZE_TRY(PutStep(s));
  if (dims_.bytes().size() > kMaxDimText) {
    return Unsupported("a plan whose symbolic dimensions take more than " +
                       std::to_string(kMaxDimText) + " characters");
  }
  return OkStatus();
}

std::vector<std::byte> PlanWriter::Metadata() const {
  ByteWriter all;
  all.Put(static_cast<uint32_t>(dim_index_.size()));
  all.Bytes(dims_.bytes());
  all.Put(static_cast<uint32_t>(op_index_.size()));
  all.Bytes(ops_.bytes());
  all.Bytes(body_.bytes());
  return all.bytes();
}

std::span<const std::byte> BytesOf(const Tensor& t) {
  return {static_cast<const std::byte*>(t.raw()), t.bytes()};
}

}  // namespace

Status Write(const Plan& plan, const std::string& path) {
  PlanWriter plan_writer;
  if (Status status = plan_writer.Add(plan); !status.ok()) return status.WithContext(path);
  const std::vector<std::byte> metadata = plan_writer.Metadata();
  Header h{};
  std::memcpy(h.magic, kMagic, sizeof(h.magic));
  h.major = kMajor;
  h.minor = kMinor;
  h.isa = static_cast<int32_t>(plan.isa);
  h.metadata_bytes = metadata.size();
  h.weights_offset = Align(sizeof(Header) + metadata.size());
  h.weights_bytes = plan_writer.weights_bytes();
  h.file_bytes = h.weights_offset + h.weights_bytes;
  // Every part of the weights, with zeros up to the next one.
  const auto for_parts = [&](const auto& each) -> Status {
    static constexpr std::byte kZeros[kAlignment] = {};
    for (const Tensor& t : plan_writer.tensors()) {
      ADZE_TRY(each(BytesOf(t)));
      ADZE_TRY(each(std::span(kZeros).first(Align(t.bytes()) - t.bytes())));
    }
    return each(std::span(kZeros).first(kTailBytes));
  };
  Checksum sum;
  ADZE_TRY(for_parts([&](std::span<const std::byte> part) {
    sum.Update(part);
    return OkStatus();
  }));
  h.weights_checksum = sum.Finish();
  std::vector<std::byte> front(h.weights_offset);
  std::memcpy(front.data(), &h, sizeof(h));
  std::memcpy(front.data() + sizeof(h), metadata.data(), metadata.size());
  h.checksum = HeaderChecksum(front);
  std::memcpy(front.data(), &h, sizeof(h));
  ADZE_ASSIGN(const std::unique_ptr<AtomicFileWriter> file, AtomicFileWriter::Create(path));
  ADZE_TRY(file->Append(front));
  ADZE_TRY(for_parts([&](std::span<const std::byte> part) { return file->Append(part); }));
  return file->Commit();
}

}  // namespace plan_file

Status WritePlan(const Plan& plan, const std::string& path) { return plan_file::Write(plan, path); }

}  // namespace adze
