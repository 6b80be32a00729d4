#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace adze::internal {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "adze: internal error at %s:%d: %s does not hold. Please report this.\n",
               file, line, condition);
  std::abort();
}

}  // namespace adze::internal
