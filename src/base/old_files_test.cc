#include "base/old_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/file.h"

namespace adze {
namespace {

namespace fs = std::filesystem;

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(OldFiles, NothingIsLeftWhereNothingWasWritten) {
  const std::string folder = testing::TempDir() + "/old_files_unwritten";
  fs::remove_all(folder);
  fs::create_directories(folder);
  ASSERT_TRUE(WriteFileAtomic(folder + "/old.onnx", "before").ok());
  {
    OldFiles files;
    ASSERT_TRUE(files.Keep(folder + "/old.onnx").ok());
  }
  EXPECT_EQ(Read(folder + "/old.onnx"), "before");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

TEST(OldFiles, ComeBackUnlessForgotten) {
  const std::string folder = testing::TempDir() + "/old_files";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const std::string old = folder + "/old.json";
  const std::string fresh = folder + "/fresh.onnx";
  ASSERT_TRUE(WriteFileAtomic(old, "before").ok());
  for (const bool forget : {false, true}) {
    {
      OldFiles files;
      ASSERT_TRUE(files.Keep(old).ok());
      ASSERT_TRUE(files.Keep(fresh).ok());
      ASSERT_TRUE(WriteFileAtomic(old, "after").ok());
      ASSERT_TRUE(WriteFileAtomic(folder + "/old.safetensors", "side").ok());
      ASSERT_TRUE(WriteFileAtomic(fresh, "new").ok());
      if (forget) files.Forget();
    }
    EXPECT_EQ(Read(old), forget ? "after" : "before");
    EXPECT_EQ(fs::exists(fresh), forget);
    EXPECT_EQ(fs::exists(folder + "/old.safetensors"), forget);
    const auto count = std::distance(fs::directory_iterator(folder), fs::directory_iterator());
    EXPECT_EQ(count, forget ? 3 : 1);  // no copies are left
  }
}

}  // namespace
}  // namespace adze
