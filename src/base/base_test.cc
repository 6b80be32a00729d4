#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/cpu.h"
#include "base/file.h"
#include "base/status.h"
#include "base/thread_pool.h"

namespace adze {
namespace {

TEST(Status, ContextNestsOutermostFirst) {
  const Status s = InvalidInput("group = 0").WithContext("node 'c'").WithContext("m.onnx");
  EXPECT_EQ(s.message(), "m.onnx: node 'c': group = 0");
  EXPECT_EQ(s.code(), StatusCode::kInvalidInput);
  EXPECT_TRUE(OkStatus().WithContext("x").ok());
}

Result<int> Half(int x) {
  if (x % 2 != 0) return InvalidInput("odd");
  return x / 2;
}
Status Quarter(int x, int* out) {
  ADZE_ASSIGN(const int half, Half(x));
  ADZE_ASSIGN(*out, Half(half));
  return OkStatus();
}

TEST(Result, AssignReturnsEarly) {
  int out = 0;
  EXPECT_TRUE(Quarter(8, &out).ok());
  EXPECT_EQ(out, 2);
  EXPECT_EQ(Quarter(6, &out).message(), "odd");
}

TEST(ThreadPool, EveryChunkExactlyOnce) {
  for (int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (int64_t n : {0, 1, 2, 3, 100, 1000}) {
      for (int repeat = 0; repeat < 50; ++repeat) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
        pool.ParallelFor(n, [&](int64_t c, int worker) {
          EXPECT_LT(worker, threads);
          seen[static_cast<size_t>(c)].fetch_add(1);
        });
        for (const auto& s : seen) ASSERT_EQ(s.load(), 1);
      }
    }
  }
}

TEST(AtomicFile, NothingLeftBehindWithoutCommit) {
  const std::filesystem::path dir = std::filesystem::temp_directory_path() / "adze_file_test";
  std::filesystem::remove_all(dir);
  ASSERT_TRUE(MakeDirectories(dir.string()).ok());
  const std::string path = (dir / "out").string();
  {
    auto w = AtomicFileWriter::Create(path);
    ASSERT_TRUE(w.ok());
    ASSERT_TRUE((*w)->Append("abc").ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir));
  ASSERT_TRUE(WriteFileAtomic(path, "hello").ok());
  auto f = MappedFile::Open(path);
  ASSERT_TRUE(f.ok());
  EXPECT_EQ((*f)->bytes().size(), 5u);
  EXPECT_FALSE(MappedFile::Open(dir.string()).ok());
  EXPECT_FALSE(MappedFile::Open((dir / "missing").string()).ok());
  EXPECT_FALSE(WriteFileAtomic((dir / "no" / "such").string(), "x").ok());
  std::filesystem::remove_all(dir);
}

TEST(AtomicFile, FullDiskIsAnError) {
  // /dev/full cannot be a rename target, so write through a temporary on it is refused at creation.
  EXPECT_FALSE(WriteFileAtomic("/proc/adze", "x").ok());
}

TEST(Cpu, NamesRoundTrip) {
  for (Isa isa : SupportedIsas()) EXPECT_EQ(ParseIsa(IsaName(isa)), isa);
  EXPECT_FALSE(ParseIsa("sse9").has_value());
}

}  // namespace
}  // namespace adze
