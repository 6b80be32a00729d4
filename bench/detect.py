#!/usr/bin/env python3
"""The detectors of ../shared/data in their own metrics: float and int8 in adze, decoded and scored here.

Usage: bench/detect.py ADZE [--reduce-range] [--quantize "OPTIONS"] [--min-sqnr DB] [NAME ...]
YOLOX-Nano and FastestDet: average precision of persons on the 55 labelled photographs (the other 45 have no labels), IoU 0.5
and the mean of 0.5 to 0.95 in steps of 0.05, 101 recall points as in COCO. All three: agreement, which is the average precision
of int8's detections where float's above a score are taken for the truth, over all classes and all photographs.
int8 networks are calibrated on every second photograph and judged on the others, both ways, and all detections pooled.
The manifest has, with thresholds of suppression it does not state, YOLOX 78.3 / 47.1, FastestDet 67.5 / 30.2, and faces above
0.7 in the 8 photographs of UltraFace: 44 4 5 1 49 8 9 6.
"""
import argparse
import os
import tempfile

import numpy as np
from PIL import Image

from common import BENCH, DATA, adze

PHOTOS = os.path.join(DATA, "detect", "coco_val100")
LABELS = os.path.join(DATA, "detect", "coco_val100_labels")
FACES = os.path.join(DATA, "detect", "faces")


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


class Yolox:
    """416 x 416, the photograph at the top left of gray 114, BGR 0..255. Boxes relative to cells of stride 8, 16, 32."""
    model, data, input, nms, agree = "yolox_nano", "yolox_nano.yaml", "images", 0.5, 0.3

    def prepare(self, image):
        ratio = min(416 / image.height, 416 / image.width)
        small = image.resize((int(image.width * ratio), int(image.height * ratio)), Image.BILINEAR)
        canvas = np.full((416, 416, 3), 114, np.uint8)
        canvas[:small.height, :small.width] = np.asarray(small)
        return canvas[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)

    def decode(self, outputs, image):
        y = outputs["output"][0].astype(np.float64)
        cells = [(i, j, s) for s in (8, 16, 32) for i in range(416 // s) for j in range(416 // s)]
        row, column, stride = np.array(cells, np.float64).T
        center = (y[:, :2] + np.stack([column, row], 1)) * stride[:, None]
        half = np.exp(y[:, 2:4]) * stride[:, None] / 2
        ratio = min(416 / image.height, 416 / image.width)
        return np.concatenate([center - half, center + half], 1) / ratio, y[:, 4:5] * y[:, 5:]


class FastestDet:
    """352 x 352 stretched, BGR 0..1; 22 x 22 cells. Score: objectness^0.6 * class^0.4, the cell's best class only."""
    model, data, input, nms, agree = "fastestdet", "fastestdet.yaml", "input.1", 0.5, 0.3

    def prepare(self, image):
        pixels = np.asarray(image.resize((352, 352), Image.BILINEAR))
        return pixels[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / np.float32(255)

    def decode(self, outputs, image):
        y = outputs["758"][0].astype(np.float64)
        row, column = np.mgrid[:22, :22]
        center = np.stack([(np.tanh(y[1]) + column) / 22 * image.width, (np.tanh(y[2]) + row) / 22 * image.height], -1)
        half = np.stack([sigmoid(y[3]) * image.width / 2, sigmoid(y[4]) * image.height / 2], -1)
        classes = y[5:].reshape(80, -1).T
        scores = np.maximum(y[0].reshape(-1, 1), 0)**0.6 * classes**0.4 * (classes == classes.max(1, keepdims=True))
        return np.concatenate([center - half, center + half], -1).reshape(-1, 4), scores


class UltraFace:
    """320 x 240 stretched, RGB (x - 127) / 128; boxes in 0..1."""
    model, data, input, nms, agree = "ultraface_rfb_320", "ultraface.yaml", "input", 0.3, 0.7

    def prepare(self, image):
        pixels = np.asarray(image.resize((320, 240), Image.BILINEAR)).transpose(2, 0, 1).astype(np.float32)
        return (pixels - 127) / 128

    def decode(self, outputs, image):
        size = np.array([image.width, image.height] * 2)
        return outputs["boxes"][0] * size, outputs["scores"][0][:, 1:].astype(np.float64)


def overlap(box, others):
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inside = np.prod(np.maximum(high - low, 0), 1)
    return inside / (np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], 1) - inside + 1e-12)


def suppress(boxes, scores, limit, least=0.005):
    """Detections (class, score, box) after suppression within each class."""
    found = []
    for c in range(scores.shape[1]):
        order = np.flatnonzero(scores[:, c] > least)
        order = order[np.argsort(-scores[order, c], kind="stable")]
        while order.size:
            found.append((c, scores[order[0], c], boxes[order[0]]))
            order = order[1:][overlap(boxes[order[0]], boxes[order[1:]]) <= limit]
    return found


def average_precision(detections, truth, limit):
    """`detections` and `truth`: per image a list of (score, box) and of boxes; AP at one IoU, 101 points."""
    ranked = sorted(((s, i, b) for i, d in enumerate(detections) for s, b in d), key=lambda d: -d[0])
    free = [np.ones(len(t), bool) for t in truth]
    right = np.zeros(len(ranked))
    for k, (_, i, box) in enumerate(ranked):
        if len(truth[i]):
            o = np.where(free[i], overlap(box, np.asarray(truth[i])), 0)
            if o.max() >= limit:
                free[i][o.argmax()] = False
                right[k] = 1
    total = sum(map(len, truth))
    recall = np.cumsum(right) / total
    precision = np.maximum.accumulate((np.cumsum(right) / np.arange(1, len(ranked) + 1))[::-1])[::-1]
    at = np.searchsorted(recall, np.linspace(0, 1, 101))
    return 100 * np.mean([precision[i] if i < len(precision) else 0 for i in at])


def persons(name, image):
    """Labelled boxes of a photograph, None without a label file."""
    path = os.path.join(LABELS, name.replace(".jpg", ".txt"))
    if not os.path.exists(path):
        return None
    rows = [list(map(float, line.split()[1:5])) for line in open(path)]
    size = np.array([image.width, image.height])
    return [np.concatenate([(np.array(r[:2]) - np.array(r[2:]) / 2) * size, (np.array(r[:2]) + np.array(r[2:]) / 2) * size])
            for r in rows]


def detect(program, detector, path, images, folder):
    """Detections of every image; the networks take one at a time."""
    found = []
    for image in images:
        np.save(os.path.join(folder, "x.npy"), detector.prepare(image)[None])
        run = adze(program, "run", path, "--input", "%s=%s" % (detector.input, os.path.join(folder, "x.npy")), "--out", folder,
                   "--threads", 1)
        outputs = {o["name"]: np.load(o["file"]) for o in run["outputs"]}
        found.append(suppress(*detector.decode(outputs, image), detector.nms))
    return found


def of_class(detections, c):
    return [[(s, b) for k, s, b in d if k == c] for d in detections]


def agreement(reference, detections, least, limit):
    """(mean AP over classes weighted by their detections, count) with `reference` above `least` as the truth."""
    scores, weights = [], []
    for c in sorted({k for d in reference for k, s, _ in d if s > least}):
        truth = [[b for s, b in d if s > least] for d in of_class(reference, c)]
        scores.append(average_precision(of_class(detections, c), truth, limit))
        weights.append(sum(map(len, truth)))
    return np.average(scores, weights=weights), sum(weights)


def load(folder):
    names = sorted((n for n in os.listdir(folder) if n.endswith(".jpg")), key=lambda n: int(n[:-4]))
    return names, [Image.open(os.path.join(folder, n)).convert("RGB") for n in names]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adze")
    parser.add_argument("--reduce-range", action="store_true")
    parser.add_argument("--min-sqnr", type=float, help="adze compress with this budget instead of adze quantize")
    parser.add_argument("--quantize", default="", help="further options of adze quantize")
    parser.add_argument("names", nargs="*", default=[])
    a = parser.parse_intermixed_args()
    names, images = load(PHOTOS)
    for detector in (Yolox(), FastestDet(), UltraFace()):
        if a.names and detector.model not in a.names:
            continue
        model = os.path.join(DATA, "detect", detector.model + ".onnx")
        data = os.path.join(BENCH, "data", detector.data)
        options = a.quantize.split() + (["--reduce-range"] if a.reduce_range else [])
        with tempfile.TemporaryDirectory() as folder:
            float_found = detect(a.adze, detector, model, images, folder)
            int8_found = [None] * len(images)
            for first, split in ((1, "calibration"), (0, "evaluation")):
                path = os.path.join(folder, "q.onnx")
                other = {"calibration": "evaluation", "evaluation": "calibration"}[split]
                if a.min_sqnr:
                    done = adze(a.adze, "compress", model, "--data", data, "--calibration-split", split, "--evaluation-split",
                                other, "--min-sqnr", a.min_sqnr, "--out", folder)["after"]
                    path = os.path.join(folder, "quantized.onnx")
                else:
                    done = adze(a.adze, "quantize", model, "--data", data, "--split", split, "--out", path, *options)
                int8_found[first::2] = detect(a.adze, detector, path, images[first::2], folder)
                sqnr = adze(a.adze, "eval", path, "--data", data, "--split", other, "--reference", model)
                print("%s, calibrated on %s: int8 share of multiply-accumulates %.3f, SQNR %s" %
                      (detector.model, split, done["int8_macs_share"],
                       ", ".join("%s %.1f dB" % (o["name"], o["sqnr_db"]) for o in sqnr["outputs"])), flush=True)
            if detector.model == "ultraface_rfb_320":
                _, faces = load(FACES)
                for what, file in (("float", model), ("int8", path)):
                    counts = [sum(s > 0.7 for _, s, _ in d) for d in detect(a.adze, detector, file, faces, folder)]
                    print("%s %s: faces above 0.7: %s" % (detector.model, what, " ".join(map(str, counts))), flush=True)
            else:
                truth = [persons(n, i) for n, i in zip(names, images)]
                labelled = [i for i, t in enumerate(truth) if t is not None]
                for what, found in (("float", float_found), ("int8", int8_found)):
                    mine = [of_class(found, 0)[i] for i in labelled]
                    aps = [average_precision(mine, [truth[i] for i in labelled], 0.5 + 0.05 * k) for k in range(10)]
                    count = sum(len(truth[i]) for i in labelled)
                    print("%s %s: persons AP50 %.1f, AP %.1f (%d photographs, %d persons)" %
                          (detector.model, what, aps[0], np.mean(aps), len(labelled), count), flush=True)
            half = agreement(float_found, int8_found, detector.agree, 0.5)
            strict = agreement(float_found, int8_found, detector.agree, 0.75)
            print("%s: agreement of int8 with float's %d detections above %.1f: AP50 %.1f, AP75 %.1f" %
                  (detector.model, half[1], detector.agree, half[0], strict[0]), flush=True)


if __name__ == "__main__":
    main()
