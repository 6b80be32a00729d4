#include "search/journal.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_files.h"
#include "search/recipe.h"

namespace adze {
namespace {

class JournalTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> Open(const std::string& fingerprint) {
    auto journal = Journal::Open(path_, fingerprint);
    EXPECT_TRUE(journal.ok()) << journal.status().message();
    return std::move(journal).value();
  }
  void Put(const std::string& text) { folder_.Write("journal.jsonl", text); }

  TestFolder folder_;
  std::string path_ = folder_.Path("journal.jsonl");
};

TEST_F(JournalTest, RemembersAndForgetsOtherTasks) {
  {
    const auto journal = Open("task a");
    EXPECT_EQ(*journal->Find("x"), nullptr);
    EXPECT_TRUE(journal->Record("x", 0.1).ok());
    EXPECT_TRUE(journal->Record("y\n\"", {{"value", 3}}).ok());
    EXPECT_EQ(journal->resumed(), 0);
  }
  {
    const auto journal = Open("task a");
    EXPECT_EQ(journal->resumed(), 2);
    EXPECT_TRUE(journal->used().empty());
    EXPECT_EQ(**journal->Find("x"), 0.1);  // every bit of it
    EXPECT_EQ(journal->used().size(), 1u);
    EXPECT_EQ((**journal->Find("y\n\""))["value"], 3);
  }
  EXPECT_EQ(Open("task a")->dropped(), 0);
  const auto journal = Open("task b");
  EXPECT_EQ(journal->resumed(), 0);
  EXPECT_EQ(journal->dropped(), 2);
  EXPECT_EQ(*journal->Find("x"), nullptr);
}

// A crash may leave any prefix of the file.
TEST_F(JournalTest, EveryPrefixIsAJournal) {
  {
    const auto journal = Open("task");
    EXPECT_TRUE(journal->Record("a", 1).ok());
    EXPECT_TRUE(journal->Record("b", 2).ok());
  }
  const std::string whole = folder_.Read("journal.jsonl");
  for (size_t length = 0; length <= whole.size(); ++length) {
    Put(whole.substr(0, length));
    const auto journal = Open("task");
    const auto lines = std::count(whole.begin(), whole.begin() + static_cast<long>(length), '\n');
    EXPECT_EQ(journal->resumed(), std::max<int64_t>(0, lines - 1)) << length;
    EXPECT_TRUE(journal->Record("c", 3).ok());
    EXPECT_EQ(Open("task")->resumed(), journal->resumed() + 1) << length;
  }
}

TEST_F(JournalTest, ReplaysLackNothing) {
  const auto journal = Journal::Replay({{"a", 1}}, "my.lock");
  EXPECT_EQ(**journal->Find("a"), 1);
  EXPECT_EQ(journal->Find("b").status().message(),
            "my.lock: lacks the measurement 'b': it was made from something else, or is not whole");
}

TEST_F(JournalTest, LocksRoundTripAndRefuse) {
  Lock lock;
  lock.recipe.model = "net \"1\".onnx";
  lock.recipe.budget.max_drop_points = 0.1;
  lock.recipe.budget.min_sqnr_db = 12.5;
  lock.measurements["error:a"] = 1.0 / 3;
  lock.files["quantized.onnx"] = "abc";
  ASSERT_TRUE(WriteLock(lock, path_).ok());
  const Result<Lock> back = ReadLock(path_);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->recipe.model, lock.recipe.model);
  EXPECT_EQ(back->recipe.budget.max_drop_points, 0.1);
  EXPECT_EQ(back->recipe.budget.min_sqnr_db, 12.5);
  EXPECT_FALSE(back->recipe.budget.max_size_bytes.has_value());
  EXPECT_EQ(back->measurements, lock.measurements);
  EXPECT_EQ(back->files, lock.files);
  ASSERT_TRUE(WriteLock(*back, folder_.Path("again")).ok());
  const std::string text = folder_.Read("journal.jsonl");
  EXPECT_EQ(text, folder_.Read("again"));

  const auto refusal = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    Put(changed);
    const Result<Lock> r = ReadLock(path_);
    return r.ok() ? "(accepted)" : r.status().message().substr(path_.size());
  };
  EXPECT_EQ(refusal("{", "["), ": is not JSON");
  EXPECT_EQ(refusal("\"abc\"", std::string(100'000, '[') + std::string(100'000, ']')),
            ": is not JSON");  // nested too deeply
  EXPECT_EQ(refusal("\"version\": 1", "\"version\": 2"), ": is not a lock file of version 1");
  EXPECT_EQ(refusal("\"isa\"", "\"isas\""), ": lacks 'isa'");
  EXPECT_EQ(refusal("\"min_sqnr_db\": 12.5,", ""), "(accepted)");  // from before there was one
  EXPECT_EQ(refusal("12.5", "\"12\""), ": the recipe has a 'min_sqnr_db' that is not a number");
  EXPECT_EQ(refusal("\"files\"", "\"more\": 1, \"files\""), ": has the unknown field 'more'");
  EXPECT_EQ(refusal("\"samples\": 256", "\"samples\": \"256\""),
            ": the recipe has a 'samples' that is not an integer");
  EXPECT_EQ(refusal("\"abc\"", "3"), ": a hash in 'files' is no string");
  Put("[]");
  EXPECT_EQ(ReadLock(path_).status().message(), path_ + ": is not an object");
}

}  // namespace
}  // namespace adze
