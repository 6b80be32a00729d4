#!/usr/bin/python3
"""Trains the glyph network and writes glyphs.onnx: 8 minutes of one CPU core.

Needs Debian's python3-torch (1.13) and what make_data.py needs. Training images are rendered anew; only the
fonts of TRAIN_FONTS are seen, and neither calibration nor test images.
"""
import ctypes
import pathlib
import sys
import time
from collections import OrderedDict

import numpy as np
import torch
from torch import nn

import make_data

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES, EPOCHS, BATCH, PEAK_RATE = 40000, 6, 64, 0.3
MEAN, STD = 127.5, 64.0  # as in glyphs.yaml


def conv_bn(channels_in, channels_out, kernel, stride=1, groups=1, activation=True):
    layers = [nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False),
              nn.BatchNorm2d(channels_out)]
    return nn.Sequential(*layers, *([nn.ReLU6()] if activation else []))


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel by 3x3, narrow by 1x1 without activation (Sandler et al. 2018)."""

    def __init__(self, channels_in, channels_out, stride, factor):
        super().__init__()
        wide = channels_in * factor
        self.widen = conv_bn(channels_in, wide, 1) if factor > 1 else nn.Identity()
        self.depthwise = conv_bn(wide, wide, 3, stride, groups=wide)
        self.narrow = conv_bn(wide, channels_out, 1, activation=False)
        self.residual = stride == 1 and channels_in == channels_out

    def forward(self, x):
        y = self.narrow(self.depthwise(self.widen(x)))
        return x + y if self.residual else y


def network():
    return nn.Sequential(OrderedDict(  # the names reach the ONNX file
        stem=conv_bn(1, 16, 3, stride=2),  # 16x16
        block1=InvertedResidual(16, 16, 1, 1),
        block2=InvertedResidual(16, 24, 2, 6),  # 8x8
        block3=InvertedResidual(24, 24, 1, 6),
        block4=InvertedResidual(24, 40, 1, 6),
        block5=InvertedResidual(40, 40, 1, 6),
        block6=InvertedResidual(40, 56, 2, 6),  # 4x4
        block7=InvertedResidual(56, 56, 1, 6),
        head=conv_bn(56, 192, 1),
        pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(),
        classify=nn.Linear(192, len(make_data.CLASSES))))


def optimizer_of(net):
    """No weight decay on depthwise filters (Howard et al. 2017 found it important) and on BatchNormalization."""
    dense = [m.weight for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and getattr(m, "groups", 1) == 1]
    rest = [p for p in net.parameters() if all(p is not q for q in dense)]
    return torch.optim.SGD([{"params": dense, "weight_decay": 5e-4}, {"params": rest}],
                           lr=PEAK_RATE, momentum=0.9, nesterov=True)


def prepare(images):
    return (torch.from_numpy(images).float().unsqueeze(1) - MEAN) / STD


def begin():
    """Seeds, and renders the training images with their labels."""
    # Memory that glibc would hand back to the system after every step costs a third of the time.
    libc = ctypes.CDLL(None)
    libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
    libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
    torch.manual_seed(0)
    torch.set_num_threads(1)
    start = time.time()
    images, labels = make_data.Renderer(make_data.TRAIN_FONTS, seed=3).batch(SAMPLES)
    print(f"rendered {SAMPLES} images in {time.time() - start:.0f} s", flush=True)
    return images, torch.from_numpy(labels.astype(np.int64))


def train(net, optimizer, images, labels, epochs, batch, peak_rate):
    print(f"{sum(p.numel() for p in net.parameters())} parameters", flush=True)
    steps = len(images) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=peak_rate, total_steps=steps * epochs,
                                                   pct_start=0.15, cycle_momentum=False)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        start, total = time.process_time(), 0.0
        order = torch.randperm(len(images))
        for i in range(steps):
            pick = order[i * batch:(i + 1) * batch]
            loss = loss_of(net(prepare(images[pick.numpy()])), labels[pick])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {total / steps:.4f}, {time.process_time() - start:.0f} s", flush=True)


def finish(net, name, **export):
    """Tells the accuracy on new images, which had no say in anything above, and writes the network."""
    net.eval()
    for what, fonts, seed, count in (("new images of the training fonts", make_data.TRAIN_FONTS, 4, 2000),
                                     ("the test images", make_data.TEST_FONTS, 2, 5000)):
        images, labels = make_data.Renderer(fonts, seed).batch(count)
        with torch.no_grad():
            right = np.concatenate([net(prepare(images[i:i + 100])).argmax(1).numpy() == labels[i:i + 100]
                                    for i in range(0, count, 100)]).mean()
        print(f"top-1 on {count} of {what}: {right:.4f}", flush=True)
    torch.onnx.export(net, torch.zeros(1, 1, make_data.SIDE, make_data.SIDE), str(HERE / name),
                      input_names=["image"], output_names=["scores"],
                      dynamic_axes={"image": {0: "N"}, "scores": {0: "N"}}, **export)


def main():
    images, labels = begin()
    net = network().to(memory_format=torch.channels_last)  # half the time of the usual order
    train(net, optimizer_of(net), images, labels, EPOCHS, BATCH, PEAK_RATE)
    # PRESERVE keeps each BatchNormalization as a node: folding it is the quantizer's work, and part of the example.
    finish(net.to(memory_format=torch.contiguous_format), "glyphs.onnx", opset_version=13,
           training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
