"""The networks of bench/accuracy.py with their samples: those of common.py, the detectors, the text-angle classifier and the
repository's own glyph networks."""
import gzip
import os

import numpy as np

import detect
from common import BENCH, DATA, NETWORKS

GLYPHS = os.path.join(BENCH, "..", "examples", "glyphs")
HALVES = [("calibration", "evaluation"), ("evaluation", "calibration")]
ONE_WAY = [("calibration", "evaluation")]  # training images, then all test images


class Case:
    """`read(split)` gives inputs without batch axis and classes (None: no labels). `directions` are pairs of splits to calibrate
    and to judge on. `weights_on_grid`: its float weights were 8-bit codes once, so it says nothing about weights."""

    def __init__(self, name, model, data, read, directions, drop_first=0, detector=None, weights_on_grid=False):
        self.name, self.model, self.data, self.read = name, model, data, read
        self.directions, self.drop_first, self.detector = directions, drop_first, detector
        self.weights_on_grid = weights_on_grid


def of_common(name, directions, **more):
    n = NETWORKS[name]

    def read(split):
        inputs, labels = n.read(split)
        return np.stack(inputs), labels if n.labelled else None
    return Case(name, n.model, n.data, read, directions, drop_first=n.drop_first, **more)


def of_glyphs(name):
    def idx(file, head):
        with gzip.open(os.path.join(GLYPHS, file + ".idx.gz")) as f:
            return np.frombuffer(f.read(), np.uint8)[head:]

    def read(split):
        pixels = idx(split + "-images", 16).reshape(-1, 1, 32, 32).astype(np.float32)
        return (pixels - np.float32(127.5)) / np.float32(64), idx(split + "-labels", 8).astype(np.int64)
    return Case(name, os.path.join(GLYPHS, name + ".onnx"), os.path.join(GLYPHS, "glyphs.yaml"), read,
                [("calibration", "test")])


def of_detector(detector):
    def read(split):
        _, images = detect.load(detect.PHOTOS)
        return np.stack([detector.prepare(i) for i in images[0 if split == "calibration" else 1::2]]), None
    return Case(detector.model, os.path.join(DATA, "detect", detector.model + ".onnx"),
                os.path.join(BENCH, "data", detector.data), read, HALVES, detector=detector)


def text_lines(folder):
    """PP-OCR's angle classifier has no labelled data here: 48 x 192 windows of six photographs of text, upright and turned,
    for agreement with the float network. Written as .npy with its description for adze; the network with its input's shape, which
    is [-1, 3, -1, -1] in the file and stops the other quantizers."""
    import onnx
    from PIL import Image
    root = os.path.join(DATA, "ocr", "images")

    def read(split):
        windows = []
        for name in sorted(os.listdir(root)):
            image = Image.open(os.path.join(root, name)).convert("RGB")
            if image.height < 48 or image.width < 192:
                image = image.resize((max(192, image.width * 48 // image.height), 48), Image.BILINEAR)
            pixels = np.asarray(image)[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / np.float32(127.5) - 1
            spots = [(y, x) for y in range(0, image.height - 47, 48) for x in range(0, image.width - 191, 192)]
            for y, x in [spots[i * len(spots) // 40] for i in range(40)] if len(spots) > 40 else spots:
                window = pixels[:, y:y + 48, x:x + 192]
                windows += [window, window[:, ::-1, ::-1]]
        pairs = np.stack(windows).reshape(-1, 2, 3, 48, 192)
        return np.ascontiguousarray(pairs[0 if split == "calibration" else 1::2].reshape(-1, 3, 48, 192)), None

    description, model = os.path.join(folder, "ppocr.yaml"), os.path.join(folder, "ppocr.onnx")
    if not os.path.exists(description):
        halves = [read(split)[0] for split in HALVES[0]]
        np.save(os.path.join(folder, "ppocr.npy"), np.concatenate(halves))
        fixed = onnx.load(os.path.join(DATA, "ocr", "ppocr_mobile_v2_cls.onnx"))
        for value, shape in ((fixed.graph.input[0], (1, 3, 48, 192)), (fixed.graph.output[0], (1, 2))):
            for d, n in zip(value.type.tensor_type.shape.dim, shape):
                d.dim_value = n
        onnx.save(fixed, model)
        with open(description, "w") as f:
            f.write("kind: npy\nfile: ppocr.npy\nsplits:\n  calibration: {range: [0, %d]}\n  evaluation: {range: [%d, %d]}\n" %
                    (len(halves[0]), len(halves[0]), sum(map(len, halves))))
    return Case("ppocr_mobile_v2_cls", model, description, read, HALVES)


def cases(folder):
    """Cheap ones first. Those whose files are not there are left out, so the glyph networks need no ../shared."""
    found = [of_glyphs("glyphs"), of_glyphs("glyphs-vit")]
    if not os.path.isdir(DATA):
        return found
    return found + [of_common("mnist_cntk", ONE_WAY), of_common("mlperf_tiny_vww", HALVES),
                    of_common("mlperf_tiny_resnet8", ONE_WAY), of_common("cifar10_resnet20", ONE_WAY), text_lines(folder),
                    of_detector(detect.UltraFace()), of_detector(detect.FastestDet()), of_detector(detect.Yolox()),
                    of_common("squeezenet1.1", HALVES), of_common("mobilenet_v2", HALVES),
                    of_common("mobilenet_edgetpu", HALVES, weights_on_grid=True)]
