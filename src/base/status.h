// Error values: `Status` says whether something worked, `Result<T>` carries a value or the Status
// that prevented it.
//
// Rules (docs/architecture.md, "Errors"): anything a file, an argument or the environment can cause
// is a Status; a violated invariant of our own is an ADZE_CHECK. The library never prints, exits or
// throws across its borders.
#ifndef ADZE_BASE_STATUS_H_
#define ADZE_BASE_STATUS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace adze {

// What kind of failure. The numeric value is the exit code of the command line.
enum class StatusCode : int {
  kOk = 0,
  kGateNotMet = 1,    // a budget or gate was not reached; the work itself succeeded
  kUsage = 2,         // a wrong option or argument
  kInvalidInput = 3,  // a file, model or the environment (disk, memory) is wrong
  kUnsupported = 4,   // well-formed, but adze cannot do it: the message names operator and node
  kInternal = 70,     // our bug, reported instead of crashing
  kCancelled = 130,   // interrupted by the user
};

// Success is a null pointer, so passing a Status around costs one register. Immutable after
// construction and safe to copy between threads.
class [[nodiscard]] Status {
 public:
  Status() = default;  // success
  Status(StatusCode code, std::string message);

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const { return rep_ ? rep_->code : StatusCode::kOk; }
  // One sentence without a trailing full stop; empty on success.
  const std::string& message() const;

  // Adds where it happened, outermost first: `Status(kInvalidInput, "group = 0").WithContext("node
  // 'c'")` reads "node 'c': group = 0". Success stays success.
  Status WithContext(std::string_view context) const;

 private:
  struct Rep {
    StatusCode code;
    std::string message;
  };
  std::shared_ptr<const Rep> rep_;
};

inline Status OkStatus() { return Status(); }
Status InvalidInput(std::string message);
Status Unsupported(std::string message);
Status UsageError(std::string message);
Status InternalError(std::string message);

// Either a value or a non-OK Status. `value()` may be called only when `ok()`.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: implicit by design
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit by design
    ADZE_CHECK(!status_.ok());
  }

  bool ok() const { return value_.has_value(); }
  // By value from a temporary, so that it outlives the Result: ADZE_TRY(F().status()).
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }
  T& value() & {
    ADZE_CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    ADZE_CHECK(ok());
    return *value_;
  }
  T&& value() && {
    ADZE_CHECK(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::optional<T> value_;
  Status status_;
};

namespace internal {
inline const Status& AsStatus(const Status& s) { return s; }
template <typename T>
const Status& AsStatus(const Result<T>& r) {
  return r.status();
}
}  // namespace internal

}  // namespace adze

// Returns from the enclosing function if `expr` (a Status or Result) failed.
#define ADZE_TRY(expr)                                           \
  do {                                                           \
    if (auto&& adze_try_ = (expr); !adze_try_.ok()) [[unlikely]] \
      return ::adze::internal::AsStatus(adze_try_);              \
  } while (false)

#define ADZE_CONCAT_INNER_(a, b) a##b
#define ADZE_CONCAT_(a, b) ADZE_CONCAT_INNER_(a, b)
// `ADZE_ASSIGN(auto x, F());` declares x as the value of the Result that F returned, or returns its
// Status.
#define ADZE_ASSIGN(lhs, expr) ADZE_ASSIGN_(ADZE_CONCAT_(adze_result_, __LINE__), lhs, expr)
#define ADZE_ASSIGN_(result, lhs, expr) \
  auto result = (expr);                 \
  if (!result.ok()) [[unlikely]]        \
    return result.status();             \
  lhs = std::move(result).value()

#endif  // ADZE_BASE_STATUS_H_
