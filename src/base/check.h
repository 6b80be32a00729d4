// ADZE_CHECK: an invariant of our own code. It stops the process with file, line and condition in
// every build; ADZE_DCHECK only in debug and sanitizer builds. Never reachable from a file or an
// argument.
#ifndef ADZE_BASE_CHECK_H_
#define ADZE_BASE_CHECK_H_

namespace adze::internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}  // namespace adze::internal

#define ADZE_CHECK(cond)                                        \
  do {                                                          \
    if (!(cond)) [[unlikely]]                                   \
      ::adze::internal::CheckFailed(__FILE__, __LINE__, #cond); \
  } while (false)

#if !defined(NDEBUG) || defined(ADZE_FORCE_DCHECK)
#define ADZE_DCHECK(cond) ADZE_CHECK(cond)
#else
#define ADZE_DCHECK(cond) \
  do {                    \
  } while (false && (cond))
#endif

#endif  // ADZE_BASE_CHECK_H_
