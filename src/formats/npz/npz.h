// NumPy's .npz files: a zip archive of .npy members, stored or deflated.
#ifndef ADZE_FORMATS_NPZ_NPZ_H_
#define ADZE_FORMATS_NPZ_NPZ_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "formats/gzip/gzip.h"
#include "ops/tensor.h"

namespace adze {

struct NamedTensor {
  std::string name;  // without ".npy"
  Tensor tensor;
};

// All arrays in the order of the archive's directory. Checksums are verified. Stored members that
// are aligned are views into the mapped file. Bounded: deflated members may unpack to at most
// `max_bytes` together, a member never claims more than deflate can reach (1032 times its
// compressed size), and members may not share file bytes. Refused as well: encrypted members, other
// compression methods, members that are not .npy, and names that occur twice.
Result<std::vector<NamedTensor>> ReadNpz(const std::string& path,
                                         uint64_t max_bytes = kMaxUnpackedBytes);

// Stored, data of every member aligned to 64 bytes, so that reading maps it. Less than 4 GiB in
// all; replaces `path` atomically.
Status WriteNpz(const std::string& path, std::span<const NamedTensor> tensors);

}  // namespace adze

#endif  // ADZE_FORMATS_NPZ_NPZ_H_
