// The messages of proto.h that hold neither graphs nor nodes, from their wire form. parse.cc
// derives the parser of whole models from this one.
//
// What throws is protozero, on malformed input; the callers of the whole parser catch it.
#ifndef ADZE_FORMATS_ONNX_PARSE_PARTS_H_
#define ADZE_FORMATS_ONNX_PARSE_PARTS_H_

#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "formats/onnx/proto.h"

namespace adze::onnx {

class PartParser {
 public:
  Status Tensor(protozero::pbf_reader r, TensorProto* t);

 protected:
  // Called once per struct made; refuses more than kMaxMessages.
  Status Count();
  // A text field, which must be UTF-8; the list counts.
  Status Text(protozero::pbf_reader& r, std::string_view* out);
  Status Text(protozero::pbf_reader& r, std::vector<std::string_view>* out);
  Status StringPair(protozero::pbf_reader r, StringPairs* pairs);
  // Fields of the notes whose contents ONNX defines, checked and kept: a StringStringEntryProto, a
  // TensorAnnotation.
  Status KeepPair(protozero::pbf_reader& r, std::string* notes);
  Status KeepAnnotation(protozero::pbf_reader& r, std::string* notes);
  // Appends to the list.
  Status ValueInfo(protozero::pbf_reader r, std::vector<ValueInfoProto>* list);

 private:
  Status Type(protozero::pbf_reader r, ValueInfoProto* v);
  Status Shape(protozero::pbf_reader r, ValueInfoProto* v);

  int64_t messages_ = 0;
};

}  // namespace adze::onnx

#endif  // ADZE_FORMATS_ONNX_PARSE_PARTS_H_
