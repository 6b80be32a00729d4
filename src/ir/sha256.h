// SHA-256 (FIPS 180-4) of bytes and files, through libsodium: names for contents.
#ifndef ADZE_IR_SHA256_H_
#define ADZE_IR_SHA256_H_

#include <cstddef>
#include <memory>
#include <string>

#include "base/status.h"

namespace adze {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(const void* data, size_t bytes);
  // 64 lower-case hexadecimal digits. The object is spent afterwards.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of a whole file, which is mapped. Refuses what MappedFile::Open refuses.
Result<std::string> Sha256OfFile(const std::string& path);

}  // namespace adze

#endif  // ADZE_IR_SHA256_H_
