#!/usr/bin/python3
"""Trains the small vision transformer and writes glyphs-vit.onnx, on the images that train.py trains with: 9 minutes
of one CPU core.

Needs what train.py needs.
"""
import sys

import torch
from torch import nn

import make_data
import train

DIM, DEPTH, HEADS = 64, 4, 4
TOKENS = (make_data.SIDE // 8) ** 2
EPOCHS, BATCH, PEAK_RATE = 7, 64, 1.5e-3


class Attention(nn.Module):
    """Sizes are constants and not read from tensors: the exported graph then has no Shape nodes."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(DIM, DIM) for _ in range(3))
        self.join = nn.Linear(DIM, DIM)

    def forward(self, x):
        query, key, value = (of(x).reshape(-1, TOKENS, HEADS, DIM // HEADS).transpose(1, 2)
                             for of in (self.query, self.key, self.value))
        weights = torch.softmax(query @ key.transpose(2, 3) * (DIM // HEADS) ** -0.5, dim=3)
        return self.join((weights @ value).transpose(1, 2).reshape(-1, TOKENS, DIM))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(DIM), Attention()
        self.norm2, self.mlp = nn.LayerNorm(DIM), nn.Sequential(nn.Linear(DIM, 4 * DIM), nn.GELU(), nn.Linear(4 * DIM, DIM))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Dosovitskiy et al. 2021 at toy size, with the mean of the tokens in place of a class token, and three convolutions
    that make the patches: so it learns from fewer images (Xiao et al. 2021)."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Sequential(train.conv_bn(1, 16, 3, 2), train.conv_bn(16, 32, 3, 2), nn.Conv2d(32, DIM, 2, 2))
        self.position = nn.Parameter(0.02 * torch.randn(1, TOKENS, DIM))
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm, self.classify = nn.LayerNorm(DIM), nn.Linear(DIM, len(make_data.CLASSES))

    def forward(self, x):
        x = self.patches(x).reshape(-1, DIM, TOKENS).transpose(1, 2)
        return self.classify(self.norm(self.blocks(x + self.position)).mean(1))


def main():
    images, labels = train.begin()
    net = VisionTransformer()
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=0.05)
    train.train(net, optimizer, images, labels, EPOCHS, BATCH, PEAK_RATE)
    train.finish(net, "glyphs-vit.onnx", opset_version=17)  # the first opset with LayerNormalization
    return 0


if __name__ == "__main__":
    sys.exit(main())
