#include "ir/sha256.h"

#include <sodium.h>

#include "base/file.h"

namespace adze {

struct Sha256::State {
  crypto_hash_sha256_state sodium;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { crypto_hash_sha256_init(&state_->sodium); }
Sha256::~Sha256() = default;

void Sha256::Update(const void* data, size_t bytes) {
  crypto_hash_sha256_update(&state_->sodium, static_cast<const unsigned char*>(data), bytes);
}

std::string Sha256::Finish() {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(&state_->sodium, digest);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char b : digest) {
    out += kHex[b >> 4];
    out += kHex[b & 15];
  }
  return out;
}

Result<std::string> Sha256OfFile(const std::string& path) {
  ADZE_ASSIGN(const auto file, MappedFile::Open(path));
  Sha256 hash;
  hash.Update(file->bytes().data(), file->bytes().size());
  return hash.Finish();
}

}  // namespace adze
