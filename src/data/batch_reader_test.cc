#include "data/batch_reader.h"

#include <gtest/gtest.h>

#include "base/test_files.h"
#include "data/feed.h"

namespace adze {
namespace {

class BatchTest : public ::testing::Test {
 protected:
  std::unique_ptr<Dataset> Open(const std::string& yaml) {
    Result<std::unique_ptr<Dataset>> d = OpenDataset(folder_.Write("d.yaml", yaml));
    EXPECT_TRUE(d.ok()) << d.status().message();
    return d.ok() ? std::move(d).value() : nullptr;
  }
  // 10 samples of one byte, "0" to "9", labelled by their value.
  std::unique_ptr<Dataset> Digits(const std::string& more = "") {
    folder_.Write("r.bin", "0123456789");
    folder_.Write("y.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    return Open("kind: raw\nfile: r.bin\ndtype: uint8\nshape: [1]\nlabels: {file: y.txt}\n" + more);
  }
  TestFolder folder_;
};

TEST_F(BatchTest, OrderIsThatOfTheSplitForAnyNumberOfThreads) {
  const auto d = Digits();
  for (const int threads : {1, 2, 5}) {
    for (const int64_t batch : {1, 3, 10, 20}) {
      for (const int prefetch : {1, 4}) {
        auto reader = BatchReader::Create(d.get(), "all", {batch, 0, threads, prefetch});
        ASSERT_TRUE(reader.ok());
        std::string text;
        Batch b;
        while (reader.value()->Next(&b).value()) {
          ASSERT_EQ(b.inputs[0].dims(), (std::vector<int64_t>{b.size(), 1}));
          for (int64_t i = 0; i < b.size(); ++i) {
            text += static_cast<char>(b.inputs[0].values<uint8_t>()[static_cast<size_t>(i)]);
            EXPECT_EQ(b.labels[static_cast<size_t>(i)], text.back() - '0');
          }
        }
        EXPECT_EQ(text, "0123456789");
        EXPECT_FALSE(reader.value()->Next(&b).value());
      }
    }
  }
}

TEST_F(BatchTest, LimitAndEarlyDestruction) {
  const auto d = Digits();
  auto reader = BatchReader::Create(d.get(), "all", {.batch = 4, .limit = 6});
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader.value()->num_samples(), 6);
  Batch b;
  EXPECT_TRUE(reader.value()->Next(&b).value());
  EXPECT_EQ(b.size(), 4);
  EXPECT_TRUE(reader.value()->Next(&b).value());
  EXPECT_EQ(b.size(), 2);
  EXPECT_FALSE(reader.value()->Next(&b).value());
  // Dropped while threads are at work.
  ASSERT_TRUE(BatchReader::Create(d.get(), "all", {.batch = 1, .threads = 4}).ok());
}

TEST_F(BatchTest, OptionsOutOfRange) {
  const auto d = Digits();
  EXPECT_EQ(BatchReader::Create(d.get(), "all", {.batch = 0}).status().message(),
            "the batch must be at least 1 and the limit not negative");
  EXPECT_EQ(BatchReader::Create(d.get(), "all", {.threads = 0}).status().message(),
            "1 to 256 decoding threads and 1 to 1024 prefetched batches are possible");
  EXPECT_EQ(BatchReader::Create(d.get(), "x", {}).status().message(),
            d->path() + ": no split 'x', it has: all");
  const auto whole = Digits("batched: false\n");
  EXPECT_EQ(BatchReader::Create(whole.get(), "all", {.batch = 2}).status().message(),
            whole->path() + ": samples have no batch dimension, so the batch must be 1");
  auto reader = BatchReader::Create(whole.get(), "all", {});
  Batch b;
  ASSERT_TRUE(reader.value()->Next(&b).value());
  EXPECT_EQ(b.inputs[0].dims(), (std::vector<int64_t>{1}));
}

TEST_F(BatchTest, ErrorsComeInTheirTurn) {
  const std::string pixel = "\x89PNG broken";
  folder_.Write("i/a.png", pixel);
  const auto d = Open("kind: images\nroot: i\n");
  auto reader = BatchReader::Create(d.get(), "all", {});
  Batch b;
  const Result<bool> next = reader.value()->Next(&b);
  EXPECT_TRUE(next.status().message().starts_with(folder_.Path("i/a.png: unreadable PNG: ")))
      << next.status().message();
}

TEST_F(BatchTest, FeedMatchesByPositionAndByName) {
  const std::string two =
      "inputs:\n  - {name: b, kind: synthetic, samples: 1, shape: [2]}\n"
      "  - {name: a, kind: synthetic, samples: 1, shape: [3]}\n";
  const auto d = Open(two);
  const Dim n = Dim::Symbol("N");
  const NetworkInput a{"a", DType::kFloat32, {n, 3}};
  const NetworkInput b{"b", DType::kFloat32, {n, 2}};
  const Result<Feed> feed = Feed::Create({a, b}, *d);
  ASSERT_TRUE(feed.ok()) << feed.status().message();
  EXPECT_EQ(feed.value().BatchSize(16), 16);
  const std::vector<Tensor> inputs = {Tensor::Allocate(DType::kFloat32, {1, 2}),
                                      Tensor::Allocate(DType::kFloat32, {1, 3})};
  const auto views = feed.value().Order(inputs);
  ASSERT_TRUE(views.ok()) << views.status().message();
  EXPECT_EQ(views.value()[0].data, inputs[1].raw());
  EXPECT_EQ(views.value()[1].data, inputs[0].raw());

  EXPECT_EQ(Feed::Create({a}, *d).status().message(),
            d->path() + ": describes 2 inputs, the network has 1");
  EXPECT_EQ(Feed::Create({a, {"c", DType::kFloat32, {n, 2}}}, *d).status().message(),
            d->path() + ": the network has no input 'b', it has: a, c");
  const NetworkInput fixed{"a", DType::kFloat32, {4, 3}};
  EXPECT_EQ(Feed::Create({fixed, b}, *d).value().BatchSize(16), 4);
  EXPECT_EQ(Feed::Create({fixed, b}, *d).value().Order(inputs).status().message(),
            "input 'a' of the network is float32 [4,3], the data set gives float32 [1,3]");
  const NetworkInput bytes{"a", DType::kUInt8, {n, 3}};
  EXPECT_EQ(Feed::Create({bytes, b}, *d).value().Order(inputs).status().message(),
            "input 'a' of the network is uint8 [N,3], the data set gives float32 [1,3]");
}

}  // namespace
}  // namespace adze
