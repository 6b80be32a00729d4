// The files that a compression leaves: made in the work folder, moved when all of them are there.
#ifndef ADZE_SEARCH_OUTPUTS_H_
#define ADZE_SEARCH_OUTPUTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "search/work_folder.h"

namespace adze {

inline constexpr const char* kFloatFile = "float.onnx";
inline constexpr const char* kAdjustedFile = "adjusted.onnx";
inline constexpr const char* kQuantizedFile = "quantized.onnx";
inline constexpr const char* kEncodingsFile = "quantized.encodings.json";
inline constexpr const char* kRecipeFile = "recipe.yaml";
inline constexpr const char* kLockFile = "recipe.lock";

struct OutputFile {
  std::string name;
  std::string what;  // for people; empty for those that describe the others
  int64_t bytes = 0;
  std::string sha256;
};

// Refuses a folder in which an output would replace `model` or `data`.
Status CheckOverwrite(const std::string& folder, const std::string& model, const std::string& data);

// Removes what interrupted work may have left of them.
void ClearOutputs(const WorkFolder& work);

// Networks, encodings and recipe as they lie in the work folder, with sizes and hashes.
Result<std::vector<OutputFile>> ListOutputs(const WorkFolder& work);

// Moves files from the work folder, in this order.
Status MoveOutputs(const WorkFolder& work, const std::vector<OutputFile>& files,
                   const std::string& folder);

}  // namespace adze

#endif  // ADZE_SEARCH_OUTPUTS_H_
