#include "data/dataset.h"

#include <gtest/gtest.h>
#include <png.h>

#include <set>

#include "base/test_files.h"
#include "formats/cifar/cifar.h"
#include "formats/npy/npy.h"
#include "formats/npz/npz.h"

namespace adze {
namespace {

using std::string_literals::operator""s;

class DatasetTest : public ::testing::Test {
 protected:
  // A 2 x 2 PNG of one colour.
  void Image(const std::string& name, uint8_t value) {
    png_image image = {};
    image.version = PNG_IMAGE_VERSION;
    image.width = image.height = 2;
    image.format = PNG_FORMAT_RGB;
    const std::vector<uint8_t> pixels(12, value);
    std::string file(4096, '\0');
    png_alloc_size_t size = file.size();
    ASSERT_NE(png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr),
              0);
    folder_.Write(name, file.substr(0, size));
  }
  std::unique_ptr<Dataset> Open(const std::string& yaml) {
    Result<std::unique_ptr<Dataset>> d = OpenDataset(folder_.Write("d.yaml", yaml));
    EXPECT_TRUE(d.ok()) << d.status().message();
    return d.ok() ? std::move(d).value() : nullptr;
  }
  // The refusal with the test's folder cut out.
  std::string Refusal(const std::string& yaml) {
    Result<std::unique_ptr<Dataset>> d = OpenDataset(folder_.Write("d.yaml", yaml));
    return d.ok() ? "(accepted)" : Cut(d.status().message());
  }
  std::string Cut(std::string message) {
    const std::string prefix = folder_.Path("");
    for (size_t at; (at = message.find(prefix)) != std::string::npos;) {
      message.erase(at, prefix.size());
    }
    return message;
  }
  Sample Read(const Dataset& d, int64_t index, const std::string& split = "all") {
    Sample s;
    const Status status = d.Read(split, index, &s);
    EXPECT_TRUE(status.ok()) << status.message();
    return s;
  }
  TestFolder folder_;
};

TEST_F(DatasetTest, ImagesWithALabelTable) {
  Image("pics/b.png", 20);
  Image("pics/a.PNG", 10);
  folder_.Write("pics/labels.txt", "# file\tlabel\n\na.PNG\t3\nb.png\t5\r\n");
  const auto d = Open(
      "kind: images\nroot: pics\nlabels: {from: table, file: labels.txt, offset: 1}\n"
      "preprocess: {scale: 1/10}\n");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->NumSamples("all").value(), 2);
  const Sample s = Read(*d, 1);
  EXPECT_EQ(s.id, "b.png");
  EXPECT_EQ(s.label, 6);
  ASSERT_EQ(s.inputs.size(), 1u);
  EXPECT_EQ(s.inputs[0].dims(), (std::vector<int64_t>{3, 2, 2}));
  EXPECT_EQ(s.inputs[0].values<float>()[0], 2.0f);
}

TEST_F(DatasetTest, ImagesOfAFolderAreSortedByName) {
  for (const char* name : {"c.png", "a.png", "b.png"}) Image(name, 1);
  folder_.Write("notes.txt", "not an image");
  const auto d = Open("kind: images\n");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->NumSamples("all").value(), 3);
  EXPECT_EQ(Read(*d, 0).id, "a.png");
  EXPECT_EQ(Read(*d, 2).id, "c.png");
  EXPECT_FALSE(Read(*d, 0).label.has_value());
}

TEST_F(DatasetTest, LabelsFromFoldersAndFromPresence) {
  Image("set/dog/1.png", 1);
  Image("set/cat/2.png", 2);
  Image("set/cat/1.png", 3);
  auto d = Open("kind: images\nroot: set\nlabels: {from: folders}\n");
  ASSERT_NE(d, nullptr);
  ASSERT_EQ(d->NumSamples("all").value(), 3);
  EXPECT_EQ(Read(*d, 0).label, 0);
  EXPECT_EQ(Read(*d, 0).inputs[0].values<float>()[0], 3.0f);
  EXPECT_EQ(Read(*d, 2).label, 1);

  folder_.Write("boxes/2.txt", "");
  d = Open("kind: images\nroot: set/cat\nlabels: {from: presence, folder: ../../boxes}\n");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(Read(*d, 0).label, 0);
  EXPECT_EQ(Read(*d, 1).label, 1);
}

TEST_F(DatasetTest, IdxWithLabels) {
  folder_.Write("x.idx", "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02\x01\x02\x03\x04"s);
  folder_.Write("y.idx", "\0\0\x08\x01\0\0\0\x02\x07\x08"s);
  const auto d = Open("kind: idx\nfile: x.idx\nlabels: {from: idx, file: y.idx}\n");
  ASSERT_NE(d, nullptr);
  const Sample s = Read(*d, 1);
  EXPECT_EQ(s.label, 8);
  EXPECT_EQ(s.id, "#1");
  EXPECT_TRUE(BitEqual(s.inputs[0], Tensor::FromValues<float>({1, 1, 2}, {3, 4})));
}

TEST_F(DatasetTest, CifarPlanesBecomeChannels) {
  std::string record(kCifarRecordBytes, '\0');
  record[0] = 4;
  record[1] = 10;             // red of the first pixel
  record[1 + 1024] = 20;      // green
  record[1 + 2048 + 1] = 30;  // blue of the second
  folder_.Write("one.bin", record);
  folder_.Write("two.bin", record + record);
  const auto d = Open("kind: cifar\nfiles: [one.bin, two.bin]\npreprocess: {dtype: uint8}\n");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->NumSamples("all").value(), 3);
  EXPECT_TRUE(d->has_labels());
  for (int64_t i = 0; i < 3; ++i) {
    const Sample s = Read(*d, i);
    EXPECT_EQ(s.label, 4);
    const auto v = s.inputs[0].values<uint8_t>();
    EXPECT_EQ(std::string(v.begin(), v.end()), record.substr(1));
  }
}

TEST_F(DatasetTest, NpyNpzAndSeveralInputs) {
  const Tensor users = Tensor::FromValues<int64_t>({3}, {5, 6, 7});
  const Tensor items = Tensor::FromValues<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor labels = Tensor::FromValues<uint8_t>({3}, {0, 1, 1});
  ASSERT_TRUE(WriteNpy(folder_.Path("u.npy"), users.view()).ok());
  const std::vector<NamedTensor> arrays = {{"items", items}, {"labels", labels}};
  ASSERT_TRUE(WriteNpz(folder_.Path("a.npz"), arrays).ok());
  const auto d = Open(
      "inputs:\n  - {name: user, kind: npy, file: u.npy}\n"
      "  - {name: item, kind: npy, file: a.npz, array: items, preprocess: {scale: 2}}\n"
      "labels: {from: npy, file: a.npz, array: labels}\nbatched: false\n");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->input_names(), (std::vector<std::string>{"user", "item"}));
  EXPECT_FALSE(d->batched());
  const Sample s = Read(*d, 2);
  EXPECT_EQ(s.label, 1);
  EXPECT_TRUE(BitEqual(s.inputs[0], Tensor::Scalar(int64_t{7})));
  EXPECT_TRUE(BitEqual(s.inputs[1], Tensor::FromValues<float>({2}, {10, 12})));
}

TEST_F(DatasetTest, RawWindowsMayOverlap) {
  folder_.Write("r.bin", "\1\0\2\0\3\0\4\0\5\0"s);
  const auto d = Open("kind: raw\nfile: r.bin\ndtype: int16\nshape: [3]\nstride: 1\n");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->NumSamples("all").value(), 3);
  EXPECT_TRUE(BitEqual(Read(*d, 2).inputs[0], Tensor::FromValues<int16_t>({3}, {3, 4, 5})));
}

TEST_F(DatasetTest, SyntheticIsReproducibleAndInRange) {
  const std::string yaml =
      "kind: synthetic\nsamples: 4\nshape: [1000]\nlow: -2\nhigh: 3\nseed: 7\n";
  const auto d = Open(yaml);
  ASSERT_NE(d, nullptr);
  const Tensor first = Read(*d, 0).inputs[0];
  EXPECT_TRUE(BitEqual(first, Read(*Open(yaml), 0).inputs[0]));
  EXPECT_FALSE(BitEqual(first, Read(*d, 1).inputs[0]));
  double sum = 0;
  for (const float v : first.values<float>()) {
    ASSERT_GE(v, -2);
    ASSERT_LE(v, 3);
    sum += v;
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.2);
  const auto normal = Open("kind: synthetic\nsamples: 1\nshape: [10000]\ndistribution: normal\n");
  ASSERT_NE(normal, nullptr);
  double square = 0;
  const Sample s = Read(*normal, 0);
  for (const float v : s.inputs[0].values<float>()) square += v * v;
  EXPECT_NEAR(square / 10000, 1, 0.1);
}

TEST_F(DatasetTest, Splits) {
  folder_.Write("r.bin", "0123456789");
  const std::string head = "kind: raw\nfile: r.bin\ndtype: uint8\nshape: [1]\nsplits:\n";
  const auto d = Open(head +
                      "  a: {range: [2, 9]}\n  b: {every: 3, offset: 1}\n"
                      "  c: {range: [2, 9], every: 2, limit: 2}\n  d: {shuffle: 1}\n"
                      "  e: {shuffle: 1, range: [0, 5]}\n  f: {shuffle: 1, range: [5, 10]}\n");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->split_names(), (std::vector<std::string>{"a", "all", "b", "c", "d", "e", "f"}));
  const auto text = [&](const std::string& split) {
    std::string s;
    for (int64_t i = 0; i < d->NumSamples(split).value(); ++i) {
      s += static_cast<char>(Read(*d, i, split).inputs[0].values<uint8_t>()[0]);
    }
    return s;
  };
  EXPECT_EQ(text("all"), "0123456789");
  EXPECT_EQ(text("a"), "2345678");
  EXPECT_EQ(text("b"), "147");
  EXPECT_EQ(text("c"), "24");
  EXPECT_NE(text("d"), "0123456789");
  EXPECT_EQ(text("e") + text("f"), text("d"));
  const std::string shuffled = text("d");
  EXPECT_EQ(std::set<char>(shuffled.begin(), shuffled.end()).size(), 10u);

  EXPECT_EQ(d->NumSamples("x").status().message(),
            d->path() + ": no split 'x', it has: a, all, b, c, d, e, f");
  Sample s;
  EXPECT_EQ(d->Read("a", 7, &s).message(), d->path() + ": split 'a' has no sample 7");

  EXPECT_EQ(Refusal(head + "  a: {range: [5, 11]}\n"),
            "d.yaml:6: range [5, 11) of split 'a' does not fit 10 samples");
  EXPECT_EQ(Refusal(head + "  a: {every: 3, offset: 3}\n"),
            "d.yaml:6: 'offset' is '3', must be an integer >= 0 and <= 2");
  EXPECT_EQ(Refusal(head + "  a: {every: 30, offset: 20}\n"),
            "d.yaml:6: split 'a' selects no sample");
  EXPECT_EQ(Refusal(head + "  all: {every: 2}\n"),
            "d.yaml:6: split 'all' always means all samples");
  EXPECT_EQ(Refusal(head + "  a: {evry: 3}\n"),
            "d.yaml:6: unknown key 'evry', known here: every, limit, offset, range, shuffle");
}

TEST_F(DatasetTest, EvaluateSpec) {
  folder_.Write("r.bin", "0");
  const std::string head = "kind: raw\nfile: r.bin\ndtype: uint8\nshape: [1]\n";
  const auto d = Open(head + "evaluate: {metric: top5, output: logits, drop_first_class: true}\n");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->evaluate().metric, "top5");
  EXPECT_EQ(d->evaluate().output_name, "logits");
  EXPECT_TRUE(d->evaluate().drop_first_class);
  EXPECT_EQ(Refusal(head + "evaluate: {output: a, output_index: 1}\n"),
            "d.yaml:5: 'output' and 'output_index' exclude each other");
}

TEST_F(DatasetTest, RefusalsOfDescriptions) {
  EXPECT_EQ(Refusal("kind: images\nroot: nowhere\n"), "d.yaml:2: root nowhere is not a folder");
  EXPECT_EQ(Refusal("root: .\n"), "d.yaml:1: 'kind' is missing");
  EXPECT_EQ(Refusal("kind: video\n"),
            "d.yaml:1: unknown kind 'video', known: cifar, idx, images, npy, raw, synthetic");
  EXPECT_EQ(Refusal("kind: synthetic\nsamples: 1\nshape: [1]\nsead: 3\n"),
            "d.yaml:4: unknown key 'sead', known here: batched, distribution, evaluate, high, "
            "inputs, kind, labels, low, name, preprocess, root, samples, seed, shape, splits");
  EXPECT_EQ(Refusal("kind: synthetic\nsamples: 4294967296\nshape: [1]\n"),
            "d.yaml:2: 'samples' is '4294967296', must be an integer >= 1 and <= 10000000");
  folder_.Write("empty/notes.txt", "");
  EXPECT_EQ(Refusal("kind: images\nroot: empty\n"),
            "d.yaml:1: no images (.jpg, .jpeg, .png) in empty");
  EXPECT_EQ(Refusal("kind: raw\ndtype: uint8\nshape: [1]\n"),
            "d.yaml:1: exactly one of 'file' and 'files' is needed");
  EXPECT_EQ(Refusal("kind: raw\nfile: none.bin\ndtype: uint8\nshape: [1]\n"),
            "none.bin: cannot open: No such file or directory");
  folder_.Write("r.bin", "0123");
  EXPECT_EQ(Refusal("kind: raw\nfile: r.bin\ndtype: uint8\nshape: [3]\n"),
            "r.bin: 4 bytes are not samples of uint8 [3] every 3 elements");
  EXPECT_EQ(Refusal("kind: raw\nfile: r.bin\ndtype: text\nshape: [3]\n"),
            "d.yaml:3: 'text' is not an element type of a raw file");
  EXPECT_EQ(Refusal("inputs:\n  - {kind: synthetic, samples: 2, shape: [1]}\n"
                    "  - {kind: synthetic, samples: 3, shape: [1]}\n"),
            "d.yaml:3: this input has 3 samples, the first has 2");
}

TEST_F(DatasetTest, RefusalsOfArrays) {
  ASSERT_TRUE(
      WriteNpy(folder_.Path("a.npy"), Tensor::Allocate(DType::kFloat32, {2, 3}).view()).ok());
  ASSERT_TRUE(
      WriteNpy(folder_.Path("b.npy"), Tensor::Allocate(DType::kFloat32, {2, 4}).view()).ok());
  ASSERT_TRUE(
      WriteNpy(folder_.Path("c.npy"), Tensor::Allocate(DType::kFloat32, {0, 3}).view()).ok());
  const std::vector<NamedTensor> arrays = {{"x", Tensor::Scalar(1.0f)},
                                           {"y", Tensor::Scalar(1.0f)}};
  ASSERT_TRUE(WriteNpz(folder_.Path("a.npz"), arrays).ok());
  EXPECT_EQ(Refusal("kind: npy\nfiles: [a.npy, b.npy]\n"),
            "b.npy: its samples are float32 [4], those of the files before are float32 [3]");
  EXPECT_EQ(Refusal("kind: npy\nfile: c.npy\n"), "c.npy: holds no samples (shape [0,3])");
  EXPECT_EQ(Refusal("kind: npy\nfile: a.npz\n"),
            "d.yaml:1: 'array' is missing: which array of a.npz");
  EXPECT_EQ(Refusal("kind: npy\nfile: a.npz\narray: z\n"),
            "d.yaml:3: a.npz has no array 'z', it has: x, y");
  EXPECT_EQ(Refusal("kind: npy\nfile: a.npy\npreprocess: {mean: [1, 2]}\n"),
            "d.yaml:3: 'mean' must be one number here");
  EXPECT_EQ(Refusal("kind: npy\nfile: a.npy\nlabels: {from: npy, file: b.npy}\n"),
            "d.yaml:3: the labels must be one integer per sample");
  folder_.Write("y.txt", "1\n2\n3\n");
  EXPECT_EQ(Refusal("kind: npy\nfile: a.npy\nlabels: {from: table, file: y.txt}\n"),
            "d.yaml:3: there are 3 labels for 2 samples");
}

TEST_F(DatasetTest, RefusalsOfLabelTables) {
  Image("pics/a.png", 1);
  const std::string yaml = "kind: images\nroot: pics\nlabels: {from: table, file: l.txt}\n";
  EXPECT_EQ(Refusal(yaml), "pics/l.txt: cannot open: No such file or directory");
  const auto with = [&](const std::string& table) {
    folder_.Write("pics/l.txt", table);
    return Refusal(yaml);
  };
  EXPECT_EQ(with("# nothing\n\n"), "pics/l.txt: holds no labels");
  EXPECT_EQ(with("a.png\t1\nb.png\t2\n"), "pics/l.txt:2: there is no image pics/b.png");
  EXPECT_EQ(with("# x\na.png 1\n"),
            "pics/l.txt:2: column 1 is missing (the line has 1, counted from 0)");
  EXPECT_EQ(with("a.png\tcat\n"), "pics/l.txt:1: label 'cat' is not an integer");
  EXPECT_EQ(with("a.png\t1.5\n"), "pics/l.txt:1: label '1.5' is not an integer");
  EXPECT_EQ(with("a.png\t1\na.png\t2\n"), "pics/l.txt:2: 'a.png' occurs twice");
  EXPECT_EQ(with("a.png\t-1\n"), "d.yaml:3: sample a.png has a negative label");
  EXPECT_EQ(Refusal("kind: images\nroot: pics\nlabels: {from: presence, folder: none}\n"),
            "d.yaml:3: pics/none is not a folder");
  EXPECT_EQ(Refusal("kind: images\nroot: pics\nlabels: {from: stars}\n"),
            "d.yaml:3: 'from' is 'stars', must be one of: table, folders, presence");
  EXPECT_EQ(Refusal("kind: images\nroot: pics\nlabels: {from: folders, file: x}\n"),
            "d.yaml:1: no images (.jpg, .jpeg, .png) in pics");
}

TEST_F(DatasetTest, UnreadableImagesAreNamedWhenRead) {
  Image("a.png", 1);
  folder_.Write("b.png", folder_.Read("a.png").substr(0, 50));
  const auto d = Open("kind: images\n");
  ASSERT_NE(d, nullptr);
  Sample s;
  EXPECT_EQ(Cut(d->Read("all", 1, &s).message()), "b.png: unreadable PNG: the file is truncated");
  const auto crop = Open("kind: images\npreprocess: {crop: {center: [9, 9]}}\n");
  EXPECT_EQ(Cut(crop->Read("all", 0, &s).message()),
            "a.png: the image has 2 x 2 pixels, smaller than the crop of 9 x 9");
}

}  // namespace
}  // namespace adze
