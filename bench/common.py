"""What the benchmark scripts share: the networks of ../shared/data with their data sets, samples decoded without adze
(Pillow, numpy), and adze's commands as Python objects."""
import gzip
import json
import os
import subprocess

import numpy as np

BENCH = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(BENCH, "..", "..", "shared", "data")


class Network:
    """A network with labelled data. `samples(split)` yields float32 inputs without the batch axis, `labels(split)` the
    classes; splits are those of its data set file."""

    def __init__(self, name, model, data, kind, mean=0.0, std=1.0, drop_first=0, labelled=True):
        self.name = name
        self.model = os.path.join(DATA, model)
        self.data = os.path.join(BENCH, "data", data)
        self.kind = kind
        self.mean = np.asarray(mean, np.float32).reshape(-1, 1, 1)
        self.std = np.asarray(std, np.float32).reshape(-1, 1, 1)
        self.drop_first = drop_first  # outputs before the first labelled class
        self.labelled = labelled      # else the labels are those of other classes, or there are none

    def _normalize(self, pixels):
        return ((pixels.astype(np.float32) - self.mean) / self.std).astype(np.float32)

    def _pixels(self, split):
        if self.kind == "imagenet":
            from PIL import Image
            root = os.path.join(DATA, "imagenet1k-224")
            lines = [line.split() for line in open(os.path.join(root, "labels.txt")) if not line.startswith("#")]
            lines = lines[0 if split == "calibration" else 1::2]
            return [(np.asarray(Image.open(os.path.join(root, n[0])).convert("RGB")).transpose(2, 0, 1), int(n[1]))
                    for n in lines]
        if self.kind == "cifar":
            name = "train_3000.bin.gz" if split == "calibration" else "test_10000.bin.gz"
            raw = np.frombuffer(gzip.open(os.path.join(DATA, "cifar10", name)).read(), np.uint8).reshape(-1, 3073)
            return [(r[1:].reshape(3, 32, 32), int(r[0])) for r in raw]
        if self.kind == "coco":
            from PIL import Image
            names = sorted(os.listdir(os.path.join(DATA, "detect", "coco_val100")))[0 if split == "calibration" else 1::2]
            people = set(os.listdir(os.path.join(DATA, "detect", "coco_val100_labels")))
            def image(n):
                photo = Image.open(os.path.join(DATA, "detect", "coco_val100", n))
                return photo.convert("RGB").resize((96, 96), Image.BILINEAR)
            return [(np.asarray(image(n)).transpose(2, 0, 1), int(n.replace(".jpg", ".txt") in people)) for n in names]
        if self.kind == "logmel":
            frames = np.fromfile(os.path.join(DATA, "audio", "toycar_normal_id_01_logmel_200x128.f32"), np.float32)
            windows = [frames[i:i + 640].reshape(1, 1, 640) for i in range(0, frames.size - 639, 128)]
            return [(w, None) for w in windows[0 if split == "calibration" else 1::2]]
        if self.kind == "mnist":
            part = "train" if split == "calibration" else "t10k"
            def idx(what, skip):
                path = os.path.join(DATA, "mnist", "%s-%s-ubyte.gz" % (part, what))
                return np.frombuffer(gzip.open(path).read(), np.uint8)[skip:]
            pairs = list(zip(idx("images-idx3", 16).reshape(-1, 1, 28, 28), idx("labels-idx1", 8).tolist()))
            return pairs[::60] if split == "calibration" else pairs
        raise ValueError(self.kind)

    def read(self, split, count=0):
        """(inputs, labels); `count` samples spread evenly over the split as adze spreads them, 0: all."""
        pairs = self._pixels(split)
        if 0 < count < len(pairs):
            pairs = [pairs[i * len(pairs) // count] for i in range(count)]
        inputs = [self._normalize(p) for p, _ in pairs]
        if self.kind == "logmel":
            inputs = [x.reshape(-1) for x in inputs]
        return inputs, np.asarray([c for _, c in pairs])


IMAGENET = dict(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
NETWORKS = {n.name: n for n in (
    Network("mobilenet_v2", "models/mobilenet_v2.onnx", "imagenet.yaml", "imagenet", **IMAGENET),
    Network("squeezenet1.1", "models/squeezenet1.1.onnx", "imagenet.yaml", "imagenet", **IMAGENET),
    Network("mobilenet_edgetpu", "models/mobilenet_edgetpu_0.75_deqPTQ.onnx", "imagenet_edgetpu.yaml", "imagenet",
            mean=127.5, std=127.5, drop_first=1),
    Network("cifar10_resnet20", "models/cifar10_resnet20.onnx", "cifar10_resnet20.yaml", "cifar", **IMAGENET),
    Network("mlperf_tiny_resnet8", "models/mlperf_tiny_resnet8.onnx", "cifar10_resnet8.yaml", "cifar"),
    Network("mlperf_tiny_vww", "models/mlperf_tiny_vww.onnx", "vww.yaml", "coco", std=255),
    Network("mlperf_tiny_ad01", "models/mlperf_tiny_ad01.onnx", "ad01.yaml", "logmel", labelled=False),
    Network("doodlenet", "models/doodlenet.onnx", "doodlenet.yaml", "mnist", std=255, labelled=False),
    Network("mnist_cntk", "models/mnist_cntk.onnx", "mnist.yaml", "mnist"),
)}


def adze(program, *arguments):
    """Runs adze with --json and returns its object."""
    done = subprocess.run([program, *map(str, arguments), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    if done.returncode != 0:
        raise RuntimeError("adze %s: %s" % (" ".join(map(str, arguments)), done.stderr.strip()))
    return json.loads(done.stdout)


def ort_session(path, integer=True):
    """`integer` False: Q/DQ nodes are computed as they stand, in float, instead of fused into integer operators."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if not integer:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def ort_outputs(path, inputs, integer=True):
    """First output of every sample, one at a time, as rows."""
    session = ort_session(path, integer)
    name = session.get_inputs()[0].name
    return np.stack([session.run(None, {name: x[None]})[0].reshape(-1) for x in inputs])


def sqnr_db(reference, values):
    error = np.sum((reference.astype(np.float64) - values)**2)
    return 10 * np.log10(np.sum(reference.astype(np.float64)**2) / max(error, 1e-30))


def score(network, reference, values, labels):
    """top-1 in per cent, flips in per cent, SQNR in dB."""
    ours = values[:, network.drop_first:].argmax(1)
    floats = reference[:, network.drop_first:].argmax(1)
    return 100 * np.mean(ours == labels), 100 * np.mean(ours != floats), sqnr_db(reference, values)
