#!/usr/bin/python3
"""Trains the glyph network and writes glyphs.onnx: about 20 minutes on one CPU core.

Needs Debian's python3-torch (1.13) and what make_data.py needs. Training images are rendered anew; only the
fonts of TRAIN_FONTS are seen, and neither calibration nor test images.
"""
import pathlib
import sys
import time
from collections import OrderedDict

import numpy as np
import torch
from torch import nn

import make_data

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES, BATCH, EPOCHS, PEAK_RATE = 30000, 128, 10, 0.2
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
        block2=InvertedResidual(16, 24, 2, 4),  # 8x8
        block3=InvertedResidual(24, 24, 1, 4),
        block4=InvertedResidual(24, 40, 1, 4),
        block5=InvertedResidual(40, 40, 1, 4),
        block6=InvertedResidual(40, 48, 2, 4),  # 4x4
        block7=InvertedResidual(48, 48, 1, 4),
        head=conv_bn(48, 160, 1),
        pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(),
        classify=nn.Linear(160, len(make_data.CLASSES))))


def prepare(images):
    return (torch.from_numpy(images).float().unsqueeze(1) - MEAN) / STD


def train(net, images, labels):
    optimizer = torch.optim.SGD(net.parameters(), lr=PEAK_RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=PEAK_RATE, total_steps=steps * EPOCHS)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(EPOCHS):
        start, total = time.time(), 0.0
        order = torch.randperm(len(images))
        for i in range(steps):
            pick = order[i * BATCH:(i + 1) * BATCH]
            loss = loss_of(net(prepare(images[pick.numpy()])), labels[pick])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {total / steps:.4f}, {time.time() - start:.0f} s", flush=True)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    start = time.time()
    images, labels = make_data.Renderer(make_data.TRAIN_FONTS, seed=3).batch(SAMPLES)
    print(f"rendered {SAMPLES} images in {time.time() - start:.0f} s", flush=True)
    net = network()
    print(f"{sum(p.numel() for p in net.parameters())} parameters", flush=True)
    train(net, images, torch.from_numpy(labels.astype(np.int64)))
    net.eval()
    held_out, truth = make_data.Renderer(make_data.TRAIN_FONTS, seed=4).batch(2000)
    with torch.no_grad():
        right = (net(prepare(held_out)).argmax(1).numpy() == truth).mean()
    print(f"top-1 on 2000 new images of the training fonts: {right:.4f}")
    # PRESERVE keeps each BatchNormalization as a node: folding it is the quantizer's work, and part of the example.
    torch.onnx.export(net, torch.zeros(1, 1, make_data.SIDE, make_data.SIDE), str(HERE / "glyphs.onnx"),
                      input_names=["image"], output_names=["scores"], opset_version=13,
                      dynamic_axes={"image": {0: "N"}, "scores": {0: "N"}},
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
