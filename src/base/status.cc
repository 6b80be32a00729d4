#include "base/status.h"

namespace adze {

Status::Status(StatusCode code, std::string message)
    : rep_(std::make_shared<const Rep>(Rep{code, std::move(message)})) {
  ADZE_CHECK(code != StatusCode::kOk);
}

const std::string& Status::message() const {
  static const std::string* const empty = new std::string;
  return rep_ ? rep_->message : *empty;
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return Status(code(), std::string(context) + ": " + message());
}

Status InvalidInput(std::string message) {
  return Status(StatusCode::kInvalidInput, std::move(message));
}
Status Unsupported(std::string message) {
  return Status(StatusCode::kUnsupported, std::move(message));
}
Status UsageError(std::string message) { return Status(StatusCode::kUsage, std::move(message)); }
Status InternalError(std::string message) {
  return Status(StatusCode::kInternal, std::move(message));
}

}  // namespace adze
