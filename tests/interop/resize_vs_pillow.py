"""Decoding and resizing against Pillow, on images made here: run by ctest where a Python with Pillow and NumPy is found.

usage: resize_vs_pillow.py PATH_OF_adze_dump_samples
At least 99.9 % of the resized pixels must be equal and none may differ by more than 1; cropping and value arithmetic must
be equal to the bit. JPEGs must decode equally if both link libjpeg-turbo with the same arithmetic; the difference is
printed and may not exceed 1 on at most 1 pixel in 1000.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import PIL
from PIL import Image


def resize(image, w, h):
    """Bilinear, in the order of passes that Pillow has from release 13 on (src/data/resize.h)."""
    bilinear = Image.Resampling.BILINEAR
    old = int(PIL.__version__.split(".")[0]) < 13
    if old and image.height > h and image.height - h > 2 * (image.width - w):
        image = image.resize((image.width, h), bilinear)
    return image.resize((w, h), bilinear)


def make_images(folder):
    rng = np.random.default_rng(7)
    sizes = [(37, 53), (224, 224), (480, 321), (1, 9), (640, 427), (100, 400)]
    for n, (w, h) in enumerate(sizes):
        y, x = np.mgrid[0:h, 0:w]
        smooth = np.stack([x * 255.0 / max(w - 1, 1), y * 255.0 / max(h - 1, 1), (x * y) % 256], -1)
        pixels = np.clip(smooth + rng.normal(0, 30, smooth.shape), 0, 255).astype(np.uint8)
        rgb = Image.fromarray(pixels)
        if n % 2 == 0:
            rgb.save(f"{folder}/{n}.png")
        else:
            rgb.save(f"{folder}/{n}.jpg", quality=90)
    rgb.convert("L").save(f"{folder}/6_gray.png")
    rgb.convert("L").save(f"{folder}/6_gray.jpg")
    rgb.convert("P").save(f"{folder}/7_palette.png")
    rgb.convert("RGBA").save(f"{folder}/8_alpha.png")
    rgb.convert("1").save(f"{folder}/9_bits.png")
    rgb.convert("CMYK").save(f"{folder}/a_cmyk.jpg", quality=95)


def dump(tool, folder, name, preprocess):
    yaml = f"{folder}/{name}.yaml"
    with open(yaml, "w") as f:
        f.write("kind: images\nroot: images\npreprocess:\n" + preprocess)
    out = f"{folder}/{name}"
    os.mkdir(out)
    lines = subprocess.run([tool, yaml, "all", "1000", out], check=True, capture_output=True, text=True).stdout
    for line in lines.splitlines():
        index, image, _ = line.split()
        yield Image.open(f"{folder}/images/{image}").convert("RGB"), image, np.load(f"{out}/{index}.npy")


def main():
    tool = sys.argv[1]
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/images")
        make_images(f"{folder}/images")

        def check(name, preprocess, expect, limit):
            """limit: largest share of unequal numbers; 0: equal to the bit."""
            nonlocal worst
            unequal = total = 0
            for image, file, ours in dump(tool, folder, name, preprocess):
                theirs = expect(image)
                assert ours.shape == theirs.shape, (name, file, ours.shape, theirs.shape)
                difference = np.abs(ours.astype(np.float64) - theirs)
                worst = max(worst, difference.max())
                assert difference.max() <= (1 if limit else 0), (name, file, difference.max())
                unequal += np.count_nonzero(difference)
                total += difference.size
            print(f"{name}: {unequal} of {total} differ")
            assert unequal <= limit * total, name

        u8 = "  layout: nhwc\n  dtype: uint8\n"
        check("decode", u8, np.asarray, 0.001)
        for h, w in [(224, 224), (64, 96), (7, 5), (500, 300), (1, 1)]:
            check(f"exact_{h}_{w}", f"  resize: {{exact: [{h}, {w}]}}\n" + u8,
                  lambda image: np.asarray(resize(image, w, h)), 0.001)

        def shorter(image, side):
            w, h = image.size
            return resize(image, side * w // min(w, h), side * h // min(w, h))

        check("shorter", "  resize: {shorter_side: 60}\n" + u8, lambda i: np.asarray(shorter(i, 60)), 0.001)

        mean = np.float32([123.675, 116.28, 103.53])
        std = np.float32([58.395, 57.12, 57.375])

        def classify(image):
            image = np.asarray(resize(image, 80, 71))[4:68, 8:72]
            values = (image.astype(np.float32) - mean) / std
            return values.transpose(2, 0, 1)

        check("values", "  resize: {exact: [71, 80]}\n  crop: {center: [64, 64]}\n"
              "  mean: [123.675, 116.28, 103.53]\n  std: [58.395, 57.12, 57.375]\n", classify, 0.001)
        check("scale", "  resize: {exact: [8, 8]}\n  scale: 1/255\n  channel_order: bgr\n",
              lambda i: (np.asarray(resize(i, 8, 8)).astype(np.float32) / np.float32(255)
                         )[:, :, ::-1].transpose(2, 0, 1), 0.001)
        check("gray", "  color: gray\n  resize: {exact: [50, 90]}\n  dtype: uint8\n",
              lambda i: np.asarray(resize(i.convert("L"), 90, 50))[None], 0.001)
    print(f"largest difference {worst}")


if __name__ == "__main__":
    main()
