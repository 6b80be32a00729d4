#include "search/ladder.h"

namespace adze {
namespace {

Result<std::optional<Candidate>> Next(const Candidate* current, LadderEnvironment&) {
  if (current != nullptr) return std::optional<Candidate>();
  return std::optional(Candidate{"int8", {}});
}

}  // namespace

extern constexpr RungDef kInt8Rung = {"int8", "every layer that can be is quantized to 8 bits",
                                      Next};

}  // namespace adze
