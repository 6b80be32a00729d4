// TensorProto <-> Tensor, element types, and weights kept in external files.
#ifndef ADZE_FORMATS_ONNX_TENSOR_PROTO_H_
#define ADZE_FORMATS_ONNX_TENSOR_PROTO_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/file.h"
#include "base/status.h"
#include "formats/onnx/proto.h"
#include "ops/tensor.h"

namespace adze::onnx {

// TensorProto.DataType <-> DType; nullopt for element types that adze has no memory form of
// (string, complex, float8 …). The name is ONNX's own, "unknown (99)" for numbers it does
// not define.
std::optional<DType> DTypeFromOnnx(int64_t data_type);
int64_t OnnxFromDType(DType dtype);  // 0: ONNX has no such type
// The elements as they lie in a file: narrow integers packed, others as they are.
Tensor PackForOnnx(const Tensor& t);
std::string OnnxTypeName(int64_t data_type);

// Files that hold external data, each mapped once. Everything must lie inside `base_dir`: absolute
// locations, ".." and symbolic links that lead outside are refused.
class ExternalFiles {
 public:
  explicit ExternalFiles(std::string base_dir) : base_dir_(std::move(base_dir)) {}
  Result<std::shared_ptr<const MappedFile>> Open(std::string_view location);

 private:
  std::string base_dir_;  // empty: external data is refused
  std::map<std::string, std::shared_ptr<const MappedFile>, std::less<>> files_;
};

// The tensor, as a view kept alive by `owner` (the model) or by its external file where the
// elements are raw, aligned and need no conversion; else a copy. Every size is checked before
// anything is allocated. Messages do not name the tensor.
Result<Tensor> DecodeTensor(const TensorProto& proto, const std::shared_ptr<const void>& owner,
                            ExternalFiles* external);

}  // namespace adze::onnx

#endif  // ADZE_FORMATS_ONNX_TENSOR_PROTO_H_
