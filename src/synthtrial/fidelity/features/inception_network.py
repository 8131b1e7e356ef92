"""The Inception network that the FID is defined by, with the keys of its weights as published for PyTorch.

Szegedy et al. 2016 (arXiv 1512.00567) describe the network. The FID's is TensorFlow's graph of 5 December 2015. It
differs from torchvision's in its weights, in 1008 classes, in average pools that do not count the padding, and in a
maximum pool instead of an average in the last block.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 1008
FEATURES = 2048


@dataclass(frozen=True)
class Conv:
    """One convolution of a block: its key, its output channels, kernel `(height, width)` and stride.

    With a stride of 1 it keeps the image's size; with a stride of 2 it pads nothing.
    """

    key: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1


Step = Conv | tuple[Conv, ...] | nn.Module
"""A convolution, some that run side by side on the same input and are joined, or a pooling."""


class NormalisedConvolution(nn.Module):
    """Convolution, batch normalisation, rectifier."""

    def __init__(self, before: int, channels: int, kernel: tuple[int, int], stride: int = 1, padding: bool = True):
        super().__init__()
        around = (kernel[0] // 2, kernel[1] // 2) if padding else (0, 0)
        self.conv = nn.Conv2d(before, channels, kernel, stride, around, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001)

    def forward(self, images: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(images)))


class Branches(nn.Module):
    """A block of branches that see the same input; their outputs are joined along the channels."""

    def __init__(self, before: int, branches: list[list[Step]]) -> None:
        super().__init__()
        self.plan: list[list[tuple[str, ...]]] = []
        self.channels = 0
        for number, branch in enumerate(branches):
            channels = before
            names: list[tuple[str, ...]] = []
            for step in branch:
                if isinstance(step, nn.Module):
                    self.add_module(f"pool_{number}", step)
                    names.append((f"pool_{number}",))
                    continue
                together = (step,) if isinstance(step, Conv) else step
                for conv in together:
                    layer = NormalisedConvolution(channels, conv.channels, conv.kernel, conv.stride, conv.stride == 1)
                    self.add_module(conv.key, layer)
                names.append(tuple(conv.key for conv in together))
                channels = sum(conv.channels for conv in together)
            self.plan.append(names)
            self.channels += channels

    def forward(self, images: Tensor) -> Tensor:
        outputs = []
        for names in self.plan:
            branch = images
            for together in names:
                branch = torch.cat([self.get_submodule(name)(branch) for name in together], dim=1)
            outputs.append(branch)
        return torch.cat(outputs, dim=1)


def average_pool() -> nn.Module:
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


def blocks_at_35(pooled: int) -> list[list[Step]]:
    """Blocks for maps of 35 x 35; `pooled` channels come from the pooling branch."""
    return [
        [Conv("branch1x1", 64)],
        [Conv("branch5x5_1", 48), Conv("branch5x5_2", 64, (5, 5))],
        [Conv("branch3x3dbl_1", 64), Conv("branch3x3dbl_2", 96, (3, 3)), Conv("branch3x3dbl_3", 96, (3, 3))],
        [average_pool(), Conv("branch_pool", pooled)],
    ]


def from_35_to_17() -> list[list[Step]]:
    """From 35 x 35 to 17 x 17, figure 10 of the paper."""
    return [
        [Conv("branch3x3", 384, (3, 3), 2)],
        [Conv("branch3x3dbl_1", 64), Conv("branch3x3dbl_2", 96, (3, 3)), Conv("branch3x3dbl_3", 96, (3, 3), 2)],
        [nn.MaxPool2d(3, stride=2)],
    ]


def blocks_at_17(inner: int) -> list[list[Step]]:
    """Blocks for maps of 17 x 17, figure 6, with 7 x 7 convolutions taken apart; `inner` channels within."""
    return [
        [Conv("branch1x1", 192)],
        [Conv("branch7x7_1", inner), Conv("branch7x7_2", inner, (1, 7)), Conv("branch7x7_3", 192, (7, 1))],
        [
            Conv("branch7x7dbl_1", inner),
            Conv("branch7x7dbl_2", inner, (7, 1)),
            Conv("branch7x7dbl_3", inner, (1, 7)),
            Conv("branch7x7dbl_4", inner, (7, 1)),
            Conv("branch7x7dbl_5", 192, (1, 7)),
        ],
        [average_pool(), Conv("branch_pool", 192)],
    ]


def from_17_to_8() -> list[list[Step]]:
    """From 17 x 17 to 8 x 8."""
    return [
        [Conv("branch3x3_1", 192), Conv("branch3x3_2", 320, (3, 3), 2)],
        [
            Conv("branch7x7x3_1", 192),
            Conv("branch7x7x3_2", 192, (1, 7)),
            Conv("branch7x7x3_3", 192, (7, 1)),
            Conv("branch7x7x3_4", 192, (3, 3), 2),
        ],
        [nn.MaxPool2d(3, stride=2)],
    ]


def blocks_at_8(pool: nn.Module) -> list[list[Step]]:
    """Blocks for maps of 8 x 8, figure 7."""
    return [
        [Conv("branch1x1", 320)],
        [
            Conv("branch3x3_1", 384),
            (Conv("branch3x3_2a", 384, (1, 3)), Conv("branch3x3_2b", 384, (3, 1))),
        ],
        [
            Conv("branch3x3dbl_1", 448),
            Conv("branch3x3dbl_2", 384, (3, 3)),
            (Conv("branch3x3dbl_3a", 384, (1, 3)), Conv("branch3x3dbl_3b", 384, (3, 1))),
        ],
        [pool, Conv("branch_pool", 192)],
    ]


class InceptionNetwork(nn.Module):
    """From images `(B, 3, 299, 299)`, scaled as TensorFlow's graph does, to `(B, 2048)` features of `pool_3`.

    `fc` is the classifier on top of them, which the Inception Score needs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = NormalisedConvolution(3, 32, (3, 3), stride=2, padding=False)
        self.Conv2d_2a_3x3 = NormalisedConvolution(32, 32, (3, 3), padding=False)
        self.Conv2d_2b_3x3 = NormalisedConvolution(32, 64, (3, 3))
        self.Conv2d_3b_1x1 = NormalisedConvolution(64, 80, (1, 1), padding=False)
        self.Conv2d_4a_3x3 = NormalisedConvolution(80, 192, (3, 3), padding=False)
        self.Mixed_5b = Branches(192, blocks_at_35(pooled=32))
        self.Mixed_5c = Branches(256, blocks_at_35(pooled=64))
        self.Mixed_5d = Branches(288, blocks_at_35(pooled=64))
        self.Mixed_6a = Branches(288, from_35_to_17())
        self.Mixed_6b = Branches(768, blocks_at_17(inner=128))
        self.Mixed_6c = Branches(768, blocks_at_17(inner=160))
        self.Mixed_6d = Branches(768, blocks_at_17(inner=160))
        self.Mixed_6e = Branches(768, blocks_at_17(inner=192))
        self.Mixed_7a = Branches(768, from_17_to_8())
        self.Mixed_7b = Branches(1280, blocks_at_8(average_pool()))
        self.Mixed_7c = Branches(2048, blocks_at_8(nn.MaxPool2d(3, stride=1, padding=1)))
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(images)))
        maps = F.max_pool2d(maps, 3, stride=2)
        maps = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(maps))
        maps = F.max_pool2d(maps, 3, stride=2)
        maps = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(maps))))
        maps = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(maps))))
        maps = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(maps)))
        return maps.mean(dim=(2, 3))
